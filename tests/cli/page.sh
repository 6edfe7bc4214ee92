#!/bin/bash
# The report page in a browser: it draws without an error, fits a phone, and shows what the JSON in it says.
set -e
N=$GLYPHS/glyphs_dynamic.onnx
mo -q "$GLYPHS/glyphs.onnx"
mo-compile -q glyphs.xml -o glyphs.blob
mo-calibrate -q glyphs.xml --data "$GLYPHS/calib_images.npy" --labels "$GLYPHS/calib_labels.npy" --metric top1 --max-drop 0.5 --table --rank sqnr \
    --report calib.json --model-name int8 >/dev/null
mo-bench -q "$N" --time 0.05 --sweep 'batch=1,2 threads=1,2 mode=sync,async' --rounds 1 --html sweep.html --json sweep.json >/dev/null
mo-bench -q int8.xml --beside glyphs.xml --beside glyphs.blob --beside nosuch.xml --report calib.json --time 0.05 --rounds 1 --html run.html --json run.json >/dev/null
printf '{"time": 0.02, "rounds": 1, "models": ["%s", "no<script>.onnx"]}' "$GLYPHS/glyphs.onnx" >suite.json
mo-bench -q --suite suite.json --html suite.html >/dev/null
mo-bench -q "$N" "$GLYPHS/glyphs.onnx" --capacity 200 --time 0.1 --html two.html >/dev/null || true
grep -c 'src="\|href="\|@import\|http://[^w]' run.html || echo 'nothing from elsewhere'
mo-bench -q "$N" --iterations 1 --html x.html --report suite.json || echo "exit $?"
mo-bench -q "$N" --iterations 1 --report calib.json || echo "exit $?"
mo-bench -q "$N" "$N" --iterations 1 --beside glyphs.xml || echo "exit $?"
command -v chromium >/dev/null || { echo 'no chromium'; exit 77; }
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }
for page in run sweep suite two; do
	# 390 pixels: a phone
	chromium --headless --no-sandbox --disable-gpu --window-size=390,3000 --virtual-time-budget=8000 --user-data-dir="$PWD/home" \
	    --enable-logging=stderr --dump-dom "file://$PWD/$page.html" >$page.dom 2>$page.log
	echo "$page: $(grep -o 'data-overflow="[^"]*"\|data-ready="1"' $page.dom | sort | tr '\n' ' ')"
	grep -E 'CONSOLE|Uncaught' $page.log || true
	grep -o '<h2>[^<]*' $page.dom | cut -c5- | tr '\n' ';'
	echo
	grep -o '<canvas [^>]*height' $page.dom | grep -c canvas || true
done
grep -c '<script>.onnx' suite.dom || true
python3 "$ROOT/tests/cli/page_values.py"
