#!/bin/bash
# Every check of the source that needs no run of the tests; prints what is wrong and a sum.
# environment: BUILD (build), CC
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build} CC=${CC:-gcc}
passed=0 failed=0 skipped=0
tell() { # tell NAME STATUS OUTPUT
	if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else
		failed=$((failed + 1)); echo "lint $1:"; head -n 20 <<<"$3" | sed 's/^/    /'
	fi
}
check() { local name=$1 out; shift; out=$("$@" 2>&1); tell "$name" $? "$out"; }
skip() { skipped=$((skipped + 1)); echo "lint $1: skipped: $2"; }

mapfile -t code < <(find src formats passes -name '*.c' -o -name '*.h' | sort)
mapfile -t all < <(find src formats passes tests -name '*.c' -o -name '*.h' | sort)
check 'include arrows' awk -f tests/lint/includes.awk "${code[@]}"
check 'banned calls' awk -f tests/lint/banned.awk "${code[@]}"
check 'opening sentence' awk -f tests/lint/opening.awk "${all[@]}"
if command -v clang-format >/dev/null; then check formatting clang-format --dry-run -Werror "${all[@]}"; else skip formatting 'no clang-format'; fi

headers_alone() {
	local h bad=0
	for h in $(find src formats passes -name '*.h' | sort); do
		printf '#include "%s"\n' "${h#src/}" | $CC -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Isrc -I. -I"$BUILD/gen" -fsyntax-only -x c - || bad=1
	done
	return $bad
}
check 'headers alone' headers_alone

no_paths() { ! git grep -nIE '/work/|/root/|/home/[a-z]' -- . ':!tests/lint' ':!LICENSE'; }
check 'no machine paths' no_paths

readme_commands() { # each `make X` of the README is a target
	local t bad=0
	for t in $(grep -oE '`make [a-z-]+`' README.md | tr -d '`' | cut -d' ' -f2 | sort -u); do
		grep -q "^$t:" Makefile || { echo "README names make $t, which is no target"; bad=1; }
	done
	return $bad
}
check 'README commands' readme_commands
man_pages() { # all that mandoc says of them, but of pages that are not installed here, and of long lines; its own troubles,
	# as with mandoc.db, go to stderr, which would fall in the middle of a line
	! mandoc -T lint man/*.[0-9] 2>/dev/null | grep -v -e 'referenced manual not found' -e 'longer than 80 bytes'
}
if command -v mandoc >/dev/null; then check 'man pages' man_pages; else skip 'man pages' 'no mandoc'; fi
if [ -x "$BUILD/bin/mo" ]; then check 'man pages against --help' bash tests/lint/man_options.sh "$BUILD"; else skip 'man pages against --help' 'not built'; fi
scripts() { git ls-files '*.sh' | xargs shellcheck -S warning .ci/run; }
if command -v shellcheck >/dev/null; then check 'shell scripts' scripts; else skip 'shell scripts' 'no shellcheck'; fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
