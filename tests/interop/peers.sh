#!/bin/sh
# Makes BUILD/peers, a Python environment with the outside peers, once. Exit 1 with a word where pip can't reach them.
# usage: peers.sh BUILD
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=$1/peers
[ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import openvino, onnxruntime, onnx, nncf, numpy, PIL' 2>/dev/null && exit 0
mkdir -p "$1"
echo "peers: installing OpenVINO, ONNX Runtime and NNCF into $venv" >&2
python3 -m venv "$venv" >/dev/null 2>&1 || { echo "peers: python3 has no venv" >&2; exit 1; }
"$venv/bin/pip" install -q --disable-pip-version-check --timeout 20 --retries 2 -r "$here/requirements.txt" >/dev/null 2>"$1/peers.log" ||
	{ echo "peers: pip cannot install them ($(tail -n 1 "$1/peers.log"))" >&2; exit 1; }
