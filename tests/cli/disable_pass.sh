#!/bin/bash
# Every pass can be left out, which the report then does not name; all of them at once leave a model that still says the same.
set -e
all=
for p in $(mo --list-passes | awk '{ print $1 }'); do
	mo -q "$GLYPHS/glyphs.onnx" -n one --disable-pass "$p" --report report.json
	if grep -q "\"name\":	\"$p\"" report.json; then echo "$p ran"; fi
	all+=" --disable-pass $p"
done
# shellcheck disable=SC2086
mo -q "$GLYPHS/glyphs.onnx" -n none $all --report none.json
grep -c '"rewrites"' none.json || true
mo -q "$GLYPHS/glyphs.onnx" -n full
mo-run -q none.xml --compare full.xml --random 1 | tail -n 1
