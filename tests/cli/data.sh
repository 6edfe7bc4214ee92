#!/bin/bash
# Data from .npy, .npz and TensorProto files, by name and in order; what does not fit is said.
set -e
d=/usr/share/libonnx-testdata/data/node/test_add_bcast
[ -f $d/model.onnx ] || { echo 'no libonnx-testdata'; exit 77; }
mo -q $d/model.onnx -n add
mo-run -q add.xml --data $d/test_data_set_0/input_0.pb --data $d/test_data_set_0/input_1.pb --out pb
mo-run -q add.xml --random 4 --out x --dump x --dump y
mo-run -q add.xml --data y=x/y.npy --data x.npy --out n1 || echo "exit $?"
cp x/x.npy .
mo-run -q add.xml --data y=x/y.npy --data x.npy --out n1
mo-run -q add.xml --data x/x.npy --data x/y.npy --out n2
cmp x/0.npy n1/0.npy
cmp x/0.npy n2/0.npy
mo-run -q add.xml --data x/y.npy --random 1 || echo "exit $?"
mo-run -q add.xml --data x/x.npy --data x/y.npy --data x/x.npy || echo "exit $?"
mo-run -q add.xml --data x=x/x.npy --data x=x/x.npy || echo "exit $?"
mo-run -q add.xml --data x=x/x.npy || echo "exit $?"
command -v python3 >/dev/null || exit 0
mkdir z
cp x/x.npy z/x.npy
cp x/y.npy z/y.npy
(cd z && python3 -c 'import zipfile; z = zipfile.ZipFile("xy.npz", "w"); z.write("y.npy"); z.write("x.npy")')
mo-run -q add.xml --data z/xy.npz --out n3
cmp x/0.npy n3/0.npy
