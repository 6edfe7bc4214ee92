#!/bin/bash
# How long a network takes, as text and as JSON with the fields that are promised.
set -e
mo-bench "$GLYPHS/glyphs.onnx" --iterations 5 --profile >text
grep -c '^latency over 5 runs: min [0-9.]* ms, median [0-9.]*, mean' text
grep -o 'sum of the least times of 10 runs' text
mo-bench "$GLYPHS/glyphs.onnx" --threads 1 --iterations 3 --profile --json - | tr -d ' \t\n' >json
for k in read_ms compile_ms first_ms latency_ms min median mean p90 p95 p99 max throughput_fps peak_rss_mb profile gflops; do
	grep -q "\"$k\":" json || echo "no $k"
done
grep -o '"iterations":3,"threads":1' json
grep -o '"effective_precision":"f32"' json
