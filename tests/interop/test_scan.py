"""Scan by both of its versions: ONNX Runtime on the ONNX file against mo-run and the real OpenVINO on our IR."""
from judge import *


def scan9(inputs, outputs, body, attrs, call, dims='float[5,2] x, float[2] s', before=''):
    return f'''<ir_version: 8, opset_import: ["" : 17]> g ({dims}) => ({outputs}) {{ {before}
        {call} = Scan<{attrs}, body = b ({inputs}) => {body}>(s, x) }}'''


x = floats(5, 2)
s = floats(2, seed=2)
SUM = '(float[2] s1, float[2] y1) { s1 = Add(s0, x0) y1 = Mul(s1, x0) }'
for name, attrs in {
    'plain': 'num_scan_inputs = 1',
    'input reversed': 'num_scan_inputs = 1, scan_input_directions = [1]',
    'output reversed': 'num_scan_inputs = 1, scan_output_directions = [1]',
    'both reversed': 'num_scan_inputs = 1, scan_input_directions = [1], scan_output_directions = [1]',
    'output axis 1': 'num_scan_inputs = 1, scan_output_axes = [1]',
    'output axis -1': 'num_scan_inputs = 1, scan_output_axes = [-1], scan_output_directions = [1]',
}.items():
    judge(name, scan9('float[2] s0, float[2] x0', 'float[A] z, float[B,C] y', SUM, attrs, 'z, y'), x=x, s=s)
for axis in ('1', '-1'):
    judge(f'input axis {axis}', scan9('float[5] s0, float[5] x0', 'float[A] z, float[B,C] y',
                                      '(float[5] s1, float[5] y1) { s1 = Add(s0, x0) y1 = Mul(s1, x0) }',
                                      f'num_scan_inputs = 1, scan_input_axes = [{axis}]', 'z, y', 'float[5,2] x, float[5] s'),
          x=x, s=floats(5))
judge('sizes unknown', scan9('float[N] s0, float[N] x0', 'float[A] z, float[B,C] y',
                             '(float[N] s1, float[N] y1) { s1 = Add(s0, x0) y1 = Mul(s1, x0) }', 'num_scan_inputs = 1', 'z, y',
                             'float[T,N] x, float[N] s'), x=x, s=s)
judge('values from around', scan9('float[2] s0, float[2] x0', 'float[A] z, float[B,C] y',
                                  '(float[2] s1, float[2] y1) { s1 = Add(s0, x0) k = Mul(s1, w) y1 = Sub(k, x0) }',
                                  'num_scan_inputs = 1', 'z, y', before='w = Relu(s)'), x=x, s=s)
judge('no states', '''<ir_version: 8, opset_import: ["" : 17]> g (float[5,2] x, float[2,5] w) => (float[B,C] y, float[D,E] v) {
    y, v = Scan<num_scan_inputs = 2, scan_input_axes = [0, 1], scan_input_directions = [0, 1], scan_output_axes = [0, 1],
        body = b (float[2] x0, float[2] w0) => (float[2] y0, float[1] v0) { y0 = Add(x0, w0) v0 = ReduceSum<keepdims = 1>(y0) }>(x, w) }''',
      x=x, w=floats(2, 5, seed=3))
judge('two states of two types', '''<ir_version: 8, opset_import: ["" : 17]> g (float[5,2] x, float[2] s, int64 n) =>
    (float[A] z, int64 m, int64[K] ns) {
    z, m, ns = Scan<num_scan_inputs = 1, body = b (float[2] s0, int64 n0, float[2] x0) => (float[2] s1, int64 n1, int64 n2) {
        one = Constant<value_int = 1>() n1 = Add(n0, one) n2 = Identity(n0) s1 = Max(s0, x0) }>(s, n, x) }''',
      x=x, s=s, n=np.array(3))
judge('a Scan in a Scan', '''<ir_version: 8, opset_import: ["" : 17]> g (float[3,5,2] x, float[2] s) => (float[A] z, float[B,C,D] y) {
    z, y = Scan<num_scan_inputs = 1, body = outer (float[2] s0, float[5,2] x0) => (float[2] s3, float[5,2] y3) {
        s3, y3 = Scan<num_scan_inputs = 1, scan_input_directions = [1], body = inner (float[2] s1, float[2] x1) => (float[2] s2, float[2] y2) {
            k = Mul(s1, x1) s2 = Tanh(k) y2 = Add(s2, s) }>(s0, x0) }>(s, x) }''', x=floats(3, 5, 2), s=s)
judge('an If in a Scan', scan9('float[2] s0, float[2] x0', 'float[A] z, float[B,C] y', '''(float[2] s1, float[2] y1) {
    t = ReduceSum<keepdims = 0>(x0) zero = Constant<value_float = 0.0>() c = Greater(t, zero)
    s1 = If(c) <then_branch = yes () => (float[2] a) { a = Add(s0, x0) }, else_branch = no () => (float[2] b) { b = Sub(s0, w) }>
    y1 = Neg(s1) }''', 'num_scan_inputs = 1', 'z, y', before='w = Abs(s)'), x=x, s=s)
judge('only the states asked for', '''<ir_version: 8, opset_import: ["" : 17]> g (float[5,2] x, float[2] s) => (float[A] z) {
    z, unused = Scan<num_scan_inputs = 1, body = b (float[2] s0, float[2] x0) => (float[2] s1, float[2] y1) { s1 = Add(s0, x0) y1 = Mul(s1, x0) }>(s, x) }''',
      x=x, s=s)
OLD = '''<ir_version: 3, opset_import: ["" : 8]> g ({dims}float[3,2] s, float[3,5,2] x) => (float[A,B] z, float[C,D,E] y) {{
    z, y = Scan<num_scan_inputs = 1{more}, body = b (float[2] s0, float[2] x0) => (float[2] s1, float[2] y1) {{
        s1 = Add(s0, x0) y1 = Mul(s1, x0) }}>({first}, s, x) }}'''
x3, s3 = floats(3, 5, 2), floats(3, 2, seed=2)
judge('version 8', OLD.format(dims='', more='', first=''), s=s3, x=x3)
judge('version 8 reversed', OLD.format(dims='', more=', directions = [1]', first=''), s=s3, x=x3)
for more in ('', ', directions = [1]'):
    judge(f'version 8 with lengths{more}', OLD.format(dims='int64[3] n, ', more=more, first='n'), n=np.array([5, 2, 3]), s=s3, x=x3)
refused('too many inputs cut', scan9('float[2] s0, float[2] x0', 'float[A] z, float[B,C] y', SUM, 'num_scan_inputs = 3', 'z, y'),
        "attribute 'num_scan_inputs' is 3 of 2 inputs")
refused('no such axis', scan9('float[2] s0, float[2] x0', 'float[A] z, float[B,C] y', SUM,
                              'num_scan_inputs = 1, scan_input_axes = [2]', 'z, y'), 'axis 2 is out of range')
refused('no such output axis', scan9('float[2] s0, float[2] x0', 'float[A] z, float[B,C] y', SUM,
                                     'num_scan_inputs = 1, scan_output_axes = [2]', 'z, y'), 'output 1 of its body has 1 axes')
refused('no such direction', scan9('float[2] s0, float[2] x0', 'float[A] z, float[B,C] y', SUM,
                                   'num_scan_inputs = 1, scan_input_directions = [2]', 'z, y'), 'has the value 2')
done()
