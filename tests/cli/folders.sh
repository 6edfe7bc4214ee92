#!/bin/bash
# Files that cannot be read are said and left out; hidden files and others are passed over.
set -e
mkdir -p d/a d/b
cp "$GLYPHS"/folders/arrow/arrow_0[0-3].png d/a
cp "$GLYPHS"/folders/bars/bars_0[0-3].png d/b
echo broken >d/b/broken.png
echo hidden >d/a/.hidden.png
echo text >d/a/notes.txt
mo-run "$GLYPHS/glyphs.onnx" --accuracy --data d --preprocess mean=127.5,scale=127.5
rm d/a/*.png d/b/bars*
if mo-run "$GLYPHS/glyphs.onnx" --accuracy --data d; then echo 'no picture was enough'; fi
