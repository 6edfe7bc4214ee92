#!/bin/bash
# Preprocessing put into the model: raw pictures give the same accuracy, in every layout, and --verify agrees.
set -e
data="--data $GLYPHS/test_images.npy --labels $GLYPHS/test_labels.npy"
mo "$GLYPHS/glyphs.onnx" -n a --mean-values 'input(127.5)' --scale-values '127.5,127.5,127.5' --verify
mo -q "$GLYPHS/glyphs.onnx" -n b --mean-values 127.5 --scale 127.5 --layout 'input(nchw->nhwc)' --precision fp16
mo -q "$GLYPHS/glyphs.onnx" -n c --mean-values 127.5,127.5,127.5 --scale-values 127.5 --reverse-input-channels --verify
mo-info b.xml | grep '^input'
# shellcheck disable=SC2086
{
	mo-run a.xml --accuracy $data --preprocess layout=nhwc
	mo-run b.xml --accuracy $data
	mo-run c.xml --accuracy $data --preprocess layout=nhwc,order=bgr
}
