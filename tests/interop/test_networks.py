"""The shared networks: our IR in OpenVINO and in mo-run against ONNX Runtime, FP32 and FP16; layer counts against ovc."""
import glob, re
from common import *
import onnx, openvino as ov
from onnx import numpy_helper

C = corpus()
if not C:
    skip('networks', 'no shared networks here')
    done()
for half in ((), ('--fp16',)):
    r = subprocess.run([sys.executable, SHARED + '/peers/check_models.py', BIN, C + '/models', WORK, *half, *CNNS], capture_output=True, text=True)
    for line in r.stdout.splitlines()[:-1]:
        name = line.split()[0]
        check(f'{name} {"fp16" if half else "fp32"}', 'FAIL' not in line and 'TOO FAR' not in line, line)
    if not r.stdout:
        check('check_models', False, r.stderr[-300:])


def layers(m):
    n = 0
    for o in m.get_ops():
        if o.get_type_name() not in ('Constant', 'Parameter', 'Result'):
            n += 1
    return n


def ours(xml):
    t = open(xml).read()
    return len(re.findall(r'<layer ', t)) - len(re.findall(r'type="(?:Const|Parameter|Result)"', t))


total = [0, 0]
for n in CNNS + TRANSFORMERS:
    xml = convert(f'{C}/models/{n}.onnx', n)
    if not xml:
        continue
    a, b = ours(xml), layers(ov.convert_model(f'{C}/models/{n}.onnx'))
    total[0] += a
    total[1] += b
    check(f'{n} layers', a <= b, f'ours {a}, ovc {b}')
check('layers in total', total[0] < total[1], f'ours {total[0]}, ovc {total[1]}')

core = ov.Core()
for f in sorted(glob.glob(SHARED + '/models/real/light/*.onnx')):
    n = os.path.basename(f)[:-5]
    t = onnx.TensorProto()
    t.ParseFromString(open(f[:-5] + '_output_0.pb', 'rb').read())
    want = numpy_helper.to_array(t)
    xml = convert(f, n)
    if not xml:
        continue
    g = onnx.load(f).graph
    given = {t.name for t in g.initializer}
    i = next(i for i in g.input if i.name not in given)
    x = np.ones([d.dim_value for d in i.type.tensor_type.shape.dim], np.float32)
    got = infer(xml, {i.name: x})
    if got:
        check(f'{n} in mo-run', distance(got[0], want) <= 1e-3, f'{distance(got[0], want):.1e}')
    m = core.compile_model(xml, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
    check(f'{n} in OpenVINO', distance(m([x])[0], want) <= 1e-3, f'{distance(m([x])[0], want):.1e}')
    a, b = ours(xml), layers(ov.convert_model(f))
    check(f'{n} layers', a <= b, f'ours {a}, ovc {b}')
done()
