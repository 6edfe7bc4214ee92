#!/bin/bash
# Help and version go to stdout, with exit 0 and nothing on stderr.
set -e
for t in mo mo-run mo-bench mo-compile mo-info; do
	$t --help >help 2>err
	[ ! -s err ]
	grep -q "^usage: $t " help
	grep -q -- '--json FILE' help
	$t -h | cmp - help
	$t -q --help | cmp - help
	$t --version
done
