"""Every operator of ONNX's default domain in every version up to opset 22, and in every element type of its newest version there:
converted and run, against ONNX Runtime or the reference of onnx, and our IR in OpenVINO; or refused with a clear word.
usage: test_onnx_ops.py BUILD [OP...]    with HEAVY set also OpenVINO on the types"""
import collections, copy, warnings
from concurrent.futures import ThreadPoolExecutor
from common import *
import ml_dtypes, onnx, onnx.reference, onnxruntime as ort, openvino as ov
from onnx import helper as h, numpy_helper as nh, TensorProto as T, defs
from onnx_cases import CASES

warnings.simplefilter('ignore')
ort.set_default_logger_severity(4)
TOP = 22
ONLY = [a for a in sys.argv[2:] if not a.startswith('-')]
core = ov.Core()


def versions():
    v = collections.defaultdict(set)
    for s in defs.get_all_schemas_with_history():
        if not s.domain and s.since_version <= TOP:
            v[s.name].add(s.since_version)
    return v


def model(case, version, ins):
    """The case as a model of that opset, or ins of other types."""
    elem = [T.STRING if v is not None and v.dtype == object else v is not None and h.np_dtype_to_tensor_dtype(v.dtype) for v in ins]
    graph_in = [h.make_tensor_value_info(f'i{k}', elem[k], v.shape) for k, v in enumerate(ins) if v is not None and k not in case.const]
    init = [nh.from_array(v, f'i{k}') for k, v in enumerate(ins) if v is not None and k in case.const]
    if case.build:
        body, more = case.build(version)
        init += more
    else:
        names = [f'i{k}' if v is not None else '' for k, v in enumerate(ins)]
        body = [h.make_node(case.op, names, [f'o{k}' for k in range(case.nout)], **case.attrs)]
    outs = [h.make_tensor_value_info(f'o{k}', T.UNDEFINED, None) for k in range(case.nout)]
    for o in outs:
        o.ClearField('type')
    g = h.make_graph(body, 'g', graph_in, outs, init)
    m = h.make_model(g, opset_imports=[h.make_opsetid('', version)], ir_version=8)
    return m, {f'i{k}': v for k, v in enumerate(ins) if v is not None and k not in case.const}


def typed(m):
    """With the types of the outputs, which ONNX Runtime asks for."""
    try:
        return onnx.shape_inference.infer_shapes(m, strict_mode=False)
    except Exception:
        return m


def output_types(m):
    """The element types that ONNX's own inference gives the outputs, None where it does not say."""
    given = {o.name: o.type.tensor_type.elem_type for o in typed(m).graph.output}
    return [h.tensor_dtype_to_np_dtype(given[o.name]) if given.get(o.name) else None for o in m.graph.output]


def in_runtime(m, feed):
    s = ort.InferenceSession(typed(m).SerializeToString(), providers=['CPUExecutionProvider'])
    return s.run(None, feed)


def as_float(m, feed, ins, case, version):
    """ONNX Runtime in f32 for float types that it does not have, the results in the types that ONNX gives them."""
    wide = [v.astype(np.float32) if v is not None and is_float(v.dtype) else v for v in ins]
    out = in_runtime(*model(case, version, wide))
    return [np.asarray(o).astype(ins[0].dtype if t is None else t) for o, t in zip(out, output_types(m))]


def plain(case):
    """Without the attributes of first versions that change nothing."""
    c = copy.copy(case)
    c.attrs = {k: v for k, v in case.attrs.items() if k not in ('output_sequence', 'consumed_inputs', 'is_test')}
    return c


def is_float(t):
    return t.kind == 'f' or t == ml_dtypes.bfloat16


def expected(case, version, m, ins, feed):
    """The right outputs and who says so."""
    if case.want:
        out = case.want(*ins)
        out = list(out) if isinstance(out, tuple) else [out]
        narrow = ins and ins[0] is not None and ins[0].dtype == np.float32
        return [np.asarray(o, np.float32) if narrow and np.asarray(o).dtype == np.float64 else np.asarray(o) for o in out], 'numpy'
    said = []
    for who, how in (('ort', lambda: in_runtime(m, feed)),
                     ('ort, another version', lambda: in_runtime(*model(plain(case), 7 if version < 7 else version - 1, ins))), ('ort in f32', lambda: as_float(m, feed, ins, case, version)),
                     ('reference', lambda: [np.asarray(o).astype(t or np.asarray(o).dtype) for o, t in
                                            zip(onnx.reference.ReferenceEvaluator(m).run(None, feed), output_types(m))])):
        if who == 'ort in f32' and not any(v is not None and is_float(v.dtype) and v.dtype != np.float32 for v in ins):
            continue
        try:
            return how(), who
        except Exception as e:
            said.append(' '.join(str(e).split())[:100])
    return None, ' / '.join(said)


def tolerance(dtype):
    return {'float16': 4e-3, 'bfloat16': 3e-2, 'float64': 1e-4}.get(dtype.name, 1e-4)


def differs(got, want):
    """None, or in what way."""
    if got.dtype != want.dtype and got.dtype.kind in 'uV' and got.dtype.itemsize == want.dtype.itemsize and want.dtype.name.startswith(('bfloat', 'float8')):
        got = got.view(want.dtype)
    if got.dtype != want.dtype:
        return f'type {got.dtype}, not {want.dtype}'
    if got.shape != want.shape:
        return f'shape {got.shape}, not {want.shape}'
    a, b = got.astype(np.float64), want.astype(np.float64)
    tol = tolerance(want.dtype) if want.dtype.kind not in 'biu' else 0
    if np.allclose(a, b, rtol=tol, atol=tol, equal_nan=True):
        return None
    with np.errstate(invalid='ignore'):
        return f'off by {np.nanmax(np.abs(a - b)):.3g}: {a.ravel()[:6].tolist()} not {b.ravel()[:6].tolist()}'


def ours(name, m, feed):
    """The outputs of mo and mo-run, or the message of what failed; and the path of the IR."""
    w = f'{WORK}/{name}'
    os.makedirs(w)
    open(f'{w}/m.onnx', 'wb').write(m.SerializeToString())
    args = []
    for k, v in feed.items():
        open(f'{w}/{k}.pb', 'wb').write(nh.from_array(v, k).SerializeToString())
        args += ['--data', f'{k}={w}/{k}.pb']
    rc, _, err = run('mo', '-q', '--input', f'{w}/m.onnx', '--output-dir', w, '--model-name', 'm')
    if rc:
        return ' '.join(err.split()).split('m.onnx\': ')[-1], None, rc
    rc, _, err = run('mo-run', '-q', f'{w}/m.xml', *args, '--out', f'{w}/o')
    if rc:
        return ' '.join(err.split()).split('m.xml\': ')[-1], None, rc
    return [np.load(f'{w}/o/{k}.npy') for k in range(len(m.graph.output))], f'{w}/m.xml', 0


def openvino_says(xml, feed, want):
    """None when it loads the IR and answers alike."""
    try:
        c = core.compile_model(xml, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32', 'INFERENCE_NUM_THREADS': 1})
        port = {n: i for i in c.inputs for n in i.names}
        r = c({port[k]: v for k, v in feed.items() if k in port})
        for k, w in enumerate(want):
            d = differs(np.asarray(r[k]), w)
            if d:
                return d
    except Exception as e:
        return ' '.join(str(e).split())[-160:]


class Result:
    def __init__(self, name, kind, detail='', say=None):
        self.name, self.kind, self.detail, self.say = name, kind, detail, say


def random(case, name, m, feed, got, xml):
    """Random numbers: of the right type, mean and deviation, and OpenVINO's are the same."""
    v, (mean, deviation) = got[0].astype(np.float64), case.moments
    type = output_types(m)[0]
    if got[0].dtype != type:
        return Result(name, 'bad', f'type {got[0].dtype}, not {type}')
    if abs(v.mean() - mean) > 0.1 * deviation or abs(v.std() - deviation) > 0.1 * deviation:
        return Result(name, 'bad', f'mean {v.mean():.3f}, deviation {v.std():.3f}, expected {mean} and {deviation}')
    other = openvino_says(xml, feed, got)
    return Result(name, 'bad', 'in OpenVINO: ' + other) if other else Result(name, 'ok', 'openvino')


def one(job):
    case, version, name, ins, peer = job
    m, feed = model(case, version, ins)
    got, xml, rc = ours(name.replace(' ', '_').replace('/', '_'), m, feed)
    if rc < 0 or rc > 1:
        return Result(name, 'crash', f'exit {rc}')
    if case.word:
        good = rc == 1 and case.word in got
        return Result(name, 'refused' if good else 'bad', got if rc else 'was converted')
    if rc:
        return Result(name, 'error', got)
    if case.moments:
        return random(case, name, m, feed, got, xml)
    want, who = expected(case, version, m, ins, feed)
    if want is None:
        return Result(name, 'alone', who)
    for k, (g, w) in enumerate(zip(got, want)):
        d = differs(g, np.asarray(w))
        if d:
            return Result(name, 'bad', f'output {k} ({who}): {d}')
    return Result(name, 'ok', who, openvino_says(xml, feed, want) if peer else None)


def newest(op, tag, version):
    """The case that stands for this version."""
    best = [c for c in CASES if c.op == op and c.tag == tag and c.since <= version <= c.last]
    return max(best, key=lambda c: c.since) if best else None


def version_jobs(known):
    for op in sorted(known):
        for v in sorted(known[op]):
            for tag in dict.fromkeys(c.tag for c in CASES if c.op == op):
                c = newest(op, tag, v)
                if c:
                    yield c, v, f'{op}-{v} {tag}'.strip(), c.ins, not c.word


NUMPY = {'float': 'f4', 'double': 'f8', 'float16': 'f2', 'bfloat16': ml_dtypes.bfloat16, 'bool': bool, 'int8': 'i1', 'int16': 'i2', 'int32': 'i4', 'int64': 'i8',
         'uint8': 'u1', 'uint16': 'u2', 'uint32': 'u4', 'uint64': 'u8'}


def cast(v, to, name):
    if name == 'bool':
        return v > 0
    return (np.abs(np.round(v)) if name[0] in 'ui' and v.dtype.kind == 'f' and name[0] == 'u' else np.round(v) if name[0] == 'i' and v.dtype.kind == 'f' else v).astype(to)


def type_jobs(known):
    """The newest version of each operator with the inputs of each type variable in each type that it may have."""
    for c in CASES:
        v = max(known[c.op]) if c.op in known else 0
        if not c.types or c.word or (c.want and c.op != 'OneHot') or c.build or c is not newest(c.op, c.tag, v):
            continue
        s = defs.get_schema(c.op, v)
        formal = [s.inputs[min(k, len(s.inputs) - 1)].type_str for k in range(len(c.ins))]
        for tc in s.type_constraints:
            at = [k for k, t in enumerate(formal) if t == tc.type_param_str and c.ins[k] is not None]
            for t in sorted(tc.allowed_type_strs):
                name = t[7:-1] if t.startswith('tensor(') else ''
                if c.types == 'float' and name not in ('float', 'double', 'float16', 'bfloat16'):
                    continue
                if not at or name not in NUMPY or NUMPY[name] == c.ins[at[0]].dtype:
                    continue
                ins = [cast(x, NUMPY[name], name) if k in at else x for k, x in enumerate(c.ins)]
                yield c, v, f'{c.op} {c.tag} {tc.type_param_str}={name}'.replace('  ', ' '), ins, HEAVY


def report(title, results):
    kinds = collections.Counter(r.kind for r in results)
    print(f'{title}: {len(results)}: ' + ', '.join(f'{n} {k}' for k, n in sorted(kinds.items())), flush=True)
    for r in results:
        if r.kind in ('alone', 'error'):
            print(f'  {r.name}: {r.kind}: {r.detail[:240]}')
        elif r.say and ONLY:
            print(f'  {r.name}: in OpenVINO: {r.say}')
    other = [r.name for r in results if r.say]
    if other:  # at infinities, not-a-numbers and the ends of integers, where its plugin has ways of its own
        print(f'  {len(other)} that OpenVINO answers otherwise: ' + ', '.join(other))


known = versions()
if ONLY:
    known = {k: v for k, v in known.items() if k in ONLY}
for op in sorted(known):
    first = min(known[op])
    check(f'{op} is in the table from version {first} on', newest(op, '', first) is not None)
with ThreadPoolExecutor(2) as pool:
    by_version = list(pool.map(one, version_jobs(known)))
    by_type = list(pool.map(one, type_jobs(known)))
for r in by_version + by_type:
    if r.kind in ('bad', 'crash', 'error'):
        check(r.name, False, r.detail)
    else:
        check(r.name, True)
report('operators and versions', by_version)
report('operators and types', by_type)
done()
