#!/bin/bash
# External data is found beside the model, named by the depfile, and counted.
set -e
py=$BUILD/peers/bin/python
[ -x "$py" ] && "$py" -c 'import onnx' 2>/dev/null || { echo 'no onnx for python'; exit 77; }
mkdir in
"$py" - "$GLYPHS/glyphs.onnx" <<'PY'
import sys, onnx
m = onnx.load(sys.argv[1])
onnx.save_model(m, 'in/net.onnx', save_as_external_data=True, all_tensors_to_one_file=True, location='the weights.bin', size_threshold=64)
PY
mo -q in/net.onnx -o out --depfile out/net.d
cat out/net.d
mo -q "$GLYPHS/glyphs.onnx" -o out
cmp out/net.bin out/glyphs.bin
cp 'in/the weights.bin' kept
mo -q in/net.onnx -o in -n 'the weights' || echo "exit $?"
cmp 'in/the weights.bin' kept
rm 'in/the weights.bin'
mo -q in/net.onnx -o new || echo "exit $?"
[ ! -e new ]
