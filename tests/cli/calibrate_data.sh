#!/bin/bash
# What mo-calibrate says of its samples, and a metric of the user's that decides what is kept.
p='--preprocess mean=127.5,scale=127.5'
cal() { # cal OPTION...
	# shellcheck disable=SC2086
	mo-calibrate -q "$GLYPHS/glyphs.onnx" $p -o . -n int8 "$@" || echo "exit $?"
}
mkdir -p one/a few none
cp "$GLYPHS"/folders/arrow/arrow_00.png one/a
cp "$GLYPHS"/folders/*/*_0[0-3].png few
for i in 1 2 3; do echo broken >few/broken$i.png; done
cal --data one
cal --data none
cal --data few --max-unreadable 2
cal --data few --max-unreadable 3
[ -f int8.xml ] || echo 'nothing written'
cal --data x.npy
echo '# a program of the user'
cat >score <<'END'
tail -n +2 "$1/samples.csv" | wc -l >>asked
echo "some words"
[ -f first ] && echo 0.25 || { touch first; echo 1.5; }
END
cal --data "$GLYPHS/folders" --samples 20 --metric-cmd 'sh ./score' --max-drop 2 --json - | tr -d ' \t' |
    grep -E '^"(metric|metric_original|metric_result|drop|max_drop|verdict)":' | head -n 6
sort -u asked
rm -f first
cal --data "$GLYPHS/folders" --samples 20 --metric-cmd 'sh ./score' --max-drop 1% --time-budget 1 | grep -E 'verdict|exit'
cal --data "$GLYPHS/folders" --samples 20 --metric-cmd false --max-drop 1%
