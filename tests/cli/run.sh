#!/bin/bash
# Runs every tests/cli/NAME.sh in an empty folder of its own and compares stdout, stderr and the exit code with
# NAME.stdout, NAME.stderr (exact, or a glob pattern per line; absent: not looked at) and NAME.exit (absent: 0).
# A script that exits 77 is skipped, with the word on its stdout.
# usage: run.sh BUILD [NAME ...]
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${1:-$root/build}" && pwd) || exit 1
shift
export LC_ALL=C PATH="$build/bin:$PATH" GLYPHS="$root/testdata/glyphs" ROOT="$root" BUILD="$build"
passed=0 failed=0 skipped=0
names=("$@")
[ $# -gt 0 ] || mapfile -t names < <(cd "$root/tests/cli" && for f in *.sh; do [ "$f" = run.sh ] || echo "${f%.sh}"; done)

# Does file $1 match the expectation in $2, line by line?
matches() {
	local want have
	exec 3<"$1" 4<"$2"
	while IFS= read -r want <&4; do
		IFS= read -r have <&3 || [ -n "$have" ] || { echo "missing line: $want"; exec 3<&- 4<&-; return 1; }
		# shellcheck disable=SC2053 # the expectation is a glob
		[[ $have == "$want" || $have == $want ]] || { echo "have: $have"; echo "want: $want"; exec 3<&- 4<&-; return 1; }
	done
	if IFS= read -r have <&3 || [ -n "$have" ]; then echo "one line too many: $have"; exec 3<&- 4<&-; return 1; fi
	exec 3<&- 4<&-
}

for name in "${names[@]}"; do
	base=$root/tests/cli/$name
	dir=$(mktemp -d)
	mkdir "$dir/empty"
	(cd "$dir/empty" && exec timeout 120 bash "$base.sh") >"$dir/stdout" 2>"$dir/stderr" </dev/null
	rc=$?
	why=
	if [ $rc -eq 77 ]; then
		skipped=$((skipped + 1))
		echo "$name: skipped: $(tail -n 1 "$dir/stdout")"
		rm -rf "$dir"
		continue
	fi
	want=0
	[ -f "$base.exit" ] && want=$(cat "$base.exit")
	[ $rc -eq "$want" ] || why="exit $rc, expected $want"
	for s in stdout stderr; do
		[ -z "$why" ] && [ -f "$base.$s" ] && { out=$(matches "$dir/$s" "$base.$s") || why="$s differs: $out"; }
	done
	if [ -z "$why" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $name: $why"
		sed 's/^/    /' "$dir/stderr" "$dir/stdout" | head -n 12
	fi
	rm -rf "$dir"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
