#!/bin/bash
# The make rule is one that make reads, spaces and signs in names included.
set -e
command -v make >/dev/null || { echo 'no make'; exit 77; }
d='a b#c$d'
mkdir "$d"
cp "$GLYPHS/glyphs.onnx" "$d/my net.onnx"
mo -q "$d/my net.onnx" --output-dir out --depfile out/net.d
cat out/net.d
printf 'all: out/my\\ net.xml\ninclude out/net.d\nout/my\\ net.xml:\n\t@echo remade\n' >Makefile
make -s
sleep 0.01
touch "$d/my net.onnx"
make -s
