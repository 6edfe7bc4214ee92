#!/bin/bash
# Statistics of parts, collected with any number of threads, merged in any order: the bytes of one run.
set -e
pre="--preprocess mean=127.5,scale=127.5,layout=nhwc"
python3 - "$GLYPHS/calib_images.npy" <<'P'
import sys
d = open(sys.argv[1], 'rb').read()
n = 10 + int.from_bytes(d[8:10], 'little')
head, rows = d[10:n].decode(), d[n:]
size = len(rows) // 300
for name, a, b in (('all', 0, 60), ('one', 0, 17), ('two', 17, 60)):
    h = head.replace('(300,', f'({b - a},').rstrip().ljust(n - 11) + '\n'
    open(name + '.npy', 'wb').write(d[:10] + h.encode() + rows[a * size:b * size])
P
m=$GLYPHS/glyphs.onnx
# shellcheck disable=SC2086
for k in all one two; do mo-calibrate -q "$m" --data $k.npy $pre --merge --stats-out $k.stats --threads $((${#k} % 2 + 1)); done
# shellcheck disable=SC2086
mo-calibrate -q "$m" --data all.npy $pre --merge --stats-out again.stats --threads 2
cmp all.stats again.stats
mo-calibrate "$m" --stats-in two.stats --stats-in one.stats --merge --stats-out sum.stats
cmp all.stats sum.stats
# shellcheck disable=SC2086
for i in 1 2 3 4 5 6 7; do mo-calibrate -q "$m" --data all.npy $pre --samples 40 --merge --shard $i/7 --stats-out shard.$i --threads $((i % 2 + 1)); done
# shellcheck disable=SC2086
mo-calibrate -q "$m" --data all.npy $pre --samples 40 --merge --stats-out forty.stats
# shellcheck disable=SC2046
mo-calibrate "$m" $(printf -- '--stats-in %s ' shard.*) --merge --stats-out sum.stats
cmp forty.stats sum.stats
mo-calibrate "$m" --data all.npy --merge --shard 8/7 --stats-out x || echo "exit $?"
mo-calibrate "$m" --data all.npy --merge --samples 2 --shard 3/3 --stats-out x || echo "exit $?"
mo-calibrate "$m" --data all.npy --shard 1/3 --stats-out x || echo "exit $?"
# shellcheck disable=SC2086
mo-calibrate -q "$m" --data all.npy $pre --range mse -n data
# shellcheck disable=SC2086
mo-calibrate -q "$m" --stats-in one.stats --stats-in two.stats --data all.npy $pre --range mse -n stats
cmp data.bin stats.bin
head -c 5000 all.stats >cut.stats
mo-calibrate "$m" --stats-in cut.stats -n x || echo "exit $?"
mo-calibrate "$m" --merge --stats-in one.stats || echo "exit $?"
mo-calibrate "$m" --merge --stats-in one.stats --stats-in two.stats --stats-in one.stats --stats-out x || echo "exit $?"
mo-calibrate "$m" --stats-in one.stats --range percentile=300 || echo "exit $?"
mo-calibrate "$m" --stats-in "$m" -n x || echo "exit $?"
[ ! -e x.xml ]
