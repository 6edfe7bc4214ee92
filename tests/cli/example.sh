#!/bin/bash
# The example of the C library compiles against the public header alone, and runs.
set -e
cc=${CC:-gcc}
command -v "${cc%% *}" >/dev/null || { echo "no $cc"; exit 77; }
ldd "$BUILD/bin/mo" | grep -q asan && { echo 'a sanitizer build'; exit 77; }
mkdir include
cp "$ROOT/src/mo.h" include
# shellcheck disable=SC2046
$cc -Wall -Wextra -Werror -Iinclude -o classify "$ROOT/src/share/examples/classify.c" "$BUILD/libmo.a" \
    $(pkg-config --libs libprotobuf-c libxxhash libcjson libpng libjpeg zlib libzstd) -lm -pthread
mo -q "$GLYPHS/glyphs.onnx"
head -c 12288 /dev/zero >grey
./classify glyphs.xml <grey
./classify "$GLYPHS/glyphs.onnx" <grey
./classify nosuch.onnx || echo "exit $?"
./classify glyphs.xml </dev/null || echo "exit $?"
