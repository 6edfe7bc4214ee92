"""The ONNX backend suite through mo and mo-run: every case of tests/interop/onnx_suite.txt must pass, and the list may only grow.
usage: test_onnx_suite.py BUILD [--bless]    --bless writes the list anew"""
import glob
from concurrent.futures import ThreadPoolExecutor
from common import *
import onnx
from onnx import numpy_helper

DATA = '/usr/share/libonnx-testdata/data'
LIST = os.path.dirname(os.path.abspath(__file__)) + '/onnx_suite.txt'


def load(path):
    t = onnx.TensorProto()
    t.ParseFromString(open(path, 'rb').read())
    return numpy_helper.to_array(t)


def close(a, b):
    if a.shape != b.shape:
        return False
    if a.dtype.kind == 'u' and a.dtype != b.dtype and a.itemsize == b.itemsize and b.dtype.name in ('bfloat16', 'float8_e4m3fn', 'float8_e5m2'):
        a = a.view(b.dtype)
    if a.dtype != b.dtype:
        return False
    if b.dtype.kind in 'biu':
        return bool(np.array_equal(a, b))
    tol = 1e-2 if b.dtype.itemsize <= 2 else 1e-3
    return bool(np.allclose(a.astype(np.float64), b.astype(np.float64), rtol=tol, atol=1e-5 if tol < 1e-2 else 1e-2, equal_nan=True))


def case(d):
    name = d[len(DATA) + 1:]
    w = f'{WORK}/{name.replace("/", "_")}'
    os.makedirs(w)
    try:
        m = onnx.load(d + '/model.onnx')
        initial = {i.name for i in m.graph.initializer}
        inputs = [i for i in m.graph.input if i.name not in initial]
        if any(v.type.WhichOneof('value') != 'tensor_type' or v.type.tensor_type.elem_type == onnx.TensorProto.STRING for v in list(inputs) + list(m.graph.output)):
            return name, 'no tensor'
        rc, _, err = run('mo', '-q', '--input', d + '/model.onnx', '--output-dir', w, '--model-name', 'm')
        if rc:
            return name, f'mo exit {rc}: ' + ' '.join(err.split())[:160]
        for s in sorted(glob.glob(d + '/test_data_set_*')):
            subprocess.run(['rm', '-rf', w + '/o'])
            args = []
            for k, i in enumerate(inputs):
                if os.path.exists(f'{s}/input_{k}.pb'):
                    args += ['--data', f'{i.name}={s}/input_{k}.pb']
            rc, _, err = run('mo-run', '-q', f'{w}/m.xml', *args, '--out', w + '/o')
            if rc:
                return name, f'mo-run exit {rc}: ' + ' '.join(err.split())[:160]
            for k in range(len(m.graph.output)):
                if not close(np.load(f'{w}/o/{k}.npy'), load(f'{s}/output_{k}.pb')):
                    return name, f'output {k} differs'
        return name, 'pass'
    except Exception as e:
        return name, 'error ' + ' '.join(str(e).split())[:160]
    finally:
        subprocess.run(['rm', '-rf', w])


if not os.path.isdir(DATA):
    skip('the ONNX backend suite', 'no package libonnx-testdata')
    done()
with ThreadPoolExecutor(2) as pool:
    result = dict(pool.map(case, [os.path.dirname(f) for f in sorted(glob.glob(DATA + '/*/test_*/model.onnx'))]))
good = sorted(n for n, r in result.items() if r == 'pass')
if '--bless' in sys.argv:
    old = set(open(LIST).read().split()) if os.path.exists(LIST) else set()
    open(LIST, 'w').write('\n'.join(sorted(old | set(good))) + '\n')
for n in open(LIST).read().split():
    check(n, result.get(n) == 'pass', result.get(n, 'no such case'))
for n, r in result.items():
    if ' exit -' in r:
        check(n, False, r)
print(f'{len(good)} of {len(result)} cases pass; not yet:')
for n, r in sorted(result.items()):
    if r not in ('pass', 'no tensor'):
        print(f'  {n}: {r}')
print(f"  and {sum(r == 'no tensor' for r in result.values())} that take or give what is no tensor")
done()
