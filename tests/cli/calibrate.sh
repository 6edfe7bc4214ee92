#!/bin/bash
# A network in 8 bits from ONNX and from IR alike, run by mo-run; what is wrong is said in one line.
set -e
data="--data $GLYPHS/calib_images.npy --preprocess mean=127.5,scale=127.5,layout=nhwc"
test="--accuracy --data $GLYPHS/test_images.npy --labels $GLYPHS/test_labels.npy --preprocess mean=127.5,scale=127.5,layout=nhwc"
# shellcheck disable=SC2086
mo-calibrate -q "$GLYPHS/glyphs.onnx" $data --samples 100 -o new/dir -n int8
mo -q "$GLYPHS/glyphs.onnx" -n f32
# shellcheck disable=SC2086
mo-calibrate -q f32.xml $data --samples 100 -n again
cmp new/dir/int8.bin again.bin
# shellcheck disable=SC2086
top=$(mo-run new/dir/int8.xml $test | sed 's/top-1 \([0-9]*\).*/\1/')
[ "$top" -ge 90 ]
[ "$(stat -c %s again.bin)" -lt "$(($(stat -c %s f32.bin) * 3 / 10))" ]
# By default a network whose channels are uneven loses next to nothing; each of the ways to that helps.
# shellcheck disable=SC2086
mo-calibrate -q f32.xml $data --no-equalization --no-rounding --no-bias-correction -n plain
# shellcheck disable=SC2086
mo-calibrate -q f32.xml $data --no-equalization --no-rounding -n means
# shellcheck disable=SC2086
mo-calibrate -q f32.xml $data --no-equalization -n rounded
# shellcheck disable=SC2086
mo-calibrate -q f32.xml $data -n all
was=0
for n in plain means rounded all; do
	# shellcheck disable=SC2086
	top=$(mo-run $n.xml $test | sed 's/top-1 \([0-9.]*\).*/\1/;s/\.//')
	[ "$top" -gt "$was" ] || echo "$n: $top, before $was"
	was=$top
done
[ "$was" -ge 970 ] || echo "$was of 1000"
# weights alone, without samples
for w in int8 int4 int4:16; do
	mo-calibrate -q f32.xml --weights $w -n w
	# shellcheck disable=SC2086
	top=$(mo-run w.xml $test | sed 's/top-1 \([0-9]*\).*/\1/')
	[ "$top" -ge 96 ] && [ "$(stat -c %s w.bin)" -lt "$(($(stat -c %s f32.bin) * 4 / 10))" ] || echo "$w: $top"
done
mo-calibrate f32.xml --weights int4:7 -n w 2>&1 | grep -v wrote
mo-calibrate f32.xml --weights int5 2>&1 || echo "exit $?"
# shellcheck disable=SC2086
mo-calibrate f32.xml --weights int8 $data 2>&1 || echo "exit $?"
# shellcheck disable=SC2086
mo-calibrate f32.xml $data --samples 8 --preset performance --threads 1 -n p --json - -v 2>told | grep -o '"calibration_samples":	8'
grep -c '^mo-calibrate: seconds: read [0-9.]*, collect [0-9.]*, weights [0-9.]*, write [0-9.]*$' told
mo-calibrate f32.xml --weights int8 -n w -v 2>&1 | grep -c '^mo-calibrate: seconds: read [0-9.]*, weights [0-9.]*, write [0-9.]*$'
for wrong in f32.xml "f32.xml --preset best" again.xml; do
	# shellcheck disable=SC2086,SC2046
	mo-calibrate $wrong $([ "$wrong" = f32.xml ] || echo $data) -n wrong || echo "exit $?"
done
[ ! -e wrong.xml ]
