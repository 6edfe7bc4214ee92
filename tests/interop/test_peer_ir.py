"""IR that the peers write: what ovc and NNCF make must run in mo-run and agree with the real OpenVINO."""
import glob, json
from common import *
import openvino as ov, nncf, logging
nncf.set_log_level(logging.ERROR)

core = ov.Core()
F32 = {'INFERENCE_PRECISION_HINT': 'f32'}
rng = np.random.default_rng(3)


def same(name, xml, tolerance):
    m = core.compile_model(xml, 'CPU', F32)
    feed = {}
    for i in m.inputs:
        shape = [d.get_length() if d.is_static else 1 for d in i.partial_shape]
        t = i.element_type.to_dtype()
        feed[i.any_name] = rng.standard_normal(shape).astype(t) if t == np.float32 else rng.integers(0, 50, shape).astype(t)
    want = m(feed)
    got = infer(xml, feed)
    if got:
        e = max(distance(g, want[k]) for k, g in enumerate(got))
        check(name, e <= tolerance, f'{e:.1e}')


def accuracy(name, xml, x, y):
    """The same top-1 within 1 % by both."""
    m = core.compile_model(xml, 'CPU', F32)
    top = np.mean([m([x[k:k + 1]])[0].argmax() == y[k] for k in range(len(x))])
    np.save(f'{WORK}/ax.npy', x)
    np.save(f'{WORK}/ay.npy', y)
    rc, out, err = run('mo-run', '-q', xml, '--accuracy', '--data', f'{WORK}/ax.npy', '--labels', f'{WORK}/ay.npy', '--json', '-', timeout=600)
    mine = json.loads(out)['top1'] if rc == 0 else -1
    check(name, abs(mine - top) <= .01, f'mo-run {mine}, OpenVINO {top} {err.strip()[:200]}')


def quantized(onnx, calib, preset, xml):
    m = core.read_model(onnx)
    q = nncf.quantize(m, nncf.Dataset([calib[k:k + 1] for k in range(len(calib))]), subset_size=len(calib), preset=preset)
    ov.save_model(q, xml, compress_to_fp16=False)


def glyph(k):
    x = np.load(f'{GLYPHS}/{k}_images.npy')
    return np.ascontiguousarray(((x / np.float32(255) - np.float32(.5)) / np.float32(.5)).transpose(0, 3, 1, 2), np.float32), np.load(f'{GLYPHS}/{k}_labels.npy')


cx, _ = glyph('calib')
tx, ty = glyph('test')
for half in (False, True):
    xml = f'{WORK}/ovc_{half}.xml'
    ov.save_model(ov.convert_model(f'{GLYPHS}/glyphs.onnx'), xml, compress_to_fp16=half)
    same(f'ovc glyphs {"fp16" if half else "fp32"}', xml, 1e-4)
for preset in (nncf.QuantizationPreset.MIXED, nncf.QuantizationPreset.PERFORMANCE):
    xml = f'{WORK}/nncf_{preset.value}.xml'
    quantized(f'{GLYPHS}/glyphs.onnx', cx[:100], preset, xml)
    accuracy(f'NNCF glyphs {preset.value}', xml, tx[:500], ty[:500])
if os.path.isdir(SHARED + '/ir'):
    for xml in sorted(glob.glob(SHARED + '/ir/*.xml')):
        same(os.path.basename(xml), xml, 2e-2 if 'int8' in xml else 1e-4)
else:
    skip('shared IR', 'no shared files here')
C = corpus()
if C:
    for n in CNNS if HEAVY else ['cifar10_resnet20', 'mobilenet_v2', 'squeezenet1_1', 'mnist', 'googlenet', 'super_resolution', 'mnist_quantized']:
        for half in (False, True):
            xml = f'{WORK}/{n}_{half}.xml'
            ov.save_model(ov.convert_model(f'{C}/models/{n}.onnx'), xml, compress_to_fp16=half)
            same(f'ovc {n} {"fp16" if half else "fp32"}', xml, 1e-4)
    x, y = np.load(f'{C}/data/cifar_test.npy')[:300], np.load(f'{C}/data/cifar_test_y.npy')[:300]
    xml = f'{WORK}/resnet20_int8.xml'
    quantized(f'{C}/models/cifar10_resnet20.onnx', np.load(f'{C}/data/cifar_calib.npy')[:60], nncf.QuantizationPreset.MIXED, xml)
    accuracy('NNCF resnet20', xml, x, y)
else:
    skip('shared networks', 'none here')
done()
