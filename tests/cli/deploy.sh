#!/bin/bash
# The example deployment builds in parallel; touching one input remakes just what depends on it, to the same bytes.
set -e
command -v make >/dev/null || { echo 'no make'; exit 77; }
cp "$ROOT/src/share/examples/deploy/Makefile" .
cp "$GLYPHS/glyphs.onnx" net.onnx
cp "$GLYPHS/glyphs.onnx" other.onnx
cp "$GLYPHS/calib_images.npy" samples.npy
export MO_MK=$ROOT/src/share/mo.mk
unset MAKEFLAGS MFLAGS MAKELEVEL # of a make that runs the tests
remade() { make -j4 all other.fp16.xml | sed -n 's/^\(mo[a-z-]*\) .*\(--model-name\|-o\) \([^ ]*\).*/\1 \3/p' | sort; }
make -j4 -s all other.fp16.xml
sha256sum ./*.xml ./*.bin ./*.blob >sums
echo 'nothing to do:'
remade
sleep 0.01
touch samples.npy
echo 'samples touched:'
remade
touch net.onnx
echo 'network touched:'
remade
sha256sum --quiet -c sums && echo 'the same bytes'
make -s clean
ls
