#!/bin/bash
# What a changed network loses on samples: flips, groups, limits, what is not finite.
set -e
p=mean=127.5,scale=127.5,layout=nhwc
run() { # run OPTION...: the other network is changed.xml
	mo-run -q changed.xml --compare "$GLYPHS/glyphs.onnx" --data "$GLYPHS/test_images.npy" --preprocess $p "$@" || echo "exit $?"
}
y="--labels $GLYPHS/test_labels.npy"
mo -q "$GLYPHS/glyphs.onnx" -n changed
echo '# the same'
# shellcheck disable=SC2086
run $y --max-drop 0.1%
# The network sees everything a third darker.
mo -q "$GLYPHS/glyphs.onnx" -n changed --scale 1.5
echo '# darker'
# shellcheck disable=SC2086
run $y --max-drop 1% --max-group-drop 50%
# shellcheck disable=SC2086
run $y --max-drop 99% --max-group-drop 1% | grep -E 'worst|verdict|exit'
# shellcheck disable=SC2086
run $y --json - | tr -d ' \t\n' | grep -oE '"(metric|samples|verdict|drop_type|lost|gained|not_finite)":[^,}]*' | sort -u
echo '# groups of samples'
for i in $(seq 0 999); do echo "$i g$((i % 3))"; done >groups
run --metric cosine --groups groups | grep -cE '^  g[0-2]: '
echo "5 g9" >>groups
run --metric cosine --groups groups
echo '# pictures by the end of their paths'
(cd "$GLYPHS/folders" && for f in */*.png; do echo "$f,${f%/*}"; done) >groups.csv
mo-run -q changed.xml --compare "$GLYPHS/glyphs.onnx" --accuracy --data "$GLYPHS/folders" --preprocess $p --groups groups.csv |
    sed -n 's/.*\(worst of [0-9]* groups\).*/\1/p'
echo '# not finite'
mo -q "$GLYPHS/glyphs.onnx" -n changed --scale 1e-38
run --metric cosine | grep -E 'NaN|verdict|exit'
echo '# a program of the user'
mo -q "$GLYPHS/glyphs.onnx" -n changed --scale 1.5
cat >score <<'END'
head -n 2 "$2/samples.csv" >&2
wc -c <"$2/0.npy" >&2
echo "this is $1"
grep -c '^[0-9]*,"row' "$2/samples.csv"
END
mkdir tmp
# shellcheck disable=SC2086
TMPDIR=tmp run $y --metric-cmd 'sh ./score mine' --max-drop 1% | grep -vE '^  (row|[0-9])|more$'
ls tmp
run --metric-cmd 'echo good #'
run --metric-cmd 'exit 4;'
run --metric-cmd true
echo '# misuse'
run --max-drop 2
run --metric top1
run --metric best
mo-run -q changed.xml --data "$GLYPHS/test_images.npy" --max-drop 1% || echo "exit $?"
