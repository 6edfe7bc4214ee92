#!/bin/bash
# The commands of mo-tutorial(7), out of the page, do what it shows: every line shown is a line of what comes, dots for any text.
# Shown lines of mo-run --compare among networks of other precision leave it to exit 3.
ln -s "$ROOT/testdata" .
commands=0 lines=0
run() {
	[ -n "$command" ] || return
	eval "$command" >said 2>&1 </dev/null || echo "exit $?: $command"
	commands=$((commands + 1))
}
check() {
	local have
	lines=$((lines + 1))
	while IFS= read -r have; do
		# shellcheck disable=SC2053 # dots are a glob
		[[ $have == ${1//.../*} ]] && return
	done <said
	echo "not said by '$command': $1"
	sed 's/^/    /' said | head -n 20
}
command='' more=
while IFS= read -r line; do
	line=${line//\\e/\\}
	if [ -n "$more" ] || [[ $line == '$ '* ]]; then
		[ -n "$more" ] && command+=" ${line%\\}" || command=${line#\$ }
		command=${command%\\}
		more=
		if [[ $line == *\\ ]]; then more=1; else run; fi
	else
		check "$line"
	fi
done < <(sed -n '/^\.Bd -literal/,/^\.Ed/p' "$ROOT/man/mo-tutorial.7" | grep -v '^\.')
echo "$commands commands, $lines lines"
sed -n '/^\.Ss [1-9]/,/^\.Ss From/p' "$ROOT/man/mo-tutorial.7" | grep -c '^\$ '
ls out/small.xml out/small.blob out/report.html
