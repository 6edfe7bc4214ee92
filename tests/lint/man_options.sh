#!/bin/bash
# Fails when a tool's --help and its man page list different options, letters or values.
# usage: man_options.sh BUILD
set -u
cd "$(dirname "$0")/../.." || exit 1
bin=${1:-build}/bin
bad=0
# "  -o, --output-dir DIR   text" and ".It Fl o , -output-dir Ar DIR" both become "o output-dir DIR".
from_help() {
	sed -nE 's/^  -(.), --([a-z0-9-]+)( ([^ ]+))?( .*)?$/\1 \2 \4/p; s/^ {6}--([a-z0-9-]+)( ([^ ]+))?( .*)?$/- \1 \3/p' | sed 's/ *$//' | sort
}
from_man() {
	sed -nE 's/^\.It Fl ([^-]) , -([a-z0-9-]+)( Ar (.*))?$/\1 \2 \4/p; s/^\.It Fl -([a-z0-9-]+)( Ar (.*))?$/- \1 \3/p' | sed 's/ *$//; s/\\&//g' | sort
}
for page in man/*.1; do
	tool=$(basename "$page" .1)
	[ -x "$bin/$tool" ] || { echo "$page describes $tool, which is not built"; bad=1; continue; }
	diff <("$bin/$tool" --help | from_help) <(from_man <"$page") >/dev/null && continue
	echo "$tool --help (<) and $page (>) differ:"
	diff <("$bin/$tool" --help | from_help) <(from_man <"$page") | grep '^[<>]'
	bad=1
done
for tool in "$bin"/mo*; do
	[ -f "man/$(basename "$tool").1" ] || { echo "$(basename "$tool") has no man page"; bad=1; }
done
exit $bad
