#!/bin/bash
# What a network is made of, as text and as JSON; storage against compute precision; advice.
set -e
mo-info "$GLYPHS/glyphs.onnx" | grep -v '^operators'
mo-info "$GLYPHS/glyphs.onnx" --layers | grep 'stem/conv$'
mo-info "$GLYPHS/glyphs.onnx" --json - | tr -d ' \t\n' | grep -o '"layer_count":47\|"macs":3453184\|"Convolution":9'
echo '# half the storage, the same arithmetic'
mo -q "$GLYPHS/glyphs.onnx" --model-name half --precision fp16
mo-info half.xml | grep -e '^weights are' -e '^computed'
echo '# 8 bits, but for what was left out'
mo-calibrate -q "$GLYPHS/glyphs.onnx" --data "$GLYPHS/calib_images.npy" --samples 30 --ignore fc/MatMul --ignore stem/bn/WithoutBiases -n small
mo-info small.xml --advice | grep -e '^weights are' -e '^computed' -e '^precision'
mo-info small.xml --json info.json >/dev/null
mo-bench -q small.xml --iterations 1 --json bench.json >/dev/null
field() { tr -d ' \t\n' <"$1" | grep -o "\"$2\":[0-9]*" | cut -d: -f2; }
[ $(($(field info.json convolutions_i8) + $(field info.json matrix_products_i8))) = "$(field bench.json products_i8)" ] && echo 'as mo-bench counts them'
tr -d '\t\n' <info.json | grep -o '"computed":"f32","reason":"[^"]*"'
echo '# advice'
mo-info "$GLYPHS/glyphs_dynamic.onnx" --advice | sed -n '/^advice/,$p'
mo-info "$GLYPHS/glyphs_dynamic.onnx" --advice --json - | tr -d '\t\n' | grep -o '"about":"[a-z]*"' | sort | uniq -c | tr -s ' '
mo-info "$GLYPHS/glyphs.onnx" --advice | grep '^pruning'
echo '# the report of a run says it too'
mo-bench -q small.xml --time 0.02 --html report.html >/dev/null
grep -o '"[^"]*products stay in f32[^"]*"' report.html
echo '# a compiled network'
mo-compile -q small.xml -o small.blob
mo-info small.blob | sed 's/for [a-z0-9]*,/for X,/'
mo-info small.blob --cpu ref | tail -n 1 | sed 's/for [a-z0-9]*,/for X,/'
mo-info small.blob --json - | tr -d ' \t\n' | grep -o '"serves":[a-z]*\|"products_i8":[0-9]*'
mo-info small.blob --layers 2>/dev/null || echo "exit $?"
cat "$GLYPHS/glyphs.onnx" | mo-info - | sed -n 1p
