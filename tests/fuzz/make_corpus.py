#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets: small valid inputs of every kind into testdata/corpus.

usage: make_corpus.py MO [CORPUS]   MO: the built mo program, which makes the IRs
The target blob has its seeds from blob_seeds.h. Needs the Python packages onnx, numpy and pillow (make peers)."""
import glob, io, os, struct, subprocess, sys, tempfile
import numpy as np, onnx
from onnx import TensorProto as T, helper as h, numpy_helper as nh
from PIL import Image

mo = sys.argv[1]
corpus = sys.argv[2] if len(sys.argv) > 2 else 'testdata/corpus'
rng = np.random.default_rng(1)


def put(target, name, data):
    os.makedirs(f'{corpus}/{target}', exist_ok=True)
    open(f'{corpus}/{target}/{name}', 'wb').write(data)


def weights(name, *shape):
    return nh.from_array(rng.standard_normal(shape).astype('f'), name)


def ints(name, *values):
    return nh.from_array(np.array(values, 'i8'), name)


def f32(name, *shape):
    return h.make_tensor_value_info(name, T.FLOAT, shape)


def model(nodes, inputs, outputs, inits=(), opset=17, functions=(), domains=()):
    g = h.make_graph(nodes, 'g', inputs, outputs, list(inits))
    imports = [h.make_opsetid('', opset)] + [h.make_opsetid(d, 1) for d in domains]
    return h.make_model(g, opset_imports=imports, functions=list(functions), ir_version=8)


def convnet():
    return model(
        [h.make_node('Conv', ['x', 'w', 'b'], ['c'], pads=[1, 1, 1, 1], strides=[2, 2]),
         h.make_node('BatchNormalization', ['c', 'g', 'o', 'm', 'v'], ['n']),
         h.make_node('Relu', ['n'], ['r']),
         h.make_node('MaxPool', ['r'], ['p'], kernel_shape=[2, 2], strides=[2, 2]),
         h.make_node('GlobalAveragePool', ['p'], ['a']),
         h.make_node('Flatten', ['a'], ['f']),
         h.make_node('Gemm', ['f', 'fw', 'fb'], ['y'], transB=1)],
        [f32('x', 1, 3, 8, 8)], [f32('y', 1, 5)],
        [weights('w', 4, 3, 3, 3), weights('b', 4), weights('g', 4), weights('o', 4), weights('m', 4),
         nh.from_array(np.ones(4, 'f'), 'v'), weights('fw', 5, 4), weights('fb', 5)])


def shapes():
    return model(
        [h.make_node('Shape', ['x'], ['s']), h.make_node('Gather', ['s', 'zero'], ['n'], axis=0),
         h.make_node('Unsqueeze', ['n', 'axes'], ['n1']),
         h.make_node('Concat', ['n1', 'minus'], ['to'], axis=0), h.make_node('Reshape', ['x', 'to'], ['r']),
         h.make_node('Transpose', ['r'], ['t'], perm=[1, 0]), h.make_node('Slice', ['t', 'axes', 'ends'], ['y'])],
        [f32('x', 'batch', 3, 'side')], [f32('y', None, None)],
        [nh.from_array(np.array(0, 'i8'), 'zero'), ints('axes', 0), ints('minus', -1), ints('ends', 2)])


def attention():
    return model(
        [h.make_node('MatMul', ['x', 'wq'], ['q']), h.make_node('MatMul', ['x', 'wk'], ['k']),
         h.make_node('Transpose', ['k'], ['kt'], perm=[0, 2, 1]), h.make_node('MatMul', ['q', 'kt'], ['qk']),
         h.make_node('Softmax', ['qk'], ['s'], axis=-1), h.make_node('MatMul', ['s', 'x'], ['a']),
         h.make_node('LayerNormalization', ['a', 'g', 'b'], ['l'], epsilon=1e-5),
         h.make_node('Erf', ['l'], ['e']), h.make_node('Cast', ['e'], ['y'], to=T.FLOAT16)],
        [f32('x', 1, 4, 6)], [h.make_tensor_value_info('y', T.FLOAT16, [1, 4, 6])],
        [weights('wq', 6, 6), weights('wk', 6, 6), weights('g', 6), weights('b', 6)])


def subgraph():
    then = h.make_graph([h.make_node('Neg', ['x'], ['t'])], 'then', [], [f32('t', 2)])
    other = h.make_graph([h.make_node('Abs', ['x'], ['e'])], 'else', [], [f32('e', 2)])
    cond = h.make_tensor('c', T.BOOL, [], [1])
    return model([h.make_node('If', ['c'], ['y'], then_branch=then, else_branch=other)],
                 [f32('x', 2)], [f32('y', 2)], [cond])


def b1(name):
    return h.make_tensor_value_info(name, T.BOOL, [])


def branch():
    """An If that the data decides, in an If, with what both capture."""
    deep = h.make_graph([h.make_node('Neg', ['x'], ['d'])], 'deep', [], [f32('d', 'n')])
    flat = h.make_graph([h.make_node('Add', ['x', 'k'], ['f'])], 'flat', [], [f32('f', 'n')])
    then = h.make_graph([h.make_node('If', ['c2'], ['t'], then_branch=deep, else_branch=flat)], 'then', [],
                        [f32('t', 'n')])
    other = h.make_graph([h.make_node('Abs', ['x'], ['e'])], 'else', [], [f32('e', 'n')])
    return model([h.make_node('If', ['c1'], ['y'], then_branch=then, else_branch=other)],
                 [f32('x', 'n'), b1('c1'), b1('c2')], [f32('y', 'n')], [h.make_tensor('k', T.FLOAT, [], [2])])


def loop():
    """A carried value, a condition that the body computes, and an output that is collected."""
    body = h.make_graph(
        [h.make_node('Add', ['v', 'x'], ['w']), h.make_node('Cast', ['i'], ['fi'], to=T.FLOAT),
         h.make_node('Mul', ['w', 'fi'], ['s']), h.make_node('Less', ['i', 'most'], ['go'])], 'turn',
        [h.make_tensor_value_info('i', T.INT64, []), b1('c'), f32('v', 2)], [b1('go'), f32('w', 2), f32('s', 2)])
    return model([h.make_node('Loop', ['n', 'on', 'x'], ['last', 'y'], body=body)],
                 [f32('x', 2), h.make_tensor_value_info('n', T.INT64, [])], [f32('last', 2), f32('y', 'm', 2)],
                 [h.make_tensor('on', T.BOOL, [], [1]), h.make_tensor('most', T.INT64, [], [3])])


def scan():
    body = h.make_graph([h.make_node('Add', ['s', 'p'], ['t']), h.make_node('Neg', ['t'], ['o'])], 'turn',
                        [f32('s', 2), f32('p', 2)], [f32('t', 2), f32('o', 2)])
    return model([h.make_node('Scan', ['z', 'x'], ['last', 'y'], body=body, num_scan_inputs=1,
                              scan_input_directions=[1], scan_output_directions=[1])],
                 [f32('x', 3, 2)], [f32('last', 2), f32('y', 3, 2)], [h.make_tensor('z', T.FLOAT, [2], [0, 0])])


def steps():
    """A cell that only a TensorIterator can say, and a plain one."""
    inits = [h.make_tensor('w', T.FLOAT, [1, 8, 1], [.5] * 8), h.make_tensor('r', T.FLOAT, [1, 8, 2], [.25] * 16)]
    return model([h.make_node('LSTM', ['x', 'w', 'r'], ['y'], hidden_size=2, input_forget=1),
                  h.make_node('LSTM', ['x', 'w', 'r'], ['z'], hidden_size=2)],
                 [f32('x', 3, 1, 1)], [f32('y', 3, 1, 1, 2), f32('z', 3, 1, 1, 2)], inits)


def function():
    body = [h.make_node('Mul', ['a', 'a'], ['aa']), h.make_node('Add', ['aa', 'b'], ['r'])]
    f = h.make_function('mine', 'Square', ['a', 'b'], ['r'], body, [h.make_opsetid('', 17)])
    return model([h.make_node('Square', ['x', 'k'], ['y'], domain='mine')], [f32('x', 2)], [f32('y', 2)],
                 [h.make_tensor('k', T.FLOAT, [2], [1, 2])], functions=[f], domains=['mine'])


def legacy():
    return model([h.make_node('Add', ['x', 'k'], ['a'], broadcast=1, axis=1),
                  h.make_node('Dropout', ['a'], ['d'], is_test=1, ratio=0.5),
                  h.make_node('Reshape', ['d'], ['y'], shape=[2, -1])],
                 [f32('x', 2, 3, 2)], [f32('y', 2, 6)], [weights('k', 3)], opset=1)


def quantized():
    q = [nh.from_array(np.array(0.1, 'f'), 's'), nh.from_array(np.array(3, 'u1'), 'z'),
         nh.from_array(rng.integers(-9, 9, (2, 4)).astype('i1'), 'w'), nh.from_array(np.array(0.5, 'f'), 'ws'),
         nh.from_array(np.array(0, 'i1'), 'wz')]
    return model([h.make_node('QuantizeLinear', ['x', 's', 'z'], ['q']),
                  h.make_node('DequantizeLinear', ['q', 's', 'z'], ['d']),
                  h.make_node('DequantizeLinear', ['w', 'ws', 'wz'], ['dw']),
                  h.make_node('MatMul', ['d', 'dw'], ['y'])], [f32('x', 1, 2)], [f32('y', 1, 4)], q)


def onnx_seeds():
    for f in (convnet, shapes, attention, subgraph, function, legacy, quantized, branch, loop, scan, steps):
        m = f().SerializeToString()
        put('onnx', f.__name__, m)
        with tempfile.TemporaryDirectory() as d:
            open(f'{d}/m.onnx', 'wb').write(m)
            p = subprocess.run([mo, '--input', f'{d}/m.onnx', '--output-dir', d], capture_output=True)
            if p.returncode:
                print(f.__name__, p.stderr.decode().strip())
                continue
            xml, bin_ = (open(glob.glob(f'{d}/*.{e}')[0], 'rb').read() for e in ('xml', 'bin'))
            put('ir', f.__name__, struct.pack('<I', len(xml)) + xml + bin_)


STATE = """<net name="state" version="11"><layers>
<layer id="0" name="x" type="Parameter" version="opset1"><data shape="1,2" element_type="f32"/>
<output><port id="0" precision="FP32"><dim>1</dim><dim>2</dim></port></output></layer>
<layer id="1" name="zero" type="Const" version="opset1"><data element_type="f32" shape="1,2" offset="0" size="8"/>
<output><port id="0" precision="FP32"><dim>1</dim><dim>2</dim></port></output></layer>
<layer id="2" name="read" type="ReadValue" version="opset6">
<data variable_id="s" variable_type="f32" variable_shape="1,2"/>
<input><port id="0" precision="FP32"><dim>1</dim><dim>2</dim></port></input>
<output><port id="1" precision="FP32"><dim>1</dim><dim>2</dim></port></output></layer>
<layer id="3" name="sum" type="Add" version="opset1"><data auto_broadcast="numpy"/>
<input><port id="0" precision="FP32"><dim>1</dim><dim>2</dim></port>
<port id="1" precision="FP32"><dim>1</dim><dim>2</dim></port></input>
<output><port id="2" precision="FP32"><dim>1</dim><dim>2</dim></port></output></layer>
<layer id="4" name="assign" type="Assign" version="opset6"><data variable_id="s"/>
<input><port id="0" precision="FP32"><dim>1</dim><dim>2</dim></port></input>
<output><port id="1" precision="FP32"><dim>1</dim><dim>2</dim></port></output></layer>
<layer id="5" name="y" type="Result" version="opset1">
<input><port id="0" precision="FP32"><dim>1</dim><dim>2</dim></port></input></layer>
</layers><edges><edge from-layer="1" from-port="0" to-layer="2" to-port="0"/>
<edge from-layer="0" from-port="0" to-layer="3" to-port="0"/>
<edge from-layer="2" from-port="1" to-layer="3" to-port="1"/>
<edge from-layer="3" from-port="2" to-layer="4" to-port="0"/>
<edge from-layer="3" from-port="2" to-layer="5" to-port="0"/></edges></net>"""


def state_seed():
    xml = STATE.encode()
    put('ir', 'state', struct.pack('<I', len(xml)) + xml + bytes(8))


def array_seeds():
    for t in ('<f4', '>f4', '<f2', '<i8', '|u1', '|b1', '<f8'):
        b = io.BytesIO()
        np.save(b, np.arange(6).reshape(2, 3).astype(t))
        put('npy', t.strip('<|').replace('>', 'big_'), b.getvalue())
    b = io.BytesIO()
    np.save(b, np.asfortranarray(np.arange(6, dtype='f').reshape(2, 3)))
    put('npy', 'fortran', b.getvalue())
    for name, save in (('npz', np.savez), ('npz_deflated', np.savez_compressed)):
        b = io.BytesIO()
        save(b, a=np.arange(4, dtype='f'), b=np.zeros((2, 2), 'i8'))
        put('npy', name, b.getvalue())


def stats_seeds():
    channel = struct.pack('<ffqqqq', -1, 2, -1 << 41, -1, 5 << 41, 0)
    site = lambda name, n, bins: struct.pack('<I', len(name)) + name + struct.pack('<qI', n, len(bins)) + n * channel + \
        b''.join(struct.pack('<HQ', *b) for b in bins)
    body = b'MOSTATS1' + struct.pack('<qI', 3, 2) + site(b'conv', 2, []) + site(b'relu', 1, [(0, 7), (0x3f80, 4), (0xbf80, 1)])
    put('stats', 'two', body + bytes(8))
    put('stats', 'none', b'MOSTATS1' + struct.pack('<qI', 1, 0) + bytes(8))


def picture_seeds():
    rgb = Image.fromarray(rng.integers(0, 255, (9, 11, 3)).astype('u1'))
    forms = {'rgb.png': (rgb, {}), 'grey.png': (rgb.convert('L'), {}), 'alpha.png': (rgb.convert('RGBA'), {}),
             'palette.png': (rgb.convert('P'), {}), 'bits.png': (rgb.convert('1'), {}),
             'deep.png': (Image.fromarray(np.arange(64, dtype='u2').reshape(8, 8) * 999), {}),
             'rgb.jpg': (rgb, {}), 'grey.jpg': (rgb.convert('L'), {}), 'progressive.jpg': (rgb, {'progressive': True}),
             'cmyk.jpg': (rgb.convert('CMYK'), {})}
    for name, (im, options) in forms.items():
        b = io.BytesIO()
        im.save(b, 'JPEG' if name.endswith('jpg') else 'PNG', **options)
        put('image', name.replace('.', '_'), b.getvalue())


def graph_seeds():
    for f in sorted(glob.glob('tests/passes/*.txt')):
        text = open(f).read().split('\n---')[0]
        lines = [l for l in text.split('\n') if ' = ' in l or l.startswith('Result')]
        put('graph', os.path.basename(f)[:-4], '\n'.join(lines).encode() + b'\n')


def data_seeds():
    """The first byte is the reader, as fuzz_data.c counts them."""
    t = io.BytesIO()
    np.save(t, np.arange(24, dtype='f').reshape(4, 3, 2))
    labels, z = io.BytesIO(), io.BytesIO()
    np.save(labels, np.arange(3))
    np.savez(z, x=np.arange(12, dtype='f').reshape(2, 3, 2), y=np.arange(2))
    for k, name, body in (
            (0, 'list', b'# samples\na/b.png 0\n"c d.jpg" 2\ne.npy\t1\n'), (0, 'paths', b'\xef\xbb\xbfa.png\nb.png\n'),
            (0, 'array', t.getvalue()), (0, 'arrays', z.getvalue()),
            (1, 'table', b'label,a,b,c,d,e,f\n1,1,2,3,4,5,6\n2,-1,2.5,1e3,4,5,6\n'),
            (1, 'table_paths', b'file;class\n"a ""b"".png";3\nc.npy;0\n'), (2, 'labels', b'label\n1\n2\n-3\n'),
            (3, 'labels_npy', labels.getvalue()), (4, 'groups', b'# g\n0,dark\nb1.png,light\na/b2.png,dark\n'),
            (4, 'groups_plain', b'one\ntwo\none\n'), (5, 'search', b'mo search 1 x\na\t0.5\t.\nb\t1\tnan\t.\nc\t'),
            (6, 'tensor', nh.from_array(np.arange(6, dtype='f').reshape(2, 3)).SerializeToString()),
            (6, 'tensor_list', h.make_tensor('x', T.INT64, [2], [1, -1]).SerializeToString())):
        put('data', name, bytes([k]) + body)


if __name__ == '__main__':
    onnx_seeds(), state_seed(), array_seeds(), stats_seeds(), picture_seeds(), graph_seeds(), data_seeds()
