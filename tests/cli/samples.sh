#!/bin/bash
# Samples from tables, test sets and several inputs; what is wrong with them is one clear error.
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }
net=$GLYPHS/glyphs.onnx
p=mean=127.5,scale=127.5,layout=nhwc
acc() { # acc OPTION...: exit code when it is not 0
	mo-run -q "$net" --accuracy --preprocess $p "$@" || echo "exit $?"
}
# 200 pictures of 3072 bytes, and their labels, out of the arrays.
od -An -v -tu1 -w3072 -j128 -N$((200 * 3072)) "$GLYPHS/test_images.npy" | sed 's/^  *//; s/  */,/g' >x.csv
size=$(wc -c <"$GLYPHS/test_labels.npy")
od -An -v -td8 -w8 -j128 "$GLYPHS/test_labels.npy" | head -n 200 | tr -d ' ' >y.txt
[ "$size" -eq $((128 + 8 * 1000)) ] || { od -An -v -td4 -w4 -j128 "$GLYPHS/test_labels.npy" | head -n 200 | tr -d ' ' >y.txt; }
echo '# tables'
acc --data x.csv --labels y.txt
paste -d, x.csv y.txt >xy.csv
acc --data xy.csv
paste -d, y.txt x.csv >yx.csv
acc --data yx.csv --labels column:0
(seq -s, 0 3071 | tr -d '\n'; echo ,target; cat xy.csv) | sed '1s/[0-9][0-9]*/p&/g' >header.csv
acc --data header.csv
(cd "$GLYPHS/folders" && i=0 && for c in *; do for f in "$c"/*.png; do echo "\"$PWD/$f\";$i"; done; i=$((i + 1)); done) >list.csv
acc --data list.csv | sed 's/9[0-9]\.00/9x/'
echo '# what does not fit'
acc --data x.csv
acc --data xy.csv --labels column:label
head -n 5 y.txt >short.txt
acc --data x.csv --labels short.txt
acc --data xy.csv --label-offset 5
sed '7s/,[0-9]*,/,nan,/' xy.csv >nan.csv
acc --data nan.csv
sed '7s/,[0-9]*,/,one,/' xy.csv >word.csv
acc --data word.csv
acc --data word.csv --max-unreadable 0
cut -d, -f2- xy.csv >narrow.csv
acc --data narrow.csv --labels column:3071
sed '9s/,[0-9]*,/,/' xy.csv >ragged.csv
acc --data ragged.csv
: >empty.csv
acc --data empty.csv
mkdir -p none some/a some/b
acc --data none
acc --data some
echo '# two inputs'
d=/usr/share/libonnx-testdata/data/node/test_add
if [ -f $d/model.onnx ]; then
	mo -q $d/model.onnx -n add
	mo-run -q add.xml --random 1 --dump x --dump y --out r
	mo-run -q add.xml --compare $d/model.onnx --metric cosine --data $d | head -n 1
	mo-run -q add.xml --compare $d/model.onnx --metric cosine --data x=r/x.npy || echo "exit $?"
else
	printf 'cosine 1 -> 1 on 1 samples: a drop of 0 (95 %% between 0 and 0)\nexit 2\n'
	echo "mo-run: error: no data for input 'y' (--data NAME=FILE)" >&2
fi
echo '# batches in test sets are rows'
python3 - "$GLYPHS" <<'P'
import os, struct, sys
d = open(sys.argv[1] + '/test_images.npy', 'rb').read()[128:]
planes = lambda k: b''.join(struct.pack('<1024f', *((b - 127.5) / 127.5 for b in d[k * 3072 + c:(k + 1) * 3072:3])) for c in range(3))
def varint(n):
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)
def save(folder, dims, data):
    os.makedirs(folder)
    head = b''.join(b'\x08' + varint(n) for n in dims) + b'\x10\x01'
    open(folder + '/input_0.pb', 'wb').write(head + b'\x4a' + varint(len(data)) + data)
for i, n in enumerate((50, 99, 1)):
    at = (0, 50, 149)[i]
    save(f'sets/test_data_set_{i}', (n, 3, 32, 32), b''.join(planes(k) for k in range(at, at + n)))
save('odd/test_data_set_0', (2, 3, 32, 32), planes(0) + planes(1))
save('odd/test_data_set_1', (1, 3, 16, 64), planes(2))
P
head -n 150 y.txt >y150.txt
rows() { mo-run -q "$net" --accuracy --data "$@" || echo "exit $?"; }
head -n 150 x.csv >x150.csv
[ "$(rows sets --labels y150.txt)" = "$(acc --data x150.csv --labels y150.txt)" ] && echo same
rows sets/test_data_set_1 --labels y.txt
rows odd --labels y150.txt
mo-calibrate "$net" --data sets --samples 120 -n sets 2>&1 | grep -o 'from 120 samples'
