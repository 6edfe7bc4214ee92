#!/bin/bash
# Every misuse: exit 2, one line on stderr that names what was meant, nothing on stdout.
bad() {
	"$@" >out 2>err
	rc=$?
	[ $rc -eq 2 ] || echo "exit $rc: $*"
	[ -s out ] && echo "stdout: $*"
	[ "$(wc -l <err)" -eq 1 ] || echo "not one line: $*"
	cat err >&2
}
m=$GLYPHS/glyphs.onnx
bad mo --presicion fp16 "$m"
bad mo --output_dri x "$m"
bad mo --input
bad mo
bad mo a b
bad mo --batch zero "$m"
bad mo --precision fp8 "$m"
bad mo --disable-pass fuse-nb "$m"
bad mo --ir-version 9 "$m"
bad mo --model-name a/b "$m"
bad mo --static-shape=perhaps "$m"
bad mo --cpu mmx "$m"
bad mo -Z
bad mo --zzzzzzzz
bad mo-run
bad mo-run "$m"
bad mo-run "$m" --random x
bad mo-run "$m" --random 1 --dump all
bad mo-run "$m" --accuracy
bad mo-run "$m" --data nosuch=x.npy
bad mo-run "$m" --accuracy --data "$GLYPHS/test_images.npy"
bad mo-run "$m" --accuracy --data "$GLYPHS/folders" --preprocess mean=x
bad mo-run "$m" --random 1 --tolerance 1
bad mo-run "$m" --random 1 --compare "$m" --tolerance -1
bad mo-run "$m" --random 1 --classes "$GLYPHS/classes.txt"
bad mo-run "$m" --input x.onnx --random 1
bad mo "$m" --tolerance 1
bad mo "$m" --verify --tolerance -1
bad mo "$m" --scale nan
bad mo "$m" --scale 1e999
bad mo "$m" --fp16-max-error 0.1
bad mo "$m" --fp16-max-error -0.1
bad mo "$m" --output-dir ''
bad mo "$m" --json ./a --report a
bad mo "$m" --model-name a --json a.xml
bad mo "$m" --batch "$(printf '\033[2J%5000s' '')"
bad mo-run "$m" --random 1 --top 3
bad mo-run "$m" --random 1 --cache-dir ''
bad mo-run "$m" --random 1 --cache-size 5
bad mo-compile "$m" -o x.blob --share 2
bad mo-compile "$m" -o x.blob --shape '[1,3,32,32]' --share 0
bad mo-info "$m" --tolerance 0
bad mo-info diff "$m" "$m" --tolerance -1
bad mo-calibrate "$m" --data "$GLYPHS/calib_images.npy" --rank-samples 5
bad mo-calibrate "$m" --data "$GLYPHS/calib_images.npy" --smooth-quant 0.5 --no-smooth-quant
bad mo-calibrate "$m" --data "$GLYPHS/calib_images.npy" --smooth-quant 2
bad mo-calibrate "$m" --data "$GLYPHS/calib_images.npy" --time-budget 0 --max-drop 1
bad mo-calibrate "$m" --stats-in x --samples 3
for wrong in '--rounds 2' '--max-regression 0.1' '--max-latency 0' '--rate 0.001' '--capacity 0.001' '--csv x'; do
	bad mo-bench "$m" $wrong
done
bad mo-bench "$m" --sweep ''
bad mo-info
bad mo-info --input "$m" x.onnx
for wrong in '--time 0' '--time -1' '--time inf' '--rate 0' '--capacity 0' '--requests 2' '--cold 2 --async' '--cold 2 --rate 3'; do
	bad mo-bench "$m" $wrong
done
bad mo-compile "$m" -o x.blob -j x.blob
bad mo-bench "$m" --json=x --html x
[ -z "$(find . -name '*.xml' -o -name x -o -name x.blob)" ]
