"""Layers that stay in floats, in OpenVINO too: convolutions that boxes are made of, and those that 8 bits would slow down."""
from common import *
import json
import onnx, openvino as ov
from onnx_net import F, I, Net

core = ov.Core()


def conv(t, x, n, m, k=3, stride=1, relu=True):
    y = t.Conv(x, t.rand(m, n, k, k, scale=(n * k * k) ** -.5), t.rand(m, scale=.1), pads=[k // 2] * 4, strides=[stride] * 2)
    return t.Relu(y) if relu else y


def backbone(t):
    x = conv(t, t.input('image', [1, 3, 64, 64]), 3, 32, stride=2)
    return conv(t, conv(t, x, 32, 64, stride=2), 64, 64)


def ssd():
    """Boxes and scores of one scale, chosen by NonMaxSuppression."""
    t = Net(13)
    x = backbone(t)
    boxes = t.shape(t.Transpose(conv(t, x, 64, 8, relu=False), perm=[0, 2, 3, 1]), 1, -1, 4)
    scores = t.Sigmoid(t.Transpose(t.shape(t.Transpose(conv(t, x, 64, 6, relu=False), perm=[0, 2, 3, 1]), 1, -1, 3), perm=[0, 2, 1]))
    picked = t.NonMaxSuppression(boxes, scores, np.array([9], I), np.array([.5], F), np.array([.3], F))
    return t.model(picked), 2


def yolo():
    """Boxes of two scales behind each other, decoded, not chosen yet."""
    t = Net(13)
    x = backbone(t)
    y = conv(t, x, 64, 64, stride=2)
    one = t.Transpose(t.shape(conv(t, x, 64, 7, 1, relu=False), 1, 7, -1), perm=[0, 2, 1])
    two = t.Transpose(t.shape(conv(t, y, 64, 7, 1, relu=False), 1, 7, -1), perm=[0, 2, 1])
    return t.model(t.Sigmoid(t.Concat(one, two, axis=1))), 2


def classifier():
    """A Concat of branches whose maps are pooled makes no boxes."""
    t = Net(13)
    x = backbone(t)
    y = t.Concat(conv(t, x, 64, 32, 1), conv(t, x, 64, 32), axis=1)
    return t.model(t.shape(t.GlobalAveragePool(y), 1, 64)), 0


def squeeze():
    """The products of a squeeze-and-excitation take no time; they stay in floats."""
    t = Net(13)
    x = backbone(t)
    y = conv(t, conv(t, t.GlobalAveragePool(x), 64, 4, 1), 4, 64, 1, relu=False)
    return t.model(conv(t, t.Mul(x, t.Sigmoid(y)), 64, 64)), 2


def floats(path):
    """Convolutions that OpenVINO computes in floats."""
    model = core.compile_model(path, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
    ops = [o.get_rt_info() for o in model.get_runtime_model().get_ops()]
    return sum(o['runtimePrecision'].astype(str) == 'f32' for o in ops if o['layerType'].astype(str) == 'Convolution')


data = f'{WORK}/images.npy'
np.save(data, np.random.default_rng(2).standard_normal((8, 3, 64, 64)).astype(F))
for build in (ssd, yolo, classifier, squeeze):
    name = build.__name__
    m, heads = build()
    onnx.save(m, f'{WORK}/{name}.onnx')
    for how, options, want in (('default', [], heads), ('all', ['--all-layers'], 0)):
        rc, out, err = run('mo-calibrate', '-q', f'{WORK}/{name}.onnx', '--data', data, '--output-dir', WORK, '--model-name',
                           f'{name}_{how}', '--json', '-', *options)
        if not check(f'{name} {how} is calibrated', not rc, err):
            continue
        why = 'cost more time' if build is squeeze else 'boxes'
        left = [e for e in json.loads(out)['left_alone'] if why in e['reason']]
        check(f'{name} {how} leaves {want} alone', len(left) == want, left)
        check(f'{name} {how} in OpenVINO', floats(f'{WORK}/{name}_{how}.xml') == want)

# A detector's layers stay in 8 bits by what it chooses from: the choice itself turns over with any change of a score.
few = f'{WORK}/few.npy'
np.save(few, np.random.default_rng(3).standard_normal((40, 3, 64, 64)).astype(F))
rc, out, err = run('mo-calibrate', '-q', f'{WORK}/ssd.onnx', '--data', few, '--samples', 20, '--metric', 'sqnr', '--max-drop', '5%',
                   '--output-dir', WORK, '--model-name', 'ssd_aware', '--json', '-')
if check('ssd holds a drop without labels', not rc, err):
    check('ssd keeps its layers in 8 bits', not json.loads(out)['kept'], out[:300])
rc, out, err = run('mo-run', f'{WORK}/ssd_aware.xml', '--compare', f'{WORK}/ssd.onnx', '--data', few, '--metric', 'sqnr', '--max-drop', '5%')
check('ssd compared by mo-run', not rc, out + err)
done()
