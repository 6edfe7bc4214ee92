#!/bin/bash
# Runs every test suite, prints a line for each and the sum; exit 1 when anything failed.
# environment: BUILD (build), HEAVY (1: the long sweeps too), CC
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C.UTF-8
BUILD=${BUILD:-build} CC=${CC:-gcc}
log=$BUILD/log; rm -rf "$log"; mkdir -p "$log"
passed=0 failed=0 skipped=0

# Adds up what a suite's output says: lines "N passed, N failed[, N skipped]" or cmocka's brackets.
count() {
	awk '
	/(^|[ :])[0-9]+ passed, [0-9]+ failed/ { sub(/.*: /, ""); gsub(/,/, ""); p += $1; f += $3; s += $5; next }
	/^\[  PASSED  \] [0-9]+ test/ { p += $4 }
	/^\[  FAILED  \] [0-9]+ test/ { f += $4 }
	/^\[  SKIPPED \] [0-9]+ test/ { s += $4 }
	END { print p + 0, f + 0, s + 0 }' "$1"
}

# suite NAME COMMAND...: one line on the terminal, everything in the log.
suite() {
	local name=$1 out=$log/${1//\//_}.log start=$SECONDS rc p f s
	shift
	"$@" >"$out" 2>&1 </dev/null; rc=$?
	read -r p f s < <(count "$out")
	[ $rc -eq 0 ] || [ "$f" -gt 0 ] || f=1
	printf '%-28s %4d passed, %d failed, %d skipped (%d s)\n' "$name" "$p" "$f" "$s" $((SECONDS - start))
	[ "$s" -eq 0 ] || grep -i 'skipped' "$out" | grep -v '0 skipped' | head -n 5 | sed 's/^/    /'
	[ "$f" -eq 0 ] || { echo "    --- $out"; grep -iE 'fail|error|differ' "$out" | tail -n 15 | sed 's/^/    /'; }
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}
skip() { printf '%-28s skipped: %s\n' "$1" "$2"; skipped=$((skipped + 1)); }

sh tests/interop/peers.sh "$BUILD"; peers=$? # some of the tests below write their inputs with it
for t in "$BUILD"/tests/unit/test_* "$BUILD"/tests/kernels/test_*; do
	[ -x "$t" ] && suite "$(basename "$(dirname "$t")")/${t##*/}" "$t"
done
[ -x "$BUILD/tests/passes/run_passes" ] && suite passes "$BUILD/tests/passes/run_passes" tests/passes/*.txt
suite passes/random "$BUILD/tests/passes/run_networks" --seconds 8 --random
suite passes/levels "$BUILD/tests/passes/run_levels" --seconds 8
suite passes/prune "$BUILD/tests/passes/run_prune" --seconds 4
[ -x "$BUILD/tests/fuzz/replay" ] && suite fuzz/replay "$BUILD/tests/fuzz/replay" testdata/corpus
suite cli bash tests/cli/run.sh "$BUILD"

echo "unit tests again under the address and undefined-behaviour sanitizers"
if make --no-print-directory -s -j"$(nproc)" BUILD="$BUILD/asan" CC="$CC" SANITIZE=address,undefined CFLAGS='-O1 -g' all tests >"$log/asan-build.log" 2>&1; then
	for t in "$BUILD"/asan/tests/unit/test_* "$BUILD"/asan/tests/kernels/test_*; do
		[ -x "$t" ] && suite "asan/${t##*/}" "$t"
	done
	[ -x "$BUILD/asan/tests/passes/run_passes" ] && suite asan/passes "$BUILD/asan/tests/passes/run_passes" tests/passes/*.txt
	suite asan/passes/random "$BUILD/asan/tests/passes/run_networks" --seconds 8 --random
	suite asan/passes/levels "$BUILD/asan/tests/passes/run_levels" --seconds 8
	[ -x "$BUILD/asan/tests/fuzz/replay" ] && suite asan/fuzz/replay "$BUILD/asan/tests/fuzz/replay" testdata/corpus
else
	echo "the sanitizer build failed: see $log/asan-build.log"; failed=$((failed + 1))
fi
tsan=$BUILD/tsan/tests/unit
if make --no-print-directory -s -j"$(nproc)" BUILD="$BUILD/tsan" CC="$CC" SANITIZE=thread CFLAGS='-O1 -g' "$tsan/test_api_threads" "$tsan/test_threads" "$tsan/test_profiles" >"$log/tsan-build.log" 2>&1; then
	for t in "$tsan/test_api_threads" "$tsan/test_threads" "$tsan/test_profiles"; do suite "tsan/${t##*/}" "$t"; done
else
	echo "the thread sanitizer's build failed: see $log/tsan-build.log"; failed=$((failed + 1))
fi

if [ "$peers" -eq 0 ]; then
	for t in tests/interop/test_*.py tests/ops/vs_*.py; do
		[ -f "$t" ] && suite "${t#tests/}" env HEAVY="${HEAVY:-}" "$BUILD/peers/bin/python" "$t" "$BUILD"
	done
else
	skip interop "the outside peers (OpenVINO, ONNX Runtime) can't be had here"
fi
nets=$BUILD/corpus/models # laid out by the tests above where the shared networks are
if [ -d "$nets" ]; then
	suite passes/networks "$BUILD/tests/passes/run_networks" --seconds 12 "$nets"/{glyphs,glyphs_dynamic,cifar10_resnet20}.onnx \
		"$nets"/{mlperf_resnet8_cifar10,mlperf_resnet8_cifar10_nhwc_dyn,mnist,mnist_quantized,mobilenet_v1_0.25_224,squeezenet1_1}.onnx
else
	skip passes/networks "no shared networks here"
fi
if [ -n "${HEAVY:-}" ]; then
	for m in "$nets"/*.onnx; do
		[ -f "$m" ] && suite "passes/$(basename "$m" .onnx)" "$BUILD/tests/passes/run_networks" --seconds 30 "$m"
	done
	suite passes/random-long "$BUILD/tests/passes/run_networks" --seed 1000000 --seconds 300 --random
	suite passes/levels-long "$BUILD/tests/passes/run_levels" --seed 1000000 --seconds 300
	for t in tests/heavy/*.sh; do
		[ -f "$t" ] && suite "heavy/$(basename "$t" .sh)" bash "$t" "$BUILD"
	done
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
