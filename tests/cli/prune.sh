#!/bin/bash
# --prune takes filters out or puts zeros, says what is left, and does not take a wrong word.
set -e
m=$GLYPHS/glyphs.onnx
mo "$m" -o . -n cut --prune filters:0.3 --report r.json 2>err
grep 'pruned:' err
tr -d ' \t\n' <r.json | grep -o '"parameters":{"before":39818,"after":20762}'
tr -d ' \t\n' <r.json | grep -o '"latency_ms":{"before":[0-9]' | tr -d '0-9'
mo-run -q cut.xml --random 1 --out o
mo -q cut.xml -o . -n again --prune filters:0.3 --exact-ratio --verify --random 2
[ "$(stat -c %s again.bin)" -lt "$(stat -c %s cut.bin)" ]
mo -q "$m" -o . -n zeros --prune 2:4
mo -q "$m" -o . -n same --prune magnitude:0
mo -q "$m" -o . -n plain
cmp same.bin plain.bin
if cmp -s zeros.bin plain.bin; then exit 1; fi
for bad in filters filters:1 filters:x filters:-0.1 4:2; do
	rc=0
	mo "$m" -o bad --prune "$bad" || rc=$?
	[ $rc -eq 2 ]
done
for bad in "--prune-criterion l3" "--prune-scope all" "--prune-criterion activation"; do
	rc=0
	mo "$m" -o bad --prune filters:0.3 $bad || rc=$?
	[ $rc -eq 2 ]
done
rc=0
mo "$m" -o bad --exact-ratio || rc=$?
[ $rc -eq 2 ]
[ ! -e bad ]
