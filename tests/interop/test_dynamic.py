"""Networks of unknown sizes: our IR in OpenVINO and in mo-run against ONNX Runtime at several sizes; layers and what is
known of shapes against OpenVINO; ranges, fixed sizes and batches."""
import re
from common import *
import onnx, onnxruntime as ort, openvino as ov
from onnx import helper as h, numpy_helper as nh, TensorProto as T

R = np.random.default_rng(7)
core = ov.Core()


class Net:
    """Nodes in the exporters' spelling, one call each; returns the output's name."""
    def __init__(self, name, inputs, outputs):  # outputs: name, type, rank
        self.name, self.inputs, self.outputs, self.nodes, self.weights = name, inputs, outputs, [], []

    def const(self, v, dtype=np.float32):
        n = f'c{len(self.weights)}'
        self.weights.append(nh.from_array(np.asarray(v, dtype), n))
        return n

    def weight(self, *shape):
        return self.const(R.standard_normal(shape) * 0.3)

    def ints(self, *v):
        return self.const(v, np.int64)

    def __call__(self, op, *inputs, out=None, nout=1, **attrs):
        o = out or f'v{len(self.nodes)}'
        names = [o] + [f'{o}_{k}' for k in range(1, nout)]
        self.nodes.append(h.make_node(op, list(inputs), names, name='n_' + o, **attrs))
        return o if nout == 1 else names

    def size(self, x, i):
        return self('Gather', self('Shape', x), self.const(i, np.int64), axis=0)

    def sizes(self, *parts):
        return self('Concat', *[self('Unsqueeze', p, self.ints(0)) if isinstance(p, str) else self.ints(p) for p in parts], axis=0)

    def save(self):
        g = h.make_graph(self.nodes, self.name, [h.make_tensor_value_info(*i) for i in self.inputs],
                         [h.make_tensor_value_info(n, t, [f'{n}{k}' for k in range(rank)]) for n, t, rank in self.outputs], self.weights)
        m = h.make_model(g, opset_imports=[h.make_opsetid('', 17)], ir_version=8)
        onnx.checker.check_model(m)
        path = f'{WORK}/{self.name}.onnx'
        onnx.save(m, path)
        return path


def attention():
    """Heads split and joined by sizes that the network computes."""
    n = Net('attention', [('x', T.FLOAT, ['N', 'S', 32])], [('y', T.FLOAT, 3)])
    b, s, heads = n.size('x', 0), n.size('x', 1), []
    for k in range(3):
        p = n('Add', n('MatMul', 'x', n.weight(32, 32)), n.weight(32))
        heads.append(n('Transpose', n('Reshape', p, n.sizes(b, s, 4, 8)), perm=[0, 2, 1, 3] if k != 1 else [0, 2, 3, 1]))
    w = n('Softmax', n('Div', n('MatMul', heads[0], heads[1]), n.const(2.8)), axis=-1)
    y = n('Transpose', n('MatMul', w, heads[2]), perm=[0, 2, 1, 3])
    b2, s2 = n.size(y, 0), n.size(y, 1)
    n('Add', 'x', n('MatMul', n('Reshape', y, n.sizes(b2, s2, -1)), n.weight(32, 32)), out='y')
    return n.save(), [{'x': R.random(d, np.float32)} for d in ((1, 5, 32), (3, 9, 32), (2, 1, 32))]


def unet():
    """Down, and up again to the size of what was there before."""
    n = Net('unet', [('x', T.FLOAT, ['N', 3, 'H', 'W'])], [('y', T.FLOAT, 3)])
    a = n('Relu', n('Conv', 'x', n.weight(8, 3, 3, 3), pads=[1] * 4))
    d = n('Relu', n('Conv', a, n.weight(8, 8, 3, 3), pads=[1] * 4, strides=[2, 2]))
    to = n('Concat', n('Slice', n('Shape', d), n.ints(0), n.ints(2), n.ints(0)),
           n('Cast', n('Slice', n('Shape', a), n.ints(2), n.ints(4), n.ints(0)), to=T.INT64), axis=0)
    u = n('Resize', d, '', '', to, mode='nearest', coordinate_transformation_mode='asymmetric', nearest_mode='floor')
    f = n('Conv', n('Concat', u, a, axis=1), n.weight(4, 16, 1, 1))
    n('Reshape', f, n.sizes(n.size(f, 0), n.size(f, 1), -1), out='y')
    return n.save(), [{'x': R.random(d, np.float32)} for d in ((1, 3, 16, 24), (2, 3, 17, 9))]


def grid():
    """Places of cells counted in floats and stretched to the picture."""
    n = Net('grid', [('x', T.FLOAT, ['N', 2, 'H', 'W'])], [('y', T.FLOAT, 4)])
    c = n('Conv', 'x', n.weight(4, 2, 3, 3), pads=[1] * 4, strides=[2, 2])
    axes = []
    for i in (2, 3):
        r = n('Range', n.const(0), n('Cast', n.size(c, i), to=T.FLOAT), n.const(1))
        axes.append(n('Add', r, n.const(0.5)))
    to = n('Concat', n('Shape', axes[0]), n('Shape', axes[1]), axis=0)
    gy = n('Expand', n('Reshape', axes[0], n.ints(-1, 1)), to)
    gx = n('Expand', n('Reshape', axes[1], n.ints(1, -1)), to)
    stride = n('Mul', n('Expand', n.const([2]), n('Shape', c)), n.const(4))
    n('Mul', n('Add', n('Add', c, gy), gx), stride, out='y')
    return n.save(), [{'x': R.random(d, np.float32)} for d in ((1, 2, 8, 6), (3, 2, 5, 11))]


def picked():
    """What the data pick goes through layers with kernels."""
    n = Net('picked', [('x', T.FLOAT, ['N', 16])], [('y', T.FLOAT, 2), ('i', T.INT64, 1)])
    score = n('ReduceMax', 'x', axes=[1], keepdims=0)
    n('Reshape', n('NonZero', n('Greater', score, n.const(0.9))), n.ints(-1), out='i')
    rows = n('Gather', 'x', 'i', axis=0)
    a = n('Relu', n('Add', n('MatMul', rows, n.weight(16, 24)), n.weight(24)))
    n('Softmax', n('MatMul', a, n.weight(24, 5)), axis=-1, out='y')
    return n.save(), [{'x': R.random((k, 16), np.float32)} for k in (20, 20, 50, 3)]


def boxes():
    """Non-maximum suppression and a k that is the smaller of two."""
    n = Net('boxes', [('b', T.FLOAT, ['N', 'K', 4]), ('s', T.FLOAT, ['N', 1, 'K'])], [('y', T.FLOAT, 2), ('v', T.FLOAT, 3)])
    kept = n('NonMaxSuppression', 'b', 's', n.ints(5), n.const([0.4]), n.const([0.1]))
    at = n('Squeeze', n('Slice', kept, n.ints(2), n.ints(3), n.ints(1)), n.ints(1))
    flat = n('Reshape', 'b', n.ints(-1, 4))
    n('MatMul', n('Gather', flat, at, axis=0), n.weight(4, 6), out='y')
    k = n('Min', n('Unsqueeze', n.size('s', 2), n.ints(0)), n.ints(7))
    n('TopK', 's', k, axis=-1, out='v', nout=2)
    return n.save(), [{'b': np.sort(R.random((1, k, 4), np.float32), -1), 's': R.random((1, 1, k), np.float32)} for k in (12, 4)]


def known(text):
    """"?,3,1..5" as a list of bounds; None for an unknown rank."""
    if '...' in text:
        return None
    ends = [(d.split('..') * 2)[:2] if d != '?' else ['', ''] for d in text.split(',') if d]
    return [(int(a or 0), int(b) if b else 1 << 62) for a, b in ends]


def vaguer(path, name, *options):
    """Values of which OpenVINO knows more than we do, on our IR."""
    rc, out, err = run('mo', '-q', '--input', path, '--output-dir', WORK, '--model-name', name, '--dump-after', 'to-fp16', *options)
    if not check(f'{name} {options} converts', rc == 0, err[:300]):
        return
    ours = {}
    for line in out.splitlines():
        m = re.match(r'"?([^"]+?)"? = .* : (.*)$', line)
        if m:
            ours[m[1]] = [known(s) for s in re.findall(r'\w+\[([^\]]*)\]', m[2])]
    bad = []
    for o in core.read_model(f'{WORK}/{name}.xml').get_ordered_ops():
        for k in range(o.get_output_size() if o.get_type_name() not in ('Constant', 'Result') else 0):
            p, mine = o.output(k).get_partial_shape(), ours[o.get_friendly_name()][k]
            if p.rank.is_dynamic:
                continue
            ok = mine is not None and all(a >= d.min_length and b <= (d.max_length if d.max_length >= 0 else 1 << 62) for d, (a, b) in zip(p, mine))
            bad += [] if ok else [f'{o.get_friendly_name()} {p} {mine}']
    check(f'{name} {options} shapes', not bad, '; '.join(bad[:4]))


def layers(m):
    return len([o for o in m.get_ops() if o.get_type_name() not in ('Constant', 'Parameter', 'Result')])


def agree(path, name, feeds, xml):
    """Our IR at each of the sizes, in OpenVINO and in mo-run."""
    session = ort.InferenceSession(path)
    compiled = core.compile_model(xml, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
    for feed in feeds:
        want = session.run(None, feed)
        theirs, mine = compiled(feed), infer(xml, feed)
        for k, w in enumerate(want):
            at = f'{name}[{k}] at {[list(v.shape) for v in feed.values()]}'
            t = theirs[k][:w.shape[0]]  # NonMaxSuppression of the plugin leaves room behind its results
            check(f'{at} in OpenVINO', distance(t, w) <= 1e-4, f'{distance(t, w):.1e}')
            if mine:
                check(f'{at} in mo-run', distance(mine[k], w) <= 1e-4, f'{distance(mine[k], w):.1e}')


for make in (attention, unet, grid, picked, boxes):
    path, feeds = make()
    name = make.__name__
    xml = convert(path, name)
    if not xml:
        continue
    agree(path, name, feeds, xml)
    a, b = layers(core.read_model(xml)), layers(ov.convert_model(path))
    check(f'{name} layers', a <= b, f'ours {a}, ovc {b}')
    vaguer(path, name)

ranges = {'attention': 'x[1..8,2..64,32]', 'unet': 'x[1..4,3,8..64,?]', 'grid': '[2,2,4..9,6..20]', 'picked': 'x[10..90,16]'}
for name, text in ranges.items():
    vaguer(f'{WORK}/{name}.onnx', name + '_range', '--input-shape', text)
    got = str(core.read_model(f'{WORK}/{name}_range.xml').input(0).get_partial_shape())
    check(f'{name} range', got.replace(' ', '') == '[' + re.sub(r'.*\[|\]', '', text) + ']', got)

np.save(f'{WORK}/far.npy', np.zeros((1, 70, 32), np.float32))
rc, _, err = run('mo-run', '-q', f'{WORK}/attention_range.xml', '--data', f'{WORK}/far.npy', '--out', f'{WORK}/out')
check('outside of the range', rc in (1, 2) and '[1,70,32]' in err and '[1..8,2..64,32]' in err, err.strip())

for name, text in (('attention', 'x[2,7,32]'), ('unet', 'x[1,3,32,32]'), ('grid', 'x[1,2,8,8]')):
    xml = convert(f'{WORK}/{name}.onnx', name + '_fixed', '--input-shape', text, '--static-shape')
    if xml:
        kinds = {o.get_type_name() for o in core.read_model(xml).get_ops()}
        check(f'{name} fixed', not kinds & {'ShapeOf', 'Gather', 'Range', 'Broadcast'} and not core.read_model(xml).is_dynamic(), str(kinds))
        d = [int(v) for v in re.findall(r'\d+', text)]
        agree(f'{WORK}/{name}.onnx', name + '_fixed', [{'x': R.random(d, np.float32)}], xml)
        for batch in (1, 5):
            xml = convert(f'{WORK}/{name}.onnx', name + '_batch', '--input-shape', text, '--batch', str(batch))
            agree(f'{WORK}/{name}.onnx', f'{name}_batch', [{'x': R.random([batch] + d[1:], np.float32)}], xml)
done()
