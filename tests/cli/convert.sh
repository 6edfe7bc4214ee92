#!/bin/bash
# Both precisions convert; FP16 is about half the size.
set -e
mo --input "$GLYPHS/glyphs.onnx" --output-dir a/b --model-name g
mo -q "$GLYPHS/glyphs.onnx" -o a --precision fp16
[ -s a/b/g.xml ]
[ -s a/b/g.bin ]
[ -s a/glyphs.xml ]
[ "$(stat -c %s a/glyphs.bin)" -lt "$(($(stat -c %s a/b/g.bin) * 6 / 10))" ]
grep -q 'element_type="f16"' a/glyphs.xml
if grep -q 'element_type="f16"' a/b/g.xml; then exit 1; fi
[ "$(find . -type f | wc -l)" -eq 4 ]
