#!/bin/bash
# Streams, queues, rates, batches, several models and cold processes.
set -e
N=$GLYPHS/glyphs.onnx
fields() { tr -d ' \t\n' | grep -oE '"(iterations|threads|streams|batch|mode|cache)":[0-9a-z"]+' | tr '\n' ' '; echo; }
mo-bench "$N" --threads 2 --streams 2 --iterations 7 --json - | fields
mo-bench "$N" --threads 1 --iterations 3 --count-copies --inputs 2 --json - | fields
mo-bench "$N" --threads 2 --streams 2 --async --requests 5 --iterations 12 --json - | fields
mo-bench "$GLYPHS/glyphs_dynamic.onnx" --threads 1 --batch 3 --iterations 2 --json - | fields
# Metrics as the field defines them: batch over the median latency in sync mode, samples of all runs over their time in
# async mode; a single pass takes the time of all runs over their number.
number() { tr -d ' \t\n' <"$1" | sed -E "s/.*\"$2\":([0-9.e+-]+).*/\1/"; }
mo-bench "$GLYPHS/glyphs_dynamic.onnx" --threads 1 --batch 3 --iterations 20 --json sync >/dev/null
mo-bench "$GLYPHS/glyphs_dynamic.onnx" --threads 2 --streams 2 --async --batch 3 --iterations 20 --json async >/dev/null
for m in sync async; do
	awk -v mode=$m -v fps="$(number $m throughput_fps)" -v median="$(number $m median)" -v all="$(number $m total_ms)" \
	    -v pass="$(number $m single_pass_ms)" -v outliers="$(number $m outliers)" 'BEGIN {
		want = mode == "sync" ? 3 * 1e3 / median : 3 * 20 * 1e3 / all
		d = fps / want - 1; e = pass * 20 / all - 1
		print mode, d * d < 1e-6 && e * e < 1e-6 && outliers ~ /^[0-9]+$/ }'
done
# Open loop: every request is either served or dropped; ages are told.
mo-bench "$N" --threads 1 --rate 5000 --iterations 300 --json - >rate
n=$(sed -n 's/.*"iterations":[^0-9]*\([0-9]*\).*/\1/p' rate) d=$(sed -n 's/.*"dropped":[^0-9]*\([0-9]*\).*/\1/p' rate)
echo "served and dropped: $((n + d))"
grep -c age_ms rate
mo-bench -q "$N" --threads 2 --time 0.3 --hint throughput --json - | fields | grep -oE '"threads":2 "streams":[12] '  | wc -l
# Two models at once, and in fresh processes.
mo-bench "$N" "$GLYPHS/glyphs_dynamic.onnx" --threads 2 --iterations 2 --json - | fields
mo-bench "$N" --cold 2 --threads 1 --json - | tr -d ' \t\n' | sed -E 's/[0-9]+\.[0-9]+/T/g' | grep -o '"cold":{[^}]*}'
mo-bench "$N" --cold 2 --threads 1 | grep -c '2 cold processes, medians: read'
# Misuse.
mo-bench "$N" --hint speed || echo $?
mo-bench "$N" --hint latency --streams 2 || echo $?
mo-bench "$N" "$N" --profile || echo $?
mo-bench "$N" --cold 1 --data x.npy || echo $?
mo-bench nosuch.onnx --cold 1 || echo $?
