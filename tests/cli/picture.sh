#!/bin/bash
# mo-info --svg, --html: a picture that names cannot break, a page that works in a browser, a clear error without graphviz.
set -e
mo -q "$GLYPHS/glyphs.onnx" --model-name a
PATH=/nosuch "$(command -v mo-info)" -q a.xml --svg none.svg >/dev/null || echo "exit $?"
ls none.svg 2>/dev/null || echo 'no file'
command -v dot >/dev/null || { echo 'no graphviz'; exit 77; }
mo-info a.xml --svg a.svg --html a.html >/dev/null
grep -o '<g id="layer[0-9]*" class="node [a-z0-9]*"' a.svg | sed 's/.*node //; s/"//' | sort | uniq -c | tr -s ' '
grep -c 'xlink:title="Convolution stem/bn/WithoutBiases&#10;f32\[1,24,16,16\]&#10;648 weights in f32&#10;166k MACs"' a.svg
# in 8 bits
mo-calibrate -q "$GLYPHS/glyphs.onnx" --data "$GLYPHS/calib_images.npy" --samples 30 -n small
mo-info small.xml --svg small.svg >/dev/null
grep -c 'class="node i8"' small.svg
# names that want out of their string, of the markup, or into graphviz's escapes
bad='\\N\&quot;];x[\&lt;/svg\&gt;\&lt;script\&gt;alert(1)\&lt;/script\&gt;\&amp;lt;\\'
sed "s|stem/bn/WithoutBiases|$bad|g; s|stem/relu|--\\&gt;\\\\\\\\|g" a.xml >bad.xml && cp a.bin bad.bin
cp bad.xml '<script>alert(2)<!--&.xml' && cp a.bin '<script>alert(2)<!--&.bin'
mo-info './<script>alert(2)<!--&.xml' --svg bad.svg --html bad.html >/dev/null
grep -c '<script' bad.svg || true
grep -c '<script>alert' bad.html || true
grep -o 'xlink:title="[^"]*∖[^"]*' bad.svg | sed 's/&#10;.*//' | sort -u
command -v python3 >/dev/null && python3 -c 'import xml.dom.minidom as m; [m.parse(f + ".svg") for f in ("a", "small", "bad")]; print("well-formed")'
grep -c 'src="\|href="http\|@import\|url(' a.html || echo 'nothing from elsewhere'
command -v chromium >/dev/null || { echo 'no chromium'; exit 77; }
for page in a bad; do
	chromium --headless --no-sandbox --disable-gpu --window-size=400,800 --virtual-time-budget=5000 --user-data-dir="$PWD/home" \
	    --enable-logging=stderr --dump-dom "file://$PWD/$page.html" >$page.dom 2>$page.log
	grep -c 'data-ready="1"' $page.dom
	grep -E 'CONSOLE|Uncaught' $page.log || true
	grep -o 'inputs and outputs [0-9]*\|f32 [0-9]*<' $page.dom
done
