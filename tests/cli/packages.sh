#!/bin/bash
# What is installed is whole: the library through pkg-config, CMake and Meson, the Debian package, and a bundle that
# runs where nothing else is.
set -e
ldd "$BUILD/bin/mo" | grep -q asan && { echo 'a sanitizer build'; exit 77; }
command -v dpkg-deb >/dev/null || { echo 'not a Debian system'; exit 77; }
unset MAKEFLAGS MFLAGS MAKELEVEL # of a make that runs the tests
make=(make -s --no-print-directory -C "$ROOT" BUILD="$BUILD")
"${make[@]}" install DESTDIR="$PWD/root" PREFIX="$PWD/usr"
mv "root$PWD/usr" . # where its mo.pc says that it is
[ "$(du -sb --apparent-size usr | cut -f1)" -lt 5000000 ] || echo 'more than 5 MB are installed'
export PKG_CONFIG_PATH=$PWD/usr/lib/pkgconfig LD_LIBRARY_PATH=$PWD/usr/lib
mo -q "$GLYPHS/glyphs.onnx"
star=$GLYPHS/folders/star/star_00.png
examples=$PWD/usr/share/mo/examples
# shellcheck disable=SC2046
cc -o classify "$examples/classify.c" $(pkg-config --cflags --libs mo)
./classify glyphs.xml "$star" mean=127.5,scale=127.5 >plain
grep -o 'class [0-9]* of 10' plain
if command -v cmake >/dev/null; then
	cmake -S "$examples" -B by-cmake >/dev/null && cmake --build by-cmake >/dev/null
	by-cmake/classify glyphs.xml "$star" mean=127.5,scale=127.5 | cmp - plain
fi
if command -v meson >/dev/null && command -v ninja >/dev/null; then
	meson setup by-meson "$examples" >/dev/null && ninja -C by-meson >/dev/null
	by-meson/classify glyphs.xml "$star" mean=127.5,scale=127.5 | cmp - plain
fi
make -s -f usr/share/mo/examples/deploy/Makefile MO_MK="$(pkg-config --variable=mk mo)" -n clean

deb=$("${make[@]}" deb)
dpkg-deb -f "$deb" Depends | grep -o -e 'libc6' -e 'libexpat1' -e 'libxml2' -e 'libsqlite3-0' -e 'zlib1g'
dpkg-deb -c "$deb" | grep -o -e '/usr/bin/.*' | sort

tar=$("${make[@]}" bundle MODEL="$PWD/glyphs.xml")
tar -xf "$tar"
ls mo-glyphs
[ ! -e mo-glyphs/lib/mo-run ]
mo-glyphs/run -q --random 1 --out by-run
mo-run -q glyphs.xml --random 1 --out want
cmp by-run/0.npy want/0.npy
[ ! -e mo-glyphs/lib/mo-run ] || echo 'a program among the libraries'
# the blob is for this processor: another one takes the network beside it, wherever that was made
mv glyphs.xml glyphs.bin ..
mo-run -q ../glyphs.xml --random 1 --cpu ref --out want-ref
mo-glyphs/run --random 1 --cpu ref --out by-ref 2>&1 | grep -o "this run has ref: .* taking 'mo-glyphs/glyphs.xml'"
cmp by-ref/0.npy want-ref/0.npy
mv ../glyphs.xml ../glyphs.bin .
if [ "$(id -u)" = 0 ]; then
	chroot mo-glyphs /lib/ld-linux-x86-64.so.2 --library-path /lib /bin/mo-run -q /glyphs.blob --random 1 --out /alone
	cmp mo-glyphs/alone/0.npy want/0.npy
fi
