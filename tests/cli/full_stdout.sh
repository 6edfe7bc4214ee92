#!/bin/bash
# A stdout that cannot be written is a failure, not silence.
[ -c /dev/full ] || { echo 'no /dev/full'; exit 77; }
for c in 'mo --help' 'mo --version' 'mo --list-passes' "mo-run $GLYPHS/glyphs.onnx --random 1" "mo-info $GLYPHS/glyphs.onnx" \
    "mo-info $GLYPHS/glyphs.onnx --json -"; do
	$c >/dev/full
	echo $?
done
