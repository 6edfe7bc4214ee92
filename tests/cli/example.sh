#!/bin/bash
# The examples of the C library compile against the public header alone, and run.
set -e
cc=${CC:-gcc}
command -v "${cc%% *}" >/dev/null || { echo "no $cc"; exit 77; }
ldd "$BUILD/bin/mo" | grep -q asan && { echo 'a sanitizer build'; exit 77; }
mkdir include
cp "$ROOT/src/mo.h" include
mo -q "$GLYPHS/glyphs.onnx"
mo-compile -q glyphs.xml -o net.blob
for example in classify stream embedded; do
	# shellcheck disable=SC2046
	$cc -Wall -Wextra -Werror -Iinclude -DBLOB='"net.blob"' -o $example "$ROOT/src/share/examples/$example.c" "$BUILD/libmo.a" \
	    $(pkg-config --libs expat libprotobuf-c libxxhash libcjson libpng libjpeg zlib libzstd) -lm -pthread
done
[ "$(wc -l <"$ROOT/src/share/examples/classify.c")" -le 40 ] && echo 'at most 40 lines'
prepare=mean=127.5,scale=127.5
star=$GLYPHS/folders/star/star_00.png
echo '# classify'
./classify glyphs.xml "$star" $prepare
./classify "$GLYPHS/glyphs.onnx" "$star" $prepare
./classify net.blob "$star" $prepare
mo-run -q glyphs.xml --classify "$star" --preprocess $prepare --top 1
./classify nosuch.onnx "$star" || echo "exit $?"
./classify glyphs.xml nosuch.png || echo "exit $?"
./classify glyphs.xml "$star" mean=1:2 || echo "exit $?"
echo '# stream: frames out of an array of pictures, behind its head of 128 bytes'
tail -c +129 "$GLYPHS/test_images.npy" | head -c $((5 * 32 * 32 * 3)) | ./stream glyphs.xml 32 32 $prepare
./stream glyphs.xml 32 32 mean=1:2 <"$GLYPHS/test_images.npy" || echo "exit $?"
tail -c +129 "$GLYPHS/test_labels.npy" | od -An -td8 -N 40 | tr -s "\n " " "
echo '# embedded: the blob is in the program'
rm net.blob glyphs.*
./embedded 3 >out
grep -c ' ms  conv ' out
tail -n 2 out
