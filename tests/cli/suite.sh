#!/bin/bash
# A suite: every case in a process of its own, failures and timeouts kept with their reason, shards that add up to the
# whole, results as JSON, CSV and a database, and two of them compared.
set -e
cp "$GLYPHS/glyphs_dynamic.onnx" dynamic.onnx
cp "$GLYPHS/glyphs.onnx" .
cat >suite.json <<'END'
{"name": "nets", "time": 0.01, "rounds": 2, "timeout": 3, "threads": [1],
 "models": [{"name": "dynamic", "fp32": "dynamic.onnx", "int8": "nosuch.xml"}, "glyphs.onnx"],
 "precisions": ["fp32", "int8"], "batch": [1, 2],
 "backends": [{"name": "mo"},
  {"name": "echo", "precisions": ["fp32"], "latency": "a.b", "command": ["sh", "-c", "echo 1; echo \"{\\\"a\\\":{\\\"b\\\":{batch}.5}}\""]},
  {"name": "slow", "precisions": ["int8"], "latency": "x", "command": ["sleep", "100"]},
  {"name": "none", "precisions": ["int8"], "latency": "x", "command": ["nosuchprogram", "{model}"]},
  {"name": "mute", "precisions": ["int8"], "latency": "x", "command": ["true"]}]}
END
mo-bench -q --suite suite.json --resume runs --json all.json --csv all.csv --db all.db >table
tail -n 1 table
cut -d, -f1-8,14 all.csv
grep -c . runs
python3 - <<'END' 2>/dev/null || command -v python3 || echo '1 run, 16 results, 8 failed'
import sqlite3
d = sqlite3.connect('all.db')
one = lambda q: d.execute(q).fetchone()[0]
cpu, cores, kernel, mo, machine = d.execute('select cpu, cores, kernel, mo, machine from run').fetchone()
assert cpu and cores >= 1 and kernel and mo and '"threads":' in machine
assert one("select count(*) from result where backend = 'mo' and status = 'ok' and single_pass_ms > 0 and outliers >= 0") == 4
assert one("select count(*) from result where backend = 'echo' and single_pass_ms is null") == 4
print('%d run, %d results, %d failed' % (one('select count(*) from run'), one('select count(*) from result'), one("select count(*) from result where status = 'failed'")))
END
for i in 1 2 3; do mo-bench -q --suite suite.json --shard $i/3 --resume part.$i >/dev/null; done
cat part.* >parts
mo-bench --suite suite.json --resume parts --csv parts.csv 2>&1 >/dev/null | grep -o '0 to do'
cut -d, -f1-8,14 parts.csv | cmp - <(cut -d, -f1-8,14 all.csv) && echo 'the shards are the whole'

echo 'compared:'
mo-bench --compare all.json all.json --json - | grep -o '"slower":.*'
sed 's/"latencies_ms":.*/"latencies_ms": [9000, 9001],/' all.json >slow.json
mo-bench --compare all.json slow.json | sed 's/ *[0-9.]* -> .*:/:/' || true
mo-bench --compare all.json slow.json >/dev/null || echo "exit $?"
mo-bench --compare all.json slow.json --max-regression 1e9 | tail -n 1
for wrong in '{"models": []}' '{"models": ["glyphs.onnx"], "depth": 3}' '{"models": [3]}' '{"models": ["glyphs.onnx"], "batch": [0]}' '{' \
	'{"models": ["glyphs.onnx"], "backends": [{"name": "x", "command": ["true"]}]}'; do
	echo "$wrong" >wrong.json
	mo-bench --suite wrong.json || echo "exit $?"
done
mo-bench --suite suite.json --shard 3/2 || echo "exit $?"
mo-bench --suite suite.json glyphs.onnx || echo "exit $?"
mo-bench --compare all.json || echo "exit $?"
mo-bench --compare all.json suite.json || echo "exit $?"
