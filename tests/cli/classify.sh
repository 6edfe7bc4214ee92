#!/bin/bash
# The best classes of pictures, with names.
set -e
printf '%s\n' arrow bars checker crescent cross disc ring square star triangle >names
mo-run "$GLYPHS/glyphs.onnx" --classify "$GLYPHS/folders/star/star_00.png" --classes names --top 2 \
    --preprocess mean=127.5,scale=127.5
mo-run "$GLYPHS/glyphs.onnx" --classify "$GLYPHS/folders/ring/ring_00.png" --top 1 --preprocess mean=127.5,scale=127.5 \
    --json - | tr -d ' \t\n'
