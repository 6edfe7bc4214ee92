#!/bin/bash
# How many cameras two networks keep up with: the answer was tried out, and every frame was answered or dropped.
set -e
mo-bench -q "$GLYPHS/glyphs.onnx" "$GLYPHS/glyphs_dynamic.onnx" --threads 2 --capacity 20 --time 0.2 --json capacity.json | grep -c '^[0-9]* cameras* of 20 frames a second'
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }
python3 - <<'END'
import json
d = json.load(open('capacity.json'))
c = d['capacity']
steps = c['steps']
assert c['fps'] == 20 and c['limit_ms'] == 50 and d['streams'] == 2
for s in steps:
    assert s['answered'] + s['dropped'] == 4 * s['cameras'] * 2, s  # 0.2 s, two networks
    assert s['ok'] == (s['dropped'] == 0 and s['age_p99_ms'] <= c['limit_ms']), s
    assert 0 < s['age_median_ms'] <= s['age_p99_ms'] and s['rate'] == s['cameras'] * 20
assert c['cameras'] == steps[-1]['cameras'] and steps[-1]['ok']
assert max(m['latency_ms']['p99'] for m in d['models']) == steps[-1]['age_p99_ms']
assert c['cameras'] == 16384 or any(s['cameras'] > c['cameras'] and not s['ok'] for s in steps)
print('the steps and the answer agree')
END
mo-bench -q "$GLYPHS/glyphs.onnx" --threads 1 --capacity 100000 --time 0.05 | head -n 1 | cut -d: -f1
mo-bench -q "$GLYPHS/glyphs.onnx" --threads 1 --capacity 100000 --time 0.05 >/dev/null || echo "exit $?"
mo-bench "$GLYPHS/glyphs.onnx" --capacity -3 || echo "exit $?"
mo-bench "$GLYPHS/glyphs.onnx" --capacity 30 --async || echo "exit $?"
mo-bench "$GLYPHS/glyphs.onnx" --capacity 30 --batch 2 || echo "exit $?"
