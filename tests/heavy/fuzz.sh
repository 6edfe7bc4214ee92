#!/bin/bash
# Each fuzz target for two minutes under the sanitizers; a crash or a leak fails.
# usage: fuzz.sh BUILD
set -u
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
for f in tests/fuzz/fuzz_*.c; do
	t=${f##*/fuzz_}; t=${t%.c}
	if BUILD=$1 FUZZ_SECONDS=${FUZZ_SECONDS:-120} bash tests/fuzz/run.sh "$t"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $t"; fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
