"""mo-calibrate's networks: OpenVINO runs them in 8 bits and agrees with mo-run; accuracy on the glyphs."""
import collections, json
from common import *
import openvino as ov

core = ov.Core()


def compiled(xml):
    return core.compile_model(xml, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})


def precisions(model):
    """How OpenVINO runs what has weights: {precision: layers}."""
    found = collections.Counter()
    for o in model.get_runtime_model().get_ops():
        info = o.get_rt_info()
        if 'layerType' in info and info['layerType'].astype(str) in ('Convolution', 'FullyConnected'):
            found[info['runtimePrecision'].astype(str)] += 1
    return dict(found)


def calibrate(model, data, name, *options):
    """The path of the quantized .xml, or None after a counted failure."""
    rc, _, err = run('mo-calibrate', '-q', model, '--data', data, '--output-dir', WORK, '--model-name', name, *options)
    check(f'{name} is calibrated', not rc, err.strip()[:300])
    return None if rc else f'{WORK}/{name}.xml'


def answers(model, x):
    return np.concatenate([np.asarray(model([x[i:i + 1]])[0]).reshape(1, -1) for i in range(len(x))])


def ready(name):
    return (np.load(f'{GLYPHS}/{name}.npy').transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 127.5


calib, test, labels = f'{WORK}/calib.npy', ready('test_images'), np.load(f'{GLYPHS}/test_labels.npy')
np.save(calib, ready('calib_images'))
full = answers(compiled(f'{GLYPHS}/glyphs.onnx'), test)


def holds(name, got, most):
    """At most `most` more of the test samples wrong than before. The samples are the same ones before and after, so
    that only those count that change sides: no noise of sampling, which alone would be 0.5 points here."""
    right, was = got.argmax(1) == labels, full.argmax(1) == labels
    lost, gained = int((was & ~right).sum()), int((right & ~was).sum())
    check(name, lost - gained <= most, f'{lost} lost, {gained} gained of {len(labels)}')


for preset in ('mixed', 'performance'):
    xml = calibrate(f'{GLYPHS}/glyphs.onnx', calib, f'glyphs_{preset}', '--preset', preset, '--all-layers')
    if not xml:
        continue
    model = compiled(xml)
    how = precisions(model)
    check(f'{preset} runs in 8 bits', set(how) <= {'u8', 'i8'} and sum(how.values()) >= 14, how)
    got = answers(model, test)
    holds(f'{preset} accuracy', got, 3)
    rc, out, err = run('mo-run', xml, '--accuracy', '--data', calib, '--labels', f'{GLYPHS}/calib_labels.npy', '--json', '-')
    theirs = float((answers(model, ready('calib_images')).argmax(1) == np.load(f'{GLYPHS}/calib_labels.npy')).mean())
    # The same network and samples: at most one of the 300 may lie so near to two classes that rounding decides.
    check(f'{preset} in mo-run', not rc and abs(json.loads(out)['top1'] - theirs) <= 1.5 / 300, f'{out} {theirs}')


# With weights in 7 bits a machine that adds products of bytes in 16 bits gives what one with VNNI does.
AVX2 = """import sys, numpy as np, openvino as ov
m, x = ov.Core().compile_model(sys.argv[1], 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'}), np.load(sys.argv[2])
np.save(sys.argv[3], np.concatenate([np.asarray(m([x[i:i + 1]])[0]).reshape(1, -1) for i in range(len(x))]))"""
off = {}
for fix in ('disable', 'enable'):
    xml = calibrate(f'{GLYPHS}/glyphs.onnx', calib, f'fix_{fix}', '--overflow-fix', fix)
    if xml:
        np.save(f'{WORK}/some.npy', test[:200])
        subprocess.run([sys.executable, '-c', AVX2, xml, f'{WORK}/some.npy', f'{WORK}/avx2.npy'], check=True,
                       env=dict(os.environ, ONEDNN_MAX_CPU_ISA='AVX2'))
        got, want = np.load(f'{WORK}/avx2.npy'), answers(compiled(xml), test[:200])
        off[fix] = float(np.abs(got - want).max())
        holds(f'overflow {fix} accuracy', answers(compiled(xml), test), 3)
if 'vnni' in open('/proc/cpuinfo').read():
    check('7 bits do not overflow', off['enable'] < 1e-3 < off['disable'], off)
else:  # what is compared with overflows too
    skip('7 bits do not overflow', 'this machine adds products of bytes in 16 bits')

np.save(f'{WORK}/test.npy', test)
judge = ['--test-data', f'{WORK}/test.npy', '--test-labels', f'{GLYPHS}/test_labels.npy', '--max-drop', '0.5%']
for name, options in (('aware', ['--ignore', 'stem/bn/WithoutBiases', *judge]),
                      ('half', ['--to', 'fp16', '--activations', *judge])):
    xml = calibrate(f'{GLYPHS}/glyphs.onnx', calib, f'glyphs_{name}', *options)
    if xml:
        # 0.5 % of 1000 samples, by mo-run's count; OpenVINO may round one of them to the other side
        holds(f'{name} holds the drop in OpenVINO', answers(compiled(xml), test), 6)
done()
