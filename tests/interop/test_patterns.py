"""What exporters write out in several layers: mo recognises it, and OpenVINO and mo-run agree with ONNX Runtime."""
import re
from common import *
import onnx, onnxruntime as ort, openvino as ov
from onnx import TensorProto, helper, numpy_helper

core = ov.Core()
rng = np.random.default_rng(1)


class Net:
    """A graph under construction; op() adds a node and gives its output's name."""

    def __init__(self, shape):
        self.shape, self.nodes, self.init, self.n = shape, [], [], 0

    def const(self, v, dtype=np.float32):
        self.n += 1
        self.init.append(numpy_helper.from_array(np.asarray(v, dtype), f'k{self.n}'))
        return f'k{self.n}'

    def ints(self, *v):
        return self.const(v, np.int64)

    def op(self, kind, *inputs, **attrs):
        self.n += 1
        name = f't{self.n}'
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attrs))
        return name

    def conv(self, x, out, inp, k, s=1, p=0, d=1):
        w = self.const(rng.uniform(-0.3, 0.3, (out, inp, k, k)))
        return self.op('Conv', x, w, kernel_shape=[k, k], strides=[s, s], pads=[p] * 4, dilations=[d, d])

    def slice(self, x, axis, begin, end, step=1):
        return self.op('Slice', x, self.ints(begin), self.ints(end), self.ints(axis), self.ints(step))

    def save(self, path, *outputs):
        g = helper.make_graph(self.nodes, 'g', [helper.make_tensor_value_info('x', TensorProto.FLOAT, self.shape)],
                              [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs], self.init)
        onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid('', 17)], ir_version=8), path)


def focus(n):
    t, b = n.slice('x', 2, 0, 2**63 - 1, 2), n.slice('x', 2, 1, 2**63 - 1, 2)
    parts = [n.slice(t, 3, 0, 2**63 - 1, 2), n.slice(b, 3, 0, 2**63 - 1, 2), n.slice(t, 3, 1, 2**63 - 1, 2), n.slice(b, 3, 1, 2**63 - 1, 2)]
    return [n.conv(n.op('Concat', *parts, axis=1), 8, 12, 3, 1, 1)]


def space_to_depth(n):
    s = n.op('Reshape', 'x', n.ints(2, 3, 4, 2, 4, 2))
    return [n.op('Reshape', n.op('Transpose', s, perm=[0, 3, 5, 1, 2, 4]), n.ints(2, 12, 4, 4))]


def stage(n):
    a = n.op('Relu', n.conv('x', 40, 3, 1))
    b = n.op('Relu', n.conv(a, 8, 40, 3, 1, 1))
    c = n.op('Relu', n.op('Add', n.conv(b, 40, 8, 1), a))
    return [n.conv(c, 4, 40, 1, 2), n.op('Relu', n.conv(c, 8, 40, 1, 2)), n.op('Sigmoid', a)]


def normalize(n):
    norm = n.op('Clip', n.op('ReduceL2', 'x', axes=[1], keepdims=1), n.const(1e-12))
    return [n.op('Div', 'x', n.op('Expand', norm, n.op('Shape', 'x')))]


def normalize_rsqrt(n):
    s = n.op('ReduceSum', n.op('Mul', 'x', 'x'), n.ints(-1), keepdims=1)
    return [n.op('Mul', 'x', n.op('Reciprocal', n.op('Sqrt', n.op('Add', s, n.const(1e-6)))))]


def hswish(n):
    y = n.op('Clip', n.op('Add', 'x', n.const(3)), n.const(0), n.const(6))
    return [n.op('Mul', n.op('Mul', 'x', n.const(1 / 6)), y)]


def hsigmoid(n):
    return [n.op('Clip', n.op('Add', n.op('Mul', 'x', n.const(1 / 6)), n.const(0.5)), n.const(0), n.const(1))]


def quick_gelu(n):
    return [n.op('Mul', 'x', n.op('Sigmoid', n.op('Mul', 'x', n.const(1.702))))]


def leaky(n):
    return [n.op('Max', 'x', n.op('Mul', 'x', n.const(0.1)))]


def prelu(n):
    k = n.const(rng.uniform(0, 1, (3, 1, 1)))
    return [n.op('Sub', n.op('Relu', 'x'), n.op('Mul', k, n.op('Relu', n.op('Neg', 'x'))))]


def parts(n):
    return [n.op('Relu', n.slice('x', 3, 0, 3)), n.op('Sigmoid', n.slice('x', 3, 3, -1)), n.op('Tanh', n.slice('x', 3, -1, 99))]


def split_concat(n):
    return [n.op('Relu', n.op('Concat', n.slice('x', 1, 0, 1), n.slice('x', 1, 1, 3), axis=1))]


def average(n):
    return [n.op('Flatten', n.op('AveragePool', 'x', kernel_shape=[8, 8]))]


def means(n):
    return [n.op('ReduceMean', n.op('ReduceMean', 'x', axes=[3], keepdims=0), axes=[2], keepdims=0)]


def pad_pool(n):
    p = n.op('Pad', 'x', n.ints(0, 0, 1, 1, 0, 0, 1, 1))
    return [n.op('AveragePool', p, kernel_shape=[3, 3], strides=[2, 2])]


def dilated(n):
    """As tf2onnx writes SpaceToBatchND and BatchToSpaceND around a convolution."""
    p = n.op('Pad', n.op('Transpose', 'x', perm=[1, 0, 2, 3]), n.ints(0, 0, 2, 2, 0, 0, 2, 2))
    s = n.op('Transpose', n.op('SpaceToDepth', p, blocksize=2), perm=[1, 0, 2, 3])
    y = n.op('Transpose', n.conv(s, 4, 3, 3), perm=[1, 0, 2, 3])
    return [n.op('Transpose', n.op('DepthToSpace', y, blocksize=2), perm=[1, 0, 2, 3])]


def norm(n, x, channels):
    return n.op('BatchNormalization', x, *[n.const(rng.uniform(0.5, 1.5, channels)) for _ in range(4)])


def norm_behind_pool(n):
    return [norm(n, n.op('AveragePool', n.conv('x', 4, 3, 3, 1, 1), kernel_shape=[2, 2], strides=[2, 2]), 4)]


def norm_behind_concat(n):
    return [norm(n, n.op('Concat', n.conv('x', 4, 3, 3, 1, 1), n.conv('x', 4, 3, 1), axis=1), 8)]


def lp_normalization(n):
    return [n.op('LpNormalization', n.op('Relu', 'x'), axis=-1, p=2)]


CASES = [
    (focus, 'Convolution'), (space_to_depth, 'SpaceToDepth'), (normalize, 'NormalizeL2'), (normalize_rsqrt, 'NormalizeL2'),
    (stage, 'Add Convolution Convolution Convolution Convolution Convolution MaxPool ReLU ReLU ReLU ReLU Sigmoid'),
    (hswish, 'HSwish'), (hsigmoid, 'HSigmoid'), (quick_gelu, 'Swish'), (leaky, 'PReLU'), (prelu, 'PReLU'),
    (parts, 'ReLU Sigmoid Tanh VariadicSplit'), (split_concat, 'ReLU'), (average, 'ReduceMean'), (means, 'ReduceMean'),
    (norm_behind_pool, 'Add AvgPool Convolution'), (norm_behind_concat, 'Add Concat Convolution Convolution'),
    (lp_normalization, 'NormalizeL2 ReLU'),
    (pad_pool, 'AvgPool'), (dilated, 'Convolution'),
]
for build, layers in CASES:
    name, n = build.__name__, Net([2, 3, 8, 8])
    path = f'{WORK}/{name}.onnx'
    n.save(path, *build(n))
    xml = convert(path, name)
    if not xml:
        continue
    types = re.findall(r'<layer [^>]*type="(\w+)"', open(xml).read())
    got = ' '.join(sorted(t for t in types if t not in ('Const', 'Parameter', 'Result')))
    check(f'{name}: layers', got == layers, got)
    x = rng.uniform(-4, 4, n.shape).astype(np.float32)
    want = ort.InferenceSession(path, providers=['CPUExecutionProvider']).run(None, {'x': x})
    theirs = core.compile_model(xml, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})([x])
    ours = infer(xml, {'x': x}) or []
    check(f'{name}: outputs', len(ours) == len(want), str(len(ours)))
    for k, (w, g) in enumerate(zip(want, ours)):
        check(f'{name}: output {k} in mo-run', distance(g, w) <= 1e-5, f'{distance(g, w):.1e}')
        check(f'{name}: output {k} in OpenVINO', distance(theirs[k], w) <= 1e-5, f'{distance(theirs[k], w):.1e}')
done()
