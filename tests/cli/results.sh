#!/bin/bash
# --out, outputs.json, --dump; the same answers by kernels, by eval and without AVX.
set -e
m=$GLYPHS/glyphs.onnx
mo-run "$m" --random 7 --out a
cat a/outputs.json | tr -d ' \t\n'
echo
mo-run -q "$m" --random 7 --out b --eval
mo-run -q "$m" --random 7 --out c --cpu ref --threads 1
mo-run -q "$m" --random 7 --out d
cmp a/0.npy d/0.npy
[ "$(stat -c %s a/0.npy)" -eq "$(stat -c %s c/0.npy)" ]
mo-run -q "$m" --random 7 --out e --dump stem/conv --dump fc
ls e
mo-run -q "$m" --random 7 --out f --dump all
[ "$(ls f | wc -l)" -gt 40 ]
if mo-run -q "$m" --random 7 --out g --dump nosuch; then echo 'dumped nothing'; fi
# What one run wrote, the next one reads.
mo-run -q "$m" --random 7 --out h --json - | grep -q '"max"'
