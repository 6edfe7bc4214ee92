"""Fourier transforms and recurrent layers."""
import numpy as np
import openvino.opset5 as o5
import openvino.opset7 as o7
import openvino.opset9 as o9
from layer import D, K, floats, layer, plain


def fourier():
    x = floats(3, 8, 6, 2)
    for name, op in ("dft", o7.dft), ("idft", o7.idft):
        for axes in [1], [0, 1, 2], [-1, -3]:
            yield f"{name}-{axes}", lambda op=op, axes=axes: layer(op, x, K(axes))
        yield name + "-sizes", lambda op=op: layer(op, x, K([1, 2]), K([5, 9]))
        yield name + "-keep", lambda op=op: layer(op, x, K([1, 2]), K([-1, 4]))
        yield name + "-prime", lambda op=op: layer(op, floats(37, 2), K([0]))
        yield name + "-dyn", lambda op=op: layer(op, D(x, [-1, 8, -1, 2]), K([1, 2]), K([-1, 4]))
    r = floats(3, 8, 7)
    for axes in [1], [2], [0, 1], [0, -1], [1, 0]:
        yield f"rdft-{axes}", lambda axes=axes: layer(o9.rdft, r, K(axes))
        yield f"irdft-{axes}", lambda axes=axes: layer(
            o9.irdft, x, K(axes))
    yield "rdft-sizes", lambda: layer(o9.rdft, r, K([1, 2]), K([5, 6]))
    yield "irdft-sizes", lambda: layer(o9.irdft, x, K([1, 2]), K([5, 9]))
    yield "irdft-odd", lambda: layer(o9.irdft, x, K([2]), K([11]))
    yield "rdft-dyn", lambda: layer(o9.rdft, D(r, [-1, 8, -1]), K([0, 1]))
    yield "irdft-dyn", lambda: layer(o9.irdft, D(x, [-1, 8, -1, 2]), K([1, 2]))


def recurrence():
    b, t, i, h = 3, 5, 4, 6
    lengths = K(np.int32([5, 3, 1]))
    for direction in "forward", "reverse", "bidirectional":
        d = 2 if direction == "bidirectional" else 1

        def weights(gates, biases=None, d=d):
            return (K(floats(d, gates * h, i, seed=5)), K(floats(d, gates * h, h, seed=6)),
                    K(floats(d, (biases or gates) * h, seed=7)))

        def states(d=d):
            return floats(b, d, h, seed=8)

        x = floats(b, t, i)
        for clip in 0.0, 0.7:
            yield f"lstm-{direction}-{clip}", lambda d=d, w=weights, s=states, c=clip, m=direction: (
                layer(o5.lstm_sequence, x, s(), s(), lengths, *w(4), h, m, clip=c))
            yield f"rnn-{direction}-{clip}", lambda d=d, w=weights, s=states, c=clip, m=direction: (
                layer(o5.rnn_sequence, x, s(), lengths, *w(1), h, m, clip=c))
            for linear in False, True:
                yield f"gru-{direction}-{clip}-{linear}", (
                    lambda d=d, w=weights, s=states, c=clip, m=direction, n=linear: layer(
                        o5.gru_sequence, x, s(), lengths, *w(3, 4 if n else 3), h, m, clip=c,
                        linear_before_reset=n))
    w = K(floats(1, 24, 4)), K(floats(1, 24, 6)), K(floats(1, 24))
    yield "lstm-acts", lambda: layer(
        o5.lstm_sequence, floats(3, 5, 4), floats(3, 1, 6), floats(3, 1, 6), lengths, *w, 6,
        "forward", ["sigmoid", "relu", "tanh"])
    yield "lstm-dyn", lambda: layer(
        o5.lstm_sequence, D(floats(3, 5, 4), [-1, -1, 4]), D(floats(3, 1, 6), [-1, 1, 6]),
        D(floats(3, 1, 6), [-1, 1, 6]), D(np.int32([5, 5, 5]), [-1]), *w, 6, "forward")


def cells():
    b, i, h = 3, 4, 6
    x, s, c = floats(b, i), floats(b, h, seed=8), floats(b, h, seed=9)

    def weights(gates, biases=None):
        return (K(floats(gates * h, i, seed=5)), K(floats(gates * h, h, seed=6)), K(floats((biases or gates) * h, seed=7)))

    for clip in 0.0, 0.7:
        yield f"lstm-cell-{clip}", lambda clip=clip: layer(o5.lstm_cell, x, s, c, *weights(4), h, clip=clip)
        yield f"rnn-cell-{clip}", lambda clip=clip: layer(plain("RNNCell", 1), x, s, *weights(1), hidden_size=h, clip=clip)
        for linear in False, True:
            yield f"gru-cell-{clip}-{linear}", lambda clip=clip, n=linear: layer(
                o5.gru_cell, x, s, *weights(3, 4 if n else 3), h, clip=clip, linear_before_reset=n)
    yield "lstm-cell-acts", lambda: layer(o5.lstm_cell, x, s, c, *weights(4), h, ["sigmoid", "relu", "tanh"])
    yield "lstm-cell-weights", lambda: layer(
        o5.lstm_cell, x, s, c, floats(4 * h, i), floats(4 * h, h), floats(4 * h), h)
    yield "gru-cell-dyn", lambda: layer(o5.gru_cell, D(x, [-1, i]), D(s, [-1, h]), *weights(3), h)


def cases():
    for family in fourier, recurrence, cells:
        for name, make in family():
            yield name, make, dict(rtol=1e-4, atol=1e-4)
