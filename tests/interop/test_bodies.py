"""Bodies that run once are inlined, and constants go into bodies: the same answers, and no layers that nobody needs."""
from judge import *
import xml.etree.ElementTree as ET


def layers(xml):
    return [e.get('type') for e in ET.parse(xml).getroot().find('layers')]


def frozen(name, text, freeze, gone, want, **inputs):
    """What is frozen is known only once the network was read; the layer of this type goes."""
    path = f'{WORK}/{name}.onnx'
    onnx.save(model_of(text), path)
    xml = convert(path, name, '--freeze', freeze)
    if not xml:
        return
    check(f'{name}: inlined', gone not in layers(xml), ' '.join(layers(xml)))
    got = infer(xml, inputs)
    check(f'{name}: mo-run', got is not None and equal(got, want, 1e-6))
    r = core.compile_model(xml, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})(inputs)
    check(f'{name}: OpenVINO', equal([np.array(r[k]) for k in range(len(r))], want, 1e-6))


def kept(name, text, gone, **inputs):
    if judge(name, text, **inputs):
        found = layers(f'{WORK}/{name}.xml')
        check(f'{name}: inlined', gone not in found, ' '.join(found))


x = floats(1, 4)
RANKS = '''<ir_version: 8, opset_import: ["" : 17]> g (float[1,4] x, bool c) => (float[] y) {
    z = Constant<value_ints = [0]>() r = Relu(x)
    q = If(c) <then_branch = yes () => (float[4] a) { a = Squeeze(r, z) }, else_branch = no () => (float[1,4] b) { b = Neg(r) }>
    y = Abs(q) }'''
frozen('ranks_then', RANKS, 'c->true', 'If', [np.maximum(x, 0)[0]], x=x)
frozen('ranks_else', RANKS, 'c->false', 'If', [np.maximum(x, 0)], x=x)
frozen('nested', '''<ir_version: 8, opset_import: ["" : 17]> g (float[1,4] x, bool c, int64 n) => (float[] y) {
    y = If(c) <then_branch = yes () => (float[] a) { three = Constant<value_int = 3>() d = Equal(n, three)
        a = If(d) <then_branch = deep () => (float[1,4] e) { e = Exp(x) }, else_branch = flat () => (float[1,4] f) { f = Floor(x) }>
    }, else_branch = no () => (float[1,4] b) { b = Neg(x) }> }''', 'c->true,n->3', 'If', [np.exp(x)], x=x)
frozen('dead', '''<ir_version: 8, opset_import: ["" : 17]> g (float[1,4] x, bool c, int64[1] to) => (float[] y) {
    y = If(c) <then_branch = yes () => (float[] a) { a = Reshape(x, to) }, else_branch = no () => (float[1,4] b) { b = Neg(x) }>
    }''', 'c->false,to->[7]', 'If', [-x], x=x)
kept('loop_of_one_turn', '''<ir_version: 8, opset_import: ["" : 17]> g (float[4] x) => (float[4] last, float[A,4] all, int64[B] ns) {
    one = Constant<value_int = 1>()
    last, all, ns = Loop(one, , x) <body = b (int64 i, bool c, float[4] v) => (bool d, float[4] w, float[4] s, int64 j) {
        d = Identity(c) w = Add(v, x) s = Mul(w, v) j = Identity(i) }> }''', 'Loop', x=x[0])
kept('scan_of_one_part', '''<ir_version: 8, opset_import: ["" : 17]> g (float[1,4] x, float[4] s) => (float[4] z, float[A,4] y) {
    z, y = Scan<num_scan_inputs = 1, body = b (float[4] s0, float[4] x0) => (float[4] s1, float[4] y1) {
        s1 = Add(s0, x0) y1 = Mul(s1, x0) }>(s, x) }''', 'TensorIterator', x=x, s=x[0])
CONSTANT = '''<ir_version: 8, opset_import: ["" : 17]> g (float[5,4] x, float[4] s) => (float[4] z, float[A,4] y) {
    k = Constant<value_floats = [1.0, 2.0, 3.0, 4.0]>()
    z, y = Scan<num_scan_inputs = 1, body = b (float[4] s0, float[4] x0) => (float[4] s1, float[4] y1) {
        t = Mul(x0, k) s1 = Add(s0, t) y1 = Mul(s1, k) }>(s, x) }'''
if judge('constant_inside', CONSTANT, x=floats(5, 4), s=x[0]):
    ports = ET.parse(f'{WORK}/constant_inside.xml').getroot().findall(".//layer[@type='TensorIterator']/input/port")
    check('constant_inside: two inputs', len(ports) == 2, str(len(ports)))
NEVER = '''<ir_version: 8, opset_import: ["" : 17]> g (float[N] x, int64 n) => (float[B] last, float[A,C] all) {
    last, all = Loop(n, , x) <body = b (int64 i, bool c, float[N] v) => (bool d, float[N] w, float[N] s) {
        d = Identity(c) w = Add(v, x) s = Mul(w, v) }> }'''
judge('some turns', NEVER, x=x[0], n=np.array(3))
judge('no turn', NEVER.replace('N', '4'), x=x[0], n=np.array(0))
judge('no turn of an unknown size', NEVER, x=x[0], n=np.array(0))
done()
