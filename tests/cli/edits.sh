#!/bin/bash
# Sizes, batch, cuts and frozen inputs; edits that cannot be are misuse that names what is in the way.
m=$GLYPHS/glyphs.onnx
edges() { mo-info "$1" | grep -E '^(input|output)'; }
mo -q "$m" -n batch --batch 4 --verify && edges batch.xml
mo -q "$GLYPHS/glyphs_dynamic.onnx" -n shape --input-shape 'input[1..8,3,32,32]' && edges shape.xml
mo -q "$GLYPHS/glyphs_dynamic.onnx" -n fixed --input_shape '[2,3,32,32]' --static-shape && edges fixed.xml
mo -q "$m" -n cut --cut-inputs block1/pointwise/hardswish --cut-outputs pool,fc --verify && edges cut.xml
mo -q "$m" -n frozen --freeze 'input->0.5' && edges frozen.xml
mo-run -q frozen.xml | head -n 1
bad() {
	mo -q "$@" --output-dir bad
	rc=$?
	[ $rc -eq 2 ] || echo "exit $rc: $*"
}
bad "$m" --input-shape 'nosuch[1,3,32,32]'
bad "$m" --input-shape 'input[1,3,32'
bad "$m" --input-shape 'input[3,32,32]'
bad "$m" --cut-outputs nosuch
bad "$m" --cut-inputs fc --cut-outputs pool
bad "$m" --freeze input
bad "$m" --freeze 'input->1 2'
bad "$m" --layout 'input(nhwx->nchw)'
bad "$m" --layout 'input(nc)' --mean-values 1,2
bad "$m" --mean-values 1,2
bad "$m" --mean-values x
bad "$m" --scale 0
bad "$GLYPHS/glyphs_dynamic.onnx" --static-shape
bad "$GLYPHS/glyphs_dynamic.onnx" --freeze 'input->1'
[ ! -e bad ]
