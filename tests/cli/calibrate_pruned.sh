#!/bin/bash
# Filters go with samples: as many as the drop allows, refitted; the same again from the same samples.
set -e
pre=mean=127.5,scale=127.5,layout=nhwc
data=(--data "$GLYPHS/calib_images.npy" --labels "$GLYPHS/calib_labels.npy" --preprocess "$pre" --samples 100)
test=(--test-data "$GLYPHS/test_images.npy" --test-labels "$GLYPHS/test_labels.npy")
m=$GLYPHS/glyphs.onnx
mo -q "$m" -n f32
mo-calibrate -q "$m" "${data[@]}" --to pruned --exact-ratio --prune-share 0.2 "${test[@]}" -n half --json j.json >/dev/null
mo-calibrate -q "$m" "${data[@]}" --to pruned --exact-ratio --prune-share 0.2 "${test[@]}" -n again >/dev/null
cmp half.bin again.bin
[ "$(stat -c %s half.bin)" -lt "$(($(stat -c %s f32.bin) * 9 / 10))" ]
tr -d ' \t\n' <j.json | grep -o '"pruned":{"parameters":{"before":39818'
top=$(mo-run half.xml --accuracy --data "$GLYPHS/test_images.npy" --labels "$GLYPHS/test_labels.npy" --preprocess $pre | sed 's/top-1 \([0-9]*\).*/\1/')
[ "$top" -ge 90 ]
mo-calibrate -q "$m" "${data[@]}" --to pruned --exact-ratio --prune-share 0.2 --no-refit "${test[@]}" -n raw >/dev/null
if cmp -s raw.bin half.bin; then exit 1; fi
mo-calibrate -q "$m" "${data[@]}" --to pruned --exact-ratio --max-drop 3% "${test[@]}" -n held --json h.json >/dev/null
grep -o "\"verdict\":.true" h.json
mo-calibrate -q --config held.config.json -n held2 >/dev/null
cmp held.bin held2.bin
grep -q '"prune-share"' held.config.json
# without samples of its own the verdict is by those that nothing was fitted to
mo-calibrate -q "$m" --data "$GLYPHS/test_images.npy" --labels "$GLYPHS/test_labels.npy" --preprocess $pre --samples 100 --to pruned --exact-ratio --prune-share 0.1 -n rest --json r.json >/dev/null
grep -o '"judged_on_calibration_samples":.[a-z]*\|"judging_samples":.[0-9]*' r.json
# pruned, then 8 bits: one table, one verdict, repeated by its config without a search
mo-calibrate -q "$m" "${data[@]}" --to pruned,int8 --exact-ratio --max-drop 4% "${test[@]}" -n both --table --json b.json >/dev/null
grep -o '"verdict":.true' b.json
tr -d ' \t\n' <b.json | grep -o '"what":"[a-zA-Z0-9]*"' | sort -u
mo-calibrate -q --config both.config.json -n both2 >/dev/null
cmp both.bin both2.bin
cmp both.xml both2.xml
[ "$(stat -c %s both.bin)" -lt "$(($(stat -c %s held.bin) * 4 / 10))" ]
for bad in "--to pruned --prune-share 1" "--to pruned --prune-criterion l3" "--to int8 --exact-ratio" "--to pruned,fp16" "--to pruned --prune filters:0.3"; do
	rc=0
	# shellcheck disable=SC2086
	mo-calibrate "$m" "${data[@]}" $bad -n bad || rc=$?
	[ $rc -eq 2 ]
done
