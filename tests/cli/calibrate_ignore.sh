#!/bin/bash
# Layers that stay as they are: named, by type, by an expression, between two; each match is said, nothing matched is an
# error; the list that a report keeps can be pasted. Weights in 7 bits keep their accuracy.
set -e
command -v python3 >/dev/null || { echo 'no python3'; exit 77; }
m=$GLYPHS/glyphs.onnx
data=(--data "$GLYPHS/calib_images.npy" --preprocess "mean=127.5,scale=127.5,layout=nhwc" --samples 20)
for which in fc/MatMul MatMul '/^(stem|se)[/]/' 'se/pool..se/mul' 'residual/first/bn/WithoutBiases..residual/add'; do
	mo-calibrate "$m" "${data[@]}" --ignore "$which" -n part 2>&1 | grep -v wrote | sed 's/ from.*//'
done
for which in nothing stem/bb '/(/' /xyz/ softmax..input a..b; do
	mo-calibrate -q "$m" "${data[@]}" --ignore "$which" -n bad && echo 'no error' || echo "exit $?"
done 2>&1
[ ! -e bad.xml ]
# the same from a config, and for weights alone
echo '{"weights": "int8", "ignore": ["MatMul", "se/pool..se/mul"]}' >few.json
mo-calibrate -q "$m" --config few.json -n few --json few.report
mo-calibrate -q --config few.config.json -n again
cmp few.bin again.bin
tr -d ' \t\n' <few.report | grep -o '"ignored":.*]}]'
grep -c 'type="Const".*fq_weights\|element_type="u8"' few.xml
# what a search kept gives the same network when it is pasted
judge=("${data[@]}" --test-data "$GLYPHS/test_images.npy" --test-labels "$GLYPHS/test_labels.npy")
rough=(--preset performance --no-equalization --no-rounding --no-bias-correction)
mo-calibrate -q "$m" "${judge[@]}" "${rough[@]}" --max-drop 1% -n search >found || [ $? -eq 3 ]
keep=$(sed -n 's/^to keep the same ones://p' found)
[ -n "$keep" ]
eval "mo-calibrate -q \"\$m\" \"\${data[@]}\" \"\${rough[@]}\" $keep -n pasted"
if grep -q tuned found; then echo 'ranges were tuned: the networks may differ'; else cmp search.bin pasted.bin; fi
# 7 bits
for fix in disable first-layer-only enable; do
	mo-calibrate -q "$m" "${data[@]}" --overflow-fix $fix -n $fix
	python3 - $fix <<'END2'
import re, sys, struct
xml, data = open(sys.argv[1] + '.xml').read(), open(sys.argv[1] + '.bin', 'rb').read()
most = []
for at in re.finditer(r'<data element_type="i8"[^>]*offset="(\d+)"[^>]*size="(\d+)"', xml):
    offset, size = map(int, at.groups())
    most.append(max(abs(x) for x in struct.unpack(f'{size}b', data[offset:offset + size])))
print(sys.argv[1], 'first', 'half' if most[0] <= 63 else 'full', 'all', 'half' if max(most) <= 63 else 'full')
END2
done
mo-calibrate -q "$m" "${data[@]}" --overflow-fix some -n bad || echo "exit $?"
