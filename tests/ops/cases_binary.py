"""Elementwise operators on two and three inputs."""
import numpy as np
import openvino.opset16 as op
from vs_openvino import case

rng = np.random.default_rng(2)
F = np.float32
SHAPES = [((2, 3, 4), (2, 3, 4)), ((2, 3, 4, 5), (3, 1, 1)), ((2, 3, 4, 5), (1, 3, 1, 1)), ((3, 1, 5), (4, 1)),
          ((5,), (2, 1, 1)), ((), (2, 3)), ((2, 3), ()), ((1, 3, 1, 5), (2, 1, 4, 1)), ((0, 3), (1, 3)),
          ((1, 700), (3, 700)), ((3, 700), (3, 1))]
INTS = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)


def floats(shape, t=F):
    return rng.uniform(-3, 3, shape).astype(t)


for name in ('add', 'subtract', 'multiply', 'divide', 'maximum', 'minimum', 'squared_difference', 'equal', 'less',
             'greater', 'less_equal', 'greater_equal', 'not_equal', 'floor_mod', 'mod'):
    f = getattr(op, name)
    for a, b in SHAPES:
        x, y = floats(a), floats(b)
        if a == (0, 3):
            case(f'{name} {a} {b}', f, x, y, want=[np.zeros((0, 3), np.bool_ if 'equal' in name or name in ('less', 'greater') else F)])
        else:
            case(f'{name} {a} {b}', f, x, y, rtol=1e-5, atol=2e-6 if 'mod' in name else 1e-7)
    case(f'{name} f16', f, floats((3, 40), np.float16), floats((3, 40), np.float16), fold=True, atol=4e-3)
    x, y = floats((3, 40), np.float64), floats((3, 1), np.float64)
    if name == 'squared_difference':  # the plugin computes it in f32
        case(f'{name} f64', f, x, y, want=[(x - y) ** 2])
    else:
        case(f'{name} f64', f, x, y, fold=True, rtol=1e-12)
for name in ('power',):
    case('power', op.power, np.abs(floats((2, 3, 4))), floats((3, 1)), rtol=1e-4)
    case('power negative', op.power, floats((2, 9)), np.array([2, 3, 0, -1, 0.5, 1, -2, 4, 5], F), rtol=1e-4)

old = np.seterr(all='ignore')
for t in INTS:
    n = np.dtype(t).name
    lo, hi = np.iinfo(t).min, np.iinfo(t).max
    x = np.concatenate([rng.integers(max(lo, -120), min(hi, 120), 60), [lo, hi, lo, hi, 0, 0]]).astype(t)
    y = np.concatenate([rng.integers(1, 11, 60) * rng.choice([-1, 1] if lo < 0 else [1], 60), [1, 1, 2, 3, 5, 7]]).astype(t)
    for name, f in (('add', np.add), ('subtract', np.subtract), ('multiply', np.multiply), ('maximum', np.maximum),
                    ('minimum', np.minimum), ('floor_mod', np.mod), ('mod', np.fmod), ('divide', np.floor_divide),
                    ('bitwise_and', np.bitwise_and), ('bitwise_or', np.bitwise_or), ('bitwise_xor', np.bitwise_xor),
                    ('less', np.less), ('greater_equal', np.greater_equal), ('equal', np.equal)):
        case(f'{name} {n}', getattr(op, name), x, y, want=[f(x, y)])
    case(f'divide by zero {n}', op.divide, x[:2], np.zeros(2, t), want=[np.zeros(2, t)])
    case(f'mod by zero {n}', op.mod, x[:2], np.zeros(2, t), want=[np.zeros(2, t)])
    if lo < 0:
        case(f'smallest by -1 {n}', op.divide, np.array([lo], t), np.array([-1], t), want=[np.array([lo], t)])
        case(f'smallest mod -1 {n}', op.floor_mod, np.array([lo], t), np.array([-1], t), want=[np.array([0], t)])
    s = (np.abs(y.astype(np.int64)) % (8 * np.dtype(t).itemsize)).astype(t)
    case(f'shift left {n}', op.bitwise_left_shift, x, s, want=[np.left_shift(x, s)])
    case(f'shift right {n}', op.bitwise_right_shift, x, s, want=[np.right_shift(x, s)])
    e = (np.arange(66) % 5).astype(t)
    case(f'power {n}', op.power, x, e, want=[np.power(x, e)])
np.seterr(**old)
case('divide truncated', lambda a, b: trunc_divide(a, b), np.array([7, -7, 7, -7], np.int32),
     np.array([2, 2, -2, -2], np.int32), want=[np.array([3, -3, -3, 3], np.int32)])


def trunc_divide(a, b):
    n = op.divide(a, b)
    n.set_attribute('m_pythondiv', False)
    return n


nan = np.array([np.nan, 1, np.nan, -np.inf], F)
one = np.array([1, np.nan, np.nan, 1], F)
# NumPy and ONNX Runtime keep a NaN of either side.
case('maximum nan', op.maximum, nan, one, want=[np.maximum(nan, one)])
case('minimum nan', op.minimum, nan, one, want=[np.minimum(nan, one)])
case('equal nan', op.equal, nan, one)
a, b = rng.integers(0, 2, (2, 3, 4)).astype(bool), rng.integers(0, 2, (3, 1)).astype(bool)
for name in ('logical_and', 'logical_or', 'logical_xor'):
    case(name, getattr(op, name), a, b)
for t in (F, np.int64, np.float16, np.uint8, np.float64, np.bool_):
    n = np.dtype(t).name
    x, y = rng.integers(0, 100, (2, 3, 4)).astype(t), rng.integers(0, 100, (4,)).astype(t)
    case(f'select {n}', lambda c, p, q: op.select(c, p, q), a, x, y)
    case(f'select grows {n}', lambda c, p, q: op.select(c, p, q), b, x[:1], y)
