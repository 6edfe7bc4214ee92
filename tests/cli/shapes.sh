#!/bin/bash
# One blob for several shapes: bit for bit what the model says, at once for those with a plan, planned from the blob where it
# is open; others are one clear error.
set -e
mo -q --input "$GLYPHS/glyphs.onnx" -n net --input-shape '[1..8,3,16..64,?]'
sets=('[1,3,32,32]' '[4,3,32,32]' '[1,3,48,40]')
mo-compile net.xml -o three.blob --shape "${sets[0]};${sets[1]}" --shape "input${sets[2]}" 2>&1 | sed 's/, .* MB, for .*//'
mo-compile -q net.xml -o open.blob --shape '[1..8,3,16..64,?]' --shape "${sets[0]}" --json - | grep -o '"plans".*\|"open".*'
fails() {
	if "$@" >out 2>err; then echo "no error: $*"; else cat err; fi
}
# bit for bit as the model $1 says on shape $3, by blob $2, and where its plan is from
check() {
	mo-run -q "$1" --random 1 --shape "$3" --out want
	mo-run -q "$2" --random 1 --shape "$3" --out have
	cmp want/0.npy have/0.npy && cmp want/outputs.json have/outputs.json
	mo-bench -q "$2" --iterations 1 --shape "$3" --json - | grep -o '"plan":[^,]*'
}
echo "planned shapes, without the model"
mkdir away
mv three.blob open.blob away
for shape in "${sets[@]}"; do check net.xml away/three.blob "$shape"; done
echo "and others, of the open one"
for shape in "${sets[@]}" '[3,3,17,90]' '[8,3,64,8]'; do check net.xml away/open.blob "$shape"; done
echo "the first plan runs when nothing is said, or the one that the data fit"
mo-run -q away/three.blob --random 1 --json - | grep -o '"shape":.*'
mo-run -q net.xml --random 3 --shape "${sets[1]}" --dump input --out data
mo-run -q net.xml --data data/input.npy --out want
mo-run -q away/three.blob --data data/input.npy --out have
cmp want/0.npy have/0.npy
mo-bench -q away/three.blob --batch 4 --iterations 1 --json - | grep -o '"plan":[^,]*'
echo "one copy of the weights"
sum=0
for shape in "${sets[@]}"; do
	mo-compile -q net.xml -o one.blob --shape "$shape"
	sum=$((sum + $(stat -c %s one.blob)))
done
[ $(($(stat -c %s away/three.blob) * 10)) -lt $((sum * 4)) ] && echo "less than 0.4 of three blobs"
mo-compile -q net.xml -o shared.blob --shape "${sets[0]};${sets[1]};${sets[2]}" --share 2 --json - | grep -o '"share".*'
[ "$(stat -c %s shared.blob)" -le "$(stat -c %s away/three.blob)" ] && echo "not larger"
mo-run -q shared.blob --random 1 --shape "${sets[2]}" --out have
echo "the same in BF16: the first shape as the model says, the others nearly"
values() { od -An -v -tf4 -w4 -j128 "$1/0.npy"; }
mo-compile -q net.xml -o half.blob --shape "${sets[0]};${sets[1]};${sets[2]}" --share 2 --infer-precision bf16 2>/dev/null
[ "$(stat -c %s half.blob)" -le "$(stat -c %s away/three.blob)" ] && echo "not larger"
for shape in "${sets[@]}"; do
	mo-run -q net.xml --random 1 --shape "$shape" --infer-precision bf16 --out want 2>/dev/null
	mo-run -q half.blob --random 1 --shape "$shape" --out have
	[ "$shape" != "${sets[0]}" ] || cmp want/0.npy have/0.npy
	paste <(values want) <(values have) | awk '{ d = $1 - $2; e += d * d; s += $1 * $1 } END { print (NR && e <= 1e-4 * s ? "near" : "far: " e " of " s) }'
	mo-bench -q half.blob --iterations 1 --shape "$shape" --json - | grep -o '"plan":[^,]*'
done
for blob in three open; do
	mo-info away/$blob.blob | sed -nE 's/[0-9]+ calls|[0-9.]+ MB/N/g; /^(plan|shapes)/p'
done
echo "other shapes"
fails mo-run away/three.blob --random 1 --shape '[2,3,32,32]'
fails mo-run away/three.blob --random 1 --shape '[1,3,64,64]'
fails mo-run away/open.blob --random 1 --shape '[9,3,32,32]'
fails mo-run away/open.blob --random 1 --shape '[1,3,32]'
mo-run -q net.xml --random 3 --shape '[1,3,64,32]' --dump input --out data
fails mo-run away/three.blob --data data/input.npy
fails mo-bench away/three.blob --batch 5
echo "what is no set of shapes"
fails mo-compile net.xml -o no.blob --shape '[1,3,32,32,1]'
fails mo-compile net.xml -o no.blob --shape '[9,3,32,32]'
fails mo-compile net.xml -o no.blob --shape 'other[1,3,32,32]'
fails mo-compile net.xml -o no.blob --shape '[1,3,32,32],[1]'
fails mo-compile net.xml -o no.blob --shape '[1,3,32,?];[1,3,?,32]'
fails mo-compile net.xml -o no.blob --shape '[1,3,32,16..32];[1,3,32,64]'
fails mo-compile net.xml -o no.blob --shape '[1,3,32'
fails mo-compile net.xml -o no.blob --shape ';'
fails mo-compile net.xml -o no.blob --shape '[1,3,32,32]' --data data/input.npy
fails mo-run net.xml --random 1 --shape '[1,3,32,?]'
fails mo-compile net.xml -o no.blob --shape '[1,3,32,32]' --share 0.5
[ ! -e no.blob ]
echo "without a plan named, the largest sizes get one"
mo-compile -q net.xml -o large.blob --shape '[1..2,3,16..64,16..40]'
mo-info large.blob | grep -o 'plan .*calls' | sed 's/[0-9]* calls//'
echo "inputs of an IR with the same open shape go together, unless they are named"
port() { echo "<port id=\"$1\" precision=\"FP32\"><dim>1</dim><dim>-1</dim></port>"; }
input() {
	echo "<layer id=\"$1\" name=\"$2\" type=\"Parameter\" version=\"opset1\"><data shape=\"1,?\" element_type=\"f32\"/>"
	echo "<output>$(port 0)</output></layer>"
}
{
	echo "<net name=\"two\" version=\"11\"><layers>$(input 0 ids)$(input 1 mask)"
	echo "<layer id=\"2\" name=\"sum\" type=\"Add\" version=\"opset1\"><data auto_broadcast=\"numpy\"/>"
	echo "<input>$(port 0)$(port 1)</input><output>$(port 2)</output></layer>"
	echo "<layer id=\"3\" name=\"out\" type=\"Result\" version=\"opset1\"><input>$(port 0)</input></layer></layers><edges>"
	for e in '0 0 2 0' '1 0 2 1' '2 2 3 0'; do
		echo "$e" | sed -E 's|(.) (.) (.) (.)|<edge from-layer="\1" from-port="\2" to-layer="\3" to-port="\4"/>|'
	done
	echo "</edges></net>"
} >two.xml
mo-compile -q two.xml -o two.blob --shape 'ids[1,16];ids[1,128];mask[1,1],ids[1,5]'
mo-info two.blob | grep -o '^plan  *[^ ]* [^ ]*'
mo-run -q two.xml --random 1 --shape 'ids[1,7]' --json - | grep -o '"shape":.*'
mo-compile -q two.xml -o two.blob --shape 'ids[1,1..64]'
mo-run -q two.blob --random 1 --shape 'mask[1,9]' --json - | grep -o '"shape":.*'
echo "damage, and compression"
plan() { # where section $2 of blob $1 is
	od -An -tu8 -j$((72 + 40 * $2 + 16)) -N8 "$1"
}
for at in 2 3 4; do
	cp away/open.blob bad.blob
	printf '\xa5' | dd of=bad.blob bs=1 seek=$(($(plan bad.blob $at) + 70)) conv=notrunc status=none
	mo-run bad.blob --random 1 --out have 2>&1 | grep -v wrote || true
	cp bad.blob away
	[ $at = 3 ] || fails mo-run away/bad.blob --random 1
	mkdir -p cache
	mv bad.blob cache/00$at.blob
done
mo-compile --cache verify --cache-dir cache || echo "exit $?"
mo-compile -q net.xml -o small.blob --zstd --shape '[1..8,3,16..64,?]' --shape "${sets[0]}"
check net.xml small.blob "${sets[0]}"
check net.xml small.blob '[2,3,40,41]'
