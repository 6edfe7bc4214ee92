#!/bin/bash
# Times conversion, kernels, whole networks and their start; the peers beside ours, in turn, where they are installed.
# environment: BUILD (build)
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
for t in "$BUILD"/tests/kernels/test_*; do [ -x "$t" ] && "$t" -b; done
py=python3; [ -x "$BUILD/peers/bin/python" ] && py=$BUILD/peers/bin/python
"$py" tests/bench/networks.py "$BUILD"
exec "$py" tests/bench/start.py "$BUILD"
