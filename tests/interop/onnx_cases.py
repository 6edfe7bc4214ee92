"""A small case for every operator of ONNX's default domain and every version of it up to opset 22: the table behind test_onnx_ops.py.

C(op, since, inputs, attrs, ...) stands for each version from since up to the next C of that operator with the same tag."""
import numpy as np
from onnx import helper as h, numpy_helper as nh, TensorProto as T

F = np.float32
rng = np.random.default_rng(7)
I = lambda *v: np.array(v, np.int64)
S = lambda v, t=F: np.array(v, t)
B = lambda *v: np.array(v, bool)


def f(*shape, low=-2.0, high=2.0):
    return rng.uniform(low, high, shape).astype(F)


CASES = []


class C:
    """One spelling. want: what it gives as a function of the inputs, where no outsider knows that version.
    const: the inputs that are initializers. nout: outputs asked for. tag: another spelling of the same version.
    types: False where the inputs fit one type only, 'float' where ONNX says nothing of how integers are rounded. word: not converted, with this in the message. moments: of random numbers."""

    def __init__(self, op, since, ins=(), attrs=None, want=None, const=(), nout=1, tag='', types=True, word=None, build=None, last=99, moments=None):
        self.op, self.since, self.ins, self.attrs, self.want = op, since, list(ins), attrs or {}, want
        self.const, self.nout, self.tag, self.types, self.word, self.build, self.last, self.moments = const, nout, tag, types, word, build, last, moments
        CASES.append(self)


x, pos, unit = f(2, 3, 4), f(2, 3, 4, low=0.1, high=3), f(2, 3, 4, low=-0.99, high=0.99)
CI = {'consumed_inputs': [0, 0]}
CI1 = {'consumed_inputs': [0]}

# ---- elementwise, one input; version 1 of many carries consumed_inputs
for op, v in {'Abs': x, 'Ceil': x, 'Exp': x, 'Floor': x, 'Log': pos, 'Neg': x, 'Reciprocal': pos, 'Relu': x, 'Sigmoid': x, 'Sqrt': pos,
              'Tanh': x}.items():
    C(op, 1, [v], CI1, want={'Abs': np.abs, 'Ceil': np.ceil, 'Exp': np.exp, 'Floor': np.floor, 'Log': np.log, 'Neg': np.negative,
                             'Reciprocal': np.reciprocal, 'Relu': lambda v: np.maximum(v, 0), 'Sigmoid': lambda v: 1 / (1 + np.exp(-v)),
                             'Sqrt': np.sqrt, 'Tanh': np.tanh}[op])
    C(op, 6, [v])
for op, v, first in (('Acos', unit, 7), ('Acosh', pos + 1, 9), ('Asin', unit, 7), ('Asinh', x, 9), ('Atan', x, 7), ('Atanh', unit, 9),
                     ('Cos', x, 7), ('Cosh', x, 9), ('Erf', x, 9), ('Mish', x, 18), ('Round', x, 11), ('Sign', x, 9), ('Sin', x, 7),
                     ('Sinh', x, 9), ('Softplus', x, 1), ('Softsign', x, 1), ('Tan', x, 7), ('HardSwish', x, 14)):
    C(op, first, [v])
C('Elu', 1, [x], {'alpha': 2.0, **CI1}, want=lambda v: np.where(v < 0, 2 * np.expm1(v), v))
C('Elu', 6, [x], {'alpha': 2.0})
C('LeakyRelu', 1, [x], {'alpha': 0.1, **CI1}, want=lambda v: np.where(v < 0, F(0.1) * v, v))
C('LeakyRelu', 6, [x], {'alpha': 0.1})
C('HardSigmoid', 1, [x], {'alpha': 0.3, **CI1}, want=lambda v: np.clip(F(0.3) * v + F(0.5), 0, 1))
C('HardSigmoid', 6, [x], {'alpha': 0.3})
C('Selu', 1, [x], CI1, want=lambda v: F(1.0507) * np.where(v <= 0, F(1.6732) * np.expm1(v), v))
C('Selu', 6, [x])
C('Celu', 12, [x], {'alpha': 2.0})
C('ThresholdedRelu', 10, [x], {'alpha': 0.5})
C('Shrink', 9, [x], {'lambd': 0.7, 'bias': 0.2}, types=False)
C('Gelu', 20, [x])
C('Gelu', 20, [x], {'approximate': 'tanh'}, tag='tanh')
special = np.array([1, np.nan, np.inf, -np.inf, 0, -0.0], F)
C('IsNaN', 9, [special])
C('IsInf', 10, [special])
C('IsInf', 10, [special], {'detect_negative': 0}, tag='positive')
C('Not', 1, [B(0, 1, 1)])
C('BitwiseNot', 18, [S([1, -5, 100], np.int32)])
C('Identity', 1, [x])
C('Clip', 1, [x], {'min': -0.5, 'max': 0.5, **CI1}, want=lambda v: np.clip(v, -0.5, 0.5))
C('Clip', 6, [x], {'min': -0.5, 'max': 0.5})
C('Clip', 11, [x, S(-0.5), S(0.5)])
C('PRelu', 1, [x, f(3)], CI, want=lambda v, s: np.where(v < 0, s[:, None] * v, v))
C('PRelu', 6, [x, f(3)], want=lambda v, s: np.where(v < 0, s[:, None] * v, v))
C('PRelu', 7, [x, f(3, 1)])
C('Cast', 1, [x * 10], {'to': 'INT32'}, want=lambda v: v.astype(np.int32))
C('Cast', 6, [x * 10], {'to': 6}, want=lambda v: v.astype(np.int32))
C('Cast', 9, [x * 10], {'to': 6})
C('CastLike', 15, [x * 10, S(0, np.int32)])

# ---- two inputs: broadcast and axis until 6, numpy's stretching from 7 on
low, along = f(2, 3, 4), f(3)
div0 = f(2, 3, 4, low=0.5, high=2)
for op, fn in {'Add': np.add, 'Sub': np.subtract, 'Mul': np.multiply, 'Div': np.divide}.items():
    C(op, 1, [x, div0[0, :, 0]], {'broadcast': 1, 'axis': 1, **CI}, want=lambda a, b, fn=fn: fn(a, b[:, None]))
    C(op, 6, [x, div0[0, :, 0]], {'broadcast': 1, 'axis': -2}, want=lambda a, b, fn=fn: fn(a, b[:, None]))
    C(op, 6, [x, div0[0, 0]], {'broadcast': 1}, tag='suffix', want=fn, last=6)
    C(op, 7, [x, div0[:1, :, :1]])
    C(op, 7, [x[:, :, :0], div0[:1, :, :1]], tag='empty')
    C(op, 7, [x[0, 0, 0], div0[0, 0, 0]], tag='scalar')
C('Pow', 1, [pos, f(3)], {'broadcast': 1, 'axis': 1}, want=lambda a, b: np.power(a, b[:, None]))
C('Pow', 7, [pos, f(3, 1)])
C('Pow', 12, [pos, S([[2], [3], [0]], np.int64)])
for op, fn in {'And': np.logical_and, 'Or': np.logical_or, 'Xor': np.logical_xor}.items():
    C(op, 1, [x > 0, along > 0], {'broadcast': 1, 'axis': 1}, want=lambda a, b, fn=fn: fn(a, b[:, None]))
    C(op, 7, [x > 0, along[:, None] > 0])
whole = np.round(x)
C('Equal', 1, [whole.astype('i4'), np.array([0, 1, -1], 'i4')], {'broadcast': 1, 'axis': 1}, want=lambda a, b: a == b[:, None])
C('Equal', 7, [whole.astype('i4'), np.array([[0], [1], [-1]], 'i4')])
C('Equal', 11, [whole, np.array([[0], [1], [-1]], F)])
for op, fn in {'Greater': np.greater, 'Less': np.less}.items():
    C(op, 1, [x, along], {'broadcast': 1, 'axis': 1}, want=lambda a, b, fn=fn: fn(a, b[:, None]))
    C(op, 7, [x, along[:, None]])
C('GreaterOrEqual', 12, [whole, np.array([[0], [1], [-1]], F)])
C('LessOrEqual', 12, [whole, np.array([[0], [1], [-1]], F)])
for op in ('BitwiseAnd', 'BitwiseOr', 'BitwiseXor'):
    C(op, 18, [S([[1, 5, 100], [7, 8, 9]], np.int32), S([3, 6, 12], np.int32)])
C('BitShift', 11, [S([1, 200, 3], np.uint8), S([1, 2, 9], np.uint8)], {'direction': 'LEFT'})
C('BitShift', 11, [S([1, 200, 3], np.uint8), S([1, 2, 9], np.uint8)], {'direction': 'RIGHT'}, tag='right')
C('Mod', 10, [S([7, -7, 5, -5], np.int32), S([3, 3, -3, -3], np.int32)])
C('Mod', 10, [S([7, -7, 5.5, -5]), S([3, 3, -3, -3])], {'fmod': 1}, tag='fmod')
for op, fn in {'Max': np.maximum, 'Min': np.minimum, 'Sum': np.add, 'Mean': lambda a, b: (a + b) / 2}.items():
    C(op, 1, [x, low], CI, want=fn)
    C(op, 6, [x, low], want=fn)
    C(op, 8, [x, f(3, 1), S(0.5)])
    C(op, 8, [x], tag='one')
C('Where', 9, [x > 0, f(3, 1), f(4)])

# ---- not-a-number, infinities, signed zeros, halves; integers at their ends
odd = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3e38, 1e-37], F)
for op, since in (('Abs', 6), ('Ceil', 6), ('Exp', 6), ('Floor', 6), ('Log', 6), ('Neg', 6), ('Reciprocal', 6), ('Relu', 6), ('Sigmoid', 6), ('Sqrt', 6), ('Tanh', 6),
                  ('Round', 11), ('Erf', 9), ('Softplus', 1), ('Softsign', 1), ('LeakyRelu', 6), ('Elu', 6), ('Selu', 6), ('HardSigmoid', 6), ('HardSwish', 14),
                  ('IsNaN', 9)):
    C(op, since, [odd], tag='odd', types='float')
for op, since in (('Add', 7), ('Sub', 7), ('Mul', 7), ('Div', 7), ('Pow', 12), ('Max', 12), ('Min', 12), ('Equal', 11), ('Greater', 9), ('Less', 9), ('GreaterOrEqual', 12), ('LessOrEqual', 12)):
    C(op, since, [odd[:, None], odd], tag='odd')
C('Mod', 10, [odd[:, None], odd], {'fmod': 1}, tag='odd', types='float')
C('Clip', 11, [odd, S(-1), S(2)], tag='odd', types='float')
C('Where', 9, [odd > 0, odd, odd[::-1].copy()], tag='odd')
C('PRelu', 7, [odd, S([0.5])], tag='odd', types='float')
for op in ('ReduceMax', 'ReduceMin', 'ReduceSum', 'ReduceProd', 'ReduceL1', 'ReduceL2', 'ReduceMean'):
    C(op, 13 if op == 'ReduceSum' else 18, [odd[[0, 1, 2, 1, 3, 5, 2, 6, 7, 8, 4, 9]].reshape(4, 3), I(1)], tag='odd', types=False, const=[1])
C('Softmax', 13, [np.array([[1, np.inf, 2], [1, np.nan, 2], [-np.inf, 0, 1], [3e38, -3e38, 0]], F)], tag='odd', types=False)
C('ArgMax', 12, [np.array([[1, np.inf, np.inf], [-np.inf, -np.inf, -np.inf]], F)], {'axis': 1}, tag='odd')
C('TopK', 11, [np.array([[1, np.inf, -np.inf, 2], [0.0, -0.0, 1, 1]], F), I(3)], nout=2, tag='odd', types=False)
C('CumSum', 11, [odd, S(0, 'i4')], tag='odd', types=False)
limits = lambda t: np.array([np.iinfo(t).min, np.iinfo(t).max, 0, 1, 7, 100], t)
for t in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64):
    n, one = limits(t), np.array([[2], [3], [100]], t)
    tag = np.dtype(t).name
    for op, since in (('Add', 14), ('Sub', 14), ('Mul', 14), ('Div', 14)):
        C(op, since, [n, one], tag=tag, types=False)
    for op, since in (('Max', 12), ('Min', 12)):
        C(op, since, [n, n[::-1].copy()], tag=tag, types=False)
    C('Mod', 10, [n, one], tag=tag, types=False)
    if tag[-2:] != '64':  # in doubles there
        C('Mod', 10, [n, one], {'fmod': 1}, tag=tag + ' fmod', types=False)
    C('ReduceMax', 18, [n], tag=tag, types=False)
    C('Sign', 13, [n], tag=tag, types=False)
    C('Abs', 13, [n[1:]], tag=tag, types=False)
    C('Clip', 12, [n, t(1), t(50)], tag=tag, types=False)
    C('Cast', 13, [n], {'to': 1}, tag=tag, types=False)
    C('TopK', 11, [n, I(4)], nout=2, tag=tag, types=False)
    C('ArgMin', 13, [n], tag=tag, types=False)
    C('CumSum', 14, [n, S(0, 'i4')], tag=tag, types=False)
    C('Equal', 13, [n, n[::-1].copy()], tag=tag, types=False)
    C('Less', 13, [n, n[::-1].copy()], tag=tag, types=False)
    C('MatMul', 13, [n.reshape(2, 3), n.reshape(3, 2)], tag=tag, types=False)
    C('Cast', 13, [np.array([-3.7, 3.7, 0.5, -0.5, 100, 126.5], F)[1 if tag[0] == 'u' else 0:][:3]], {'to': h.np_dtype_to_tensor_dtype(np.dtype(t))}, tag='to ' + tag, types=False)
for t in (9, 10, 11, 16):
    C('Cast', 13, [odd], {'to': t}, tag=f'odd to {t}', types=False)

# ---- convolution and pooling
img, w, b = f(1, 2, 6, 5), f(4, 2, 3, 3), f(4)
C('Conv', 1, [img, w, b], {'pads': [1, 0, 1, 2], 'strides': [2, 1]})
C('Conv', 1, [img, f(4, 1, 3, 2)], {'group': 2, 'auto_pad': 'SAME_LOWER', 'kernel_shape': [3, 2]}, tag='group')
C('Conv', 1, [f(1, 2, 9), f(3, 2, 3)], {'dilations': [2]}, tag='1d')
C('ConvTranspose', 1, [img, f(2, 4, 3, 3), b], {'strides': [2, 2], 'pads': [1, 1, 1, 1], 'output_padding': [1, 0]})
C('ConvTranspose', 1, [img, f(2, 2, 3, 3)], {'strides': [2, 2], 'group': 2, 'output_shape': [12, 10]}, tag='shape', types=False)
u8 = lambda *s: rng.integers(0, 255, s).astype(np.uint8)
i8 = lambda *s: rng.integers(-120, 120, s).astype(np.int8)
C('ConvInteger', 10, [u8(1, 2, 5, 5), u8(3, 2, 3, 3), S(7, np.uint8)], types=False)
C('QLinearConv', 10, [u8(1, 2, 5, 5), S(0.03), S(7, np.uint8), i8(3, 2, 3, 3), S([0.02, 0.01, 0.03]), S([0, 0, 0], np.int8), S(0.5),
                      S(100, np.uint8), S([10, -3, 200], np.int32)], types=False)
C('DeformConv', 19, [f(1, 2, 5, 5), f(3, 2, 3, 3), f(1, 18, 5, 5), f(3), f(1, 9, 5, 5)], {'pads': [1, 1, 1, 1]})
C('AveragePool', 1, [img], {'kernel_shape': [3, 2], 'strides': [2, 1]})
C('AveragePool', 7, [img], {'kernel_shape': [3, 2], 'pads': [1, 0, 1, 1], 'count_include_pad': 1})
C('AveragePool', 10, [img], {'kernel_shape': [3, 2], 'strides': [2, 2], 'ceil_mode': 1})
C('AveragePool', 19, [img], {'kernel_shape': [2, 2], 'dilations': [2, 1]})
C('MaxPool', 1, [img], {'kernel_shape': [3, 2], 'pads': [1, 0, 1, 1], 'strides': [2, 1]})
C('MaxPool', 8, [img], {'kernel_shape': [2, 2], 'strides': [2, 2], 'storage_order': 0}, nout=2)
C('MaxPool', 10, [img], {'kernel_shape': [3, 2], 'dilations': [1, 2], 'ceil_mode': 1, 'strides': [2, 2]}, nout=2)
C('MaxPool', 8, [img], {'kernel_shape': [2, 2], 'storage_order': 1}, nout=2, tag='column')
C('MaxUnpool', 9, [S([[[[5, 6], [7, 8]]]]), np.array([[[[5, 7], [13, 15]]]])], {'kernel_shape': [2, 2], 'strides': [2, 2]})
# the indices count in the size that the window gives, as in ONNX's own test; ONNX Runtime counts in the shape asked for
C('MaxUnpool', 9, [S([[[[5, 6], [7, 8]]]]), np.array([[[[5, 7], [13, 15]]]]), I(1, 1, 5, 5)], {'kernel_shape': [2, 2], 'strides': [2, 2]}, tag='shape', types=False,
  want=lambda v, i, s: np.array([[[[0] * 5, [0, 5, 0, 6, 0], [0] * 5, [0, 7, 0, 8, 0], [0] * 5]]], F))
rois = S([[0, 0, 0, 4, 4], [0, 1, 2, 4, 5], [0, 2, 0, 2, 1]])
C('MaxRoiPool', 1, [img, rois], {'pooled_shape': [2, 2]})
C('MaxRoiPool', 1, [img, rois * F(2)], {'pooled_shape': [3, 2], 'spatial_scale': 0.5}, tag='scale')
C('GlobalAveragePool', 1, [img])
C('GlobalMaxPool', 1, [img])
C('GlobalLpPool', 1, [img], {'p': 3.0}, want=lambda v: (np.abs(v) ** 3).sum((2, 3), keepdims=True) ** F(1 / 3))
C('GlobalLpPool', 2, [img], {'p': 3})
C('LpPool', 1, [img], {'p': 3.0, 'kernel_shape': [2, 2]}, want=lambda v: sum(np.abs(v[:, :, i:i + 5, j:j + 4]) ** 3 for i in (0, 1) for j in (0, 1)) ** F(1 / 3))
C('LpPool', 2, [img], {'p': 3, 'kernel_shape': [2, 2], 'pads': [1, 1, 0, 0]})
C('LpPool', 18, [img], {'p': 2, 'kernel_shape': [2, 2], 'dilations': [2, 1], 'ceil_mode': 1, 'strides': [2, 2]})

# ---- products
m, n2 = f(3, 4), f(4, 2)
C('MatMul', 1, [x, f(4, 2)])
C('MatMul', 1, [f(4), f(2, 4, 3)], tag='vector')
for since, attrs in ((1, {'broadcast': 1}), (6, {'broadcast': 1}), (7, {}), (9, {})):
    C('Gemm', since, [m, f(2, 4), f(2)], {'alpha': 0.5, 'beta': 2.0, 'transB': 1, **attrs}, want=lambda a, b, c: F(0.5) * a @ b.T + 2 * c)
C('Gemm', 11, [m, n2])
C('MatMulInteger', 10, [u8(3, 4), u8(4, 2), S(7, np.uint8), S(9, np.uint8)], types=False)
C('QLinearMatMul', 10, [u8(3, 4), S(0.02), S(7, np.uint8), u8(4, 2), S(0.03), S(9, np.uint8), S(0.2), S(30, np.uint8)], types=False)
C('Einsum', 12, [m, n2], {'equation': 'ij,jk->ki'})
C('Det', 11, [f(2, 3, 3)])

# ---- quantization
C('QuantizeLinear', 10, [x, S(0.1), S(100, np.uint8)], types=False)
C('QuantizeLinear', 13, [x, S([0.1, 0.2, 0.05]), S([100, 0, 7], np.uint8)], {'axis': 1}, types=False)
C('QuantizeLinear', 21, [f(4, 6), f(2, 6, low=0.1, high=0.3), i8(2, 6)], {'axis': 0, 'block_size': 2}, types=False)
C('DequantizeLinear', 10, [u8(2, 3), S(0.1), S(100, np.uint8)], types=False)
C('DequantizeLinear', 13, [i8(2, 3), S([0.1, 0.2, 0.05]), S([100, 0, 7], np.int8)], {'axis': -1}, types=False)
C('DequantizeLinear', 21, [i8(4, 6), f(2, 6, low=0.1, high=0.3), i8(2, 6)], {'axis': 0, 'block_size': 2}, types=False)
C('DynamicQuantizeLinear', 11, [x], nout=3)

# ---- normalisation
s3 = [f(2, low=0.5, high=1.5), f(2), f(2), f(2, low=0.5, high=1.5)]
norm = lambda v, s, b, m, q: (v - m[:, None, None]) / np.sqrt(q[:, None, None] + F(1e-5)) * s[:, None, None] + b[:, None, None]
C('BatchNormalization', 1, [img] + s3, {'consumed_inputs': [0, 0, 0, 1, 1], 'is_test': 1}, want=norm)
C('BatchNormalization', 6, [img] + s3, {'is_test': 1}, want=norm)
C('BatchNormalization', 7, [img] + s3)
C('BatchNormalization', 14, [img] + s3, {'training_mode': 1, 'momentum': 0.8}, tag='training', nout=3)
C('InstanceNormalization', 1, [img, f(2), f(2)], {'epsilon': 1e-3, **CI1},
  want=lambda v, s, b: (v - v.mean((2, 3), keepdims=True)) / np.sqrt(v.var((2, 3), keepdims=True) + F(1e-3)) * s[:, None, None] + b[:, None, None])
C('InstanceNormalization', 6, [img, f(2), f(2)], {'epsilon': 1e-3})
C('GroupNormalization', 18, [f(2, 4, 3), f(2), f(2)], {'num_groups': 2})
C('GroupNormalization', 21, [f(2, 4, 3), f(4), f(4)], {'num_groups': 2})
C('LayerNormalization', 17, [x, f(3, 4), f(3, 4)], {'axis': 1}, nout=3)
C('LRN', 1, [f(1, 5, 3, 3)], {'size': 3, 'alpha': 0.01, 'bias': 1.5})
C('LpNormalization', 1, [x], {'p': 1, 'axis': 1})
C('LpNormalization', 1, [x], tag='two')
C('MeanVarianceNormalization', 9, [f(2, 3, 4, 2)])
flat = lambda fn: lambda v: fn(v.reshape(2, -1)).reshape(v.shape)
soft = lambda v: np.exp(v - v.max(-1, keepdims=True)) / np.exp(v - v.max(-1, keepdims=True)).sum(-1, keepdims=True)
for op, fn in {'Softmax': soft, 'LogSoftmax': lambda v: np.log(soft(v)), 'Hardmax': lambda v: (np.arange(v.shape[-1]) == v.argmax(-1)[..., None]).astype(F)}.items():
    C(op, 1, [x], {'axis': 1}, want=flat(fn))
    C(op, 11, [x], {'axis': -2}, want=flat(fn))
    C(op, 13, [x], {'axis': 1})

# ---- constants and shapes
C('Constant', 1, [], {'value': nh.from_array(f(2, 3))}, types=False)
C('Constant', 12, [], {'value_floats': [1.0, 2.0]}, tag='floats', types=False)
C('Constant', 12, [], {'value_int': 3}, tag='int', types=False)
C('ConstantOfShape', 9, [I(2, 3)], {'value': nh.from_array(S([7], np.int32))})
C('ConstantOfShape', 9, [I(0, 3)], tag='empty')
C('ConstantOfShape', 9, [np.zeros(0, 'i8')], tag='scalar')
C('Expand', 8, [f(3, 1), I(2, 1, 4)])
C('EyeLike', 9, [m], {'k': 1})
C('EyeLike', 9, [m], {'k': -1, 'dtype': 7}, tag='type')
for since in (1, 9):
    C('Flatten', since, [x], {'axis': 2})
C('Flatten', 11, [x], {'axis': -1})
C('Range', 11, [S(1, 'i4'), S(10, 'i4'), S(3, 'i4')])
C('Range', 11, [S(2, 'i8'), S(-5, 'i8'), S(-2, 'i8')], tag='down', types=False)
C('Reshape', 1, [x], {'shape': [0, -1], 'consumed_inputs': [0]}, want=lambda v: v.reshape(2, -1))
C('Reshape', 5, [x, I(0, -1)])
C('Reshape', 14, [x[:, :0], I(0, 3, 0)], {'allowzero': 1}, tag='allowzero', const=[1])
C('Shape', 1, [x])
C('Shape', 15, [x], {'start': -2, 'end': 5})
C('Size', 1, [x])
C('Squeeze', 1, [f(1, 3, 1, 4)], {'axes': [0, 2]}, want=np.squeeze)
C('Squeeze', 11, [f(1, 3, 1, 4)], {'axes': [-2]}, want=lambda v: v[:, :, 0])
C('Squeeze', 13, [f(1, 3, 1, 4), I(-2, 0)], const=[1])
C('Squeeze', 1, [f(1, 3, 1, 4)], tag='all')
C('Unsqueeze', 1, [m], {'axes': [0, 2]}, want=lambda v: v[None, :, None])
C('Unsqueeze', 11, [m], {'axes': [-1, 0]}, want=lambda v: v[None, :, :, None])
C('Unsqueeze', 13, [m, I(-1, 0)], const=[1])
for since, attrs in ((1, {'is_test': 1, 'ratio': 0.3, 'consumed_inputs': [0]}), (6, {'is_test': 1, 'ratio': 0.3}), (7, {'ratio': 0.3}), (10, {'ratio': 0.3})):
    C('Dropout', since, [x], attrs, want=lambda v: v)
C('Dropout', 12, [x, S(0.3), S(False, bool)], nout=2, const=[2])

# ---- reductions
for op in ('L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'):
    v, op = (pos if op == 'LogSum' else x), 'Reduce' + op
    C(op, 1, [v], {'axes': [0, 2]})
    C(op, 11, [v], {'axes': [-2], 'keepdims': 0})
    last = 13 if op == 'ReduceSum' else 18
    if op in ('ReduceMax', 'ReduceMin'):
        C(op, 12, [v], {'axes': [-2], 'keepdims': 0})
    kinds = 'float' if 'Log' in op else True
    C(op, last, [v, I(0, -1)], {'keepdims': 0}, const=[1], types=kinds)
    C(op, last, [v], tag='all', types=kinds)
    C(op, last, [v], {'noop_with_empty_axes': 1}, tag='noop', types=kinds)
    if op != 'ReduceMean':  # of nothing: undefined
        C(op, last, [v[:, :0], I(1)], tag='empty', types=False, const=[1])
tied = S([[3, 1, 3], [2, 2, 0]])
for op in ('ArgMax', 'ArgMin'):
    C(op, 1, [tied], {'axis': 1})
    C(op, 11, [tied], {'axis': -1, 'keepdims': 0})
    C(op, 12, [tied], {'axis': -1, 'select_last_index': 1})
C('CumSum', 11, [x, S(-2, 'i4')], {'exclusive': 1, 'reverse': 1})
C('TopK', 1, [x], {'k': 2, 'axis': 1}, nout=2, want=lambda v: (-np.sort(-v, 1)[:, :2], np.argsort(-v, 1, kind='stable')[:, :2]))
C('TopK', 10, [x, I(2)], {'axis': 1}, nout=2)
C('TopK', 11, [x, I(2)], {'largest': 0, 'axis': -2}, nout=2)

# ---- moving
C('Concat', 1, [f(2, 1), f(2, 1)], {}, want=lambda a, b: np.concatenate([a, b], 1))
C('Concat', 4, [x, low[:, :1]], {'axis': 1})
C('Concat', 11, [x, low[:, :1]], {'axis': -2})
C('Concat', 11, [x, low[:, :0]], {'axis': -2}, tag='empty')
C('DepthToSpace', 1, [f(1, 8, 2, 3)], {'blocksize': 2})
C('DepthToSpace', 11, [f(1, 8, 2, 3)], {'blocksize': 2, 'mode': 'CRD'})
C('SpaceToDepth', 1, [f(1, 2, 4, 6)], {'blocksize': 2})
C('Pad', 1, [m], {'paddings': [1, 0, 0, 2], 'value': 1.5}, want=lambda v: np.pad(v, ((1, 0), (0, 2)), constant_values=1.5))
C('Pad', 2, [m], {'pads': [1, 0, -1, 2], 'value': 1.5}, want=lambda v: np.pad(v[:-1], ((1, 0), (0, 2)), constant_values=1.5))
C('Pad', 11, [m, I(1, 0, -1, 2), S(1.5)])
C('Pad', 18, [m, I(1, 2), S(1.5), I(-1)])
C('Pad', 2, [m], {'pads': [1, 1, 1, 2], 'mode': 'reflect'}, tag='reflect', last=10, want=lambda v: np.pad(v, ((1, 1), (1, 2)), 'reflect'))
C('Pad', 11, [m, I(1, 1, 1, 2)], {'mode': 'edge'}, tag='edge', const=[1])
C('Pad', 19, [m, I(1, 1, 1, 2)], {'mode': 'wrap'}, tag='wrap', const=[1])
C('ReverseSequence', 10, [f(4, 3), I(4, 2, 1)])
C('Slice', 1, [x], {'starts': [1, -3], 'ends': [9, -1], 'axes': [1, 2]}, want=lambda v: v[:, 1:9, -3:-1])
C('Slice', 10, [x, I(-1, 1), I(-100, 9), I(2, 1), I(-2, 1)])
C('Split', 1, [x], {'axis': 2, 'split': [1, 3]}, nout=2, want=lambda v: (v[..., :1], v[..., 1:]))
C('Split', 2, [x], {'axis': 2, 'split': [1, 3]}, nout=2, want=lambda v: (v[..., :1], v[..., 1:]))
C('Split', 11, [x], {'axis': -1, 'split': [1, 3]}, nout=2, want=lambda v: (v[..., :1], v[..., 1:]))
C('Split', 13, [x, I(1, 3)], {'axis': -1}, nout=2, const=[1])
C('Split', 18, [f(5, 2)], {'num_outputs': 2}, nout=2)
C('Tile', 1, [m, S([2], 'f'), S([1], 'f')], want=lambda v, n, a: np.tile(v, (1, 2)), const=[1, 2], types=False)
C('Tile', 6, [m, I(2, 3)])
C('Transpose', 1, [x], {'perm': [2, 0, 1]})
C('Trilu', 14, [f(3, 4), S(1, 'i8')], {'upper': 0})
C('Trilu', 14, [f(3, 4)], tag='upper')
C('CenterCropPad', 18, [x, I(5, 2)], {'axes': [-2, 2]})

# ---- by index
C('Compress', 9, [x, B(1, 0, 1)], {'axis': 1})
C('Compress', 11, [x, B(1, 0, 1)], {'axis': -2})
C('Compress', 9, [x, B(1, 0, 1)], tag='flat')
C('Gather', 1, [x, I(2, 0)], {'axis': 1})
C('Gather', 11, [x, np.array([[-1, 0]])], {'axis': -2})
C('GatherElements', 11, [m, np.array([[0, -1, 2, 1]])], {'axis': 0})
C('GatherND', 11, [x, np.array([[0, 1], [1, -1]])])
C('GatherND', 12, [x, np.array([[1], [0]])], {'batch_dims': 1})
C('NonMaxSuppression', 10, [S([[[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 10, 1, 11]]]), S([[[0.9, 0.75, 0.6]]]), S([2], 'i8'), S([0.5]), S([0.1])])
C('NonZero', 9, [np.round(x)])
one_hot = lambda i, d, v: np.where((i.astype(int) % int(d.flat[0]))[..., None] == np.arange(int(d.flat[0])), v[1], v[0])
C('OneHot', 9, [S([0, 2, 1, 1], 'i8'), S(3, 'i8'), S([1, 4])], want=one_hot)
C('OneHot', 11, [S([0, 2, 1, 1], 'i8'), S([3], 'i8'), S([1, 4])], {'axis': 0}, want=lambda i, d, v: one_hot(i, d, v).T)
C('OneHot', 11, [S([0, -1, 1, 5], 'i8'), S([3], 'i8'), S([-1, 4])], tag='outside', types=False)
C('Scatter', 9, [f(3, 3), np.array([[1, 0, 2]]), f(1, 3)], {'axis': 0})
C('ScatterElements', 11, [f(3, 3), np.array([[1, 0, -1]]), f(1, 3)], {'axis': -2})
C('ScatterElements', 16, [f(3, 3), np.array([[1, 0, 1], [1, 0, 2]]), f(2, 3)], {'reduction': 'add'})
C('ScatterElements', 18, [f(3, 3), np.array([[1, 0, 1], [1, 0, 2]]), f(2, 3)], {'reduction': 'max'}, tag='max')
C('ScatterND', 11, [f(4, 3), np.array([[1], [-1]]), f(2, 3)])
C('ScatterND', 16, [f(4, 3), np.array([[1], [1]]), f(2, 3)], {'reduction': 'mul'})
C('ScatterND', 18, [f(4, 3), np.array([[1], [1]]), f(2, 3)], {'reduction': 'min'}, tag='min')
C('Unique', 11, [S([2, 1, 1, 3, 4, 3])], nout=4)
C('Unique', 11, [S([2, 1, 1, 3, 4, 3])], {'sorted': 0}, nout=4, tag='unsorted')

# ---- pictures
C('AffineGrid', 20, [f(1, 2, 3), I(1, 1, 3, 4)])
C('AffineGrid', 20, [f(1, 3, 4), I(1, 1, 2, 3, 4)], {'align_corners': 1}, tag='3d')
C('Col2Im', 18, [f(1, 12, 9), I(4, 4), I(2, 2)], const=[1, 2])
C('Col2Im', 18, [f(1, 16, 12), I(3, 4, 3), I(2, 2, 2)], tag='3d', const=[1, 2])
C('Col2Im', 18, [f(1, 6, 5), I(6), I(2)], tag='1d', const=[1, 2])
grid = f(1, 3, 2, 2, low=-1.2, high=1.2)
C('GridSample', 16, [f(1, 2, 4, 5), grid], {'mode': 'bilinear', 'padding_mode': 'border'})
C('GridSample', 20, [f(1, 2, 4, 5), grid], {'mode': 'cubic'}, types='float')
for mode in ('linear', 'nearest'):
    for pad in ('zeros', 'border', 'reflection'):
        for align in (0, 1):
            C('GridSample', 20, [f(2, 2, 3, 4, 5), f(2, 2, 3, 2, 3, low=-1.4, high=1.4)], {'mode': mode, 'padding_mode': pad, 'align_corners': align},
              tag=f'3d {mode} {pad} {align}', types='float' if mode == 'linear' and pad == 'zeros' and not align else False)
C('Resize', 10, [f(1, 1, 3, 4), S([1, 1, 2, 1.5])], {'mode': 'linear'})
C('Resize', 11, [f(1, 1, 3, 4), np.zeros(0, F), S([1, 1, 2, 1.5])], {'mode': 'cubic', 'cubic_coeff_a': -0.5})
C('Resize', 11, [f(1, 1, 3, 4), np.zeros(0, F), np.zeros(0, F), I(1, 1, 5, 2)], {'mode': 'nearest', 'nearest_mode': 'ceil'}, tag='sizes')
C('Resize', 18, [f(1, 1, 6, 8), None, None, I(4, 3)], {'mode': 'linear', 'axes': [2, 3], 'antialias': 1}, tag='antialias', types='float')
C('Resize', 18, [f(1, 1, 6, 8), None, None, I(4, 3)], {'axes': [2, 3], 'keep_aspect_ratio_policy': 'not_larger'}, tag='aspect')
C('Resize', 19, [f(1, 1, 3, 4), None, S([1, 1, 2.3, 1.7])], {'mode': 'linear', 'coordinate_transformation_mode': 'half_pixel_symmetric'}, tag='symmetric', types='float')
boxes = S([[0, 0, 3, 3], [1, 1, 4, 2]])
C('RoiAlign', 10, [f(1, 2, 5, 5), boxes, I(0, 0)], {'output_height': 2, 'output_width': 2, 'sampling_ratio': 2})
C('RoiAlign', 16, [f(1, 2, 5, 5), boxes, I(0, 0)], {'output_height': 2, 'output_width': 2, 'sampling_ratio': 2, 'mode': 'avg'})
nearest = lambda v, *_: v.repeat(2, 2).repeat(3, 3)
C('Upsample', 1, [f(1, 1, 2, 2)], {'height_scale': 2.0, 'width_scale': 3.0, 'mode': 'nearest'}, want=nearest)
C('Upsample', 7, [f(1, 1, 2, 2)], {'scales': [1.0, 1.0, 2.0, 3.0], 'mode': 'nearest'}, want=nearest)
C('Upsample', 9, [f(1, 1, 2, 2), S([1, 1, 2, 3])], want=nearest)
C('Upsample', 10, word='Upsample')

# ---- losses and signals
C('NegativeLogLikelihoodLoss', 12, [f(3, 5), I(1, 4, 0), f(5, low=0.1)], {'reduction': 'mean'})
C('NegativeLogLikelihoodLoss', 13, [f(3, 5), I(1, 4, 0)], {'reduction': 'sum', 'ignore_index': 4}, tag='ignore')
C('SoftmaxCrossEntropyLoss', 12, [f(3, 5), I(1, 4, 0), f(5, low=0.1)], nout=2)
for op in ('BlackmanWindow', 'HammingWindow', 'HannWindow'):
    C(op, 17, [S(8, 'i8')])
    C(op, 17, [S(8, 'i8')], {'periodic': 0, 'output_datatype': 11}, tag='double')
C('DFT', 17, [f(1, 6, 1)], {'axis': 1})
C('DFT', 17, [f(1, 6, 2)], {'axis': 1, 'inverse': 1}, tag='inverse', last=19)
C('DFT', 20, [f(1, 6, 1), None, S(1, 'i8')], {'onesided': 1}, const=[2])
C('STFT', 17, [f(1, 16, 1), S(4, 'i8'), f(8), S(8, 'i8')])
C('MelWeightMatrix', 17, [S(8, 'i8'), S(16, 'i8'), S(8192, 'i8'), S(0.0), S(4096.0)])
C('MelWeightMatrix', 17, [S(5, 'i8'), S(64, 'i8'), S(16000, 'i8'), S(20.0), S(7600.0)], {'output_datatype': 11}, tag='double', const=[0, 1, 2, 3, 4])

# ---- recurrence
seq, h2 = f(4, 2, 3), f(1, 2, 5)
for op, k in (('RNN', 1), ('GRU', 3), ('LSTM', 4)):
    args = [seq, f(1, 5 * k, 3), f(1, 5 * k, 5), f(1, 10 * k)]
    C(op, 1, args, {'hidden_size': 5, 'output_sequence': 1, 'direction': 'forward'}, nout=2 if op != 'LSTM' else 3, types=False)
    if op == 'GRU':
        C(op, 3, args, {'hidden_size': 5, 'output_sequence': 1, 'linear_before_reset': 1}, nout=2, types=False)
    C(op, 7, args + [S([4, 2], 'i4'), h2], {'hidden_size': 5}, nout=2 if op != 'LSTM' else 3, types=False)
    C(op, 7, args + [None, h2], {'hidden_size': 5}, nout=2 if op != 'LSTM' else 3, tag='whole')

# ---- sequences, control flow: models of several nodes
V = lambda name, t=T.FLOAT, s=None: h.make_tensor_value_info(name, t, s)


def nodes(*n):
    return lambda version: ([h.make_node(op, ins, outs, **a) for op, ins, outs, a in n], [])


C('SequenceConstruct', 11, [m, m], build=nodes(('SequenceConstruct', ['i0', 'i1'], ['s'], {}), ('ConcatFromSequence', ['s'], ['o0'], {'axis': 0})))
C('ConcatFromSequence', 11, [m, m], build=nodes(('SequenceConstruct', ['i0', 'i1'], ['s'], {}), ('ConcatFromSequence', ['s'], ['o0'], {'axis': -1, 'new_axis': 1})))
C('SequenceAt', 11, [m, n2, S(-1, 'i8')], const=[2], build=nodes(('SequenceConstruct', ['i0', 'i1'], ['s'], {}), ('SequenceAt', ['s', 'i2'], ['o0'], {})), types=False)
C('SequenceErase', 11, [m, m + 1], build=nodes(('SequenceConstruct', ['i0', 'i1'], ['s'], {}), ('SequenceErase', ['s'], ['e'], {}), ('ConcatFromSequence', ['e'], ['o0'], {'axis': 0})))
C('SequenceEmpty', 11, [m], build=nodes(('SequenceEmpty', [], ['s'], {}), ('SequenceInsert', ['s', 'i0'], ['e'], {}), ('ConcatFromSequence', ['e'], ['o0'], {'axis': 0})))
C('SequenceInsert', 11, [m, m, S(0, 'i8')], const=[2], build=nodes(('SequenceConstruct', ['i0'], ['s'], {}), ('SequenceInsert', ['s', 'i1', 'i2'], ['e'], {}), ('ConcatFromSequence', ['e'], ['o0'], {'axis': 0})), types=False)
C('SequenceLength', 11, [m, m], build=nodes(('SequenceConstruct', ['i0', 'i1'], ['s'], {}), ('SequenceLength', ['s'], ['o0'], {})))
C('SplitToSequence', 11, [m, I(1, 2)], const=[1], build=nodes(('SplitToSequence', ['i0', 'i1'], ['s'], {'axis': 0}), ('ConcatFromSequence', ['s'], ['o0'], {'axis': 0})), types=False)


def sequence_map(version):
    body = h.make_graph([h.make_node('Add', ['a', 'b'], ['c'])], 'body', [V('a'), V('b')], [V('c')])
    return [h.make_node('SequenceConstruct', ['i0', 'i1'], ['s']), h.make_node('SequenceMap', ['s', 'i2'], ['e'], body=body),
            h.make_node('ConcatFromSequence', ['e'], ['o0'], axis=0)], []


C('SequenceMap', 17, [m, m, f(4)], build=sequence_map, types=False, want=lambda a, b, c: np.concatenate([a + c, b + c]))
C('Optional', 15, [m], build=nodes(('Optional', ['i0'], ['s'], {}), ('OptionalGetElement', ['s'], ['o0'], {})), types=False, want=lambda a: a)
C('OptionalGetElement', 15, [m], build=nodes(('Optional', ['i0'], ['s'], {}), ('OptionalGetElement', ['s'], ['o0'], {})), types=False, want=lambda a: a)
C('OptionalGetElement', 18, [m], build=nodes(('OptionalGetElement', ['i0'], ['o0'], {})), types=False, want=lambda a: a)
C('OptionalHasElement', 15, [m], build=nodes(('Optional', ['i0'], ['s'], {}), ('OptionalHasElement', ['s'], ['o0'], {})), types=False, want=lambda a: np.array(True))
C('OptionalHasElement', 18, [m], build=nodes(('OptionalHasElement', [], ['o0'], {})), types=False, want=lambda a: np.array(False))


def if_model(version):
    a = h.make_graph([h.make_node('Neg', ['i1'], ['t'])], 'a', [], [V('t', s=[3, 4])])
    b = h.make_graph([h.make_node('Abs', ['i1'], ['e'])], 'b', [], [V('e', s=[3, 4])])
    return [h.make_node('If', ['i0'], ['o0'], then_branch=a, else_branch=b)], []


def loop_model(version):
    body = h.make_graph([h.make_node('Add', ['v', 'i2'], ['w'], **({'broadcast': 1} if version < 7 else {})), h.make_node('Identity', ['c'], ['d'])], 'body',
                        [V('i', T.INT64, []), V('c', T.BOOL, []), V('v', s=[3, 4])], [V('d', T.BOOL, []), V('w', s=[3, 4])])
    return [h.make_node('Loop', ['i0', 'i1', 'i2'], ['o0'], body=body)], []


def scan_model(version):
    body = h.make_graph([h.make_node('Add', ['s', 'v'], ['t']), h.make_node('Identity', ['t'], ['u'])], 'body', [V('s', s=[4]), V('v', s=[4])], [V('t', s=[4]), V('u', s=[4])])
    old = version < 9
    return [h.make_node('Scan', ['', 'i0', 'i1'] if old else ['i0', 'i1'], ['o0', 'o1'], body=body, num_scan_inputs=1, **({} if not old else {}))], []


C('If', 1, [S(True, bool), m], build=if_model, types=False, want=lambda c, v: -v)
C('Loop', 1, [S(3, 'i8'), S(True, bool), m], build=loop_model, types=False, want=lambda n, c, v: v * 4)
C('Scan', 8, [f(1, 4), f(1, 3, 4)], build=scan_model, nout=2, types=False, want=lambda s, v: (s + v.sum(1), s[:, None] + v.cumsum(1)))
C('Scan', 9, [f(4), f(3, 4)], build=scan_model, nout=2, types=False, want=lambda s, v: (s + v.sum(0), s + v.cumsum(0)))

# ---- text and random numbers
C('TfIdfVectorizer', 9, [S([1, 1, 3, 3, 3, 7], 'i4')], {'mode': 'TF', 'min_gram_length': 2, 'max_gram_length': 2, 'max_skip_count': 0, 'ngram_counts': [0, 4], 'ngram_indexes': [0, 1, 2, 3, 4, 5, 6], 'pool_int64s': [2, 3, 5, 4, 5, 6, 7, 8, 6, 7]})
for op, since, attrs, ins in (('RegexFullMatch', 20, {'pattern': 'a'}, ['s']), ('StringConcat', 20, {}, ['s', 's']), ('StringNormalizer', 10, {}, ['s']), ('StringSplit', 20, {}, ['s'])):
    C(op, since, [np.array(['a'], object)] * len(ins), attrs, word='string', types=False)
C('ImageDecoder', 20, [u8(10)], word='pictures', types=False)
half = np.full((40, 50), 0.25, F)
for tag, attrs in (('', {}), ('seed', {'seed': 3.0})):
    C('Bernoulli', 15, [half], attrs, tag=tag, moments=(0.25, 0.433), types=False)
    C('Multinomial', 7, [np.log(np.array([[1, 2, 1], [1, 2, 1]], F))], {'sample_size': 2000, **attrs}, tag=tag, moments=(1, 0.707), types=False)
    C('RandomNormal', 1, [], {'shape': [40, 50], 'mean': 2.0, 'scale': 3.0, **attrs}, tag=tag, moments=(2, 3), types=False)
    C('RandomNormalLike', 1, [half], attrs, tag=tag, moments=(0, 1), types=False)
    C('RandomUniform', 1, [], {'shape': [40, 50], 'low': -1.0, 'high': 3.0, **attrs}, tag=tag, moments=(1, 1.155), types=False)
    C('RandomUniformLike', 1, [half], {'dtype': 11, **attrs}, tag=tag, moments=(0.5, 0.289), types=False)
C('Dropout', 12, [half, S(0.4), S(True, bool)], tag='training', moments=(0.25, 0.204), types=False, nout=2)
C('Dropout', 12, [x, S(0.0), S(True, bool)], tag='training without loss', types=False, nout=2, want=lambda v, r, t: (v, np.ones(v.shape, bool)))
