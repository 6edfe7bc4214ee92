#!/bin/bash
# --report and --json say what happened; --verify judges, and its no writes nothing.
set -e
mo -q "$GLYPHS/glyphs.onnx" -o ok --report r.json --json - --verify >j.json
cmp r.json j.json
tr -d ' \t\n' <r.json | grep -o '"before":{"layers":47,"parameters":43908,"bytes":176126}'
tr -d ' \t\n' <r.json | grep -o '"name":"fuse-bn","rewrites":11'
tr -d ' \t\n' <r.json | grep -o '"agrees":true'
rc=0
mo "$GLYPHS/glyphs.onnx" -o no --precision fp16 --verify --tolerance 1e-12 || rc=$?
echo "exit $rc"
[ ! -e no/glyphs.xml ] && [ ! -e no/glyphs.bin ]
