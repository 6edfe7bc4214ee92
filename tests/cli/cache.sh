#!/bin/bash
# A cache of compiled networks: a miss, then hits by stamp and by content; other options and other content miss; what is
# damaged is made again; a full or forbidden cache is a warning; the folder's own commands.
set -e
mo -q --input "$GLYPHS/glyphs.onnx" -n net
touch -d '2020-01-02' net.xml net.bin
mo-run -q net.xml --random 1 --out want
# says the use of the cache, and whether the result is the uncached one's
run() {
	mo-bench -q "$1" --iterations 1 --cache-dir cache --json json "${@:2}" >/dev/null
	grep -o '"cache":.*' json
	mo-run -q "$1" --random 1 --cache-dir cache --out have "${@:2}"
	cmp want/0.npy have/0.npy
}
run net.xml
run net.xml
run net.xml --no-mmap
ls cache | sed 's/^[0-9a-f]*//' | sort | uniq -c
echo "copied, and touched"
mkdir copy
cp net.* copy
run copy/net.xml
touch -d '2020-01-03' net.bin
run net.xml
echo "other options"
mo-bench -q net.xml --iterations 1 --cache-dir cache --exact --json - | grep -o '"cache":[^,]*'
mo-bench -q net.xml --iterations 1 --cache-dir cache --batch 2 --json - | grep -o '"cache":[^,]*'
mo-bench -q net.xml --iterations 1 --cache-dir cache --batch 2 --json - | grep -o '"cache":[^,]*'
mo-bench -q "$GLYPHS/glyphs.onnx" --iterations 1 --cache-dir cache --json - | grep -o '"cache":[^,]*'
mo-bench -q "$GLYPHS/glyphs.onnx" --iterations 1 --cache-dir cache --json - | grep -o '"cache":[^,]*'
mo-bench -q net.xml --iterations 1 --json - | grep -o '"cache":[^,]*'
echo "other content of the same size"
byte=$(od -An -tu1 -j100 -N1 net.bin)
printf "\\x$(printf %x $((byte ^ 64)))" | dd of=net.bin bs=1 seek=100 conv=notrunc status=none
touch -d '2020-01-04' net.bin
mo-run -q net.xml --random 1 --out want
run net.xml
mo-compile --cache list --cache-dir cache | tail -n 1
echo "damage"
mo-compile --cache verify --cache-dir cache
for f in cache/*.blob; do
	if [ ! -f half ]; then
		head -c $(($(stat -c %s "$f") / 2)) "$f" >half
		cp half "$f"
	else
		printf '!' | dd of="$f" bs=1 seek=4100 conv=notrunc status=none
	fi
done
run net.xml
for f in cache/*.ref; do echo nonsense >"$f"; done
run net.xml
code=0
mo-compile --cache verify --cache-dir cache >out || code=$?
tail -n 1 out
echo "exit $code"
echo "limits"
mo-compile --cache prune --cache-dir cache --cache-size 0
ls cache | wc -l
for out in a b c d e have; do mo-run -q net.xml --random 1 --cache-dir cache --out $out & done
wait
cmp want/0.npy have/0.npy
ls cache | sed 's/^[0-9a-f]*//' | sort | uniq -c
echo "forbidden"
echo file >nofolder
mo-run net.xml --random 1 --cache-dir nofolder --out have 2>&1 | grep -v wrote
cmp want/0.npy have/0.npy
echo "open sizes: plans are added to one blob"
mo -q --input "$GLYPHS/glyphs.onnx" -n open --input-shape '[1..8,3,16..64,?]'
touch -d '2020-01-02' open.xml open.bin
for _ in 1 2; do
	for shape in '[1,3,32,32]' '[3,3,20,24]' '[1,3,48,40]'; do
		mo-run -q open.xml --random 1 --shape "$shape" --out want
		mo-run -q open.xml --random 1 --shape "$shape" --cache-dir open --out have
		cmp want/0.npy have/0.npy
		mo-bench -q open.xml --iterations 1 --shape "$shape" --cache-dir open --json - | grep -o '"cache":[^,]*\|"plan":[^,]*'
	done
done
ls open | sed 's/^[0-9a-f]*//' | sort
mo-info --json - open/*.blob | grep -c '"shapes"'
mo-compile --cache list --cache-dir none 2>&1 || echo "exit $?"
mo-compile --cache other --cache-dir cache 2>&1 || echo "exit $?"
