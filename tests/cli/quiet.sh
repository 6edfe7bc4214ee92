#!/bin/bash
# -q silences stderr, but neither errors nor stdout; --, - and words with _ mean the usual.
set -e
cp "$GLYPHS/glyphs.onnx" ./-net.onnx
mo -q -- -net.onnx
[ -s ./-net.xml ]
mo -q - --model_name=in <"$GLYPHS/glyphs.onnx"
cmp ./-net.bin in.bin
# shellcheck disable=SC2002
cat "$GLYPHS/glyphs.onnx" | mo -q - -n pipe
cmp pipe.bin in.bin
mo-run -q in.xml --random 1 --out r --dump input
# shellcheck disable=SC2002
cat r/input.npy | mo-run -q in.xml --data - --out s
mo-run -q in.xml --data r/input.npy --out t
cmp t/0.npy s/0.npy
mo-run -q "$GLYPHS/glyphs.onnx" --random 1 | head -n 1
mo-run -qt1 "$GLYPHS/glyphs.onnx" --random=1 | head -n 1
rc=0
mo -q nosuch.onnx || rc=$?
echo $rc
