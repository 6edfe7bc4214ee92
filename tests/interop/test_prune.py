"""Pruned networks: filters really go, and OpenVINO loads what is left and agrees with mo-run."""
import json
from common import *
import openvino as ov

core = ov.Core()
rng = np.random.default_rng(7)


def feed_of(model):
    feed = {}
    for p in model.inputs:
        dims = [d.get_length() if d.is_static else 1 for d in p.get_partial_shape()]
        floats = p.element_type == ov.Type.f32
        feed[p.any_name] = rng.random(dims, np.float32) if floats else rng.integers(0, 50, dims).astype(p.element_type.to_dtype())
    return feed


def pruned(path, name, *options):
    """The report's part on pruning, and the .xml."""
    report = f'{WORK}/{name}.json'
    xml = convert(path, name, *options, '--report', report)
    return (json.load(open(report)).get('prune'), xml) if xml else (None, None)


def agrees(label, xml):
    model = core.read_model(xml)
    feed = feed_of(model)
    mine = infer(xml, feed)
    if mine is None:
        return
    got = core.compile_model(model, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})(feed)
    worst = max(distance(a, got[k]) for k, a in enumerate(mine))
    check(f'{label} in OpenVINO', worst < 1e-4, f'distance {worst:.2g}')


def shrinks(label, report, least, most):
    share = report['parameters']['after'] / report['parameters']['before']
    check(f'{label} loses parameters', least <= share <= most, f'{share:.3f}')
    if 'macs' in report:
        share = report['macs']['after'] / report['macs']['before']
        check(f'{label} loses multiply-adds', share <= most, f'{share:.3f}')


FEW = ('mnist', 'mnist_quantized')  # too few filters for multiples of 16
glyphs = GLYPHS + '/glyphs.onnx'
for criterion in ('l1', 'l2', 'median'):
    report, xml = pruned(glyphs, f'glyphs-{criterion}', '--prune', 'filters:0.3', '--prune-criterion', criterion)
    if xml:
        shrinks(f'glyphs {criterion}', report, 0.3, 0.8)
        agrees(f'glyphs {criterion}', xml)
report, xml = pruned(glyphs, 'glyphs-exact', '--prune', 'filters:0.1', '--exact-ratio', '--precision', 'fp16')
if xml:
    shrinks('glyphs exact', report, 0.7, 0.92)
    again, cut = pruned(xml, 'glyphs-again', '--prune', 'filters:0.3', '--exact-ratio')  # an IR, compressed
    if cut:
        shrinks('glyphs again', again, 0.3, 0.8)
        agrees('glyphs again', cut)
for what, low, high in (('magnitude:0.5', 0.48, 0.53), ('2:4', 0.48, 0.55)):
    report, xml = pruned(glyphs, 'glyphs-zeros', '--prune', what)
    if xml:
        left = report['nonzero_parameters']['after'] / report['nonzero_parameters']['before']
        check(f'glyphs {what} leaves a share', low <= left <= high, f'{left:.3f}')
        check(f'glyphs {what} keeps its size', report['parameters']['after'] == report['parameters']['before'])
        agrees(f'glyphs {what}', xml)

nets = corpus()
if not nets:
    skip('networks', 'no shared corpus')
else:
    big = ['vgg16'] + TRANSFORMERS
    for name in [n for n in CNNS if n not in big] + (big if HEAVY else []):
        report, xml = pruned(f'{nets}/models/{name}.onnx', 'net', '--prune', 'filters:0.3')
        if not xml:
            continue
        if name not in FEW:
            shrinks(name, report, 0.3, 0.85)
        agrees(name, xml)
        report, xml = pruned(f'{nets}/models/{name}.onnx', 'net', '--prune', 'filters:0.3', '--exact-ratio', '--prune-scope', 'global')
        if xml:
            agrees(f'{name} globally', xml)
done()
