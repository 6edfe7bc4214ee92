#!/bin/bash
# What is no file to read from, a pipe without a writer, a folder, a device, or one too large: one error, and at once.
m=$GLYPHS/glyphs.onnx s=$GLYPHS/calib_images.npy
p="--preprocess layout=nhwc,mean=127.5,scale=127.5"
mkfifo pipe
mkdir folder class
mkfifo class/a.png class/b.png
truncate -s 2000000000 sparse
no() {
	timeout 20 "$@" >out 2>err </dev/null
	rc=$?
	{ [ $rc -eq 1 ] || [ $rc -eq 2 ]; } && [ "$(wc -l <err)" -eq 1 ] || { echo "exit $rc: $*"; cat err; }
	sed "s,$GLYPHS/,," err
}
for f in pipe folder /dev/zero sparse; do
	echo "-- $f"
	no mo "$f"
	no mo-run "$m" --data "$f"
	no mo-run "$f" --random 1
	no mo-info "$f"
	no mo-calibrate "$m" --data "$f" $p
	no mo-calibrate "$m" --data "$s" --labels "$f" --max-drop 0.01 $p
	no mo-calibrate "$m" --data "$s" $p --config "$f"
	no mo-calibrate "$m" --stats-in "$f"
	no mo-bench --suite "$f"
	no mo-bench "$m" --sweep batch=1 --time 0.1 --resume "$f"
done
echo "-- others"
no mo-calibrate "$m" --data class $p --max-unreadable 0
cp "$GLYPHS/glyphs.onnx" g.onnx
mo -q g.onnx
rm g.bin
mkfifo g.bin
no mo-run g.xml --random 1
rm g.bin
echo precious >g.search
no mo-calibrate g.onnx --data "$s" $p --samples 100 --metric cosine --max-drop 0.5
no mo-bench "$m" --sweep batch=1 --time 0.1 --resume g.search
cat g.search
mkfifo h.search
no mo-calibrate -n h g.onnx --data "$s" $p --samples 100 --metric cosine --max-drop 0.5
echo "-- pipes that are written to"
cat "$m" | mo -q - -n piped && ls piped.*
mo-info <(cat "$m") | head -n 1 | cut -d' ' -f2-
