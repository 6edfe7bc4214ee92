#!/bin/bash
# The spellings of the classic converter give the same files as ours.
set -e
mo -q --input_model "$GLYPHS/glyphs.onnx" --output_dir old --model_name g --data_type FP16 \
    --mean_values '[127.5,127.5,127.5]' --scale_values 'input[127.5,127.5,127.5]' --input_shape '[1,3,32,32]' \
    --reverse_input_channels
mo -q "$GLYPHS/glyphs.onnx" --output-dir new --model-name g --precision fp16 \
    --mean-values '[127.5,127.5,127.5]' --scale-values 'input[127.5,127.5,127.5]' --input-shape '[1,3,32,32]' \
    --reverse-input-channels
cmp old/g.xml new/g.xml
cmp old/g.bin new/g.bin
mo -q -m "$GLYPHS/glyphs.onnx" --compress_to_fp16=True --output_dir=c1 --framework onnx
mo -q --input_model="$GLYPHS/glyphs.onnx" --compress_to_fp16 --output_dir=c2
mo -q "$GLYPHS/glyphs.onnx" --compress_to_fp16=False --output_dir=c3
cmp c1/glyphs.bin c2/glyphs.bin
if cmp -s c1/glyphs.bin c3/glyphs.bin; then exit 1; fi
mo -q --input_model "$GLYPHS/glyphs.onnx" --input pool --output fc --output_dir cut
grep -q 'name="pool" type="Parameter"' cut/glyphs.xml
