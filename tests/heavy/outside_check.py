"""Each network of a folder, and of the wheels beside it: our IR (FP32, FP16) in OpenVINO and in mo-run, and mo-run on the ONNX
file, against ONNX Runtime; layers, time and memory of the conversion against ovc.
usage: outside_check.py BUILD FOLDER SKIPPED"""
import glob, os, sys, time, zipfile
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../interop')
import common
from common import *
import onnxruntime as ort, openvino as ov

FOLDER = sys.argv[2]
common.skipped = int(sys.argv[3])
core, total = ov.Core(), [0, 0]
# for dims that the file leaves open
PICTURES = {'_rec': (2, 3, 48, 160), 'cls': (2, 3, 48, 192), '_det': (1, 3, 96, 160), 'orientation': (2, 3, 224, 224), 'common': (1, 1, 64, 140), '': (1, 3, 320, 320)}


def unpack():
    """The networks inside of the wheels."""
    for w in glob.glob(FOLDER + '/wheels/*.whl'):
        with zipfile.ZipFile(w) as z:
            for n in z.namelist():
                if n.endswith('.onnx'):
                    to = f'{FOLDER}/onnx/{os.path.basename(w).split("-")[0]}_{n.replace("/", "_")[-60:]}'
                    if not os.path.exists(to):
                        with open(to, 'wb') as f:
                            f.write(z.read(n))


def picture(shape):
    """Waves, not noise: what the detectors are trained on has edges and areas."""
    grid = np.indices(shape).astype(np.float32)
    return (.5 + .25 * sum(np.sin(g / (3 + 2 * k)) for k, g in enumerate(grid)) / len(shape)).astype(np.float32)


def feeds_of(path, session):
    stored = sorted(glob.glob(glob.escape(path[:-5]) + '.[0-9].npz'))
    if stored:
        return [{i.name: np.load(f)[i.name] for i in session.get_inputs()} for f in stored]
    feed = {}
    for i in session.get_inputs():
        like = next(s for k, s in PICTURES.items() if k in path)
        dims = [d if isinstance(d, int) and d > 0 else like[k] if len(i.shape) == 4 else 1 for k, d in enumerate(i.shape)]
        feed[i.name] = picture(dims) if i.type == 'tensor(float)' else np.ones(dims, np.int64 if '64' in i.type else np.int32)
    return [feed]


def far(got, want):
    return max([distance(np.where(np.isfinite(b), a, 0) if np.shape(a) == b.shape else a, np.where(np.isfinite(b), b, 0)) for a, b in zip(got, want)], default=0)


def compile_at(path):
    return core.compile_model(path, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})


def answers(model, feed, n):
    known = {name for i in model.inputs for name in i.names}
    r = model({k: v for k, v in feed.items() if k in known})
    return [r[k] for k in range(n)]


def layers_of(m):
    return sum(o.get_type_name() not in ('Constant', 'Parameter', 'Result') for o in m.get_ops())


def compare(name, path, xml, half, feeds, wants, theirs):
    """theirs: OpenVINO on the ONNX file, whose own distance widens what is allowed."""
    ours = compile_at(xml)
    for k, (feed, want) in enumerate(zip(feeds, wants)):
        own = far(answers(theirs, feed, len(want)), want) if theirs else 0
        most = max(1e-2 if half else 1e-4, 3 * own if own < 1 else 0)
        for how, got in (('in OpenVINO', answers(ours, feed, len(want))), ('in mo-run', infer(xml, feed)), ('ONNX in mo-run', None if half else infer(path, feed))):
            if got is not None:
                check(f'{name} {"fp16" if half else "fp32"} {k} {how}', far(got, want) <= most, f'error {far(got, want):.1e}, allowed {most:.1e}')


def refusal(path):
    """Which operators mo says it does not know, or None when it converts."""
    rc, _, err = run('mo', '-q', '--input', path, '--output-dir', WORK, '--model-name', 'refused')
    return ' '.join(err.split())[-150:] if rc == 1 and 'cannot be converted' in err else None


def go(path):
    name = os.path.basename(path)[:-5]
    try:
        o = ort.SessionOptions()
        o.log_severity_level = 4
        session = ort.InferenceSession(path, o, providers=['CPUExecutionProvider'])
        feeds = feeds_of(path, session)
        wants = [session.run(None, f) for f in feeds]
    except Exception as e:
        return skip(name, f'ONNX Runtime: {str(e)[:150]}')
    try:
        t = time.time()
        peer = ov.convert_model(path)
        peer_time = time.time() - t
        theirs = compile_at(path)
    except Exception:
        peer = theirs = None
    for half in (False, True):
        t = time.time()
        if not peer and (why := refusal(path)):
            return skip(name, f'neither ovc nor mo converts it: {why}')
        xml = convert(path, 'fp16' if half else 'fp32', '--precision', 'fp16' if half else 'fp32')
        t = time.time() - t
        if not xml:
            continue
        if peer and not half:
            a, b = layers_of(core.read_model(xml)), layers_of(peer)
            total[0] += a
            total[1] += b
            check(f'{name} layers', a <= b, f'ours {a}, ovc {b}; {t:.2f} s, ovc {peer_time:.2f} s')
        compare(name, path, xml, half, feeds, wants, theirs)


unpack()
for path in sorted(glob.glob(FOLDER + '/onnx/*.onnx')):
    try:
        go(path)
    except Exception as e:
        check(os.path.basename(path), False, ' '.join(str(e).split())[-300:])
print(f'layers in all: ours {total[0]}, ovc {total[1]}')
done()
