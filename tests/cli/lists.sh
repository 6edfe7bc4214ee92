#!/bin/bash
# Lists of samples as people write them, arrays of one sample in folders, folders that are not quite classes.
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }
net=$GLYPHS/glyphs.onnx
p=--preprocess=mean=127.5,scale=127.5
acc() { # acc OPTION...: the share of right answers, or what is wrong
	mo-run "$net" --accuracy $p "$@" 2>&1 | sed "s|$PWD/||"
}
mkdir -p 'a b' flat/thumbs
i=0
for c in "$GLYPHS"/folders/*; do
	cp "$c/$(basename "$c")_00.png" "a b/$i.png"
	cp "a b/$i.png" flat
	echo "a b/$i.png  $i" >>two
	printf '"a b/%d.png"\t %d\r\n' $i $i >>quoted
	echo "a b/$i.png" >>bare
	echo $i >>y
	mkdir -p numbered/$((i + 1))
	cp "a b/$i.png" numbered/$((i + 1))
	i=$((i + 1))
done
want=$(acc --data two)
echo "$want"
(printf '\357\273\277'; cat two) >marked
(echo path label; cat two) >headed
(printf '\357\273\277label\r\n'; sed 's/$/\r/' y) >y.csv
for list in quoted marked headed; do [ "$(acc --data $list)" = "$want" ] || echo "$list: $(acc --data $list)"; done
[ "$(acc --data bare --labels y.csv)" = "$want" ] || acc --data bare --labels y.csv
acc --data bare
echo '# no file, no label'
echo nothing.png >mixed
acc --data mixed
(cat two; echo 'a b/0.png') >mixed
acc --data mixed
echo '# folders'
acc --data flat --labels y
cp 'a b/0.png' numbered
acc --data numbered
echo '# arrays of one sample'
python3 - "$GLYPHS" <<'P'
import os, struct, sys
d = open(sys.argv[1] + '/test_images.npy', 'rb').read()[128:]
os.makedirs('arrays')
for k in range(12):
    planes = b''.join(struct.pack('<1024f', *((b - 127.5) / 127.5 for b in d[k * 3072 + c:(k + 1) * 3072:3])) for c in range(3))
    h = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s3, 32, 32), }" % ('1, ' if k % 2 else '')
    open(f'arrays/{k:02d}.npy', 'wb').write(b'\x93NUMPY\1\0' + struct.pack('<H', len(h) + 1) + h.encode() + b'\n' + planes)
P
printf '%s\n' arrays/* >arrays.txt
for data in arrays arrays.txt; do
	mo-calibrate -q "$net" --data $data --samples 6 --metric cosine --max-drop 50% -n $data --json - | tr -d '\t' | grep -E '^"(samples|unreadable)":'
done
cmp arrays.bin arrays.txt.bin
echo '# what could not be read is counted'
for k in 1 2 3; do echo broken >"flat/broken$k.png"; done
mo-calibrate "$net" $p --data flat --samples 6 --metric cosine --max-drop 50% -n flat --json c.json 2>&1 >/dev/null | grep -v ' s  \|wrote\|layers' | sort
tr -d '\t' <c.json | grep '^"unreadable":'
echo '# one array is for one input'
d=/usr/share/libonnx-testdata/data/node/test_add
if [ -f $d/model.onnx ]; then
	mo -q $d/model.onnx -n add
	mo-calibrate -q add.xml --data arrays/00.npy -n x 2>&1 || true
else
	echo "mo-calibrate: error: no data for input 'y' (--data NAME=FILE): 'arrays/00.npy' holds those of one"
fi
