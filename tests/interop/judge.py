"""Small networks in ONNX's own text: ONNX Runtime's answer is held against those of mo-run and OpenVINO on our IR."""
from common import *
import onnx, onnx.parser
import onnxruntime as rt, openvino as ov

core = ov.Core()
rt.set_default_logger_severity(4)


def floats(*shape, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def model_of(text):
    return onnx.parser.parse_model(text) if isinstance(text, str) else text


def equal(got, want, tolerance):
    return len(got) == len(want) and all(
        a.shape == b.shape and a.dtype == b.dtype and np.allclose(a, b, rtol=tolerance, atol=tolerance * max(1, np.abs(b).max(initial=0))) for a, b in zip(got, want))


def judge(name, text, want=None, openvino=True, tolerance=1e-5, **inputs):
    """want: what to expect where ONNX Runtime is not to be followed; openvino False: it cannot (say why beside the case)."""
    m = model_of(text)
    path = f'{WORK}/{name.replace(" ", "_").replace("/", "_")}.onnx'
    onnx.save(m, path)
    if want is None:
        try:
            want = rt.InferenceSession(m.SerializeToString(), providers=['CPUExecutionProvider']).run(None, inputs)
        except Exception as e:
            return check(f'{name}: ONNX Runtime', False, ' '.join(str(e).split())[:300])
    xml = convert(path, name.replace(' ', '_').replace('/', '_'))
    if not xml:
        return False
    got = infer(xml, inputs)
    if got is None:
        return False
    check(f'{name}: mo-run', equal(got, want, tolerance), describe(got, want, tolerance))
    if not openvino:
        return True
    try:
        r = core.compile_model(xml, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})(inputs)
        theirs = [np.array(r[k]) for k in range(len(r))]
    except Exception as e:
        return check(f'{name}: OpenVINO', False, ' '.join(str(e).split())[:300])
    return check(f'{name}: OpenVINO', equal(theirs, want, tolerance), describe(theirs, want, tolerance))


def describe(got, want, tolerance):
    if equal(got, want, tolerance):
        return ''
    return ' '.join(f'{a.dtype}{list(a.shape)} for {b.dtype}{list(b.shape)}, error {distance(a, b):.1e};' for a, b in zip(got, want))


def refused(name, text, cause):
    """mo says no, and its message holds the cause."""
    path = f'{WORK}/bad.onnx'
    onnx.save(model_of(text), path)
    rc, _, err = run('mo', '-q', '--input', path, '--output-dir', WORK, '--model-name', 'bad')
    check(name, rc == 1 and cause in ' '.join(err.split()), f'exit {rc}: {err.strip()[:300]}')
