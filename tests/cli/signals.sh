# An interrupted mo dies by the signal and leaves nothing unfinished behind.
for s in INT TERM HUP; do
	mkdir -p out.$s
	mkfifo pipe.$s
	# The report goes into a pipe that nobody reads: mo hangs while its outputs are open.
	mo -q "$GLYPHS/glyphs.onnx" --output-dir out.$s --model-name m --dump-after no-op >pipe.$s &
	pid=$!
	exec 5<pipe.$s
	sleep 0.3
	kill -s $s $pid
	wait $pid
	echo "$((($? - 128)))"
	exec 5<&-
	find out.$s -type f -name '.*'
done
