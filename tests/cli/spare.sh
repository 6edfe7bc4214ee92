#!/bin/bash
# What is read is not replaced: a model, the weights beside an IR, what an ONNX file keeps outside, input arrays.
set -e
mo -q "$GLYPHS/glyphs.onnx" --model-name g
cp g.bin d.npy
ln -s g.bin soft
ln g.bin hard
sum() { cat g.xml g.bin d.npy; }
sum >before
no() { # no PROGRAM ARGUMENT...: refused, and nothing is changed
	{ "$@" >/dev/null; } 2>&1 || echo "exit $?"
	sum | cmp - before
	[ soft -ef g.bin ] && [ hard -ef g.bin ]
}
data="--data $GLYPHS/calib_images.npy --preprocess layout=nhwc,mean=127.5,scale=127.5"
no mo g.xml --report g.bin # though the IR itself is rewritten in place
no mo g.xml --model-name x --report g.bin
no mo-calibrate g.xml $data
no mo-calibrate g.xml $data -n x --report ./g.xml
no mo-calibrate g.xml $data -n x --json g.bin
no mo-compile g.xml -o g.xml
no mo-compile g.xml -o soft
no mo-compile g.xml -o hard
no mo-compile -q g.xml -o x.blob --json g.bin
no mo-bench g.xml --time 0.1 --json g.xml
no mo-bench g.xml "$GLYPHS/glyphs.onnx" --time 0.1 --json g.bin
no mo-bench g.xml --time 0.1 --html soft
no mo-info g.xml --json g.xml
no mo-info diff "$GLYPHS/glyphs.onnx" g.xml --json g.bin
no mo-run g.xml --random 1 --json g.bin
mkdir pictures
cp "$(find "$GLYPHS/folders" -name '*.png' | sort | head -n 1)" pictures/a.png
cp pictures/a.png pictures/b.png
printf 'pictures/a.png 1\npictures/b.png 2\n' >list.txt
no mo-calibrate g.xml --data list.txt --preprocess mean=127.5,scale=127.5 -n x --report pictures/b.png
no mo-calibrate g.xml --data pictures --preprocess mean=127.5,scale=127.5 -n x --stats-out pictures/a.png
no mo-calibrate g.xml --data list.txt --preprocess mean=127.5,scale=127.5 -n x --json list.txt
no mo-run g.xml --accuracy --data list.txt --preprocess mean=127.5,scale=127.5 --json pictures/a.png
cmp pictures/a.png pictures/b.png
cp g.xml bare
cp g.bin bare.bin
no mo-run bare --random 1 --json bare.bin
no mo-run bare --random 1 --out g.xml/out
[ ! -e bare.xml ]
{ printf "\x93NUMPY\1\0v\0%-117s\n" "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 32, 32), }"; head -c 12288 /dev/zero; } >0.npy
cp 0.npy kept
no mo-run g.xml --data 0.npy --out .
cmp 0.npy kept
[ ! -e x.xml ] && [ ! -e x.bin ]
mo-calibrate -q g.xml $data -n g8 # beside it is well
mo-compile -q g8.xml -o g8.blob
mo-compile -q g8.xml -o g8.blob # an earlier output is replaced
ls g8*
