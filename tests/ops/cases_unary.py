"""Elementwise operators on one input."""
import numpy as np
import openvino.opset16 as op
import openvino.opset1 as op1
from vs_openvino import case

rng = np.random.default_rng(1)
F = np.float32
wild = np.array([-np.inf, -1e30, -300, -88.8, -5.5, -3, -2.5, -1.5, -1, -0.5, -1e-3, -1e-30, -0.0, 0, 1e-30, 1e-3,
                 0.5, 1, 1.5, 2.5, 3, 3.5, 5.5, 88.8, 300, 1e30, np.inf, np.nan], F)
mild = rng.uniform(-4, 4, (2, 3, 5, 7)).astype(F)
unit = rng.uniform(-1, 1, (3, 50)).astype(F)
whole = rng.integers(-100, 100, (4, 33))
INTS = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)

# fold: the plugin approximates transcendental functions and treats infinities loosely.
for name in ('cos', 'sin', 'tan', 'sinh', 'cosh', 'tanh', 'exp', 'erf', 'atan', 'asinh', 'sigmoid', 'mish', 'hswish',
             'hsigmoid', 'softsign', 'softplus', 'abs', 'negative', 'sign', 'floor', 'ceiling', 'relu'):
    f = getattr(op, name)
    case(f'{name} f32', f, mild, fold=True)
    case(f'{name} f32 plugin', f, mild, rtol=1e-3, atol=1e-5)
    case(f'{name} f16', f, mild.astype(np.float16), fold=True, atol=1e-3)
    if name not in ('cos', 'sin', 'tan', 'hswish', 'mish', 'softsign'):
        case(f'{name} wild', f, wild, fold=True)
for name, x in (('acos', unit), ('asin', unit), ('atanh', unit), ('acosh', mild), ('log', mild), ('sqrt', mild),
                ('acos', wild), ('asin', wild), ('atanh', wild), ('acosh', wild), ('log', wild), ('sqrt', wild)):
    case(f'{name} {x.size}', getattr(op, name), x, fold=True)
for t in INTS:
    x = whole.astype(t)
    case(f'abs {t.__name__}', op.abs, x, want=[np.abs(x)])
    case(f'relu {t.__name__}', op.relu, x, want=[np.maximum(x, 0)])
    case(f'clamp {t.__name__}', lambda p: op.clamp(p, 3.4, 50.6), x, want=[np.clip(x, 4, 50)])
    case(f'sign {t.__name__}', op.sign, x, want=[np.sign(x)])
    case(f'bitwise not {t.__name__}', op.bitwise_not, x, want=[~x])
    case(f'floor {t.__name__}', op.floor, x, want=[x])
    if x.dtype.kind == 'i':
        case(f'negative {t.__name__}', op.negative, x, want=[-x])
case('abs smallest', op.abs, np.array([-128, 127], np.int8), want=[np.array([-128, 127], np.int8)])
case('empty', op.exp, np.zeros((0, 3), F), want=[np.zeros((0, 3), F)])
case('scalar', op.exp, np.array(1, F), fold=True)

half = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4999998, -0.49999997, 8388609, -8388609, 4503599627370497,
                 np.inf, np.nan, -0.0, 1e30], F)
for mode in ('half_to_even', 'half_away_from_zero'):
    case(f'round {mode}', lambda p, m=mode: op.round(p, m), half, fold=True)
    case(f'round {mode} f16', lambda p, m=mode: op.round(p, m), half[:7].astype(np.float16), fold=True)
case('elu', lambda p: op.elu(p, 1.5), mild, rtol=1e-3)
case('elu wild', lambda p: op.elu(p, 0.5), wild, rtol=1e-3, atol=1e-5)
case('clamp', lambda p: op.clamp(p, -1.25, 2.5), mild)
case('clamp wild', lambda p: op.clamp(p, -1.25, 2.5), wild, fold=True)
case('clamp f16', lambda p: op.clamp(p, -1.25, 2.5), mild.astype(np.float16))
case('selu', lambda p: op.selu(p, np.array(1.67, F), np.array(1.05, F)), mild, rtol=1e-3, atol=1e-5)
case('hard sigmoid', lambda p: op.hard_sigmoid(p, np.array(0.2, F), np.array(0.5, F)), mild)
case('swish', lambda p: op.swish(p), mild, rtol=1e-3, atol=1e-5)
case('swish beta', lambda p: op.swish(p, np.array(0.7, F)), mild, rtol=1e-3, atol=1e-5)
case('gelu erf', lambda p: op.gelu(p, 'ERF'), mild, fold=True)
case('gelu tanh', lambda p: op.gelu(p, 'TANH'), mild, fold=True)
case('gelu f16', lambda p: op.gelu(p, 'TANH'), mild.astype(np.float16), rtol=5e-3, atol=1e-3)
case('prelu channel', lambda p, s: op.prelu(p, s), mild, np.array([0.1, -0.5, 2], F))
case('prelu one', lambda p, s: op.prelu(p, s), mild, np.array([0.25], F))
case('prelu row', lambda p, s: op.prelu(p, s), mild[:, :, :, :4], rng.uniform(-1, 1, (5, 1)).astype(F))
case('prelu whole', lambda p, s: op.prelu(p, s), mild, rng.uniform(-1, 1, mild.shape).astype(F))
case('prelu vector', lambda p, s: op.prelu(p, s), mild[0, 0, 0], rng.uniform(-1, 1, 7).astype(F))
flags = np.array([[True, False, True]])
case('logical not', op.logical_not, flags)
case('is_nan', op.is_nan, wild, fold=True)
case('is_finite', op.is_finite, wild, fold=True)
for neg in (True, False):
    for pos in (True, False):
        case(f'is_inf {neg} {pos}', lambda p, a=neg, b=pos: op.is_inf(p, {'detect_negative': a, 'detect_positive': b}),
             wild, fold=True)

NAMES = dict(u8=np.uint8, i8=np.int8, u16=np.uint16, i16=np.int16, i32=np.int32, u32=np.uint32, i64=np.int64,
             u64=np.uint64, f32=F, f16=np.float16, f64=np.float64, boolean=np.bool_)
floats = np.array([np.nan, -np.inf, np.inf, -0.0, -2.5, 2.5, 300, -300, 65504, 65520, 1e-8, 255.5, -1.5, 0.1], F)
for to in NAMES:
    # The plugin saturates u32 at 2^31 and narrows 64-bit integers.
    to_type = lambda x, t=NAMES[to]: [(x.astype(np.int64) if np.dtype(t).kind in 'ui' else x).astype(t)]
    case(f'convert f32 to {to}', lambda p, t=to: op.convert(p, t), floats[3:], want=to_type(floats[3:]))
    case(f'convert f16 to {to}', lambda p, t=to: op.convert(p, t), floats[3:8].astype(np.float16), want=to_type(floats[3:8].astype(np.float16)))
    for src in INTS:
        x = np.array([0, 1, 2, 127, 128, 255, 65535, 2147483647, -1 % 2**63], np.int64).astype(src)
        case(f'convert {src.__name__} to {to}', lambda p, t=to: op.convert(p, t), x, want=[x.astype(NAMES[to])])
    case(f'convert bool to {to}', lambda p, t=to: op.convert(p, t), flags, fold=True)
case('convert f32 to i32 beyond', lambda p: op.convert(p, 'i32'), floats, fold=True)
case('convert like', lambda a, b: op.convert_like(a, b), mild, np.zeros(3, np.int64), want=[mild.astype(np.int64)])
case('convert i64 once', lambda p: op.convert(p, 'f32'), np.array([2**53 + 1, 2**54 + 2**30 + 1, -2**60 - 2**36 - 1]),
     want=[np.array([2**53 + 1, 2**54 + 2**30 + 1, -2**60 - 2**36 - 1]).astype(F)])
case('identity', op.identity, mild)
