#!/bin/bash
# A sweep measures each point of the grid in a process of its own, chooses one, and goes on where it was killed.
set -e
N=$GLYPHS/glyphs_dynamic.onnx
sweep() { mo-bench "$N" --sweep 'batch=1,2 threads=1,2' --sweep streams=1,2 --rounds 2 --time 0.02 "$@"; }
sweep --resume runs --json json 2>said >table
awk 'NR <= 7 { print $1, $2, $3, $4 }' table
grep -c '<- chosen' table
tr -d ' \t\n' <json | grep -oE '"rounds":2|"status":"ok"|"chosen":[0-9]|"why":"[^"]*"' | sed 's/"chosen":[0-9]/chosen/' | sort | uniq -c
grep -c 'ms, .* a second' said
wc -l <runs
# a kill left half a line, and two runs undone
head -n 10 runs >half && printf '{"case":"batch 1' >>half
sweep --resume half -q >/dev/null
wc -l <half
sweep --resume half 2>&1 >/dev/null | grep -o '12 measurements.*to do\|0 to do'
# sync and async as an axis of the grid
mo-bench "$N" -q --sweep 'threads=2 streams=2 mode=sync,async' --rounds 1 --time 0.02 | awk 'NR <= 3 { print $3, $4, $5 }'
# another network is not taken up
cp "$N" other.onnx
mo-bench other.onnx --sweep threads=1 --rounds 1 --time 0.02 --resume half 2>&1 >/dev/null | grep -o '1 to do'
mo-bench "$N" -q --sweep threads=1 --rounds 1 --time 0.02 --max-latency 0.0001 || echo "exit $?"
# a point that fails is told with its reason
mo-bench "$GLYPHS/glyphs.onnx" -q --sweep 'precision=fp32,int8' --int8-model nosuch.xml --rounds 1 --time 0.02 | grep -o 'failed: .*'
for wrong in 'depth=1' 'batch=0' 'precision=int4' 'precision=int8' 'mode=batch' 'threads=1 streams=2'; do
	mo-bench "$N" -q --sweep "$wrong" || echo "exit $?"
done
mo-bench "$N" -q --sweep threads=1 --cold 3 || echo "exit $?"
mo-bench "$N" -q --max-latency 3 || echo "exit $?"
