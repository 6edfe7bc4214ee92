#!/bin/sh
# make demo: converts the network in testdata to FP32 and FP16, quantizes it to INT8, runs all on labelled samples, shows what
# each costs.
# usage: demo.sh BUILD
set -eu
bin=$1/bin data=testdata/glyphs
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
value() { sed -n "s/.*\"$1\":[[:space:]]*\([0-9.eE+-]*\).*/\1/p" "$2" | head -n 1; }
printf '%s: a network of 13 convolutions and 1000 labelled pictures\n\n' "$data"
printf '%-28s %9s %8s %8s %12s\n' model bytes top-1 top-5 'ms a sample'
for precision in fp32 fp16; do
	"$bin/mo" -q --input "$data/glyphs.onnx" --output-dir "$out" --model-name "glyphs-$precision" --precision "$precision"
done
prepare=mean=127.5,scale=127.5,layout=nhwc
"$bin/mo-calibrate" -q "$out/glyphs-fp32.xml" --data "$data/calib_images.npy" --preprocess "$prepare" \
    --output-dir "$out" --model-name glyphs-int8
show() { # show NAME FILE BYTES
	start=$(date +%s%N)
	"$bin/mo-run" -q "$2" --accuracy --data "$data/test_images.npy" --labels "$data/test_labels.npy" \
	    --preprocess "$prepare" --json "$out/r.json" >/dev/null
	end=$(date +%s%N)
	n=$(value samples "$out/r.json")
	awk -v name="$1" -v bytes="$3" -v a="$(value top1 "$out/r.json")" -v b="$(value top5 "$out/r.json")" -v ns=$((end - start)) -v n="$n" \
	    'BEGIN { printf "%-28s %9d %7.1f%% %7.1f%% %12.2f\n", name, bytes, 100 * a, 100 * b, ns / n / 1e6 }'
}
bytes() { cat "$@" | wc -c; }
show 'glyphs.onnx' "$data/glyphs.onnx" "$(bytes "$data/glyphs.onnx")"
for precision in fp32 fp16 int8; do
	show "IR $precision" "$out/glyphs-$precision.xml" "$(bytes "$out/glyphs-$precision.bin")"
done
printf '\nFP16 against the ONNX file, layer by layer (mo-run --compare):\n'
"$bin/mo-run" "$out/glyphs-fp16.xml" --compare "$data/glyphs.onnx" --random 1
printf '\nOne picture (mo-run --classify):\n'
"$bin/mo-run" -q "$out/glyphs-fp32.xml" --classify "$data/folders/star/star_00.png" --classes "$data/classes.txt" --top 3 \
    --preprocess mean=127.5,scale=127.5
