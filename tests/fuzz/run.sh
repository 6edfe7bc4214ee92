#!/bin/bash
# Fuzzes with libFuzzer under the address and undefined-behaviour sanitizers.
# usage: tests/fuzz/run.sh [TARGET...]   environment: BUILD (build), FUZZ_SECONDS for each (60)
# New inputs stay in $BUILD/fuzz/corpus/TARGET, finds in $BUILD/fuzz/finds/TARGET-*.
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build} seconds=${FUZZ_SECONDS:-60} out=$BUILD/fuzz
CLANG=${CLANG:-clang}
[ $# -gt 0 ] || set -- onnx ir npy image graph blob op stats data
command -v "$CLANG" >/dev/null || { echo "fuzzing needs clang"; exit 1; }
make --no-print-directory -s BUILD="$out" CC="$CLANG" SANITIZE=address,undefined,fuzzer-no-link \
	CFLAGS='-O1 -g' "$out/libmo.a"
libs=$(pkg-config --libs expat libprotobuf-c libxxhash libcjson libpng libjpeg zlib libzstd)
flags=(-std=gnu11 -D_GNU_SOURCE -Isrc -I. -I"$out/gen" -O1 -g -fno-sanitize-recover=all)
mkdir -p "$out/finds"
failed=0
for t; do
	# shellcheck disable=SC2086
	"$CLANG" "${flags[@]}" -fsanitize=fuzzer,address,undefined -o "$out/fuzz_$t" "tests/fuzz/fuzz_$t.c" "$out/libmo.a" $libs -lm -pthread
	mkdir -p "$out/corpus/$t" "$out/seeds/$t"
	seeds=("$out/seeds/$t") dict=()
	[ -d "testdata/corpus/$t" ] && seeds+=("testdata/corpus/$t")
	if [ -f "tests/fuzz/seed_$t.c" ]; then # seeds that only this build can make
		# shellcheck disable=SC2086
		"$CLANG" "${flags[@]}" -fsanitize=address,undefined,fuzzer-no-link \
			-o "$out/seed_$t" "tests/fuzz/seed_$t.c" "$out/libmo.a" $libs -lm -pthread
		"$out/seed_$t" "$out/seeds/$t"
	fi
	[ -f "tests/fuzz/$t.dict" ] && dict=("-dict=tests/fuzz/$t.dict")
	"$out/fuzz_$t" -max_total_time="$seconds" -max_len=65536 -timeout=60 -rss_limit_mb=2048 -print_final_stats=1 \
		"${dict[@]}" -artifact_prefix="$out/finds/$t-" \
		"$out/corpus/$t" "${seeds[@]}" >"$out/$t.log" 2>&1 || failed=1
	grep -aE '^(SUMMARY|stat::number_of_executed_units|.*artifact_prefix|Test unit written)|runtime error|not so' "$out/$t.log" |
		sed "s/^/$t: /" || true
done
exit $failed
