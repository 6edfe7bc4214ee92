"""Gather, scatter, sorting and selection."""
import numpy as np
import openvino.opset1 as o1
import openvino.opset3 as o3
import openvino.opset5 as o5
import openvino.opset6 as o6
import openvino.opset7 as o7
import openvino.opset8 as o8
import openvino.opset9 as o9
import openvino.opset10 as o10
import openvino.opset11 as o11
import openvino.opset12 as o12
import openvino.opset15 as o15
from layer import D, K, floats, ints, layer, plain

I64, I32 = np.int64, np.int32


def gathers():
    x = floats(3, 4, 5)
    for axis in 0, 1, -1:
        yield f"gather8-{axis}", lambda axis=axis: layer(
            o8.gather, x, ints(2, 3, lo=-3, hi=3), K(axis))
        yield f"gather1-{axis}", lambda axis=axis: layer(
            o1.gather, x, ints(2, 3, hi=3), K(axis))
        yield f"gather7-{axis}", lambda axis=axis: layer(
            o7.gather, x, ints(2, 3, hi=3, dtype=I32), K(axis))
    yield "gather8-out", lambda: layer(o8.gather, x, K([0, 9, -9, 2]), K(1))
    yield "gather8-scalar", lambda: layer(o8.gather, x, K(2), K(0))
    yield "gather8-batch", lambda: layer(
        o8.gather, floats(2, 3, 4, 5), ints(2, 3, 6, hi=4), K(2), batch_dims=2)
    yield "gather8-batch-neg", lambda: layer(
        o8.gather, floats(2, 3, 4), ints(2, 6, hi=4), K(2), batch_dims=-1)
    yield "gather7-batch", lambda: layer(
        o7.gather, floats(2, 3, 4), ints(2, 6, hi=3), K(1), batch_dims=1)
    yield "gather-dyn", lambda: layer(
        o8.gather, D(x, [-1, 4, (1, 7)]), D(ints(2, 3, hi=3), [-1, 3]), K(1))
    yield "gather-u8", lambda: layer(o8.gather, ints(3, 4, dtype=np.uint8), K([1, 0]), K(1))
    yield "elements", lambda: layer(
        o6.gather_elements, x, ints(3, 2, 5, lo=-4, hi=4), 1)
    yield "elements-2", lambda: layer(
        o6.gather_elements, x, ints(3, 4, 8, hi=5, dtype=I32), -1)
    yield "elements-dyn", lambda: layer(
        o6.gather_elements, D(x, [-1, 4, 5]), D(ints(3, 2, 5, hi=4), [3, -1, 5]), 1)
    for name, op in ("nd5", o5.gather_nd), ("nd8", o8.gather_nd):
        yield name, lambda op=op: layer(op, x, ints(4, 2, hi=3))
        yield name + "-full", lambda op=op: layer(op, x, ints(2, 4, 3, hi=3))
        yield name + "-batch1", lambda op=op: layer(
            op, floats(3, 4, 5), ints(3, 2, 1, hi=4), batch_dims=1)
        yield name + "-batch2", lambda op=op: layer(
            op, floats(2, 3, 4, 5), ints(2, 3, 2, 1, hi=4), batch_dims=2)
        yield name + "-dyn", lambda op=op: layer(
            op, D(floats(2, 3, 4, 5), [-1, -1, 4, 5]), D(ints(2, 3, 2, 1, hi=4), [2, -1, 2, 1]),
            batch_dims=2)
    yield "nd8-neg", lambda: layer(o8.gather_nd, x, ints(4, 2, lo=-3, hi=3))


def scatters():
    x = floats(3, 4, 5)
    yield "scatter", lambda: layer(
        o3.scatter_update, x, K([[2, 0]]), floats(3, 1, 2, 5, seed=4), K(1))
    yield "scatter-0", lambda: layer(
        o3.scatter_update, x, K([2, 0], I32), floats(2, 4, 5, seed=4), K(0))
    yield "scatter-el3", lambda: layer(
        o3.scatter_elements_update, x, ints(2, 3, 2, hi=3), floats(2, 3, 2, seed=4), K(0))
    for red in "none", "sum", "prod", "min", "max", "mean":
        for init in True, False:
            for dt in np.float32, I32:
                yield f"scatter-el12-{red}-{init}-{dt.__name__}", (
                    lambda red=red, init=init, dt=dt: layer(
                        o12.scatter_elements_update, ints(3, 4, dtype=dt),
                        K([[0, 1, 0, -1], [1, 1, 0, 2]]) if red != "none" else
                        K([[0, 1, 0, 2], [1, 2, 1, 0]]),
                        ints(2, 4, lo=-9, seed=7, dtype=dt), K(0), reduction=red,
                        use_init_val=init))
    yield "scatter-nd3", lambda: layer(
        plain("ScatterNDUpdate", 4), x, K([[2, 1], [0, 3]]), floats(2, 5, seed=4))
    for red in "none", "sum", "sub", "prod", "min", "max":
        yield f"scatter-nd15-{red}", lambda red=red: layer(
            o15.scatter_nd_update, x, K([[2, 1], [0, -1]] + ([] if red == "none" else [[2, 1]])),
            floats(2 if red == "none" else 3, 5, seed=4), reduction=red)
    yield "scatter-nd-scalar", lambda: layer(
        o15.scatter_nd_update, floats(8), K([[4], [3], [1], [7]]), floats(4, seed=3))
    yield "scatter-dyn", lambda: layer(
        o3.scatter_update, D(x, [-1, 4, 5]), K([2, 0]), D(floats(3, 2, 5), [3, 2, -1]), K(1))


def sorting():
    x = floats(3, 7, 5)
    for mode in "max", "min":
        for sort in "value", "index":
            for axis in 0, 1, -1:
                yield f"topk11-{mode}-{sort}-{axis}", (
                    lambda mode=mode, sort=sort, axis=axis: layer(
                        o11.topk, x, K(2), axis, mode, sort, index_element_type="i64"))
    yield "topk1", lambda: layer(o1.topk, x, K(3), 1, "max", "value")
    yield "topk3", lambda: layer(o3.topk, x, K(3), 1, "min", "index", index_element_type="i64")
    for mode in "max", "min":
        yield "topk-stable-" + mode, lambda mode=mode: layer(
            o11.topk, ints(4, 30, hi=4, dtype=I32), K(12), 1, mode, "value",
            index_element_type="i64", stable=True)
    yield "topk-all", lambda: layer(o11.topk, x, K(7), 1, "max", "value")
    yield "topk-f16", lambda: layer(
        o11.topk, floats(4, 9, dtype=np.float16), K(4), 1, "max", "value")
    yield "topk-i64", lambda: layer(
        o11.topk, ints(4, 9, lo=-99, hi=99), K(4), 1, "min", "value")
    yield "topk-dyn", lambda: layer(o11.topk, D(x, [-1, (2, 9), 5]), K(2), 1, "max", "value")
    yield "topk-k-at-run", lambda: layer(o11.topk, x, np.array(2, I64), 1, "max", "value")
    for dt in np.float32, I32, np.bool_, np.uint8:
        yield f"nonzero-{dt.__name__}", lambda dt=dt: layer(
            o3.non_zero, ints(3, 4, 2, hi=2, dtype=dt))
    yield "nonzero-i32", lambda: layer(o3.non_zero, ints(5, hi=2), output_type="i32")
    yield "nonzero-scalar", lambda: layer(o3.non_zero, np.float32(3))
    yield "nonzero-scalar0", lambda: layer(o3.non_zero, np.float32(0))
    yield "nonzero-dyn", lambda: layer(o3.non_zero, D(ints(3, 4, hi=2), [(1, 5), 4]))
    for srt in True, False:
        yield f"unique-{srt}", lambda srt=srt: layer(
            o10.unique, ints(4, 5, hi=9, dtype=I32), sorted=srt)
        for axis in 0, 1:
            yield f"unique-{srt}-{axis}", lambda srt=srt, axis=axis: layer(
                o10.unique, ints(6, 5, hi=2, dtype=np.float32), K(axis), sorted=srt,
                index_element_type="i32")
        yield f"unique-{srt}-line", lambda srt=srt: layer(
            o10.unique, ints(12, hi=5), K(0), sorted=srt, count_element_type="i32")
    yield "unique-dyn", lambda: layer(o10.unique, D(ints(6, 2, hi=2), [-1, 2]), K(0))
    for right in True, False:
        yield f"bucketize-{right}", lambda right=right: layer(
            o3.bucketize, ints(4, 6, lo=-1, hi=12), K([1, 4, 4, 9]), output_type="i32",
            with_right_bound=right)
        yield f"bucketize-f-{right}", lambda right=right: layer(
            o3.bucketize, floats(4, 6), K(np.float32([-1, 0, 1.5])), with_right_bound=right)


def boxes(n, batches=1, seed=3, center=False):
    r = np.random.default_rng(seed)
    at, size = r.uniform(0, 10, (batches, n, 2)), r.uniform(2, 6, (batches, n, 2))
    both = [at + size / 2, size] if center else [at, at + size]
    return np.concatenate(both, -1).astype(np.float32)


def suppression():
    for name, op in ("nms5", o5.non_max_suppression), ("nms9", o9.non_max_suppression):
        for desc in True, False:
            for center in False, True:
                yield f"{name}-{desc}-{center}", (
                    lambda op=op, desc=desc, center=center: layer(
                        op, boxes(20, 2, center=center), np.abs(floats(2, 3, 20)), K(4),
                        K(np.float32(0.3)), K(np.float32(0.4)),
                        box_encoding="center" if center else "corner",
                        sort_result_descending=desc))
        yield name + "-soft", lambda op=op: layer(
            op, boxes(20), np.abs(floats(1, 2, 20)), K(7), K(np.float32(0.6)),
            K(np.float32(0.1)), K(np.float32(0.5)), sort_result_descending=True)
        yield name + "-default", lambda op=op: layer(
            op, boxes(9), np.abs(floats(1, 2, 9)), K(3), K(np.float32(0.2)),
            output_type="i32")
        yield name + "-none", lambda op=op: layer(
            op, boxes(9), floats(1, 2, 9), K(3), K(np.float32(0.5)), K(np.float32(5)))
        yield name + "-dyn", lambda op=op: layer(
            op, D(boxes(9), [1, -1, 4]), D(np.abs(floats(1, 2, 9)), [1, 2, -1]), K(3),
            K(np.float32(0.2)))


def cases():
    for family in gathers, scatters, sorting, suppression:
        yield from family()
