#!/bin/bash
# What programs are linked to: the symbols that the library exports, and the values and layouts that mo.h puts into them.
# A line that goes or changes breaks programs: the library's major version must change. New lines are fine.
set -e
cc=${CC:-gcc}
command -v "${cc%% *}" >/dev/null || { echo "no $cc"; exit 77; }
command -v nm >/dev/null || { echo 'no nm'; exit 77; }
h=$ROOT/src/mo.h
nm -D --defined-only "$BUILD/libmo.so" | awk '{ print $3 }' | grep -v '^__asan\|^__odr' | sort
{
	printf '#include <mo.h>\n#include <stdio.h>\n#define P(x) printf("%%s %%lld\\n", #x, (long long)(x));\nint main(void)\n{\n'
	sed -n 's/^\t\(MO_[A-Z0-9_]*\)\( = [-0-9]*\)\?,\?.*/P(\1)/p' "$h"
	sed -n 's/^enum mo_cache { \(.*\) };/\1/p' "$h" | tr -d ' ' | tr ',' '\n' | sed 's/.*/P(&)/'
	echo 'P(MO_MAX_RANK)'
	for s in mo_tensor mo_options; do
		echo "P(sizeof(struct $s))"
		sed -n "/^struct $s {/,/^};/p" "$h" | sed -n 's/^\t[^/]*[ *]\([a-z_0-9]*\)\(\[.*\]\)\?;.*/\1/p' | sed "s/.*/P(offsetof(struct $s, &))/"
	done
	printf 'return 0;\n}\n'
} >layout.c
# shellcheck disable=SC2086
$cc -Wall -Werror -I"$ROOT/src" -o layout layout.c && ./layout
# every function that is declared is exported
grep -v '^typedef' "$h" | grep -o '\bmo_[a-z_]*(' | tr -d '(' | sort -u | while read -r f; do
	nm -D --defined-only "$BUILD/libmo.so" | grep -q " $f\$" || echo "$f is not exported"
done
# and the header is C++ too
command -v g++ >/dev/null && printf '#include <mo.h>\nint main() { return mo_version() == nullptr; }\n' >cpp.cc && g++ -Wall -Wextra -Werror -I"$ROOT/src" -fsyntax-only cpp.cc
true
