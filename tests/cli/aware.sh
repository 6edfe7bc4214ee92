#!/bin/bash
# Accuracy-aware INT8: the drop holds, its config repeats it byte for byte, an interrupted search takes
# up where it ended, bad options are one line each.
set -e
pre="mean=127.5,scale=127.5,layout=nhwc"
# without what makes up for uneven channels: else all layers hold at once, and there is nothing to search for
plain="--no-equalization --no-rounding --no-bias-correction"
data="--data $GLYPHS/calib_images.npy --labels $GLYPHS/calib_labels.npy --preprocess $pre $plain"
test="--test-data $GLYPHS/test_images.npy --test-labels $GLYPHS/test_labels.npy"
net="$GLYPHS/glyphs.onnx"
field() { sed -n "s/^\t\"$1\":\t\(.*\),$/\1/p" "$2"; }
# shellcheck disable=SC2086
mo-calibrate -q "$net" $data $test --max-drop 1% -o a -n int8 --json a.json --report report.json >text
[ "$(field verdict a.json)" = true ]
field drop a.json | awk '$1 > 0.01 { exit 1 }'
kept=$(grep -o -- "--ignore" text | wc -l)
[ "$kept" -ge 1 ]
[ "$kept" -le 4 ]
grep -q '"layers_found"' report.json
# which samples ranked, which judged: the first are of the calibration, unless that has no labels
[ "$(field ranking_samples a.json) $(field ranking_samples_judged a.json) $(field judging_samples report.json)" = "128 0 1000" ]
grep -q '^ranked on 128 samples of the calibration, judged on 1000 others; ' text
# shellcheck disable=SC2086
mo-calibrate -q "$net" --data "$GLYPHS/calib_images.npy" --preprocess $pre $plain $test --max-drop 1% -n bare --json bare.json >bare.txt
[ "$(field verdict bare.json) $(field ranking_samples_judged bare.json)" = "true 128" ]
grep -q '^ranked on 128 of the 1000 samples judged by; ' bare.txt
# where time went: all stages that ran took some, and together what the run took
stages() { sed -n '/"stage_seconds"/,/}/s/^\t\t"\(.*\)":\t\([^,]*\),*$/\1 \2/p' "$1"; }
stages a.json | awk -v all="$(field seconds a.json)" '
	/^(prune|table) / { if ($2 != 0) exit 1; next } $2 <= 0 { exit 1 } { sum += $2; n++ }
	END { if (n != 5 || sum > all + 0.01 || sum < 0.9 * all) { print "stages", n, sum, all; exit 1 } }'
# the verdict is what mo-run sees
top=$(mo-run a/int8.xml --accuracy --data "$GLYPHS/test_images.npy" --labels "$GLYPHS/test_labels.npy" --preprocess $pre --json - | sed -n 's/^\t"top1":\t\(.*\),$/\1/p')
[ "$top" = "$(field metric_result a.json)" ]
# the config repeats it, without a search; options of the command line go before it
mo-calibrate -q --config a/int8.config.json -o b --json b.json >/dev/null
cmp a/int8.xml b/int8.xml
[ "$(field ranking_samples b.json)" = 0 ]
cmp a/int8.bin b/int8.bin
[ "$(field metric_result b.json)" = "$(field metric_result a.json)" ]
mo-calibrate -q --config b/int8.config.json -o b >/dev/null
[ ! -e a/int8.search ]
# interrupted: what was measured is not measured again, and the end is the same whoever goes on
for seconds in 0.4 0.6 0.8 1 1.5 2 3; do
	# shellcheck disable=SC2086
	if timeout -s KILL $seconds mo-calibrate -q "$net" $data $test --max-drop 1% -o c -n int8 >/dev/null 2>&1; then break; fi
	if [ -s c/int8.search ] && [ "$(wc -l <c/int8.search)" -gt 16 ]; then cp c/int8.search c.state && break; fi
done
cp -r c d
for dir in c d; do
	# shellcheck disable=SC2086
	mo-calibrate "$net" $data $test --max-drop 1% -o $dir -n int8 2>$dir.err >/dev/null
done
cmp c/int8.bin d/int8.bin
if [ -e c.state ]; then grep -q 'of an interrupted run' c.err; fi
# no time: the drop does not hold, which the exit code says; the network is written
code=0
# shellcheck disable=SC2086
mo-calibrate -q "$net" $data $test --max-drop 0.01 --time-budget 0.001 -n late --json late.json >/dev/null || code=$?
[ "$code" = 3 ]
[ -e late.xml ]
[ "$(field verdict late.json)" = false ]
[ "$(field time_up late.json)" = true ]
# few samples left: all are judged by, which is said
# shellcheck disable=SC2086
mo-calibrate "$net" $data --max-drop 50% --samples 250 -n few --json few.json 2>&1 >/dev/null | grep warning
[ "$(field judged_on_calibration_samples few.json)" = true ]
# without labels
# shellcheck disable=SC2086
mo-calibrate -q "$net" --data "$GLYPHS/calib_images.npy" --preprocess $pre --samples 100 --metric sqnr --max-drop 50% -n sqnr --json sqnr.json >/dev/null
[ "$(field metric_original sqnr.json)" = '"inf"' ]
# FP16 with a verdict
# shellcheck disable=SC2086
mo-calibrate -q "$net" --data "$GLYPHS/test_images.npy" --labels "$GLYPHS/test_labels.npy" --preprocess $pre --to fp16 --max-drop 0.5% -n half --json half16.json >text16
stages half16.json | awk '$1 == "search" && $2 > 0 { found = 1 } $1 ~ /collect|weights/ && $2 != 0 { found = 0 } END { exit !found }'
[ "$(field verdict half16.json)" = true ]
[ "$(field samples half16.json)" = 1000 ]
grep -q 'in f32: ' text16
mo -q "$net" --precision fp16 -n plain16
cmp half.bin plain16.bin
mo-calibrate -q "$net" --data "$GLYPHS/test_images.npy" --labels "$GLYPHS/test_labels.npy" --preprocess $pre --to fp16 --activations --max-drop 0.5% -n dev --json dev.json >/dev/null
[ "$(field verdict dev.json)" = true ]
mo-run -q dev.xml --random 1 --out dev
# pruned, then quantized; one table of all
code=0
# shellcheck disable=SC2086
mo-calibrate -q "$net" $data $test --prune magnitude:0.01 --max-drop 5% --table -n both --json both.json >both.txt || code=$?
[ "$code$(field verdict both.json)" = 0true ]
[ "$(field metric_original both.json)" = "$(field metric_original a.json)" ]
for row in original FP16 INT8 'INT8 within the drop' pruned 'pruned INT8' 'pruned INT8 within'; do grep -q "^$row  *[0-9.]* " both.txt; done
mo-calibrate -q --config both.config.json -n twice >/dev/null
cmp both.bin twice.bin
# what pruning alone breaks is not searched for
code=0
# shellcheck disable=SC2086
mo-calibrate "$net" $data $test --prune 2:4 --max-drop 5% -n broken 2>broken.err >/dev/null || code=$?
[ "$code" = 3 ]
if grep -q ranked broken.err; then exit 1; fi
echo '{"max-dorp":"1%"}' >key.json
echo '{"samples":"many"}' >type.json
echo '{"samples":0}' >range.json
echo '{"samples":' >half.json
for wrong in "--max-drop 1" "--max-drop 2%x" "--max-drop 100%" "--drop-type some" "--metric best" \
	"--rank luck" "--config key.json" "--config type.json" "--config range.json" \
	"--config half.json" "--config none.json" "--test-labels x.npy" "--to int4" "--activations" "--prune half"; do
	# shellcheck disable=SC2086
	mo-calibrate "$net" $data $wrong -n wrong 2>&1 || echo "exit $?"
done
mo-calibrate -q "$net" --data "$GLYPHS/calib_images.npy" --preprocess $pre --max-drop 1% -n wrong 2>&1 || echo "exit $?"
[ ! -e wrong.xml ]
[ ! -e wrong.search ]
