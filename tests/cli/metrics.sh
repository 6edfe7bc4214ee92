#!/bin/bash
# mo-metrics(7) describes every field that mo-bench --json writes, in each of its modes, and none that no program writes.
set -e
page=$ROOT/man/mo-metrics.7
net=$GLYPHS/glyphs.onnx
mo -q "$net" --model-name a
mo-bench -q a.xml --iterations 3 --profile --beside "$net" --beside nosuch.xml --rounds 1 --json plain.json >/dev/null
mo-bench -q a.xml --time 0.02 --rate 500 --json rate.json >/dev/null
mo-bench -q a.xml --threads 1 --capacity 5000 --time 0.02 --json capacity.json >/dev/null || [ $? = 3 ] # no camera: a no
mo-bench -q a.xml "$net" --cold 1 --json cold.json >/dev/null
mo-bench -q "$GLYPHS/glyphs_dynamic.onnx" --sweep 'batch=1,2 threads=1' --rounds 1 --time 0.02 --max-latency 1000 --json sweep.json \
    --html sweep.html >/dev/null
printf '{"time": 0.02, "rounds": 1, "models": ["%s", "nosuch.onnx"], "backends": [{"name": "mo"}]}' "$net" >suite.json.in
mo-bench -q --suite suite.json.in --json suite.json >/dev/null
mo-bench -q --compare suite.json suite.json --json compare.json >/dev/null
sed -n 's/.*<script id="data"[^>]*>\(.*\)<\/script>.*/\1/p' sweep.html >html.json
keys() { grep -oh '"[a-zA-Z0-9_]*":' "$@" | tr -d '":' | sort -u; }
described() { sed -n '/^\.Sh JSON FIELDS/,/^\.Sh SEE/s/^\.It Va //p' "$page" | tr -d ' \\&' | tr ',' '\n' | sort -u; }
echo 'not described:'
comm -23 <(keys plain.json rate.json capacity.json cold.json sweep.json suite.json compare.json html.json) <(described)
echo 'described, but written by nothing:'
comm -13 <(keys ./*.json) <(described | grep -vx 'governor\|calibrated') # not on every machine; needs a calibration
echo 'twice:'
sed -n '/^\.Sh JSON FIELDS/,/^\.Sh SEE/s/^\.It Va //p' "$page" | tr -d ' ' | tr ',' '\n' | sort | uniq -d
described | wc -l | awk '{ print ($1 > 60) ? "and there are many" : "too few: " $1 }'
