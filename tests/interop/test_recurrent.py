"""LSTM, GRU and RNN by every attribute and input: ONNX Runtime against mo-run and the real OpenVINO on our IR."""
import itertools
from judge import *
from onnx import helper as h, numpy_helper as nh

GATES = {'LSTM': 4, 'GRU': 3, 'RNN': 1}
STATES = {'LSTM': 2, 'GRU': 1, 'RNN': 1}
T, B, I, H = 5, 3, 4, 3


def network(op, direction='forward', bias=True, lengths=False, states=False, peepholes=False, dynamic=False, weights=True, **attrs):
    """The model and its inputs."""
    d = 2 if direction == 'bidirectional' else 1
    g, first = GATES[op], attrs.get('layout', 0)
    shape = lambda *s: list(s) if not first else [s[1], s[0], *s[2:]]
    feed = {'x': floats(*shape(T, B, I), seed=7)}
    constants = {'w': floats(d, g * H, I, seed=1), 'r': floats(d, g * H, H, seed=2)}
    names = ['x', 'w', 'r', '', '', '', '', '']
    if bias:
        constants['b'], names[3] = floats(d, 2 * g * H, seed=3), 'b'
    if lengths:
        feed['n'], names[4] = np.array([5, 2, 3], np.int32), 'n'
    for k in range(STATES[op] if states else 0):
        feed[f's{k}'], names[5 + k] = floats(*shape(d, B, H), seed=10 + k), f's{k}'
    if peepholes:
        constants['p'], names[7] = floats(d, 3 * H, seed=4), 'p'
    if not weights:
        feed.update(constants)
        constants = {}
    while not names[-1]:
        names.pop()
    outs = ['y', 'y_h', 'y_c'][:1 + STATES[op]]
    node = h.make_node(op, names, outs, 'cell', direction=direction, hidden_size=H, **attrs)
    dims = {'x': ['time', 'batch', I]}
    inputs = [h.make_tensor_value_info(k, h.np_dtype_to_tensor_dtype(v.dtype), dims.get(k, v.shape) if dynamic and k == 'x' else v.shape) for k, v in feed.items()]
    graph = h.make_graph([node], 'g', inputs, [h.make_tensor_value_info(o, 1, None) for o in outs],
                         [nh.from_array(v, k) for k, v in constants.items()])
    return h.make_model(graph, opset_imports=[h.make_opsetid('', 14)], ir_version=8), feed


def cell(name, op, tolerance=2e-5, openvino=True, want=None, **options):
    m, feed = network(op, **options)
    judge(f'{op} {name}', m, tolerance=tolerance, openvino=openvino, want=want, **feed)


DIRECTIONS = 'forward', 'reverse', 'bidirectional'
PLAIN = ['Sigmoid', 'Tanh', 'Tanh'], ['Sigmoid', 'Tanh'], ['Tanh']
for op in GATES:
    for direction, lengths, states in itertools.product(DIRECTIONS, (False, True), (False, True)):
        more = dict(direction=direction, lengths=lengths, states=states)
        said = f'{direction}{" lengths" * lengths}{" states" * states}'
        cell(f'plain {said}', op, **more)
        cell(f'clip {said}', op, clip=.3, **more)
        if op == 'GRU':
            cell(f'linear {said}', op, linear_before_reset=1, **more)
            cell(f'linear Softsign {said}', op, linear_before_reset=1, activations=['Softsign', 'Tanh'] * (1 + (direction == 'bidirectional')), **more)
        if op == 'LSTM':
            cell(f'peepholes {said}', op, peepholes=True, **more)
            cell(f'coupled {said}', op, input_forget=1, **more)
            cell(f'peepholes coupled clip {said}', op, peepholes=True, input_forget=1, clip=.4, **more)
    cell('no bias', op, bias=False)
    cell('sizes unknown', op, dynamic=True)
    cell('weights are inputs', op, weights=False, direction='bidirectional')

# every activation, at its defaults and with parameters
ACTS = {'Affine': (.5, .1), 'Elu': (.7,), 'HardSigmoid': (.3, .4), 'LeakyRelu': (.2,), 'Relu': (), 'ScaledTanh': (.8, .6),
        'Sigmoid': (), 'Softplus': (), 'Softsign': (), 'Tanh': (), 'ThresholdedRelu': (.1,)}
# ONNX Runtime takes 0 for these where the schema has other defaults: it is told them
SAID = {'Affine': (1., 0.), 'ScaledTanh': (1., 1.), 'ThresholdedRelu': (1.,)}


def said_defaults(op, a, n):
    m, feed = network(op, activations=[a] * n, direction='reverse', lengths=True, activation_alpha=[SAID[a][0]] * n,
                      **({'activation_beta': [SAID[a][1]] * n} if len(SAID[a]) > 1 else {}))
    return rt.InferenceSession(m.SerializeToString(), providers=['CPUExecutionProvider']).run(None, feed)


for a, p in ACTS.items():
    for op in GATES:
        n = {'LSTM': 3, 'GRU': 2, 'RNN': 1}[op]
        both = dict(activation_alpha=list(p[:1]) * n, activation_beta=list(p[1:]) * n) if p else {}
        cell(f'{a} with parameters', op, activations=[a] * n, **{k: v for k, v in both.items() if v})
        cell(f'{a}', op, want=SAID.get(a) and said_defaults(op, a, n), activations=[a] * n, direction='reverse', lengths=True)
cell('parameters in turn', 'LSTM', activations=['LeakyRelu', 'Tanh', 'ScaledTanh'], activation_alpha=[.3, .9], activation_beta=[.4])
cell('two directions of other functions', 'LSTM', direction='bidirectional', lengths=True, states=True,
     activations=['Sigmoid', 'Tanh', 'Tanh', 'Sigmoid', 'Relu', 'Tanh'])
cell('one direction is written out', 'GRU', direction='bidirectional', states=True,
     activations=['Sigmoid', 'Tanh', 'HardSigmoid', 'Softsign'], activation_alpha=[.3], activation_beta=[.45])
done()
