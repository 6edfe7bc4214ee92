"""Convolutions and pooling."""
import itertools
import numpy as np
import openvino.opset16 as op
import openvino.opset8 as op8
import openvino.opset14 as op14
from layer import plain
from vs_openvino import case

rng = np.random.default_rng(3)
F = np.float32


def r(*shape):
    return rng.uniform(-1, 1, shape).astype(F)


def conv(x, w, strides, begin, end, dilations, auto='explicit', group=False):
    f = op.group_convolution if group else op.convolution
    return lambda p, q: f(p, q, strides, begin, end, dilations, auto)


T = dict(rtol=1e-4, atol=1e-5)
for k, s, p, d in itertools.product((1, 2, 3), (1, 2, 3), (0, 1), (1, 2)):
    x, w = r(2, 3, 9, 11), r(5, 3, k, k)
    case(f'conv k{k} s{s} p{p} d{d}', conv(x, w, [s, s], [p, p], [p, 0], [d, d]), x, w, **T)
    x, w = r(1, 6, 9, 8), r(3, 4, 2, k, 3)
    case(f'group conv k{k} s{s} p{p} d{d}', conv(x, w, [s, 1], [p, 1], [0, p], [d, 1], group=True), x, w, **T)
for auto in ('same_upper', 'same_lower', 'valid'):
    for s, d in ((1, 1), (2, 1), (3, 2)):
        x, w = r(1, 2, 10, 7), r(3, 2, 3, 4)
        case(f'conv {auto} s{s} d{d}', conv(x, w, [s, s], [0, 0], [0, 0], [d, d], auto), x, w, **T)
case('conv 1d', conv(0, 0, [2], [1], [2], [1]), r(2, 3, 17), r(4, 3, 5), **T)
case('conv 3d', conv(0, 0, [1, 2, 1], [1, 0, 1], [0, 1, 1], [1, 1, 2]), r(1, 2, 5, 6, 7), r(3, 2, 2, 3, 2), **T)
case('conv depthwise', conv(0, 0, [1, 1], [1, 1], [1, 1], [1, 1], group=True), r(1, 8, 7, 7), r(8, 1, 1, 3, 3), **T)
case('conv pads wide', conv(0, 0, [1, 1], [4, 4], [4, 4], [1, 1]), r(1, 2, 3, 3), r(2, 2, 3, 3), **T)
case('conv f16', conv(0, 0, [1, 1], [1, 1], [1, 1], [1, 1]), r(1, 4, 6, 6).astype(np.float16), r(4, 4, 3, 3).astype(np.float16), atol=3e-3)
case('conv dynamic', conv(0, 0, [2, 2], [1, 1], [1, 1], [1, 1]), r(3, 2, 9, 9), r(4, 2, 3, 3), shapes=[[-1, 2, -1, -1], [4, 2, 3, 3]], **T)
case('conv channels unknown', conv(0, 0, [1, 1], [0, 0], [0, 0], [1, 1]), r(1, 3, 4, 4), r(2, 4, 3, 3), shapes=[[-1, -1, 4, 4], [2, 4, 3, 3]], fails='channels')


def deconv(s, b, e, d, out=None, auto='explicit', extra=None, group=False):
    f = op.group_convolution_backprop_data if group else op.convolution_backprop_data
    n = len(s)

    def build(p, q):
        shape = None if out is None else op.constant(np.array(out, np.int64))
        return f(p, q, s, shape, b, e, d, auto, extra or [0] * n)
    return build


for k, s, p, d in itertools.product((1, 2, 3), (1, 2, 3), (0, 1), (1, 2)):
    if (5 - 1) * s + (k - 1) * d + 1 - 2 * p < 1:
        continue
    case(f'deconv k{k} s{s} p{p} d{d}', deconv([s, s], [p, p], [p, 0], [d, d], extra=[s - 1, 0]), r(2, 3, 5, 6), r(3, 4, k, k), **T)
    case(f'group deconv k{k} s{s} p{p} d{d}', deconv([s, 1], [p, 0], [0, p], [d, 1], group=True), r(1, 6, 5, 6), r(3, 2, 4, k, 3), **T)
for auto in ('same_upper', 'same_lower', 'valid', 'explicit'):
    for out in ([9, 11], [10, 12], [8, 13]):
        case(f'deconv {auto} to {out}', deconv([2, 2], [0, 0], [0, 0], [1, 1], out, auto), r(1, 3, 5, 6), r(3, 2, 3, 3), **T)
    case(f'deconv {auto}', deconv([2, 2], [0, 0], [0, 0], [1, 1], None, auto), r(1, 3, 5, 6), r(3, 2, 3, 3), **T)
case('deconv 1d', deconv([3], [1], [0], [2]), r(2, 3, 5), r(3, 2, 4), **T)
case('deconv 3d', deconv([1, 2, 1], [1, 0, 1], [0, 1, 1], [1, 1, 2]), r(1, 2, 3, 4, 5), r(2, 3, 2, 3, 2), **T)

for pad, mask, dg, g in itertools.product((False, True), (False, True), (1, 2), (1, 2)):
    x, off, w, m = r(2, 4, 6, 7), 2 * r(2, dg * 2 * 9, 4, 5), r(6, 4 // g, 3, 3), np.abs(r(2, dg * 9, 4, 5))
    case(f'deformable pad{pad} mask{mask} dg{dg} g{g}',
         lambda *a, pad=pad, dg=dg, g=g: op.deformable_convolution(a[0], a[1], a[2], [1, 1], [0, 0], [0, 0], [1, 1], a[3] if len(a) > 3 else None,
                                                                    'EXPLICIT', g, dg, pad),
         *([x, off, w, m] if mask else [x, off, w]), **T)

def means(x, k, s, begin, end, exclude, shape):
    """Where windows reach beyond the pads: only the input and its pads count (ONNX), the plugin divides by the kernel."""
    y = np.zeros(shape, F)
    pad = np.pad(x, [(0, 0), (0, 0)] + list(zip(begin, end)), constant_values=np.nan if exclude else 0)
    for i, j in np.ndindex(*shape[2:]):
        w = pad[:, :, i * s:i * s + k, j * s:j * s + k].reshape(*shape[:2], -1)
        w = w[:, :, ~np.isnan(w[0, 0])]
        y[:, :, i, j] = w.mean(-1, dtype=np.float64) if w.shape[-1] else 0
    return y


for k, s, p, rounding in itertools.product((1, 2, 3), (1, 2, 3, 4), (0, 1), ('floor', 'ceil', 'ceil_torch')):
    if p >= k:
        continue
    x = r(2, 3, 8, 9)
    for d in (1, 2):
        case(f'max pool k{k} s{s} p{p} d{d} {rounding}',
             lambda q, k=k, s=s, p=p, d=d, o=rounding: op14.max_pool(q, [s, s], [d, d], [p, 0], [p, p], [k, k], o, 'explicit'), x)
    for exclude in (True, False):
        f = lambda q, k=k, s=s, p=p, e=exclude, o=rounding: op14.avg_pool(q, [s, s], [p, 0], [p, p], [k, k], e, o, 'explicit')
        case(f'avg pool k{k} s{s} p{p} {rounding} {exclude}', f, x, rtol=1e-4,
             want=None if rounding == 'floor' else [means(x, k, s, [p, 0], [p, p], exclude, f(op.parameter(list(x.shape), F)).shape)])
for auto in ('same_upper', 'same_lower', 'valid'):
    case(f'max pool {auto}', lambda q, a=auto: op14.max_pool(q, [2, 3], [1, 1], [0, 0], [0, 0], [3, 2], 'floor', a), r(1, 2, 8, 9))
    case(f'avg pool {auto}', lambda q, a=auto: op14.avg_pool(q, [2, 3], [0, 0], [0, 0], [3, 2], True, 'floor', a), r(1, 2, 8, 9), rtol=1e-4)
    case(f'avg pool {auto} with pads', lambda q, a=auto: op14.avg_pool(q, [2, 3], [0, 0], [0, 0], [3, 2], False, 'floor', a), r(1, 2, 8, 9), rtol=1e-4)
for axis in (0, 1, 2, 3, -1):
    case(f'max pool axis {axis}', lambda q, a=axis: op14.max_pool(q, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2], 'floor', 'explicit', 'i32', a), r(2, 3, 6, 6))
for t in (np.int8, np.uint8, np.int32, np.int64, np.float16, np.float64):
    x = rng.integers(0, 100, (1, 2, 6, 6)).astype(t)
    case(f'max pool {np.dtype(t).name}', lambda q: op14.max_pool(q, [2, 2], [1, 1], [1, 1], [0, 0], [3, 3], 'floor'), x)
case('max pool ties', lambda q: op14.max_pool(q, [1, 1], [1, 1], [1, 1], [0, 0], [2, 2], 'floor'), rng.integers(0, 2, (1, 1, 6, 6)).astype(F))
case('max pool 1d', lambda q: op14.max_pool(q, [2], [2], [1], [1], [3], 'ceil'), r(2, 3, 11))
case('max pool 3d', lambda q: op14.max_pool(q, [2, 1, 2], [1, 1, 1], [1, 0, 1], [0, 1, 1], [3, 2, 2], 'ceil'), r(1, 2, 5, 6, 7))
case('avg pool 3d', lambda q: op14.avg_pool(q, [2, 1, 2], [1, 0, 1], [0, 1, 1], [3, 2, 2], False, 'floor'), r(1, 2, 5, 6, 7), rtol=1e-4)
case('avg pool dilated', lambda q: plain('AvgPool', 16)(q, strides=[1, 2], dilations=[2, 1], pads_begin=[1, 1], pads_end=[1, 1], kernel=[3, 2], **{'exclude-pad': True}), r(1, 2, 9, 8), rtol=1e-4)
case('pool dynamic', lambda q: op14.max_pool(q, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2], 'ceil'), r(2, 3, 7, 7), shapes=[[-1, 3, -1, -1]])
case('pool unknown', lambda q: op14.max_pool(q, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2], 'ceil'), r(2, 3, 7, 7), shapes=['...'])
for n in ([2, 3], [5, 7], [1, 1], [8, 9], [11, 13]):
    case(f'adaptive pool {n}', lambda q, n=n: op.adaptive_avg_pool(q, np.array(n, np.int32)), r(2, 3, 8, 9), rtol=1e-4)
