"""Networks of today's families, spelled as exporters spell them (PyTorch, Paddle, Keras), with untrained and odd weights among
them: our IR in OpenVINO and in mo-run against ONNX Runtime at several sizes, FP32 and FP16, and layer counts against ovc."""
from common import *
import onnx, onnxruntime as ort, openvino as ov
from onnx import TensorProto as T, helper as h, numpy_helper as nh

F, I = np.float32, np.int64
BIG = np.iinfo(I).max


class Net:
    """A graph in the making: a call adds a node and answers its output's name, or the names where it has several."""

    def __init__(self, opset, seed=0):
        self.opset, self.nodes, self.weights, self.inputs = opset, [], [], []
        self.rng, self.n = np.random.default_rng(seed), 0

    def __getattr__(self, op):
        return lambda *x, **attrs: self.add(op, *x, **attrs)

    def add(self, op, *x, outputs=1, **attrs):
        self.n += 1
        names = [f'/{op}_{self.n}_output_{k}' for k in range(outputs)]
        self.nodes.append(h.make_node(op, [v if isinstance(v, str) else self.const(v) for v in x], names, f'/{op}_{self.n}', **attrs))
        return names[0] if outputs == 1 else names

    def const(self, v):
        self.n += 1
        v = np.asarray(v, F) if isinstance(v, float) else np.asarray(v)
        self.weights.append(nh.from_array(v, f'onnx::Const_{self.n}'))
        return f'onnx::Const_{self.n}'

    def input(self, name, *shape, kind=T.FLOAT):
        self.inputs.append(h.make_tensor_value_info(name, kind, shape))
        return name

    def random(self, *shape, scale=None):
        return (self.rng.standard_normal(shape) * (scale or (2 / max(1, np.prod(shape[1:]))) ** .5)).astype(F)

    def ints(self, *v):
        return np.array(v, I)

    # what changed its spelling with the opset
    def unsqueeze(self, x, *axes):
        return self.Unsqueeze(x, self.ints(*axes)) if self.opset >= 13 else self.Unsqueeze(x, axes=list(axes))

    def mean(self, x, axes, keepdims=1):
        return self.ReduceMean(x, self.ints(*axes), keepdims=keepdims) if self.opset >= 18 else self.ReduceMean(x, axes=list(axes), keepdims=keepdims)

    # sizes, as tracing leaves them
    def size(self, x, axis):
        return self.Gather(self.Shape(x), np.array(axis, I), axis=0)

    def join(self, *parts):
        return self.Concat(*[self.unsqueeze(p, 0) if isinstance(p, str) else self.ints(p) for p in parts], axis=0)

    def slice(self, x, a, b, axis, step=1):
        a, b = (v if isinstance(v, str) else self.ints(v) for v in (a, b))
        return self.Slice(x, a, b, self.ints(axis), self.ints(step))

    # blocks
    def conv(self, x, i, o, k=3, s=1, g=1, d=1, bias=None):
        b = [] if bias is None else [np.zeros(o, F) if bias == 0 else self.random(o, scale=.1)]
        return self.Conv(x, self.random(o, i // g, k, k), *b, kernel_shape=[k, k], strides=[s, s], group=g, dilations=[d, d], pads=[d * (k // 2)] * 4)

    def bn(self, x, c):
        u = self.rng.uniform
        return self.BatchNormalization(x, u(.7, 1.2, c).astype(F), u(-.2, .2, c).astype(F), u(-.1, .1, c).astype(F), u(.7, 1.3, c).astype(F), epsilon=1e-5)

    def cbr(self, x, i, o, k=3, s=1, g=1, act='Relu'):
        y = self.bn(self.conv(x, i, o, k, s, g), o)
        return self.swish(y) if act == 'Swish' else self.add(act, y) if act else y

    def swish(self, x):
        return self.Mul(x, self.Sigmoid(x))

    def dense(self, x, i, o, bias=1):
        b = np.zeros(o, F) if bias == 0 else self.random(o, scale=.1)
        return self.Add(b, self.MatMul(x, self.random(i, o, scale=i ** -.5)))

    def up(self, x, sizes=None, **attrs):
        roi = '' if self.opset >= 13 else np.zeros(0, F)
        scales = np.array([] if sizes else [1, 1, 2, 2], F) if self.opset < 13 or not sizes else ''
        return self.Resize(x, roi, scales, *[sizes] * bool(sizes), **attrs)

    def model(self, *outputs):
        outs = [h.make_tensor_value_info(n, k, None) for n, k in ((o if isinstance(o, tuple) else (o, T.FLOAT)) for o in outputs)]
        g = h.make_graph(self.nodes, 'torch_jit', self.inputs, outs, self.weights)
        return onnx.shape_inference.infer_shapes(h.make_model(g, opset_imports=[h.make_opsetid('', self.opset)], ir_version=8))


def feeds(name, *shapes):
    r = np.random.default_rng(3)
    return [{name: r.random(s).astype(F)} for s in shapes]


def unet(opset):
    """Transposed convolutions, and padding to the size of what is joined, by sizes that the network reads."""
    n, skips, c = Net(opset), [], (3, 8, 16, 32)
    x = n.input('x', 'b', 3, 'h', 'w')
    for i, o in zip(c, c[1:]):
        x = n.cbr(n.cbr(x, i, o), o, o)
        skips.append(x)
        if o < c[-1]:
            x = n.MaxPool(x, kernel_shape=[2, 2], strides=[2, 2])
    for o, skip in zip(c[-2:0:-1], skips[-2::-1]):
        x = n.ConvTranspose(x, n.random(2 * o, o, 2, 2), np.zeros(o, F), kernel_shape=[2, 2], strides=[2, 2])
        ends = []
        for axis in (3, 2):
            more = n.Sub(n.size(skip, axis), n.size(x, axis))
            first = n.Div(more, np.array(2, I))
            ends += [first, n.Sub(more, first)]
        zeros = n.ints(0, 0, 0, 0)  # (left, right, top, bottom, 0...) turned round to all begins, all ends
        pads = n.Reshape(n.Concat(n.join(*ends), zeros, axis=0), n.ints(-1, 2))
        pads = n.Reshape(n.Transpose(n.Slice(pads, n.ints(-1), n.ints(-BIG), n.ints(0), n.ints(-1)), perm=[1, 0]), n.ints(-1))
        x = n.cbr(n.Concat(skip, n.Pad(x, pads, 0.0, mode='constant'), axis=1), 2 * o, o)
    return n.model(n.Sigmoid(n.conv(x, 8, 2, 1, bias=1))), feeds('x', (1, 3, 32, 32), (2, 3, 37, 50))


def shufflenet(opset):
    """Chunks cut at half of a size that the network reads; the shuffle with and without a fixed batch."""
    n = Net(opset)
    x = n.MaxPool(n.cbr(n.input('x', 'b', 3, 32, 32), 3, 24, 3, 2), kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)

    def shuffle(x, c, s):
        b = n.size(x, 0)
        y = n.Reshape(x, n.join(b, 2, c // 2, s, s))
        return n.Reshape(n.Transpose(y, perm=[0, 2, 1, 3, 4]), n.join(b, -1, s, s))

    def branch(x, i, o, s):
        return n.cbr(n.cbr(n.cbr(x, i, o, 1), o, o, 3, s, o, act=None), o, o, 1)
    left = n.cbr(n.cbr(x, 24, 24, 3, 2, 24, act=None), 24, 24, 1)
    x = shuffle(n.Concat(left, branch(x, 24, 24, 2), axis=1), 48, 4)
    for _ in range(3):
        half = n.unsqueeze(n.Div(n.Add(n.size(x, 1), np.array(1, I)), np.array(2, I)), 0)
        a = n.slice(x, 0, half, 1)
        b = n.slice(x, half, n.Mul(half, n.ints(2)), 1)
        x = shuffle(n.Concat(a, branch(b, 24, 24, 1), axis=1), 48, 4)
    return n.model(n.Gemm(n.mean(x, (2, 3), 0), n.random(10, 48), n.random(10), transB=1)), feeds('x', (1, 3, 32, 32), (3, 3, 32, 32))


def efficientnet(opset):
    """Depthwise blocks with Swish, squeeze and excitation whose biases are zeros, as before training."""
    n = Net(opset)
    x, c = n.cbr(n.input('x', 'b', 3, 40, 40), 3, 16, 3, 2, act='Swish'), 16
    for o, k, s in ((16, 3, 1), (24, 3, 2), (24, 5, 1), (40, 5, 2), (40, 5, 1)):
        y = n.cbr(n.cbr(x, c, 4 * c, 1, act='Swish'), 4 * c, 4 * c, k, s, 4 * c, act='Swish')
        e = n.conv(n.swish(n.conv(n.GlobalAveragePool(y), 4 * c, 80, 1, bias=0)), 80, 4 * c, 1, bias=0)
        y = n.cbr(n.Mul(n.Sigmoid(e), y), 4 * c, o, 1, act=None)
        x, c = (n.Add(y, x) if c == o and s == 1 else y), o
    x = n.Flatten(n.GlobalAveragePool(n.cbr(x, 40, 96, 1, act='Swish')), axis=1)
    return n.model(n.Gemm(x, n.random(10, 96), np.zeros(10, F), transB=1)), feeds('x', (1, 3, 40, 40), (2, 3, 40, 40))


def densenet(opset):
    """Normalization before the convolution, and everything joined again and again."""
    n = Net(opset)
    x, c = n.MaxPool(n.cbr(n.input('x', 'b', 3, 48, 48), 3, 16, 7, 2), kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4), 16
    for block in range(2):
        parts = [x]
        for _ in range(3):
            y = n.conv(n.Relu(n.bn(n.Concat(*parts, axis=1) if len(parts) > 1 else x, c)), c, 32, 1)
            parts.append(n.conv(n.Relu(n.bn(y, 32)), 32, 8))
            c += 8
        x = n.Relu(n.bn(n.Concat(*parts, axis=1), c))
        if not block:
            x, c = n.AveragePool(n.conv(x, c, c // 2, 1), kernel_shape=[2, 2], strides=[2, 2]), c // 2
    return n.model(n.Gemm(n.Flatten(n.GlobalAveragePool(x)), n.random(10, c), n.random(10), transB=1)), feeds('x', (1, 3, 48, 48), (2, 3, 48, 48))


def yolo(opset):
    """Focus, pyramid pooling, upsampling; boxes by a grid; non-maximum suppression at the end."""
    n, act = Net(opset), 'Swish'
    x = n.input('x', 1, 3, 64, 64)
    corners = [n.slice(n.slice(x, a, BIG, 2, 2), b, BIG, 3, 2) for a, b in ((0, 0), (1, 0), (0, 1), (1, 1))]
    x = n.cbr(n.Concat(*corners, axis=1), 12, 16, act=act)
    p3 = n.cbr(x, 16, 32, 3, 2, act=act)
    y = n.cbr(n.cbr(p3, 32, 64, 3, 2, act=act), 64, 32, 1, act=act)
    pools = [n.MaxPool(y, kernel_shape=[k, k], strides=[1, 1], pads=[k // 2] * 4) for k in (5, 9, 13)]
    p4 = n.cbr(n.Concat(y, *pools, axis=1), 128, 32, 1, act=act)
    u = n.up(p4, mode='nearest', coordinate_transformation_mode='asymmetric', nearest_mode='floor')
    a, b = n.cbr(n.Concat(u, p3, axis=1), 64, 32, act=act), n.cbr(p4, 32, 32, act=act)
    rows, r = [], n.rng
    for x, s, side in ((a, 4, 16), (b, 8, 8)):
        y = n.Reshape(n.conv(x, 32, 27, 1, bias=1), n.ints(1, 3, 9, side, side))
        y = n.Sigmoid(n.Transpose(y, perm=[0, 1, 3, 4, 2]))
        g = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).astype(F)[None, None]
        xy = n.Mul(n.Add(n.Sub(n.Mul(n.slice(y, 0, 2, 4), 2.0), .5), g), float(s))
        wh = n.Mul(n.Pow(n.Mul(n.slice(y, 2, 4, 4), 2.0), 2.0), r.uniform(5, 30, (1, 3, 1, 1, 2)).astype(F))
        rows.append(n.Reshape(n.Concat(xy, wh, n.slice(y, 4, BIG, 4), axis=-1), n.ints(1, -1, 9)))
    p = n.Concat(*rows, axis=1)
    half = n.Div(n.slice(p, 2, 4, 2), 2.0)
    boxes = n.Concat(n.Sub(n.slice(p, 0, 2, 2), half), n.Add(n.slice(p, 0, 2, 2), half), axis=2)
    scores = n.Transpose(n.Mul(n.slice(p, 5, BIG, 2), n.slice(p, 4, 5, 2)), perm=[0, 2, 1])
    kept = n.NonMaxSuppression(boxes, scores, n.ints(20), np.array([.5], F), np.array([.2], F))
    at = n.Gather(kept, n.ints(2), axis=1)
    at = n.Squeeze(at, n.ints(1)) if opset >= 13 else n.Squeeze(at, axes=[1])
    return n.model(n.Gather(n.Gather(boxes, np.array(0, I), axis=0), at, axis=0), (kept, T.INT64), p), feeds('x', (1, 3, 64, 64))


def speech(opset):
    """Convolutions over the spectrum, two bidirectional GRU layers, a normalized linear layer at the end."""
    n, hidden = Net(opset), 24
    x = n.input('x', 'b', 1, 40, 't')
    for i in (1, 4):
        x = n.Clip(n.bn(n.Conv(x, n.random(4, i, 5, 5), kernel_shape=[5, 5], strides=[2, 2 - i // 4], pads=[2] * 4), 4), 0.0, 20.0)
    b, t = n.size(x, 0), n.size(x, 3)
    x = n.Transpose(n.Reshape(x, n.join(b, 40, t)), perm=[2, 0, 1])
    for i in (40, 2 * hidden):
        state = n.ConstantOfShape(n.join(2, n.size(x, 1), hidden), value=nh.from_array(np.zeros(1, F)))
        w, r, bias = (n.random(2, 3 * hidden, *k, scale=.2) for k in ((i,), (hidden,), (2,)))
        y, _ = n.GRU(x, w, r, bias.reshape(2, -1), '', state, outputs=2, direction='bidirectional', hidden_size=hidden, linear_before_reset=1)
        x = n.Reshape(n.Transpose(y, perm=[0, 2, 1, 3]), n.ints(0, 0, -1))
    x = n.Transpose(n.bn(n.Transpose(x, perm=[1, 2, 0]), 2 * hidden), perm=[0, 2, 1])
    return n.model(n.LogSoftmax(n.dense(x, 2 * hidden, 29), axis=2)), feeds('x', (1, 1, 40, 30), (3, 1, 40, 51))


def streaming(opset):
    """LSTM layers whose states come in and go out, cut from one tensor."""
    n, hidden = Net(opset), 16
    x = n.input('x', 't', 'b', 12)
    n.input('h', 3, 'b', hidden), n.input('c', 3, 'b', hidden)
    x, out = n.Relu(n.dense(x, 12, hidden)), []
    for k in range(3):
        w, r, bias = (n.random(1, 4 * hidden, m, scale=.3) for m in (hidden, hidden, 8 * hidden))
        y, *s = n.LSTM(x, w, r, bias[:, 0], '', *[n.slice(v, k, k + 1, 0) for v in 'hc'], outputs=3, hidden_size=hidden)
        x = n.Squeeze(y, n.ints(1)) if opset >= 13 else n.Squeeze(y, axes=[1])
        out.append(s)
    r = np.random.default_rng(4)
    data = [{'x': r.random((t, b, 12)).astype(F), **{k: r.random((3, b, hidden)).astype(F) for k in 'hc'}} for t, b in ((6, 1), (9, 2))]
    return n.model(n.dense(x, hidden, 10), *[n.Concat(*s, axis=0) for s in zip(*out)]), data


def paddle(opset):
    """HardSwish and HardSigmoid written out, a flattening by sizes, and unknown sizes that are all called "?"."""
    n = Net(opset)

    def hard(x):
        return n.Div(n.Mul(x, n.Clip(n.Add(x, 3.0), 0.0, 6.0)), 6.0)
    x, c = hard(n.bn(n.conv(n.input('x', -1, 3, '?', '?'), 3, 8, 3, 2), 8)), 8
    for _ in range(2):
        y = hard(n.cbr(hard(n.cbr(x, c, 24, 1, act=None)), 24, 24, 3, 1, 24, act=None))
        e = n.conv(n.Relu(n.conv(n.GlobalAveragePool(y), 24, 8, 1, bias=1)), 8, 24, 1, bias=1)
        x = n.Add(x, n.cbr(n.Mul(y, n.HardSigmoid(e, alpha=.2, beta=.5)), 24, c, 1, act=None))
    x = n.GlobalAveragePool(n.MaxPool(x, kernel_shape=[2, 2], strides=[2, 2]))
    first = n.Cast(n.Cast(n.slice(n.Shape(x), 0, 1, 0), to=T.INT32), to=T.INT64)
    x = n.Reshape(x, n.Concat(first, n.ints(-1), axis=0))
    return n.model(n.Softmax(n.Add(n.MatMul(x, n.random(8, 2)), n.random(2)), axis=1)), feeds('x', (2, 3, 24, 60), (1, 3, 32, 32))


def deeplab(opset):
    """Channels last and brought in front for each convolution, a wide dilation, upsampling to a size that is read."""
    n = Net(opset)

    def first(x, f):
        return n.Transpose(f(n.Transpose(x, perm=[0, 3, 1, 2])), perm=[0, 2, 3, 1])

    def clip(x):
        return n.Clip(x, 0.0, 6.0)
    x = clip(first(n.input('x', 'unk__1', 32, 32, 3), lambda v: n.bn(n.conv(v, 3, 16, 3, 2), 16)))
    y = clip(first(x, lambda v: n.bn(n.conv(v, 16, 16, 3, 1, 16), 16)))
    z = first(y, lambda v: n.Relu(n.bn(n.conv(v, 16, 16, 3, d=4), 16)))
    g = n.mean(y, (1, 2))
    g = first(g, lambda v: n.Relu(n.conv(v, 16, 8, 1, bias=1)))
    to = n.Concat(n.slice(n.Shape(n.Transpose(y, perm=[0, 3, 1, 2])), 0, 1, 0), n.ints(8, 16, 16), axis=0)
    g = first(g, lambda v: n.up(v, to, mode='linear', coordinate_transformation_mode='half_pixel'))
    x = first(n.Concat(y, z, g, axis=3), lambda v: n.conv(v, 40, 5, 1, bias=1))
    x = first(x, lambda v: n.up(v, mode='linear', coordinate_transformation_mode='half_pixel'))
    return n.model((n.ArgMax(x, axis=3, keepdims=0), T.INT64), n.Softmax(x, axis=-1) if opset >= 13 else x), feeds('x', (1, 32, 32, 3), (2, 32, 32, 3))


def convnext(opset):
    """Norms over the channels behind a transposition, scales of each layer, ones and zeros that training has not moved."""
    n, c = Net(opset), 96

    def norm(x):
        d = n.Sub(x, n.mean(x, (-1,)))
        y = n.Div(d, n.Sqrt(n.Add(n.mean(n.Pow(d, 2.0), (-1,)), 1e-6)))
        return n.Add(n.Mul(y, np.ones(c, F)), np.zeros(c, F))
    x = n.Conv(n.input('x', 'b', 3, 32, 32), n.random(c, 3, 4, 4), np.zeros(c, F), kernel_shape=[4, 4], strides=[4, 4])
    for _ in range(2):
        y = norm(n.Transpose(n.conv(x, c, c, 7, g=c, bias=0), perm=[0, 2, 3, 1]))
        y = n.dense(y, c, 2 * c, bias=0)
        y = n.Mul(n.Mul(y, n.Add(n.Erf(n.Div(y, 2 ** .5)), 1.0)), .5)
        y = n.Transpose(n.dense(y, 2 * c, c, bias=0), perm=[0, 3, 1, 2])
        x = n.Add(n.Mul(n.random(c, 1, 1, scale=.1), y), x)
    x = n.Flatten(norm(n.Transpose(n.GlobalAveragePool(x), perm=[0, 2, 3, 1])))
    return n.model(n.Gemm(x, n.random(10, c), np.zeros(10, F), transB=1)), feeds('x', (1, 3, 32, 32), (2, 3, 32, 32))


def layers_of(m):
    return sum(o.get_type_name() not in ('Constant', 'Parameter', 'Result') for o in m.get_ops())


def agree(name, got, want, tolerance):
    far = [f'{a.shape} for {b.shape}, error {distance(a, b):.1e}' for a, b in zip(got, want) if not distance(a, b) <= tolerance]
    check(name, len(got) == len(want) and not far, '; '.join(far))


def half_agrees(build):
    """FP16 weights may keep other boxes and take another class where two are as good."""
    return build not in (yolo, deeplab)


core = ov.Core()
for build in (unet, shufflenet, efficientnet, densenet, yolo, speech, streaming, paddle, deeplab, convnext):
    for opset in (11, 17):
        name = f'{build.__name__}_{opset}'
        (m, data), path = build(opset), f'{WORK}/{name}.onnx'
        onnx.save(m, path)
        session = ort.InferenceSession(path, providers=['CPUExecutionProvider'])
        for half in ('', '_fp16') if opset == 17 and half_agrees(build) else ('',):
            xml = convert(path, name + half, '--precision', 'fp16' if half else 'fp32')
            if not xml:
                continue
            read = core.read_model(xml)
            compiled = core.compile_model(read, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
            for feed in data:
                want, size = session.run(None, feed), list(next(iter(feed.values())).shape)
                theirs = compiled(feed)
                agree(f'{name}{half} {size} in OpenVINO', [theirs[k] for k in range(len(want))], want, 1e-2 if half else 1e-4)
                for x in (xml, path)[:1 if half else 2]:
                    got = infer(x, feed)
                    if got:
                        agree(f'{name}{half} {size} mo-run {x[-4:]}', got, want, 1e-2 if half else 1e-4)
            if not half:
                a, b = layers_of(read), layers_of(ov.convert_model(path))
                check(f'{name} layers', a <= b, f'ours {a}, ovc {b}')
done()
