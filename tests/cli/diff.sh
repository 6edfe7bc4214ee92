#!/bin/bash
# mo-info diff: what conversion, FP16 storage, quantization and pruning change; exit 3 when anything does.
mo -q "$GLYPHS/glyphs.onnx" --model-name a
mo -q "$GLYPHS/glyphs.onnx" --model-name half --precision fp16
mo-info diff a.xml a.xml || echo "exit $?"
echo '# storage'
mo-info diff a.xml half.xml || echo "exit $?"
mo-info diff a.xml half.xml --tolerance 1e-3 | tail -n 1
mo-info diff a.xml half.xml --tolerance 1e-5 >/dev/null || echo "exit $?"
echo '# fused'
mo-info diff "$GLYPHS/glyphs.onnx" a.xml | sed -n '3,10p'
mo-info diff "$GLYPHS/glyphs.onnx" a.xml --layers | grep -A 2 -e '- ReduceMean' -e '~ Convolution  *stem/conv'
echo '# quantized'
mo-calibrate -q "$GLYPHS/glyphs.onnx" --data "$GLYPHS/calib_images.npy" --samples 30 -n small
mo-info diff a.xml small.xml --json - | tr -d ' \t\n' | grep -o '"same":[a-z]*\|"added":\[{[^}]*}\|"layers_same":[0-9]*\|"stored_after":"i8"' | uniq -c | tr -s ' '
echo '# an attribute, an output, a weight, a connection'
sed 's/pads_begin="1, 1"/pads_begin="2, 2"/; s/pads_end="1, 1"/pads_end="0, 0"/' a.xml >b.xml && cp a.bin b.bin
mo-info diff a.xml b.xml | grep -A 3 '^~'
sed 's/probabilities/scores/g' a.xml >c.xml && cp a.bin c.bin
mo-info diff a.xml c.xml | grep '^output'
printf '\1' | dd of=b.bin bs=1 seek=3 conv=notrunc status=none && cp a.xml b.xml
mo-info diff a.xml b.xml | grep -A 9 differ | sed 's/  */ /g'
echo '# in a body'
mo -q "$ROOT/testdata/corpus/onnx/loop" --model-name loop
sed 's/type="Multiply"/type="Add"/' loop.xml >other.xml && cp loop.bin other.bin
mo-info diff loop.xml other.xml | grep -v macs
printf '\5' | dd of=other.bin bs=1 seek=64 conv=notrunc status=none && cp loop.xml other.xml
mo-info diff loop.xml other.xml | grep -A 2 error | tr -s ' '
mo-info diff loop.xml other.xml --json - | tr -d ' \t\n' | grep -o '"within":"[^"]*"'
echo '# misuse'
mo-info diff a.xml || echo "exit $?"
mo-info diff a.xml nosuch.xml || echo "exit $?"
mo-info a.xml b.xml || echo "exit $?"
mo-info a.xml --tolerance 1 || echo "exit $?"
mo-info diff a.xml b.xml --svg x.svg || echo "exit $?"
