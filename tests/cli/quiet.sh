#!/bin/bash
# -q silences stderr, but neither errors nor stdout; --, - and words with _ mean the usual.
set -e
cp "$GLYPHS/glyphs.onnx" ./-net.onnx
mo -q -- -net.onnx
[ -s ./-net.xml ]
mo -q - --model_name=in <"$GLYPHS/glyphs.onnx"
cmp ./-net.bin in.bin
mo-run -q "$GLYPHS/glyphs.onnx" --random 1 | head -n 1
mo-run -qt1 "$GLYPHS/glyphs.onnx" --random=1 | head -n 1
rc=0
mo -q nosuch.onnx || rc=$?
echo $rc
