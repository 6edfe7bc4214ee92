#!/bin/bash
# mo reads what it wrote, in both versions of the format, and then changes nothing.
set -e
mo -q "$GLYPHS/glyphs.onnx" -o a -n g
mo -q a/g.xml -o b
cmp a/g.bin b/g.bin
mo -q a/g.xml -o c --ir-version 10
grep -q '<net .*version="10"' c/g.xml
mo-run -q c/g.xml --compare "$GLYPHS/glyphs.onnx" --random 3 | tail -n 1
mo -q a/g.xml -o d --precision fp16
mo-run -q d/g.xml --compare a/g.xml --random 3 | tail -n 1
mo-info d/g.xml | grep -E '^(format|stored|computed)'
# In place: the old files stay until the new ones are whole.
mo -q a/g.xml -o a
cmp a/g.bin b/g.bin
