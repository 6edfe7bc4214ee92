#!/bin/bash
# What a network is made of, as text and as JSON.
set -e
mo-info "$GLYPHS/glyphs.onnx" | grep -v '^operators'
mo-info "$GLYPHS/glyphs.onnx" --layers | grep 'stem/conv$'
mo-info "$GLYPHS/glyphs.onnx" --json - | tr -d ' \t\n' | grep -o '"layer_count":47\|"macs":3453184\|"Convolution":9'
