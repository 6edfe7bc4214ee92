"""One layer as an OpenVINO model: arrays become Parameters, K(array) Constants."""
import numpy as np
import openvino as ov
import openvino.opset1 as o1
from openvino import PartialShape, Type
from openvino.utils.node_factory import NodeFactory


class K:
    """A constant input."""

    def __init__(self, value, dtype=None):
        self.value = np.array(value, dtype=dtype)


class D:
    """A parameter whose model shape is partly unknown."""

    def __init__(self, value, shape):
        self.value, self.shape = np.asarray(value), PartialShape(shape)


def layer(op, *args, **attrs):
    """The model and the arrays of its parameters."""
    params, inputs, nodes = [], [], []
    for a in args:
        if isinstance(a, list):
            nodes.append([wrap(x, params, inputs) for x in a])
        else:
            nodes.append(wrap(a, params, inputs))
    attrs = {k: wrap(v, params, inputs) if isinstance(v, K) else v for k, v in attrs.items()}
    out = op(*nodes, **attrs)
    outs = [o1.result(o) for o in out.outputs()]
    return ov.Model(outs, params), inputs


def wrap(a, params, inputs):
    if isinstance(a, K):
        if a.value.size == 0:
            return ov.op.Constant(Type(a.value.dtype), ov.Shape(list(a.value.shape)), [])
        return o1.constant(a.value)
    if not isinstance(a, (np.ndarray, np.generic, D)):
        return a
    value = a.value if isinstance(a, D) else np.asarray(a)
    shape = a.shape if isinstance(a, D) else PartialShape(list(value.shape))
    p = o1.parameter(shape, Type(value.dtype))
    params.append(p)
    inputs.append(value)
    return p


def plain(kind, opset):
    """An operator by type and opset, for those without a function."""
    def make(*nodes, **attrs):
        return NodeFactory(f"opset{opset}").create(kind, list(nodes), attrs)
    return make


def floats(*shape, seed=1, dtype=np.float32):
    return np.random.default_rng(seed).uniform(-2, 2, shape).astype(dtype)


def ints(*shape, lo=0, hi=10, seed=2, dtype=np.int64):
    return np.random.default_rng(seed).integers(lo, hi, shape).astype(dtype)
