"""Transformers as exporters of several ages write them: our IR in OpenVINO and in mo-run against ONNX Runtime, and layer counts against ovc."""
from common import *
import onnxruntime as ort, openvino as ov
import onnx
from onnx_net import F, I, Net, T


def distilbert(opset, s=12, n=24, h=3, layers=2, batch=2):
    """Where with a mask of the input, queries divided, erf Gelu."""
    t, d = Net(opset), n // h
    ids, mask = t.input('input_ids', [batch, s], T.INT64), t.input('attention_mask', [batch, s], T.INT64)
    x = t.norm(t.Add(t.Gather(t.rand(50, n, scale=1), ids), t.rand(1, s, n, scale=1)), n)
    gone = t.Expand(t.shape(t.Equal(mask, np.array(0, I)), batch, 1, 1, s), np.array([batch, h, s, s], I))
    for _ in range(layers):
        q, v = t.heads(t.dense(x, n, n), s, h, d), t.heads(t.dense(x, n, n), s, h, d)
        k = t.heads(t.dense(x, n, n), s, h, d, (0, 2, 3, 1))
        a = t.Where(gone, np.array(np.finfo(F).min, F), t.MatMul(t.Div(q, d ** .5), k))
        y = t.join(t.MatMul(t.Softmax(a, axis=-1 if opset >= 13 else 3), v), s, n)
        x = t.norm(t.Add(t.dense(y, n, n), x), n)
        x = t.norm(t.Add(t.dense(t.gelu(t.dense(x, n, 4 * n)), 4 * n, n), x), n)
    return t.model(x)


def clip(opset, s=10, n=16, h=2, layers=2):
    """Heads in the batch, three dims, the scale on the queries, two masks, QuickGelu."""
    t, d = Net(opset), n // h
    x, m = t.input('x', [1, s, n]), t.input('mask', [1, 1, s, s])
    causal = np.triu(np.full((1, 1, s, s), -3e38, F), 1)
    for _ in range(layers):
        y = t.norm(x, n, 1)
        q = t.Mul(t.dense(y, n, n), d ** -.5)
        q, k, v = (t.shape(t.heads(z, s, h, d), h, -1, d) for z in (q, t.dense(y, n, n), t.dense(y, n, n)))
        a = t.MatMul(q, t.Transpose(k, perm=[0, 2, 1]))
        a = t.shape(t.Add(t.shape(a, 1, h, s, s), causal), h, s, s)
        a = t.shape(t.Add(t.shape(a, 1, h, s, s), m), h, s, s)
        y = t.MatMul(t.Softmax(a, axis=-1 if opset >= 13 else 2), v)
        y = t.shape(t.Transpose(t.shape(y, 1, h, s, d), perm=[0, 2, 1, 3]), 1, s, n)
        x = t.Add(x, t.dense(y, n, n))
        x = t.Add(x, t.dense(t.gelu(t.dense(t.norm(x, n, 3), n, 2 * n), 'quick'), 2 * n, n))
    return t.model(x)


def llama(opset, s=9, h=4, g=2, d=8, layers=2):
    """RMSNorm, rotary positions, grouped keys, both operands scaled, SiLU gates."""
    t, n = Net(opset), h * d
    x = t.input('x', ['batch', s, n])
    angle = np.outer(np.arange(s), 10000. ** (-np.arange(0, d, 2) / d))
    cos, sin = (np.concatenate([f(angle)] * 2, 1).astype(F)[None, None] for f in (np.cos, np.sin))
    causal = np.triu(np.full((1, 1, s, s), np.finfo(F).min, F), 1)

    def rotate(v):
        half = t.Concat(t.Neg(t.slice(v, d // 2, 2 ** 63 - 1, 3)), t.slice(v, 0, d // 2, 3), axis=-1)
        return t.Add(t.Mul(v, cos), t.Mul(half, sin))

    def repeat(v):
        size = t.Concat(t.slice(t.Shape(v), 0, 1, 0), np.array([g, h // g, s, d], I), axis=0)
        flat = t.Concat(t.slice(t.Shape(v), 0, 1, 0), np.array([h, s, d], I), axis=0)
        return t.Reshape(t.Expand(t.unsqueeze(v, 2), size), flat)

    for _ in range(layers):
        y = t.rms(x, n)
        q = rotate(t.heads(t.dense(y, n, n, False), s, h, d))
        k = rotate(t.heads(t.dense(y, n, g * d, False), s, g, d))
        v = t.heads(t.dense(y, n, g * d, False), s, g, d)
        k, v, root = repeat(k), repeat(v), d ** -.25
        a = t.MatMul(t.Mul(q, root), t.Mul(t.Transpose(k, perm=[0, 1, 3, 2]), root))
        y = t.join(t.MatMul(t.Softmax(t.Add(a, causal), axis=-1), v), s, n)
        x = t.Add(x, t.dense(y, n, n, False))
        y, up = t.rms(x, n), 3 * n
        gate = t.dense(y, n, up, False)
        x = t.Add(x, t.dense(t.Mul(t.Mul(gate, t.Sigmoid(gate)), t.dense(y, n, up, False)), up, n, False))
    return t.model(t.rms(x, n))


def t5(opset, s=8, h=2, d=8, layers=2):
    """Scores without scale, a relative bias plus a mask, RMSNorm, ReLU; then log probabilities."""
    t, n = Net(opset), 24
    x, mask = t.input('x', [2, s, n]), t.input('mask', [2, s])
    # not (1 - mask) * -1e9: OpenVINO adds the bias to -1e9 first, which leaves nothing of it
    far = t.Where(t.Greater(t.unsqueeze(mask, 1, 2), .5), np.array(0, F), np.array(-1e9, F))
    bias = t.Add(t.rand(1, h, s, s, scale=1), far)
    for _ in range(layers):
        y = t.rms(x, n)
        q, k, v = (t.heads(t.dense(y, n, h * d, False), s, h, d) for _ in range(3))
        a = t.Add(t.MatMul(q, t.Transpose(k, perm=[0, 1, 3, 2])), bias)
        y = t.join(t.MatMul(t.Softmax(a, axis=-1 if opset >= 13 else 3), v), s, h * d)
        x = t.Add(x, t.dense(y, h * d, n, False))
        x = t.Add(x, t.dense(t.Relu(t.dense(t.rms(x, n), n, 4 * n, False)), 4 * n, n, False))
    return t.model(t.Log(t.Softmax(t.dense(x, n, 11, False), axis=-1 if opset >= 13 else 2)))


def swin(opset, w=4, h=2, d=8, size=8, batch=2):
    """Windows by reshapes, shifted ones by slices, a bias per window, q, k and v picked from one product."""
    t, n = Net(opset), h * d
    x, tokens, count = t.input('x', [batch, size * size, n]), w * w, (size // w) ** 2

    def windows(v):
        v = t.Transpose(t.shape(v, batch, size // w, w, size // w, w, n), perm=[0, 1, 3, 2, 4, 5])
        return t.shape(v, batch * count, tokens, n)

    def whole(v):
        v = t.Transpose(t.shape(v, batch, size // w, size // w, w, w, n), perm=[0, 1, 3, 2, 4, 5])
        return t.shape(v, batch, size, size, n)

    def roll(v, k):
        for axis in (1, 2):
            v = t.Concat(t.slice(v, k, 2 ** 63 - 1, axis), t.slice(v, 0, k, axis), axis=axis)
        return v

    for shift in (0, w // 2):
        y = t.shape(t.norm(x, n, 0), batch, size, size, n)
        y = t.shape(windows(roll(y, shift) if shift else y), batch * count, tokens, n)
        qkv = t.Transpose(t.shape(t.dense(y, n, 3 * n), batch * count, tokens, 3, h, d), perm=[2, 0, 3, 1, 4])
        q, k, v = (t.Gather(qkv, np.array(i, I), axis=0) for i in range(3))
        a = t.MatMul(t.Mul(q, d ** -.5), t.Transpose(k, perm=[0, 1, 3, 2]))
        a = t.Add(a, t.rand(1, h, tokens, tokens, scale=1))
        if shift:
            mask = np.where(t.rng.random((1, count, 1, tokens, tokens)) < .3, -100, 0).astype(F)
            a = t.Add(t.shape(a, batch, count, h, tokens, tokens), mask)
            a = t.shape(a, -1, h, tokens, tokens)
        y = t.join(t.MatMul(t.Softmax(a, axis=-1 if opset >= 13 else 3), v), tokens, n)
        y = whole(t.shape(t.dense(y, n, n), -1, w, w, n))
        y = roll(y, size - shift) if shift else y
        x = t.Add(x, t.shape(y, batch, size * size, n))
        x = t.Add(x, t.dense(t.gelu(t.dense(t.norm(x, n, 1), n, 2 * n)), 2 * n, n))
    return t.model(t.mean(x, 1))


def gpt(opset, s=8, n=16, h=2, layers=2):
    """One product for all heads, a boolean triangle through Where, Gemm between reshapes, tanh Gelu."""
    t, d = Net(opset), n // h
    x = t.Gather(t.rand(40, n, scale=1), t.input('ids', [1, s], T.INT64))
    x = t.Add(x, t.rand(1, s, n, scale=1))
    keep = np.tril(np.ones((1, 1, s, s), bool))
    for _ in range(layers):
        q, k, v = t.split(t.gemm(t.norm(x, n, 2), (1, s), n, 3 * n), [n] * 3, 2)
        k = t.heads(k, s, h, d, (0, 2, 3, 1))
        a = t.Where(keep, t.Div(t.MatMul(t.heads(q, s, h, d), k), d ** .5), np.array(-3.4e38, F))
        y = t.join(t.MatMul(t.Softmax(a, axis=-1 if opset >= 13 else 3), t.heads(v, s, h, d)), s, n)
        x = t.Add(t.gemm(y, (1, s), n, n), x)
        x = t.Add(t.gemm(t.gelu(t.gemm(t.norm(x, n), (1, s), n, 4 * n), 'tanh'), (1, s), 4 * n, n), x)
    return t.model(t.norm(x, n, 4 if opset >= 17 else 0))


def seq_first(opset, s=7, n=16, h=2, layers=2):
    """torch.nn.MultiheadAttention: tokens before the batch, slices of one product, three dims, tanh Gelu with products."""
    t, d = Net(opset), n // h
    x = t.input('x', [1, s, n])
    for _ in range(layers):
        y = t.dense(t.Transpose(t.norm(x, n, 4 if opset >= 17 else 3), perm=[1, 0, 2]), n, 3 * n)
        q, k, v = (t.Transpose(t.shape(t.slice(y, i * n, (i + 1) * n, 2), s, h, d), perm=[1, 0, 2]) for i in range(3))
        a = t.Softmax(t.MatMul(t.Mul(q, d ** -.5), t.Transpose(k, perm=[0, 2, 1])), axis=-1 if opset >= 13 else 2)
        y = t.shape(t.Transpose(t.MatMul(a, v), perm=[1, 0, 2]), s, n)
        y = t.shape(t.Gemm(y, t.rand(n, n), t.rand(n, scale=.1)), s, 1, n)
        x = t.Add(x, t.Transpose(y, perm=[1, 0, 2]))
        x = t.Add(x, t.dense(t.gelu(t.dense(t.norm(x, n), n, 2 * n), 'tanh3'), 2 * n, n))
    return t.model(x)


def unet(opset, c=8, g=4, size=6, h=2):
    """Group norms around reshapes, SiLU, attention over pixels with keys from a text."""
    t, d, s = Net(opset), c // h, size * size
    x, text = t.input('x', [1, c, size, size]), t.input('text', [1, 5, 12])

    def group(v):
        v = t.InstanceNormalization(t.shape(v, 0, g, -1), np.ones(g, F), np.zeros(g, F), epsilon=1e-5)
        v = t.shape(v, 1, c, size, size)
        return t.Add(t.Mul(v, 1 + t.rand(c, 1, 1, scale=.1)), t.rand(c, 1, 1, scale=.1))

    y = group(x)
    y = t.Conv(t.Mul(y, t.Sigmoid(y)), t.rand(c, c, 3, 3, scale=.1), t.rand(c, scale=.1), pads=[1] * 4)
    x = t.Add(x, y)
    y = t.shape(t.Transpose(group(x), perm=[0, 2, 3, 1]), 1, s, c)
    for source, length, width in ((y, s, c), (text, 5, 12)):
        q = t.heads(t.dense(y, c, c, False), s, h, d)
        k, v = (t.heads(t.dense(source, width, c, False), length, h, d) for _ in range(2))
        a = t.Softmax(t.Mul(t.MatMul(q, t.Transpose(k, perm=[0, 1, 3, 2])), d ** -.5), axis=-1 if opset >= 13 else 3)
        y = t.Add(y, t.dense(t.join(t.MatMul(a, v), s, c), c, c))
    y = t.Transpose(t.shape(y, 1, size, size, c), perm=[0, 3, 1, 2])
    return t.model(t.Add(x, y))


def feeds(m, rng):
    out = {}
    for i in m.graph.input:
        shape = [x.dim_value or 2 for x in i.type.tensor_type.shape.dim]
        if i.name == 'mask' and len(shape) == 2 or i.name == 'attention_mask':
            v = np.ones(shape)
            v[:, shape[1] * 2 // 3:] = 0
        elif i.type.tensor_type.elem_type == T.INT64:
            v = rng.integers(0, 40, shape)
        else:
            v = rng.standard_normal(shape)
        out[i.name] = v.astype(I if i.type.tensor_type.elem_type == T.INT64 else F)
    return out


def layers_of(ops):
    return sum(o.get_type_name() not in ('Constant', 'Parameter', 'Result') for o in ops)


core, total = ov.Core(), [0, 0]
for build in (distilbert, clip, llama, t5, swin, gpt, seq_first, unet):
    for opset in (11, 13, 14, 17, 18):
        name = f'{build.__name__}_{opset}'
        m, path = build(opset), f'{WORK}/{name}.onnx'
        onnx.save(m, path)
        feed = feeds(m, np.random.default_rng(1))
        want = ort.InferenceSession(path, providers=['CPUExecutionProvider']).run(None, feed)[0]
        xml = convert(path, name)
        if not xml:
            continue
        got = infer(xml, feed)
        if got:
            check(f'{name} in mo-run', distance(got[0], want) <= 1e-5, f'{distance(got[0], want):.1e}')
        read = core.read_model(xml)
        y = core.compile_model(read, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})(feed)[0]
        check(f'{name} in OpenVINO', distance(y, want) <= 1e-5, f'{distance(y, want):.1e}')
        a, b = layers_of(read.get_ops()), layers_of(ov.convert_model(path).get_ops())
        total[0] += a
        total[1] += b
        check(f'{name} layers', a <= b, f'ours {a}, ovc {b}')
check('layers in total', total[0] < total[1], f'ours {total[0]}, ovc {total[1]}')
done()
