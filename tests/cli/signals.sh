#!/bin/bash
# An interrupted mo dies by the signal and leaves nothing unfinished behind.
p=$(mo --list-passes | sed 's/^\([a-z0-9-]*\).*/--dump-after \1/')
for s in INT TERM HUP; do
	mkdir out.$s
	mkfifo pipe.$s
	# What it prints goes into a pipe that nobody reads: mo hangs while its report is open. A shell without job
	# control would let its child ignore INT.
	set -m
	# shellcheck disable=SC2086
	mo -q "$GLYPHS/glyphs.onnx" --output-dir out.$s --report out.$s/r.json $p >pipe.$s &
	pid=$!
	set +m
	exec 5<pipe.$s
	for _ in 1 2 3 4 5 6 7 8 9; do
		sleep 0.1
		[ -n "$(ls -A out.$s)" ] && break
	done
	find out.$s -type f | grep -c .
	kill -s $s $pid
	wait $pid 2>/dev/null
	echo "signal $(($? - 128))"
	exec 5<&-
	find out.$s -type f | grep -c .
done
true
