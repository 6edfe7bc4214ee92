#!/bin/bash
# What the pods of the Indexed Job manifest run, one after the other, adds up to the suite; the manifest itself is held
# against the schema where kubernetes-validate (PyPI) is installed.
set -e
job=$ROOT/src/share/examples/suite-job.yaml
cp "$GLYPHS/glyphs.onnx" .
cat >suite.json <<'END'
{"name": "pods", "time": 0.02, "rounds": 2, "models": ["glyphs.onnx"], "threads": [1, 2], "modes": ["sync", "async"], "precisions": ["fp32", "bf16"]}
END
pods=$(sed -n 's/^ *completions: *//p' "$job")
command=$(awk '/args:/ { on = 1; next } /resources:/ { on = 0 } on { sub(/^ *(- )?/, ""); printf "%s ", $0 }' "$job")
for ((i = 0; i < pods; i++)); do
	JOB_COMPLETION_INDEX=$i sh -c "$command" >/dev/null
done
ls runs.* shard.*
cat runs.*.jsonl >runs.jsonl
mo-bench --suite suite.json --resume runs.jsonl --csv all.csv 2>&1 >/dev/null | grep -o '0 to do'
grep -c ',ok,' all.csv
if command -v kubernetes-validate >/dev/null; then kubernetes-validate --strict --quiet "$job"; fi
