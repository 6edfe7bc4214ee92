"""Our own network through the whole road: mo, the real OpenVINO, ONNX Runtime and mo-run must agree."""
import json
from common import *
import onnxruntime as rt, openvino as ov

core = ov.Core()
x = np.load(f'{GLYPHS}/test_images.npy')
y = np.load(f'{GLYPHS}/test_labels.npy')
x = np.ascontiguousarray(((x / np.float32(255) - np.float32(.5)) / np.float32(.5)).transpose(0, 3, 1, 2), np.float32)
ref = rt.InferenceSession(f'{GLYPHS}/glyphs.onnx', providers=['CPUExecutionProvider'])
want = np.concatenate([ref.run(None, {'input': x[k:k + 1]})[0] for k in range(len(x))])
np.save(f'{WORK}/x.npy', x)
np.save(f'{WORK}/y.npy', y)


def openvino(xml, batch):
    m = core.compile_model(xml, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
    return np.concatenate([m([x[k:k + batch]])[0] for k in range(0, len(x), batch)])


for precision, tolerance in (('fp32', 1e-4), ('fp16', 1e-2)):
    for name, batch in (('glyphs', 1), ('glyphs_dynamic', 100)):
        xml = convert(f'{GLYPHS}/{name}.onnx', f'{name}_{precision}', '--precision', precision)
        if not xml:
            continue
        got = openvino(xml, batch)
        check(f'{name} {precision} in OpenVINO', distance(got, want) <= tolerance, f'error {distance(got, want):.1e}')
        top1 = (got.argmax(1) == y).mean()
        rc, out, err = run('mo-run', '-q', xml, '--accuracy', '--data', f'{WORK}/x.npy', '--labels', f'{WORK}/y.npy', '--json', '-')
        ours = json.loads(out) if rc == 0 else {'top1': -1, 'top5': -1, 'samples': 0}
        check(f'{name} {precision} accuracy', rc == 0 and abs(ours['top1'] - top1) < 1.5e-3 and ours['samples'] == len(x),
              f"mo-run {ours['top1']}, OpenVINO {top1} {err.strip()[:200]}")
        check(f'{name} {precision} top-1 is 97.8 %', abs(ours['top1'] - .978) < 1.5e-3, str(ours['top1']))
        n = x[:batch]
        for how in ((), ('--eval',), ('--cpu', 'ref')):
            out = infer(xml, {'input': n}, *how)
            if out:
                check(f'{name} {precision} mo-run {" ".join(how)}', distance(out[0], want[:batch]) <= tolerance, f'{distance(out[0], want[:batch]):.1e}')
        rc, out, err = run('mo-run', '-q', xml, '--compare', f'{GLYPHS}/{name}.onnx', '--random', 1)
        check(f'{name} {precision} compare', rc == 0, err.strip()[:200])
    out = infer(f'{GLYPHS}/glyphs.onnx', {'input': x[:1]})
    if out:
        check('mo-run on the ONNX file', distance(out[0], want[:1]) <= 1e-4)
done()
