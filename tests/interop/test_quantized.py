"""Networks that ONNX Runtime's quantizers and weight packers write: our IR in OpenVINO, which must run it in INT8, and
in mo-run, against ONNX Runtime; and NNCF's IR read and written again."""
import collections, glob, itertools, logging, re
from common import *
import onnx, onnxruntime as ort, openvino as ov
from onnx import TensorProto as T, helper as h, numpy_helper as nh
from onnxruntime import quantization as q

logging.disable(logging.WARNING)
ort.set_default_logger_severity(3)
core = ov.Core()
tempfile.tempdir = WORK
EDGES = ('Constant', 'Parameter', 'Result')


def session(path):
    """ONNX Runtime as the model says it: without its own fusions, some of which quantize activations."""
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return ort.InferenceSession(path, o)


def compiled(xml):
    return core.compile_model(xml, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32', 'DYNAMIC_QUANTIZATION_GROUP_SIZE': '0'})


def layers(model):
    return sum(o.get_type_name() not in EDGES for o in model.get_ops())


def ovc_layers(path):
    """None where OpenVINO cannot convert the model."""
    try:
        return layers(ov.convert_model(path))
    except Exception:
        return None


def precisions(model):
    """How OpenVINO runs what has weights: {precision: layers}."""
    found = collections.Counter()
    for o in model.get_runtime_model().get_ops():
        info = o.get_rt_info()
        if 'layerType' in info and info['layerType'].astype(str) in ('Convolution', 'FullyConnected'):
            found[info['runtimePrecision'].astype(str)] += 1
    return dict(found)


def stored(xml):
    """Bytes of the constants by element type."""
    sizes = collections.Counter()
    for t, n in re.findall(r'element_type="(\w+)" shape="[^"]*" offset="\d+" size="(\d+)"', open(xml).read()):
        sizes[t] += int(n)
    return sizes


# ---- whole networks --------------------------------------------------------------------------------------------------

class Reader(q.CalibrationDataReader):
    def __init__(self, name, samples):
        self.rest = iter([{name: samples[i:i + 1]} for i in range(len(samples))])

    def get_next(self):
        return next(self.rest, None)


INT8, UINT8, UINT16 = q.QuantType.QInt8, q.QuantType.QUInt8, q.QuantType.QUInt16
QDQ = dict(quant_format=q.QuantFormat.QDQ, activation_type=UINT8, weight_type=INT8)
QOP = dict(QDQ, quant_format=q.QuantFormat.QOperator)
KINDS = {
    'qdq': QDQ,
    'qdq_channels': dict(QDQ, per_channel=True),
    'qdq_signed': dict(QDQ, per_channel=True, activation_type=INT8, reduce_range=True),
    'qdq_symmetric': dict(QDQ, activation_type=INT8, extra_options={'ActivationSymmetric': True}),
    'qdq_pairs': dict(QDQ, extra_options={'AddQDQPairToWeight': True}),
    'qdq_u8_weights': dict(QDQ, weight_type=UINT8),
    'qdq_u16': dict(QDQ, activation_type=UINT16),
    'qop': QOP,
    'qop_channels': dict(QOP, per_channel=True),
    'qop_signed': dict(QOP, activation_type=INT8),
}


def quantized(model, kind, samples):
    path = f'{WORK}/{os.path.basename(model)[:-5]}.{kind}.onnx'
    prepared = f'{WORK}/prepared.onnx'
    q.quant_pre_process(model, prepared, skip_symbolic_shape=True)
    name = ort.InferenceSession(prepared).get_inputs()[0].name
    q.quantize_static(prepared, path, Reader(name, samples), **KINDS[kind])
    return path


def check_int8(label, kind, xml, full_bytes):
    model = compiled(xml)
    how = precisions(model)
    if kind == 'qdq_u16':
        check(f'{label} keeps its 16 bits', 'u8' not in how and 'FakeQuantize' not in open(xml).read(), how)
    elif kind != 'qdq_u8_weights':  # OpenVINO has no INT8 convolution for weights with zero points
        check(f'{label} runs in INT8', set(how) <= {'u8', 'i8'} and how, how)
    size = os.path.getsize(xml[:-3] + 'bin')
    check(f'{label} stores a quarter', size < full_bytes * 0.32, f'{size} of {full_bytes}')
    half = convert(f'{WORK}/{label}.onnx', 'half', '--precision', 'fp16')
    check(f'{label} in FP16 keeps its weights', half and stored(half)['i8'] + stored(half)['u8'] == stored(xml)['i8'] + stored(xml)['u8'])
    return model


def check_network(model, kind, calibration, samples, agree, near, ours):
    """ours: how many samples mo-run is asked for."""
    path = quantized(model, kind, calibration)
    label = os.path.basename(path)[:-5]
    full = convert(model, 'full')
    xml = convert(path, label)
    if not xml or not full:
        return
    peer, n = session(path), ovc_layers(path)
    net = check_int8(label, kind, xml, os.path.getsize(full[:-3] + 'bin'))
    name = peer.get_inputs()[0].name
    want = np.concatenate([peer.run(None, {name: samples[i:i + 1]})[0] for i in range(len(samples))])
    got = np.concatenate([net([samples[i:i + 1]])[0] for i in range(len(samples))])
    mine = [infer(xml, {name: samples[i:i + 1]})[0] for i in range(ours)]
    flat = lambda y: np.asarray(y).reshape(len(y), -1)
    same = float((flat(got).argmax(1) == flat(want).argmax(1)).mean())
    check(f'{label} in OpenVINO', same >= agree and distance(got, want) <= near, f'top 1 {same:.3f}, distance {distance(got, want):.4f}')
    mine = np.concatenate(mine)
    same = float((flat(mine).argmax(1) == flat(want[:ours]).argmax(1)).mean())
    check(f'{label} in mo-run', same >= agree and distance(mine, want[:ours]) <= near, f'top 1 {same:.3f}, distance {distance(mine, want[:ours]):.4f}')
    count = layers(core.read_model(xml))
    if n and kind != 'qdq_u16':
        check(f'{label} layers', count <= n, f'ours {count}, ovc {n}')


C = corpus()
if C:
    data = lambda n, count: np.load(f'{C}/data/{n}.npy', mmap_mode='r')[:count].astype(np.float32)
    for kind in KINDS:
        check_network(f'{C}/models/cifar10_resnet20.onnx', kind, data('cifar_calib', 32), data('cifar_test', 100), 0.98, 0.06, 8)
    for kind in ('qdq_channels', 'qop_channels'):
        check_network(f'{C}/models/squeezenet1_1.onnx', kind, data('imagenet_calib', 8), data('imagenet_test', 16), 0.99, 0.03, 4)
else:
    skip('quantized networks', 'no shared networks here')

# Without the shared networks: what OpenVINO makes of the network that is always here.
for kind in ('qdq_channels', 'qop_channels'):
    r = np.random.default_rng(3)
    path = quantized(GLYPHS + '/glyphs.onnx', kind, r.uniform(-1, 1, (8, 3, 32, 32)).astype(np.float32))
    xml = convert(path, 'glyphs.' + kind)
    if xml:
        how = precisions(compiled(xml))
        check(f'glyphs {kind} runs in INT8', set(how) <= {'u8', 'i8'} and how, how)

# ---- weights of 4 bits, dynamic quantization -------------------------------------------------------------------------

rng = np.random.default_rng(1)


def packed(name, kind, values, raw=True):
    """A tensor of nibbles, the low one first; as raw bytes or as a list of integers."""
    v = np.asarray(values).ravel() & 15
    b = (v[0::2] | v[1::2] << 4).astype(np.uint8)
    if raw:
        return h.make_tensor(name, kind, values.shape, b.tobytes(), raw=True)
    t = T(name=name, data_type=kind, dims=values.shape)
    t.int32_data.extend(map(int, b))
    return t


def product(nodes, weights, k=64):
    g = h.make_graph(nodes, 'g', [h.make_tensor_value_info('x', T.FLOAT, [4, k])], [h.make_tensor_value_info('y', T.FLOAT, [4, 96])], weights)
    return h.make_model(g, opset_imports=[h.make_opsetid('', 21), h.make_opsetid('com.microsoft', 1)], ir_version=10)


def scales(*dims):
    return nh.from_array((rng.random(dims) * 0.1 + 0.01).astype(np.float32), 's')


def nodes(axis, block, zero, transposed):
    w = h.make_node('DequantizeLinear', ['W', 's'] + ['z'] * zero, ['w'], axis=axis, **({'block_size': block} if block else {}))
    return [w, h.make_node('Gemm', ['x', 'w'], ['y'], transB=1) if transposed else h.make_node('MatMul', ['x', 'w'], ['y'])]


def nbits(k, block, zero, bits=4):
    blocks = -(-k // block)
    w = [nh.from_array(rng.integers(0, 256, (96, blocks, block * bits // 8)).astype(np.uint8), 'W'), scales(96 * blocks)]
    if zero:
        w.append(nh.from_array(rng.integers(0, 256, 96 * -(-blocks * bits // 8)).astype(np.uint8), 'z'))
    node = h.make_node('MatMulNBits', ['x', 'W', 's'] + ['z'] * zero, ['y'], domain='com.microsoft', K=k, N=96, bits=bits, block_size=block)
    return product([node], w, k)


signed, unsigned = rng.integers(-8, 8, (64, 96)), rng.integers(0, 16, (64, 96))
points = rng.integers(5, 11, (2, 96))
FEW = {
    'int4 blocks': (product(nodes(0, 32, 0, False), [packed('W', T.INT4, signed), scales(2, 96)]), 'i4'),
    'int4 listed': (product(nodes(0, 32, 0, False), [packed('W', T.INT4, signed, False), scales(2, 96)]), 'i4'),
    'uint4 blocks': (product(nodes(0, 32, 1, False), [packed('W', T.UINT4, unsigned), scales(2, 96), packed('z', T.UINT4, points)]), 'u4'),
    'int4 columns': (product(nodes(1, 0, 0, False), [packed('W', T.INT4, signed), scales(96)]), 'i4'),
    'int4 transposed': (product(nodes(1, 32, 0, True), [packed('W', T.INT4, signed.T), scales(96, 2)]), 'i4'),
    'MatMulNBits': (nbits(64, 32, 0), 'i4'),
    'MatMulNBits with zero points': (nbits(96, 32, 1), 'u4'),
    'MatMulNBits with a part of a block': (nbits(80, 32, 0), 'i4'),
    'MatMulNBits of 8 bits': (nbits(64, 32, 0, 8), 'i8'),
}
flat = nh.from_array((rng.normal(size=(64, 96)) * 0.1).astype(np.float32), 'w')
onnx.save(product([h.make_node('MatMul', ['x', 'w'], ['y'], name='m')], [flat]), f'{WORK}/plain.onnx')
for name, options in {'int8': {}, 'columns': {'per_channel': True}, 'uint8': {'weight_type': UINT8}}.items():
    q.quantize_dynamic(f'{WORK}/plain.onnx', f'{WORK}/dynamic.onnx', **{'weight_type': INT8, **options})
    FEW[f'dynamic {name}'] = (onnx.load(f'{WORK}/dynamic.onnx'), 'u8' if name == 'uint8' else 'i8')

for name, (model, kind) in FEW.items():
    path = f'{WORK}/few.onnx'
    onnx.save(model, path)
    x = rng.normal(size=[d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]).astype(np.float32)
    want = session(path).run(None, {'x': x})[0]
    xml = convert(path, 'few')
    if not xml:
        continue
    bits = 4 if kind.endswith('4') else 8
    check(f'{name} stays in {kind}', stored(xml)[kind] >= x.shape[1] * 96 * bits // 8, dict(stored(xml)))
    check(f'{name} in mo-run', distance(infer(xml, {'x': x})[0], want) < 1e-5, distance(infer(xml, {'x': x})[0], want))
    check(f'{name} in OpenVINO', distance(compiled(xml)(x)[0], want) < 1e-5, distance(compiled(xml)(x)[0], want))
    n, count = ovc_layers(path), layers(core.read_model(xml))
    check(f'{name} layers', n is None or count <= n, f'ours {count}, ovc {n}')

# ---- recurrent layers, whose activations ONNX Runtime quantizes as they come: ours stay floats -------------------------

for dirs, per_channel, kind in itertools.product((1, 2), (False, True), (INT8, UINT8)):
    weights = [nh.from_array((rng.normal(size=s) * 0.2).astype(np.float32), n) for n, s in (('W', (dirs, 96, 20)), ('R', (dirs, 96, 24)), ('B', (dirs, 192)))]
    node = h.make_node('LSTM', ['x', 'W', 'R', 'B'], ['y', 'h', 'c'], hidden_size=24, direction='bidirectional' if dirs == 2 else 'forward')
    g = h.make_graph([node], 'g', [h.make_tensor_value_info('x', T.FLOAT, [7, 'n', 20])], [h.make_tensor_value_info(n, T.FLOAT, None) for n in 'yhc'], weights)
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid('', 14)], ir_version=8), f'{WORK}/lstm.onnx')
    q.quantize_dynamic(f'{WORK}/lstm.onnx', f'{WORK}/dynamic.onnx', weight_type=kind, per_channel=per_channel)
    ops = [n.op_type for n in onnx.load(f'{WORK}/dynamic.onnx').graph.node]
    name = f'{" ".join(ops)}, directions {dirs}, {"each column" if per_channel else "one scale"}, {kind}'
    x = rng.normal(size=(7, 3, 20)).astype(np.float32)
    quick, exact = (session(f'{WORK}/{p}.onnx').run(None, {'x': x}) for p in ('dynamic', 'lstm'))
    xml = convert(f'{WORK}/dynamic.onnx', 'dynamic')
    for who, got in (('mo-run', infer(xml, {'x': x})), ('OpenVINO', [compiled(xml)(x)[k] for k in range(3)])) if xml else ():
        far = [max(distance(a, b) for a, b in zip(got, want)) for want in (quick, exact)]
        check(f'{name} in {who}', 'DynamicQuantizeLSTM' in ops and far[0] < 2e-2 and far[1] < 2e-2, far)

bad = product([h.make_node('DequantizeLinear', ['W', 's'], ['w']), h.make_node('MatMul', ['x', 'w'], ['y'])], [T(name='W', data_type=25, dims=[64, 96], raw_data=bytes(1536)), scales()])
onnx.save(bad, f'{WORK}/bad.onnx')
rc, _, err = run('mo', '--input', f'{WORK}/bad.onnx', '--output-dir', WORK)
check('weights of 2 bits are refused', rc == 1 and 'uint2' in err, err.strip())

# ---- single operators on integers ------------------------------------------------------------------------------------

def grid(name, scale, zero, kind=np.uint8):
    return [nh.from_array(np.float32(scale), name + 's'), nh.from_array(kind(zero), name + 'z')]


A, B, Y = grid('a', 0.02137, 120), grid('b', 0.03171, 131), grid('y', 0.04219, 127)  # no ratio that makes halves
COND = nh.from_array(rng.integers(0, 2, (2, 4, 6, 6)).astype(bool), 'cond')
MS = {
    'QLinearAdd': ('a as az b bs bz ys yz', {}, []),
    'QLinearMul': ('a as az b bs bz ys yz', {}, []),
    'QLinearAveragePool': ('a as az ys yz', dict(kernel_shape=[2, 3], strides=[1, 2], pads=[1, 1, 0, 1]), []),
    'QLinearConcat': ('ys yz a as az b bs bz', dict(axis=1), []),
    'QLinearGlobalAveragePool': ('a as az ys yz', dict(channels_last=0), []),
    'QLinearLeakyRelu': ('a as az ys yz', dict(alpha=0.3), []),
    'QLinearSigmoid': ('a as az ys yz', {}, []),
    'QLinearSoftmax': ('a as az ys yz', dict(axis=-1, opset=13), []),
    'QLinearWhere': ('cond a as az b bs bz ys yz', {}, [COND]),
}
for kind, (inputs, attributes, more) in MS.items():
    used = [n for n in ('a', 'b') if n in inputs.split()]
    node = h.make_node(kind, inputs.split(), ['y'], domain='com.microsoft', **attributes)
    info = lambda n: h.make_tensor_value_info(n, T.UINT8, [2, 4, 6, 6])
    g = h.make_graph([node], 'g', [info(n) for n in used], [h.make_tensor_value_info('y', T.UINT8, None)], [*A, *B, *Y, *more])
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid('', 17), h.make_opsetid('com.microsoft', 1)], ir_version=8), f'{WORK}/one.onnx')
    feed = {n: rng.integers(0, 256, (2, 4, 6, 6)).astype(np.uint8) for n in used}
    want = session(f'{WORK}/one.onnx').run(None, feed)[0]
    xml = convert(f'{WORK}/one.onnx', 'one')
    for who, got in (('mo-run', infer(xml, feed)[0]), ('OpenVINO', compiled(xml)(feed)[0])) if xml else ():
        off = np.abs(got.astype(int) - want) if got.shape == want.shape else np.array([255])
        share = 0.2 if kind == 'QLinearSoftmax' else 0.02  # ONNX Runtime's table cuts off where it should round
        check(f'{kind} in {who}', off.max() <= 1 and (off > 0).mean() < share, f'{off.max()} off, {(off > 0).mean():.3f} of all')
one = onnx.load(f'{WORK}/one.onnx')
one.graph.node[0].op_type = 'QLinearUnheardOf'
onnx.save(one, f'{WORK}/one.onnx')
rc, _, err = run('mo', '--input', f'{WORK}/one.onnx', '--output-dir', WORK)
check('an operator of that domain that is not known is refused', rc == 1 and 'QLinearUnheardOf (com.microsoft' in err, err.strip())

# ---- NNCF's IR again -------------------------------------------------------------------------------------------------

for f in sorted(glob.glob(SHARED + '/ir/*nncf_int8*.xml') + glob.glob(SHARED + '/ir/*weightonly*.xml')):
    n = os.path.basename(f)[:-4]
    for precision in ('fp32', 'fp16'):
        xml = convert(f, n, '--precision', precision)
        if not xml:
            continue
        count = lambda p: len(re.findall('type="FakeQuantize"', open(p).read()))
        kept = stored(xml)['i8'] + stored(xml)['u8'] >= stored(f)['i8'] + stored(f)['u8'] - 64 and count(xml) == count(f)
        check(f'{n} {precision} stays quantized', kept, dict(stored(xml)))
        a, b = compiled(f), compiled(xml)
        x = rng.normal(size=a.inputs[0].shape).astype(np.float32)
        check(f'{n} {precision} agrees', distance(b(x)[0], a(x)[0]) < 2e-2 and precisions(a) == precisions(b), f'{precisions(a)} {precisions(b)}')
done()
