#!/bin/bash
# A suite killed in the middle of a case and resumed: what was done stays as it is, the rest is done once. And a case
# that has become slower is found by --compare, among others that have not.
set -e
cp "$GLYPHS/glyphs.onnx" .
cat >suite.json <<'END'
{"name": "killed", "time": 0.3, "rounds": 3, "models": ["glyphs.onnx", "nosuch.onnx"], "threads": [1], "modes": ["sync", "async"]}
END
mo-bench -q --suite suite.json --resume runs >/dev/null 2>&1 &
pid=$!
until [ -f runs ] && [ "$(grep -c . runs)" -ge 4 ]; do sleep 0.02; done
sleep 0.1 # in the middle of the next one
kill -9 $pid
wait $pid || echo "exit $?"
cp runs before
done=$(grep -c . before)
mo-bench --suite suite.json --resume runs --json all.json --db all.db >table 2>said
left=$(sed -n 's/.* rounds, \([0-9]*\) to do:.*/\1/p' said)
# six of the one network, and one failure for each mode of the other, which is not tried again
[ $((done + left)) -eq 8 ] && [ "$left" -gt 0 ] && echo 'nothing is lost, nothing is done twice'
head -n "$done" runs | cmp - before && echo 'what was done stays'
grep -c . runs
grep -o '"case":"[^"]*"' runs | sort | uniq -c | awk '{ print $1, $3, $4, $5, $6, $7, $8, $9, $10 }'
tr -d ' \t\n' <all.json | grep -oE '"status":"[a-z]*"' | sort | uniq -c
mo-bench --suite suite.json --resume runs 2>&1 >/dev/null | grep -o '0 to do'

echo 'slower:'
cat >fast.json <<'END'
{"name": "slow", "time": 0.1, "rounds": 7, "models": ["glyphs.onnx"], "threads": [1],
 "backends": [{"name": "same", "latency": "latency_ms.min", "command": ["mo-bench", "-q", "--json=-", "--threads=1", "--time={time}", "{model}"]},
              {"name": "other", "latency": "latency_ms.min", "command": ["mo-bench", "-q", "--json=-", "--threads=1", "--time={time}", "{model}"]}]}
END
sed '/"other"/s/"--threads=1"/"--threads=1", "--cpu=ref"/' fast.json >slow.json
mo-bench -q --suite fast.json --json a.json >/dev/null
mo-bench -q --suite slow.json --json b.json >/dev/null
mo-bench --compare a.json b.json --max-regression 1 --json c.json >text || echo "exit $?"
awk '/: slower$/ { print $10, "is slower" }' text
tail -n 1 text
tr -d ' \t\n' <c.json | grep -o '"slower":1'
mo-bench --compare b.json a.json --max-regression 1 | tail -n 1
