#!/bin/bash
# Which samples are calibrated with: of folders of classes some of each, with --seed a draw. What is said of samples
# names them by where they lie, whatever the order.
set -e
p='--preprocess mean=127.5,scale=127.5'
cal() { # cal OPTION...
	# shellcheck disable=SC2086
	mo-calibrate -q "$GLYPHS/glyphs.onnx" $p "$@"
}
cat >score <<'P'
cp "$1/samples.csv" samples.csv
echo 1
P
each() { tail -n +2 samples.csv | grep -o 'folders/[a-z]*' | sort | uniq -c | awk '{ print $1 }' | sort | uniq -c; }
for k in 1 2; do mkdir -p d$k && cp -r "$GLYPHS/folders" d$k; done
for c in d2/folders/*; do for f in "$c"/*.png; do cp "$f" "${f%.png}_again.png"; done; done
echo '# 100 of 200 are left: as many of each class'
cal --data d2/folders --samples 100 -n turn --max-drop 1% --metric-cmd 'sh ./score' >turn.txt
each
echo '# drawn: the same ones again, others by another number'
for s in 7 7 8; do
	cal --data d2/folders --samples 100 --seed $s -n draw$s --max-drop 1% --metric-cmd 'sh ./score' >draw.txt
	tail -n +2 samples.csv | cut -d, -f1,2 | sort >drawn
	[ ! -f was.$s ] || cmp drawn was.$s
	cp drawn was.$s
done
cmp -s was.7 was.8 || echo differ
echo '# rows are those of the data, labels and groups theirs'
pre='--preprocess mean=127.5,scale=127.5,layout=nhwc'
for k in $(seq 0 299); do [ $((k % 3)) = 0 ] && echo third || echo other; done >groups
# shellcheck disable=SC2086
mo-calibrate -q "$GLYPHS/glyphs.onnx" --data "$GLYPHS/calib_images.npy" --labels "$GLYPHS/calib_labels.npy" $pre \
	--samples 150 --seed 3 -n rows --max-drop 50% --groups groups --metric-cmd 'sh ./score' --json rows.json >rows.txt
python3 - "$GLYPHS/calib_labels.npy" <<'P'
import csv, json, sys
label = open(sys.argv[1], 'rb').read()
rows = list(csv.reader(open('samples.csv')))[1:]
size = (len(label) - 128) // 300
at = [int(r[0]) for r in rows]
print(len(set(at)), at != sorted(at), all(r[1] == f'row {r[0]}' for r in rows),
      all(int.from_bytes(label[128 + i * size:128 + (i + 1) * size], 'little') == int(r[2]) for i, r in zip(at, rows)))
g = {g['name']: g['samples'] for g in json.load(open('rows.json'))['groups']}
print(g['third'] == sum(i % 3 == 0 for i in at), sum(g.values()))
P
mo-calibrate --config rows.config.json -q -n again >/dev/null
cmp rows.bin again.bin
cal --data d1/folders --seed -1 2>&1 || echo "exit $?"
