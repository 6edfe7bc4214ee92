#!/bin/bash
# A compiled network runs as the model does, bit for bit; what does not fit or is damaged is one clear error.
set -e
mo -q --input "$GLYPHS/glyphs.onnx" -n net
mo-compile -q net.xml -o net.blob
mo-compile -q "$GLYPHS/glyphs.onnx" -o onnx.blob --json - | grep -o '"isa"'
for threads in 1 2; do
	mo-run -q net.xml --random 1 --threads $threads --out want
	mo-run -q net.blob --random 1 --threads $threads --out have
	cmp want/0.npy have/0.npy && cmp want/outputs.json have/outputs.json
done
mo-bench net.blob --iterations 3 | grep -o 'latency over 3 runs'
mo-bench -q onnx.blob --iterations 3 --profile --json json >/dev/null && grep -o '"kernel":.*"conv"' json | sort -u
# flips byte $2 of file $1
flip() {
	byte=$(od -An -tu1 -j"$2" -N1 "$1")
	printf "\\x$(printf %x $((byte ^ 255)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
fails() {
	if "$@" >out 2>err; then echo "no error: $*"; else cat err; fi
}
for at in 0 9 12 20 40 76 90 4096; do
	cp net.blob bad.blob
	flip bad.blob $at
	fails mo-run bad.blob --random 1
done
head -c 9000 net.blob >bad.blob
fails mo-run bad.blob --random 1
# what was compiled for something else is compiled from its source, while that is what it was
mo-run net.blob --random 1 --cpu ref --out ref 2>&1 | grep -v wrote
mo-run net.blob --random 1 --eval --out eval 2>&1 | grep -v wrote
{ mo-bench net.blob --exact --iterations 1 >/dev/null; } 2>&1
{ mo-bench net.blob --batch 3 --iterations 1 >/dev/null; } 2>&1
cp net.blob bad.blob
flip bad.blob 8192
mo-run -q bad.blob --random 1 --out have
cmp want/0.npy have/0.npy
mo-compile -q net.xml --infer-precision bf16 -o bf16.blob 2>/dev/null
mo-run -q net.xml --random 1 --infer-precision bf16 --out want 2>/dev/null
mo-run -q bf16.blob --random 1 --out have
cmp want/0.npy have/0.npy
mo-run -q bf16.blob --random 1 --no-mmap --infer-precision bf16 --out have 2>/dev/null
cmp want/0.npy have/0.npy
mo-compile -q net.xml --zstd -o small.blob
[ "$(stat -c %s small.blob)" -lt "$(stat -c %s net.blob)" ] && echo smaller
mo-run -q net.xml --random 1 --out want
mo-run -q small.blob --random 1 --out have
cmp want/0.npy have/0.npy
head -c $(($(stat -c %s small.blob) - 1000)) small.blob >cut.blob
fails mo-run cut.blob --random 1
printf '\x28\xb5\x2f\xfd\x20\x01\x09\x00\x00x' >other.zst
fails mo-run other.zst --random 1
int8=$ROOT/testdata/ir/conv_bn_relu_fc_nncf_int8_mixed.xml
mo-compile -q "$int8" -o int8.blob --json - | grep -o '"effective_precision":.*"i8"'
mo-run -q "$int8" --random 1 --out want
mo-run -q int8.blob --random 1 --out have
cmp want/0.npy have/0.npy
fails mo --input net.blob
fails mo-compile net.xml
fails mo-compile net.blob -o again.blob
{ mo-bench bf16.blob --infer-precision fp32 --iterations 1 >/dev/null; } 2>&1
sed 's/>/> /' net.xml >other.xml
mv other.xml net.xml
fails mo-run net.blob --random 1 --eval
rm net.xml
fails mo-run net.blob --random 1 --cpu ref
fails mo-run net.blob --random 1 --dump all --out d
fails mo-bench net.blob --exact
fails mo-bench net.blob --batch 3
fails mo-bench net.blob --infer-precision bf16
# ways that are measured: a line for each shape
mo-compile -v "$GLYPHS/glyphs.onnx" --tune -o tuned.blob 2>&1 | grep -c 'channels'
mo-run -q "$GLYPHS/glyphs.onnx" --random 1 --out want
mo-run -q tuned.blob --random 1 --out have
cmp want/outputs.json have/outputs.json
