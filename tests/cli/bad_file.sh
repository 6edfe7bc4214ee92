#!/bin/bash
# A bad model: exit 1, one clear line, and what was there before stays as it was.
mkdir out
echo old >out/m.xml
echo old >out/m.bin
bad() {
	mo -q --input "$1" --output-dir out --model-name m --depfile out/m.d --report out/m.json 2>err
	[ $? -eq 1 ] || echo "exit code for $1"
	[ "$(wc -l <err)" -eq 1 ] || echo "not one line for $1"
	[ "$(cat out/*)" = "old
old" ] || echo "output touched for $1"
	[ "$(find out -type f | wc -l)" -eq 2 ] || echo "files left for $1"
}
bad nosuch.onnx
head -c 100000 "$GLYPHS/glyphs.onnx" >cut.onnx
bad cut.onnx
echo hello >text.onnx
bad text.onnx
: >empty.onnx
bad empty.onnx
bad .
mo -q "$GLYPHS/glyphs.onnx" --output-dir out/m.xml/sub 2>err && echo 'wrote under a file'
mo -q "$GLYPHS/glyphs.onnx" --output-dir new
truncate -s 1000 new/glyphs.bin
mo-run -q new/glyphs.xml --random 1 >out.txt 2>err
[ $? -eq 1 ] && [ "$(wc -l <err)" -eq 1 ] || echo 'a short .bin'
mo-info new/nosuch.xml 2>/dev/null
[ $? -eq 1 ] || echo 'mo-info on nothing'
