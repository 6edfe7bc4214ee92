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
bad mo-info
bad mo-info --input "$m" x.onnx
for wrong in '--time 0' '--time -1' '--time inf' '--rate 0' '--capacity 0' '--requests 2' '--cold 2 --async' '--cold 2 --rate 3'; do
	bad mo-bench "$m" $wrong
done
bad mo-compile "$m" -o x.blob -j x.blob
bad mo-bench "$m" --json=x --html x
[ -z "$(find . -name '*.xml' -o -name x -o -name x.blob)" ]
