#!/bin/bash
# Full bias correction: in the quantized network every layer gives the mean that it had.
set -e
m=$GLYPHS/glyphs.onnx
pre="mean=127.5,scale=127.5,layout=nhwc"
data=(--data "$GLYPHS/calib_images.npy" --preprocess "$pre" --samples 100)
mo-calibrate -vv "$m" "${data[@]}" --bias-correction full -n full 2>&1 |
	awk '/error of means/ { print $6 * 50 < $8 ? "means are kept" : $0 }'
mo-calibrate -q --config full.config.json -n again
cmp full.bin again.bin
top=$(mo-run full.xml --accuracy --data "$GLYPHS/test_images.npy" --labels "$GLYPHS/test_labels.npy" --preprocess "$pre" | sed 's/top-1 \([0-9]*\).*/\1/')
[ "$top" -ge 96 ]
mo-calibrate -q "$m" "${data[@]}" -n fast
mo-calibrate -q "$m" "${data[@]}" --bias-correction none -n none
mo-calibrate -q "$m" "${data[@]}" --no-bias-correction -n no
cmp none.bin no.bin
if cmp -s none.bin fast.bin; then exit 1; fi
if cmp -s full.bin fast.bin; then exit 1; fi
mo-calibrate -q "$m" "${data[@]}" --bias-correction slow -n bad || echo "exit $?"
