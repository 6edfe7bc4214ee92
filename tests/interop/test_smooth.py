"""SmoothQuant on transformers with outlier channels: what it regains in OpenVINO, beside NNCF; shards of statistics."""
from common import *
import logging
import onnx, openvino as ov
from onnx_net import F, I, Net

core, FACTOR = ov.Core(), 30


def norm(t, x, n, factor=FACTOR):
    """LayerNormalization with four channels that are much larger than the others."""
    g = 1 + t.rand(n, scale=.1)
    g[t.rng.choice(n, 4, replace=False)] *= factor
    return t.LayerNormalization(x, g, t.rand(n, scale=.1), axis=-1, epsilon=1e-5)


def attention(t, x, s, n, h):
    q, k, v = (t.heads(t.dense(x, n, n), s, h, n // h) for _ in range(3))
    a = t.Softmax(t.Mul(t.MatMul(q, t.Transpose(k, perm=[0, 1, 3, 2])), (n // h) ** -.5), axis=-1)
    return t.dense(t.join(t.MatMul(a, v), s, n), n, n)


def feed_forward(t, x, n):
    return t.dense(t.gelu(t.dense(x, n, 4 * n)), 4 * n, n)


def bert(s=32, n=64, h=4, layers=3):
    """Normalised after each sum, so that what products read is read by the next sum too."""
    t = Net(17)
    x = norm(t, t.input('tokens', [1, s, n]), n)
    for _ in range(layers):
        x = norm(t, t.Add(x, attention(t, x, s, n, h)), n)
        x = norm(t, t.Add(x, feed_forward(t, x, n)), n)
    return t.model(t.dense(x, n, 16)), (s, n)


def vit(side=32, patch=8, n=64, h=4, layers=3):
    """Patches; normalised before each product, into which a factor can go."""
    t, s = Net(17, 1), (side // patch) ** 2
    x = t.Conv(t.input('image', [1, 3, side, side]), t.rand(n, 3, patch, patch, scale=1 / (3 ** .5 * patch)), strides=[patch] * 2)
    x = t.Add(t.Transpose(t.shape(x, 1, n, s), perm=[0, 2, 1]), t.rand(1, s, n, scale=.3))
    for _ in range(layers):
        x = t.Add(x, attention(t, norm(t, x, n), s, n, h))
        x = t.Add(x, feed_forward(t, norm(t, x, n), n))
    return t.model(t.dense(t.mean(norm(t, x, n, 1), 1), n, 16)), (3, side, side)


def compiled(model):
    return core.compile_model(model, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})


def answers(model, x):
    return np.concatenate([np.asarray(model([x[i:i + 1]])[0]).reshape(1, -1) for i in range(len(x))])


def sqnr(want, got):
    return float(10 * np.log10((want ** 2).sum() / ((want - got) ** 2).sum()))


def calibrate(path, name, *options):
    rc, _, err = run('mo-calibrate', '-q', path, '--output-dir', WORK, '--model-name', name, *options)
    check(f'{name} is calibrated', not rc, err.strip()[:300])
    return None if rc else f'{WORK}/{name}.xml'


def products(model):
    """How products with constants run: {precision: count}."""
    found = {}
    for o in model.get_runtime_model().get_ops():
        info = o.get_rt_info()
        if info['layerType'].astype(str) == 'FullyConnected':
            how = info['runtimePrecision'].astype(str)
            found[how] = found.get(how, 0) + 1
    return found


def attentions(model):
    """Attention whose queries and keys arrive in 8 bits, however it is fused."""
    return sum([i.get_element_type() == ov.Type.i8 for i in o.inputs()][:2] == [True] * 2 for o in model.get_runtime_model().get_ops()
               if o.get_rt_info()['layerType'].astype(str) in ('Subgraph', 'MatMul', 'ScaledDotProductAttention'))


def peer(path, calib):
    """NNCF's, with SmoothQuant."""
    import nncf
    nncf.set_log_level(logging.ERROR)
    alphas = nncf.AdvancedQuantizationParameters(smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=.95))
    data = nncf.Dataset([calib[i:i + 1] for i in range(len(calib))])
    return nncf.quantize(core.read_model(path), data, subset_size=len(calib), preset=nncf.QuantizationPreset.MIXED,
                         model_type=nncf.ModelType.TRANSFORMER, advanced_parameters=alphas)


for build in (bert, vit):
    name = build.__name__
    m, shape = build()
    path, data = f'{WORK}/{name}.onnx', f'{WORK}/{name}.npy'
    onnx.save(m, path)
    x = np.random.default_rng(5).standard_normal((160, *shape)).astype(F)
    calib, test = x[:100], x[100:]
    np.save(data, calib)
    full, got = answers(compiled(path), test), {}
    for how, options in (('smooth', []), ('plain', ['--no-smooth-quant']), ('half', ['--smooth-quant', '0.5']), ('products', ['--products'])):
        xml = calibrate(path, f'{name}_{how}', '--data', data, '--all-layers', *options)
        model = compiled(xml)
        got[how] = sqnr(full, answers(model, test))
        check(f'{name} {how} runs in 8 bits', set(products(model)) <= {'i8', 'u8'} and sum(products(model).values()) >= 18, products(model))
        check(f'{name} {how}: queries times keys', attentions(model) == (3 if how == 'products' else 0), attentions(model))
    check(f'{name} regains 2 dB', got['smooth'] >= got['plain'] + 2, got)
    np.save(f'{WORK}/one.npy', test[:1])
    for how in ('smooth', 'products'):
        rc, _, err = run('mo-run', f'{WORK}/{name}_{how}.xml', '--data', f'{WORK}/one.npy', '--out', f'{WORK}/{name}_{how}_out')
        ours = np.load([e.path for e in os.scandir(f'{WORK}/{name}_{how}_out') if e.path.endswith('.npy')][0]).reshape(1, -1)
        theirs = answers(compiled(f'{WORK}/{name}_{how}.xml'), test[:1])
        check(f'{name} {how} in mo-run', not rc and sqnr(theirs, ours) > 20, f'{sqnr(theirs, ours)} {err}')
    # statistics of parts are those of one run, and give the same network
    np.save(f'{WORK}/a.npy', calib[:33])
    np.save(f'{WORK}/b.npy', calib[33:])
    for part in 'ab':
        rc, _, err = run('mo-calibrate', '-q', path, '--data', f'{WORK}/{part}.npy', '--merge', '--stats-out', f'{WORK}/{part}.stats', '--all-layers')
        check(f'{name} statistics {part}', not rc, err)
    xml = calibrate(path, f'{name}_merged', '--stats-in', f'{WORK}/b.stats', '--stats-in', f'{WORK}/a.stats', '--data', data, '--all-layers')
    same = [open(f'{WORK}/{name}_{how}.bin', 'rb').read() for how in ('merged', 'smooth')]
    check(f'{name} from parts', same[0] == same[1])
    try:
        theirs = sqnr(full, answers(compiled(peer(path, calib)), test))
        for how in ('smooth', 'products'):
            check(f'{name} {how} not behind NNCF', got[how] >= theirs, f'{got} NNCF {theirs:.2f}')
    except ImportError:
        skip(f'{name} beside NNCF', 'no nncf')
done()
