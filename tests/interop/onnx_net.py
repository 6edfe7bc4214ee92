"""Networks built node by node as ONNX, with random weights and the blocks that exporters write."""
import numpy as np
import onnx
from onnx import TensorProto as T, helper, numpy_helper

F, I = np.float32, np.int64


class Net:
    """A graph in the making: every call adds a node and answers its output's name."""

    def __init__(self, opset, seed=0):
        self.opset, self.nodes, self.inits, self.inputs = opset, [], [], []
        self.rng, self.n = np.random.default_rng(seed), 0

    def __getattr__(self, op):
        return lambda *x, **at: self.add(op, *x, **at)

    def add(self, op, *x, outputs=1, **at):
        self.n += 1
        names = [f'/{op}_{self.n}_{k}' for k in range(outputs)]
        x = [v if isinstance(v, str) else self.const(v) for v in x]
        self.nodes.append(helper.make_node(op, x, names, f'/{op}_{self.n}', **at))
        return names[0] if outputs == 1 else names

    def const(self, v):
        self.n += 1
        v = np.asarray(v, F) if isinstance(v, float) else np.asarray(v)
        self.inits.append(numpy_helper.from_array(v, f'c{self.n}'))
        return f'c{self.n}'

    def rand(self, *shape, scale=None):
        return (self.rng.standard_normal(shape) * (scale or shape[0] ** -.5)).astype(F)

    def input(self, name, shape, kind=T.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    # spellings that changed with the opset
    def unsqueeze(self, x, *axes):
        return self.Unsqueeze(x, np.array(axes, I)) if self.opset >= 13 else self.Unsqueeze(x, axes=list(axes))

    def squeeze(self, x, *axes):
        return self.Squeeze(x, np.array(axes, I)) if self.opset >= 13 else self.Squeeze(x, axes=list(axes))

    def mean(self, x, *axes):
        return self.ReduceMean(x, np.array(axes, I), keepdims=1) if self.opset >= 18 else self.ReduceMean(x, axes=list(axes), keepdims=1)

    def split(self, x, sizes, axis):
        if self.opset >= 13:
            return self.Split(x, np.array(sizes, I), outputs=len(sizes), axis=axis)
        return self.Split(x, outputs=len(sizes), axis=axis, split=sizes)

    def slice(self, x, a, b, axis, step=1):
        return self.Slice(x, np.array([a], I), np.array([b], I), np.array([axis], I), np.array([step], I))

    def shape(self, x, *dims):
        return self.Reshape(x, np.array(dims, I))

    # blocks
    def dense(self, x, n, m, bias=True):
        y = self.MatMul(x, self.rand(n, m))
        return self.Add(self.rand(m, scale=.1), y) if bias else y

    def gemm(self, x, lead, n, m):
        y = self.Gemm(self.shape(x, -1, n), self.rand(n, m), self.rand(m, scale=.1))
        return self.shape(y, *lead, m)

    def norm(self, x, n, form=0, eps=1e-5):
        g, b = 1 + self.rand(n, scale=.1), self.rand(n, scale=.1)
        if form == 4:
            return self.LayerNormalization(x, g, b, axis=-1, epsilon=eps)
        m = self.mean(x, -1)
        d = self.Sub(x, m)
        sq = self.Mul(d, d) if form == 1 else self.Pow(d, 2.)
        v = self.Add(self.mean(sq, -1), eps)
        if form == 2:
            f = self.Mul(self.Reciprocal(self.Sqrt(v)), g)
            return self.Add(self.Mul(x, f), self.Sub(b, self.Mul(m, f)))
        y = self.Mul(d, self.Pow(v, -.5)) if form == 3 else self.Div(d, self.Sqrt(v))
        return self.Add(self.Mul(y, g), b)

    def rms(self, x, n, eps=1e-6):
        v = self.Add(self.mean(self.Pow(x, 2.), -1), eps)
        return self.Mul(1 + self.rand(n, scale=.1), self.Mul(x, self.Div(1., self.Sqrt(v))))

    def gelu(self, x, form='erf'):
        if form == 'erf':
            return self.Mul(self.Mul(x, self.Add(self.Erf(self.Div(x, 2 ** .5)), 1.)), .5)
        if form == 'quick':
            return self.Mul(x, self.Sigmoid(self.Mul(x, 1.702)))
        if form == 'tanh3':
            cube = self.Mul(self.Mul(x, x), x)
        else:
            cube = self.Pow(x, 3.)
        t = self.Tanh(self.Mul(self.Add(x, self.Mul(cube, .044715)), (2 / np.pi) ** .5))
        return self.Mul(self.Mul(x, .5), self.Add(t, 1.))

    def heads(self, x, s, h, d, order=(0, 2, 1, 3)):
        return self.Transpose(self.Reshape(x, np.array([-1, s, h, d], I)), perm=list(order))

    def join(self, x, s, n):
        return self.shape(self.Transpose(x, perm=[0, 2, 1, 3]), -1, s, n)

    def model(self, *outputs):
        outs = [helper.make_empty_tensor_value_info(o) for o in outputs]
        g = helper.make_graph(self.nodes, 'g', self.inputs, outs, self.inits)
        m = helper.make_model(g, opset_imports=[helper.make_opsetid('', self.opset)], ir_version=8)
        return onnx.shape_inference.infer_shapes(m)
