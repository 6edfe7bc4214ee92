"""Matrix products, normalisation, softmax, quantization, reductions."""
import itertools
import numpy as np
import openvino.opset16 as op
import openvino.opset1 as op1
from vs_openvino import case

rng = np.random.default_rng(4)
F = np.float32
T = dict(rtol=1e-4, atol=1e-5)


def r(*shape):
    return rng.uniform(-1, 1, shape).astype(F)


MATS = [((3, 4), (4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4, 5)), ((3, 4), (2, 4, 5)),
        ((2, 1, 3, 4), (5, 4, 6)), ((1, 3, 4), (7, 4, 1)), ((70, 33), (33, 130)), ((1, 600), (600, 9)), ((2, 0), (0, 3))]
for (a, b), ta, tb in itertools.product(MATS, (False, True), (False, True)):
    x = r(*(a[:-2] + a[:-3:-1] if ta and len(a) > 1 else a))
    y = r(*(b[:-2] + b[:-3:-1] if tb and len(b) > 1 else b))
    case(f'matmul {a} {b} {ta} {tb}', lambda p, q, ta=ta, tb=tb: op.matmul(p, q, ta, tb), x, y, **T,
         want=[np.zeros((2, 3), F)] if 0 in a else None)
case('matmul f16', lambda p, q: op.matmul(p, q, False, False), r(5, 30).astype(np.float16), r(30, 6).astype(np.float16), atol=5e-3)
for t in (np.int32, np.int64, np.uint8, np.int8):
    x, y = rng.integers(0, 5, (3, 9)).astype(t), rng.integers(0, 5, (9, 4)).astype(t)
    case(f'matmul {np.dtype(t).name}', lambda p, q: op.matmul(p, q, False, False), x, y, want=[x @ y])

for eq, *shapes in [('ij,jk->ik', (3, 4), (4, 5)), ('ij,jk', (3, 4), (4, 5)), ('bij,bjk->bik', (2, 3, 4), (2, 4, 5)), ('ii->i', (4, 4)),
                    ('ij->ji', (3, 4)), ('ij', (3, 4)), ('ba', (3, 4)), ('i,j->ij', (3,), (4,)), ('i,i', (5,), (5,)),
                    ('...ij,...jk->...ik', (2, 3, 4), (2, 4, 5)), ('b...,b...->...', (2, 3, 4), (2, 3, 4)), ('...i->...', (2, 3, 4)),
                    ('abc,cd,de->abe', (2, 3, 4), (4, 5), (5, 6)), ('bhqd,bhkd->bhqk', (1, 2, 3, 4), (1, 2, 5, 4)), ('ij->', (3, 4)),
                    ('i...,...j->ij...', (2, 3), (3, 4)), ('A...a->a...A', (2, 3, 4))]:
    arrays = [r(*s) for s in shapes]
    case(f'einsum {eq} {shapes}', lambda *p, e=eq: op.einsum(list(p), e), *arrays, want=[np.einsum(eq, *arrays).astype(F)], **T)

for q, k, v, mask in [((2, 3, 4, 8), (2, 3, 5, 8), (2, 3, 5, 6), None), ((2, 3, 4, 8), (2, 3, 5, 8), (2, 3, 5, 6), (4, 5)),
                      ((2, 3, 4, 8), (2, 3, 5, 8), (2, 3, 5, 6), (2, 1, 1, 5)), ((2, 4, 8), (2, 5, 8), (2, 5, 6), (1, 4, 5))]:
    for causal in (False, True):
        x = [r(*q), r(*k), r(*v)] + ([r(*mask)] if mask else [])
        case(f'sdpa {q} {mask} {causal}', lambda *p, c=causal: op.scaled_dot_product_attention(*p, causal=c), *x, **T)
        case(f'sdpa scale {q} {mask} {causal}',
             lambda *p, c=causal: op.scaled_dot_product_attention(p[0], p[1], p[2], p[3] if len(p) > 3 else op.constant(np.array(0, F)), op.constant(np.array(.3, F)), causal=c), *x, **T)
    if mask:
        m = rng.integers(0, 2, mask).astype(bool)
        m[..., 0] = True
        case(f'sdpa bool {q} {mask}', lambda *p: op.scaled_dot_product_attention(*p, causal=False), *x[:3], m, **T)

x = r(2, 6, 5, 4)
c = [r(6) for _ in range(3)] + [np.abs(r(6))]
case('batch norm', lambda p, g, b, m, v: op.batch_norm_inference(p, g, b, m, v, 1e-3), x, *c, **T)
case('batch norm 2d', lambda p, g, b, m, v: op.batch_norm_inference(p, g, b, m, v, 1e-5), x[:, :, 0, 0], *c, **T)
case('batch norm opset1', lambda p, g, b, m, v: op1.batch_norm_inference(p, g, b, m, v, 1e-3), x, *c, **T)
for axes in ([1], [2, 3], [1, 2, 3], [0], [-1], [0, 3]):
    for size in (1, 3, 5):
        case(f'lrn {axes} {size}', lambda p, a=axes, s=size: op.lrn(p, np.array(a, np.int64), 1.5, .75, 2, s), x, fold=False, **T) if axes in ([1], [2, 3]) else None
    for mode in ('INSIDE_SQRT', 'OUTSIDE_SQRT'):
        for var in (True, False):
            case(f'mvn {axes} {mode} {var}', lambda p, a=axes, m=mode, v=var: op.mvn(p, np.array(a, np.int64), v, 1e-3, m), x, fold=axes in ([0], [0, 3]), **T)
    for mode in ('add', 'max'):
        case(f'normalize l2 {axes} {mode}', lambda p, a=axes, m=mode: op.normalize_l2(p, np.array(a, np.int64), .1, m), x, fold=True, **T)
case('normalize l2 none', lambda p: op.normalize_l2(p, np.array([], np.int64), .1, 'add'), x, fold=True, **T)
for groups in (1, 2, 3, 6):
    case(f'group norm {groups}', lambda p, s, b, g=groups: op.group_normalization(p, s, b, g, 1e-3), x, c[0], c[1], **T)
wide = 30 * r(3, 4, 130)
for axis in (0, 1, 2, -1, -2):
    for f in (op.softmax, op.log_softmax):
        case(f'{f.__name__} {axis}', lambda p, a=axis, f=f: f(p, a), wide, **T)
case('softmax opset1', lambda p: op1.softmax(p, 2), wide, **T)
case('softmax f16', lambda p: op.softmax(p, 1), r(3, 9).astype(np.float16), atol=1e-3)
case('softmax inf', lambda p: op.softmax(p, 0), np.array([1, 2, -np.inf], F), **T)
case('softmax empty', lambda p: op.softmax(p, 1), np.zeros((0, 4), F), want=[np.zeros((0, 4), F)])


def fq(levels):
    return lambda p, a, b, c, d: op.fake_quantize(p, a, b, c, d, levels)


big = (4 * r(2, 4, 9, 11)).astype(F)
S = lambda *v: np.array(v, F)
for levels in (2, 3, 16, 255, 256, 65536):
    for lo, hi, ol, oh in ((-1, 1, -1, 1), (0, 2.3, 0, 2.3), (-1.7, 2.9, -3, 4), (2, -1, 0, 1), (0, 2.55, 255, 0), (-3.1, 3.075, -3.1, 3.075)):
        # Bit by bit: the order of operations decides on the level.
        case(f'fake quantize {levels} {lo} {hi} {ol} {oh}', fq(levels), big, S(lo), S(hi), S(ol), S(oh), fold=True, rtol=0, atol=0)
ends = np.array([-1, 1, -1.0000001, 1.0000001, 0, np.inf, -np.inf, .99999994, .0039215689, -.00392157, .0117647], F)
case('fake quantize ends', fq(256), ends, S(-1), S(1), S(-1), S(1), fold=True, rtol=0, atol=0)
ch = lambda lo, hi: rng.uniform(lo, hi, (1, 4, 1, 1)).astype(F)
case('fake quantize channels', fq(256), big, ch(-3, -1), ch(1, 3), ch(-3, -1), ch(1, 3), fold=True, rtol=0, atol=0)
case('fake quantize plugin', fq(256), big, ch(-3, -1), ch(1, 3), ch(-3, -1), ch(1, 3), atol=.03)
case('fake quantize mixed', fq(17), big, S(-2), S(3), ch(-3, -1), ch(1, 3), fold=True, rtol=0, atol=0)
case('fake quantize f16', fq(16), big.astype(np.float16), *[S(v).astype(np.float16) for v in (-2, 3, -2, 3)], fold=True, atol=5e-3)
for to in ('f8e4m3', 'f8e5m2'):
    for s in (F(1), r(1, 4, 1, 1) + 2):
        case(f'fake convert {to} {np.size(s)}', lambda p, q, to=to: op.fake_convert(p, q, destination_type=to), 100 * big, np.asarray(s, F), rtol=1e-6)
    case(f'fake convert {to} shift', lambda p, q, z, to=to: op.fake_convert(p, q, z, destination_type=to), big, S(3), S(.5), rtol=1e-5)

REDUCE = {'reduce_max': np.max, 'reduce_min': np.min, 'reduce_sum': np.sum, 'reduce_prod': np.prod, 'reduce_mean': np.mean,
          'reduce_l1': lambda x, **k: np.abs(x).sum(**k), 'reduce_l2': lambda x, **k: np.sqrt((x * x).sum(**k))}
y = r(3, 4, 5, 6)
for name, f in REDUCE.items():
    for axes in ([0], [1], [3], [1, 2], [0, 3], [0, 1, 2, 3], [-1], [-2, 0]):
        for keep in (False, True):
            case(f'{name} {axes} {keep}', lambda p, n=name, a=axes, k=keep: getattr(op, n)(p, np.array(a, np.int64), k), y,
                 want=[np.asarray(f(y.astype(np.float64), axis=tuple(axes), keepdims=keep), F)], **T)
    case(f'{name} no axes', lambda p, n=name: getattr(op, n)(p, np.array([], np.int64), True), y, fold=True)
    case(f'{name} scalar axis', lambda p, n=name: getattr(op, n)(p, np.array(2, np.int32), False), y, **T)
    case(f'{name} f16', lambda p, n=name: getattr(op, n)(p, np.array([1]), False), y.astype(np.float16), atol=4e-3)
    case(f'{name} dynamic', lambda p, n=name: getattr(op, n)(p, np.array([1]), False), y, shapes=[[-1, -1, 5, -1]], **T)
    for t in (np.int32, np.int64, np.uint8, np.int8):
        z = rng.integers(0 if t == np.uint8 else -4, 5, (3, 4, 2)).astype(t)
        if name in ('reduce_max', 'reduce_min', 'reduce_sum', 'reduce_prod'):
            case(f'{name} {np.dtype(t).name}', lambda p, n=name: getattr(op, n)(p, np.array([1]), True), z, want=[f(z, axis=1, keepdims=True).astype(t)])
        elif t == np.int32:
            case(f'{name} {np.dtype(t).name}', lambda p, n=name: getattr(op, n)(p, np.array([1]), True), z, fold=True)
none = np.zeros((2, 0, 3), F)
case('reduce sum of nothing', lambda p: op.reduce_sum(p, np.array([1]), False), none, want=[np.zeros((2, 3), F)])
case('reduce prod of nothing', lambda p: op.reduce_prod(p, np.array([1]), False), none, want=[np.ones((2, 3), F)])
case('reduce max of nothing', lambda p: op.reduce_max(p, np.array([1]), False), none, want=[np.full((2, 3), -np.inf, F)])
case('reduce min of nothing', lambda p: op.reduce_min(p, np.array([1]), False), none, want=[np.full((2, 3), np.inf, F)])
b = rng.integers(0, 2, (3, 4, 5)).astype(bool)
for name in ('reduce_logical_and', 'reduce_logical_or'):
    for axes in ([0], [1, 2], [0, 1, 2]):
        case(f'{name} {axes}', lambda p, n=name, a=axes: getattr(op, n)(p, np.array(a), True), b)
for axis in (0, 1, 2, -1):
    for ex in (False, True):
        for rev in (False, True):
            case(f'cum_sum {axis} {ex} {rev}', lambda p, a=axis, e=ex, v=rev: op.cum_sum(p, np.array(a, np.int64), e, v), r(3, 4, 5), **T)
z = rng.integers(-9, 9, (4, 5))
case('cum_sum i64', lambda p: op.cum_sum(p, np.array(1), False, True), z, **T)
