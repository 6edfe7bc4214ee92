#!/bin/bash
# A machine without AVX, and of another architecture: builds for arm64 with the libraries of Debian's arm64 packages
# (unpacked under BUILD, nothing is installed), runs the unit tests and the network of testdata under qemu, and
# compares the written bytes with those of this machine.
# usage: arm64.sh BUILD
set -u
cd "$(dirname "$0")/../.." || exit 1
B=$(mkdir -p "$1" && cd "$1" && pwd); D=$B/arm64; R=$D/root
passed=0 failed=0
skip() { echo "skipped: $1"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
check() { local n=$1; shift; if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $n"; fi; }
command -v aarch64-linux-gnu-gcc >/dev/null || skip 'no aarch64-linux-gnu-gcc (package gcc-aarch64-linux-gnu)'
command -v qemu-aarch64 >/dev/null || skip 'no qemu-aarch64 (package qemu-user)'
if [ ! -e "$R/.done" ]; then
	mkdir -p "$D/state/lists/partial" "$D/cache/archives/partial" "$R"; : >"$D/status"
	apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$D/state" -o Dir::Cache="$D/cache"
	    -o Dir::State::status="$D/status" -o APT::Sandbox::User=root -o Debug::NoLocking=1)
	"${apt[@]}" update || skip 'no package lists for arm64'
	"${apt[@]}" install -y --download-only --no-install-recommends libc6-dev libgcc-12-dev libprotobuf-c-dev libexpat1-dev libxxhash-dev \
	    libcjson-dev libpng-dev libjpeg62-turbo-dev zlib1g-dev libzstd-dev libcmocka-dev >/dev/null || skip 'no arm64 packages'
	for p in "$D"/cache/archives/*.deb; do dpkg -x "$p" "$R" || skip "cannot unpack $p"; done
	[ -e "$R/lib/ld-linux-aarch64.so.1" ] || skip 'no arm64 C library'
	touch "$R/.done"
fi
export PKG_CONFIG_SYSROOT_DIR=$R PKG_CONFIG_LIBDIR=$R/usr/lib/aarch64-linux-gnu/pkgconfig:$R/usr/share/pkgconfig
make --no-print-directory -s -j"$(nproc)" BUILD="$D" CC="aarch64-linux-gnu-gcc --sysroot=$R" DEV=1 \
    LDFLAGS="-Wl,-rpath-link,$R/usr/lib/aarch64-linux-gnu -Wl,-rpath-link,$R/lib/aarch64-linux-gnu" all tests || { echo "1 failed"; echo "0 passed, 1 failed"; exit 1; }
emu() { qemu-aarch64 -L "$R" -E LD_LIBRARY_PATH="$R/usr/lib/aarch64-linux-gnu:$R/lib/aarch64-linux-gnu" "$@"; }
for t in "$D"/tests/unit/test_* "$D"/tests/kernels/test_*; do [ -x "$t" ] && check "${t##*/}" emu "$t" >"$D/${t##*/}.log" 2>&1; done
check run_levels emu "$D/tests/passes/run_levels" --seconds 60 >"$D/run_levels.log" 2>&1
w=$(mktemp -d); trap 'rm -rf "$w"' EXIT
for p in fp32 fp16; do
	emu "$D/bin/mo" -q --input testdata/glyphs/glyphs.onnx --output-dir "$w/arm" --model-name $p --precision $p
	"$B/bin/mo" -q --input testdata/glyphs/glyphs.onnx --output-dir "$w/here" --model-name $p --precision $p
	check "the same $p bytes" cmp "$w/arm/$p.bin" "$w/here/$p.bin"
	check "the same $p xml" cmp "$w/arm/$p.xml" "$w/here/$p.xml"
done
check 'runs' emu "$D/bin/mo-run" -q "$w/arm/fp32.xml" --random 1 --out "$w/arm.out"
check 'answers' "$B/bin/mo-run" -q "$w/here/fp32.xml" --compare "$w/here/fp32.xml" --random 1
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
