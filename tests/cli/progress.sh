#!/bin/bash
# On a terminal a line says how far it is, and is gone in the end; with -q, or into a file, there is none.
command -v script >/dev/null || { echo 'no script(1)'; exit 77; }
for _ in $(seq 300); do printf '%s 0\n' "$GLYPHS"/folders/arrow/*.png; done >list
run="mo-run --eval $GLYPHS/glyphs.onnx --accuracy --data list --preprocess mean=127.5,scale=127.5"
script -qec "timeout 3 $run" typescript >/dev/null
tr '\r' '\n' <typescript | grep -cE 'mo-run: [0-9]+ of [0-9]+ samples, [0-9.]+/s, [0-9]+ (s|min) left' | sed 's/^[1-9][0-9]*$/many/'
script -qec "timeout 2 $run -q" typescript >/dev/null
tr '\r' '\n' <typescript | grep -cE 'samples,'
timeout 2 $run 2>&1 | grep -c 'left'
# the search of a drop: how far it has judged
for _ in $(seq 4); do cat list; done >long
script -qec "timeout 6 mo-calibrate $GLYPHS/glyphs.onnx --data long --preprocess mean=127.5,scale=127.5 --to fp16 --threads 1 -n half" typescript >/dev/null
tr '\r' '\n' <typescript | grep -cE 'mo-calibrate: [0-9]+ of [0-9]+ judging, [0-9.]+/s, [0-9]+ (s|min) left' | sed 's/^[1-9][0-9]*$/many/'
exit 0
