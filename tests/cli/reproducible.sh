#!/bin/bash
# The same bytes from two folders, by two names of the same file, with any number of threads.
set -e
mkdir -p x/y z
cp "$GLYPHS/glyphs.onnx" x/y/net.onnx
cp "$GLYPHS/glyphs.onnx" z/net.onnx
for p in fp32 fp16; do
	(cd x/y && mo -q net.onnx --precision $p --model-name $p)
	mo -q --input "$PWD/z/net.onnx" --precision $p --output-dir z --model-name $p
	(cd x/y && sha256sum $p.xml $p.bin) >one
	(cd z && sha256sum $p.xml $p.bin) >two
	cmp one two
done
