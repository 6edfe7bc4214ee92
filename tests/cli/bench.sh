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
# What BF16 comes to on this processor: some products, or none and a warning; never both.
mo-bench "$GLYPHS/glyphs.onnx" --cpu bf16 --infer-precision bf16 --iterations 1 --json - 2>warning | tr -d ' \t\n' >json
if grep -q '"products_bf16":[1-9]' json; then
	grep -q '"effective_precision":"bf16"' json || echo "bf16, and does not say so"
	grep -q warning warning && echo "bf16 and a warning"
else
	grep -q '"effective_precision":"f32"' json || echo "f32, and does not say so"
	grep -q AVX512_BF16 warning || echo "f32 without a warning"
fi
mo-bench "$GLYPHS/glyphs.onnx" --cpu avx2 --infer-precision bf16 --iterations 1 --json - 2>warning | tr -d ' \t\n' | grep -o '"effective_precision":"f32"'
grep -c 'warning: --infer-precision bf16: no AVX512_BF16' warning
mo-run "$GLYPHS/glyphs.onnx" --cpu avx2 --random 1 --infer-precision bf16 2>&1 >/dev/null | grep -o 'computed in f32'
mo-run "$GLYPHS/glyphs.onnx" --random 1 --infer-precision f16 2>&1 | sed 's/^[^:]*: //' || true
