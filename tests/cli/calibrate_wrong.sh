#!/bin/bash
# What is wrong with samples, labels, drops or a config is said in one line, before anything is written.
set -e
python3 - "$GLYPHS" <<'P'
import struct, sys
def array(path):
    d = open(path, 'rb').read()
    n = 10 + int.from_bytes(d[8:10], 'little')
    return d[10:n].decode(), d[n:]
def save(name, head, count, was, rows):
    h = head.replace(f'({was},', f'({count},').rstrip()
    open(name, 'wb').write(b'\x93NUMPY\1\0' + struct.pack('<H', len(h) + 1) + h.encode() + b'\n' + rows)
head, rows = array(sys.argv[1] + '/calib_images.npy')
size = len(rows) // 300
floats = lambda k: struct.pack(f'<{size}f', *((b - 127.5) / 127.5 for b in rows[k * size:(k + 1) * size]))
head = head.replace("'|u1'", "'<f4'")
good = [floats(k) for k in range(40)]
save('good.npy', head, 40, 300, b''.join(good))
save('one.npy', head, 1, 300, good[0])
save('empty.npy', head, 0, 300, b'')
for name, bad in (('nan', float('nan')), ('inf', float('-inf'))):
    save(name + '.npy', head, 40, 300, b''.join(good[:7] + [struct.pack('<f', bad) + good[7][4:]] + good[8:]))
open('labels', 'w').writelines('3\n' for _ in range(40))
open('few', 'w').writelines('3\n' for _ in range(39))
open('large', 'w').writelines('10\n' for _ in range(40))
open('negative', 'w').writelines('-5\n' for _ in range(40))
open('words', 'w').writelines('cat\n' for _ in range(40))
P
mkdir void
cal() { # cal OPTION...
	mo-calibrate -q "$GLYPHS/glyphs.onnx" --preprocess layout=nhwc -n x "$@" 2>&1 || echo "exit $?"
}
for data in nan.npy inf.npy one.npy empty.npy void none.npy; do cal --data $data; done
for labels in few large negative words none; do cal --data good.npy --labels $labels --max-drop 1%; done
cal --data good.npy --labels labels --label-offset -4 --max-drop 1%
cal --data good.npy --max-drop 1%
for drop in 1 5 0.5x % -1% 150% nan ''; do cal --data good.npy --labels labels --max-drop "$drop"; done
cal --data good.npy --labels labels --max-drop 1% --max-group-drop 3
cal --data good.npy --smooth-quant 2
cal --data good.npy --labels labels --max-drop 1% --time-budget -3
cal --data good.npy --test-data good.npy --test-labels few --max-drop 1%
cal --data good.npy --test-data nan.npy --test-labels labels --max-drop 1%
seq 1 39 >groups
cal --data good.npy --labels labels --max-drop 1% --groups groups
# before filters are weighed, which would be said
mo-calibrate "$GLYPHS/glyphs.onnx" --preprocess layout=nhwc -n x --data good.npy --to pruned --prune-share 0.2 2>&1 || echo "exit $?"
mkdir -p bad/a bad/b
for i in 1 2 3; do echo junk | tee bad/a/$i.jpg >bad/b/$i.png; done
cal --data bad
for config in '{' '[]' '{"sampels": 3}' '{"samples": "x"}' '{"samples": 0}' '{"max-drop": "5"}' '{"max-drop": 5}' '{"data": [1]}' '{"ignore": "none"}' '{"decided": 3}' ''; do
	echo "$config" >c.json
	cal --data good.npy --labels labels --config c.json
done
[ ! -e x.xml ] && [ ! -e x.bin ] && [ ! -e x.config.json ]
