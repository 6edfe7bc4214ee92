#!/bin/bash
# Agreement within tolerance: exit 0; a smaller tolerance: exit 3 and the layer where it begins.
mo -q "$GLYPHS/glyphs.onnx" -n f32
mo -q "$GLYPHS/glyphs.onnx" -n f16 --precision fp16
mo-run f32.xml --compare "$GLYPHS/glyphs.onnx" --random 1 >out || echo "fp32 exit $?"
tail -n 1 out
mo-run f16.xml --compare "$GLYPHS/glyphs.onnx" --random 1 >out || echo "fp16 exit $?"
tail -n 1 out
mo-run f16.xml --compare "$GLYPHS/glyphs.onnx" --random 1 --tolerance 1e-9 >out
echo "exit $?"
grep -A 1 'first that differs' out
tail -n 1 out
mo-run f16.xml --compare f32.xml --random 1 --json c.json >/dev/null
grep -c '"sqnr"' c.json | awk '$1 > 20 { print "json ok" }'
