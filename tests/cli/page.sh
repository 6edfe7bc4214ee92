#!/bin/bash
# The report page in a browser: it draws without an error, and shows what the JSON in it says.
set -e
mo-bench -q "$GLYPHS/glyphs_dynamic.onnx" --time 0.05 --sweep 'batch=1,2 threads=1' --rounds 1 --html run.html --json sweep.json >/dev/null
printf '{"time": 0.02, "rounds": 1, "models": ["%s", "no<script>.onnx"]}' "$GLYPHS/glyphs.onnx" >suite.json
mo-bench -q --suite suite.json --html suite.html >/dev/null
grep -c 'src="\|href="\|@import\|http://[^w]' run.html || echo 'nothing from elsewhere'
command -v chromium >/dev/null || { echo 'no chromium'; exit 77; }
for page in run suite; do
	chromium --headless --no-sandbox --disable-gpu --window-size=400,3000 --virtual-time-budget=8000 --user-data-dir="$PWD/home" \
	    --enable-logging=stderr --dump-dom "file://$PWD/$page.html" >$page.dom 2>$page.log
	grep -c 'data-ready="1"' $page.dom
	grep -E 'CONSOLE|Uncaught' $page.log || true
	grep -o '<h2>[^<]*' $page.dom | cut -c5-
	grep -o '<canvas [^>]*height' $page.dom | grep -c canvas
done
# what a tile shows is what the JSON has, to four digits
fps=$(sed -n 's/.*id="data"[^>]*>//p' run.html | grep -o '"throughput_fps":[0-9.]*' | head -n 1 | cut -d: -f2)
shown=$(grep -o 'throughput</span><b>[0-9.e+]*' run.dom | cut -d'>' -f3)
awk -v a="$fps" -v b="$shown" 'BEGIN { d = (a - b) / a; exit !(b > 0 && d < 1e-3 && d > -1e-3) }' && echo 'the throughput is that of the JSON'
grep -c '<script>.onnx' suite.dom || true
