"""Shapes and data movement."""
import numpy as np
import openvino.opset1 as o1
import openvino.opset3 as o3
import openvino.opset7 as o7
import openvino.opset8 as o8
import openvino.opset9 as o9
import openvino.opset12 as o12
import openvino.opset15 as o15
import openvino.opset16 as o16
from layer import D, K, floats, ints, layer, plain

RANGE, REVERSE = plain("Range", 4), plain("Reverse", 1)
I64, I32 = np.int64, np.int32


def shapes():
    x = floats(2, 3, 4)
    yield "reshape", lambda: layer(o1.reshape, x, K([4, -1]), special_zero=False)
    yield "reshape-zero", lambda: layer(o1.reshape, x, K([0, -1]), special_zero=True)
    yield "reshape-keep0", lambda: layer(
        o1.reshape, floats(0, 3), K([0, 7]), special_zero=False)
    yield "reshape-scalar", lambda: layer(
        o1.reshape, floats(1, 1), K([], I64), special_zero=False)
    yield "reshape-dyn", lambda: layer(
        o1.reshape, D(x, [-1, 3, 4]), K([0, -1]), special_zero=True)
    yield "reshape-dyn2", lambda: layer(
        o1.reshape, D(x, [-1, 3, 4]), K([-1, 12]), special_zero=False)
    yield "reshape-dyn3", lambda: layer(
        o1.reshape, D(x, [(1, 4), 3, 4]), K([-1, 6]), special_zero=False)
    yield "reshape-i8", lambda: layer(
        o1.reshape, ints(6, dtype=np.int8), K([2, 3], I32), special_zero=False)
    y = floats(1, 3, 1, 4)
    yield "squeeze", lambda: layer(o1.squeeze, y, K([0, -2]))
    yield "squeeze-all", lambda: layer(plain("Squeeze", 1), y)
    yield "squeeze-dyn", lambda: layer(o1.squeeze, D(y, [-1, 3, 1, 4]), K([0]))
    yield "squeeze-15", lambda: layer(o15.squeeze, y, K([0, 1]), allow_axis_skip=True)
    yield "squeeze-15-all", lambda: layer(o15.squeeze, y)
    yield "unsqueeze", lambda: layer(o1.unsqueeze, x, K([0, -1]))
    yield "unsqueeze-scalar", lambda: layer(o1.unsqueeze, np.float32(3), K(0))
    yield "unsqueeze-dyn", lambda: layer(o1.unsqueeze, D(x, [-1, 3, (2, 5)]), K([1]))
    yield "shape-of-1", lambda: layer(o1.shape_of, x)
    yield "shape-of-3", lambda: layer(o3.shape_of, x, output_type="i32")
    yield "shape-of-dyn", lambda: layer(o3.shape_of, D(x, [-1, -1, -1]), output_type="i64")
    yield "broadcast", lambda: layer(o3.broadcast, floats(3, 1), K([2, 3, 4]))
    yield "broadcast-1", lambda: layer(o1.broadcast, floats(3, 1), K([2, 3, 4]))
    yield "broadcast-explicit", lambda: layer(
        o3.broadcast, floats(3), K([2, 3, 4]), K([1]), broadcast_spec="EXPLICIT")
    yield "broadcast-both", lambda: layer(
        o3.broadcast, floats(3, 1, 4), K([5, 1, 2, 1]), broadcast_spec="BIDIRECTIONAL")
    yield "broadcast-dyn", lambda: layer(
        o3.broadcast, D(floats(3, 1), [-1, 1]), K([2, 3, 4]), broadcast_spec="BIDIRECTIONAL")
    yield "broadcast-i64", lambda: layer(o3.broadcast, ints(1, 4), K([3, 4]))
    yield "range", lambda: layer(RANGE, K(2), K(11), K(3), output_type="i64")
    yield "range-down", lambda: layer(RANGE, K(5), K(-3), K(-2), output_type="i32")
    yield "range-f32", lambda: layer(
        RANGE, np.float32(1), np.float32(2.5), np.float32(0.2), output_type="f32")
    yield "range-empty", lambda: layer(RANGE, K(5), K(2), K(1), output_type="i64")
    yield "range-mixed", lambda: layer(
        RANGE, K(1), K(np.float32(4.7)), K(1), output_type="f32")
    yield "range-cut", lambda: layer(
        RANGE, K(np.float32(1.5)), K(np.float32(4.7)), K(np.float32(1.5)), output_type="i64")
    yield "eye", lambda: layer(o9.eye, K(3), K(4), K(1), output_type="f32")
    yield "eye-batch", lambda: layer(
        o9.eye, K(3), K(2), K(-1), output_type="i32", batch_shape=o1.constant([2, 2]))
    for seeds in (5, 7), (0, 9), (2**40 + 3, 2**33 + 1):
        for kind, low, high in ("f32", np.float32(-2), np.float32(3)), ("i32", np.int32(-4), np.int32(90)):
            yield f"random-{kind}-{seeds}", lambda seeds=seeds, kind=kind, low=low, high=high: layer(
                o8.random_uniform, K([7, 5]), K(low), K(high), kind, *seeds)
    yield "random-dyn", lambda: layer(
        o8.random_uniform, np.array([3, 4]), np.float32(0), np.float32(1), "f32", 1, 2)
    yield "one-hot", lambda: layer(
        o1.one_hot, ints(2, 3, hi=4), K(3), K(np.float32(5)), K(np.float32(1)), axis=-1)
    yield "one-hot-1", lambda: layer(
        o1.one_hot, ints(2, 3, lo=-2, hi=4), K(3), K(7), K(1), axis=1)
    yield "one-hot-16", lambda: layer(
        o16.one_hot, ints(2, 3, lo=-3, hi=3), K(3), K(7), K(1), axis=0,
        negative_indices_mode="normalize")
    yield "one-hot-16b", lambda: layer(
        o16.one_hot, ints(2, 3, lo=-3, hi=3), K(3), K(7), K(1), axis=0,
        negative_indices_mode="ignore_negative")


def movement():
    x = floats(2, 3, 4)
    for axis in 0, 1, -1:
        yield f"concat{axis}", lambda axis=axis: layer(
            o1.concat, [x, floats(2, 3, 4, seed=5)], axis=axis)
        yield f"split{axis}", lambda axis=axis: layer(
            o1.split, floats(4, 6, 2), K(axis), num_splits=2)
    yield "concat-3", lambda: layer(
        o1.concat, [x, floats(2, 0, 4), floats(2, 5, 4)], axis=1)
    yield "concat-dyn", lambda: layer(
        o1.concat, [D(x, [-1, 3, 4]), D(floats(2, 5, 4), [2, (3, 6), -1])], axis=1)
    yield "concat-u8", lambda: layer(
        o1.concat, [ints(3, dtype=np.uint8), ints(4, dtype=np.uint8)], axis=0)
    yield "split-dyn", lambda: layer(
        o1.split, D(floats(4, 6, 2), [-1, (4, 8), 2]), K(1), num_splits=2)
    yield "variadic", lambda: layer(o1.variadic_split, floats(3, 7), K(1), K([2, -1, 1]))
    yield "variadic-0", lambda: layer(o1.variadic_split, floats(3, 7), K(0), K([0, 3]))
    yield "variadic-dyn", lambda: layer(
        o1.variadic_split, D(floats(3, 7), [3, -1]), K(-1), K([2, -1]))
    for order in [0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1], []:
        yield f"transpose{order}", lambda order=order: layer(
            o1.transpose, floats(17, 33, 5), K(order, I64))
    yield "transpose4", lambda: layer(o1.transpose, floats(2, 35, 3, 40), K([0, 3, 1, 2]))
    yield "transpose-i8", lambda: layer(
        o1.transpose, ints(2, 3, 40, dtype=np.int8), K([2, 0, 1], I32))
    yield "transpose-f16", lambda: layer(
        o1.transpose, floats(2, 3, 4, dtype=np.float16), K([2, 0, 1]))
    yield "transpose-dyn", lambda: layer(o1.transpose, D(x, [-1, 3, (1, 9)]), K([2, 0, 1]))
    yield "transpose-zero", lambda: layer(o1.transpose, floats(2, 0, 4), K([2, 0, 1]))
    yield "tile", lambda: layer(o1.tile, x, K([2, 1, 3]))
    yield "tile-up", lambda: layer(o1.tile, x, K([2, 1, 3, 2]))
    yield "tile-short", lambda: layer(o1.tile, x, K([2]))
    yield "tile-zero", lambda: layer(o1.tile, x, K([1, 0, 1]))
    yield "tile-dyn", lambda: layer(o1.tile, D(x, [-1, 3, 4]), K([2, 1, 3]))
    yield "reverse", lambda: layer(REVERSE, x, K([0, 2]), mode="index")
    yield "reverse-mask", lambda: layer(
        REVERSE, x, K([True, False, True]), mode="mask")
    yield "reverse-none", lambda: layer(REVERSE, x, K([], I64), mode="index")
    yield "reverse-seq", lambda: layer(
        o1.reverse_sequence, floats(3, 4, 2), K([4, 1, 2]), batch_axis=0, seq_axis=1)
    yield "reverse-seq2", lambda: layer(
        o1.reverse_sequence, floats(3, 4, 2), K([3, 2], I32), batch_axis=2, seq_axis=0)
    for mode in "blocks_first", "depth_first":
        yield "depth-" + mode, lambda mode=mode: layer(
            o1.depth_to_space, floats(2, 12, 3, 4), mode=mode, block_size=2)
        yield "space-" + mode, lambda mode=mode: layer(
            o1.space_to_depth, floats(2, 3, 4, 6), mode=mode, block_size=2)
        yield "depth3-" + mode, lambda mode=mode: layer(
            o1.depth_to_space, floats(1, 16, 2, 3, 2), mode=mode, block_size=2)
        yield "space3-" + mode, lambda mode=mode: layer(
            o1.space_to_depth, floats(1, 2, 4, 6, 2), mode=mode, block_size=2)
        yield "depth-dyn-" + mode, lambda mode=mode: layer(
            o1.depth_to_space, D(floats(2, 12, 3, 4), [-1, 12, -1, (1, 5)]), mode=mode,
            block_size=2)
    yield "shuffle", lambda: layer(o3.shuffle_channels, floats(2, 12, 3), axis=1, group=3)
    yield "shuffle-1", lambda: layer(o3.shuffle_channels, floats(2, 3, 12), axis=-1, group=4)
    yield "space-to-batch", lambda: layer(
        o3.space_to_batch, floats(2, 4, 5, 3), K([1, 2, 3, 1]), K([0, 1, 0, 0]),
        K([0, 1, 1, 0]))
    yield "batch-to-space", lambda: layer(
        o3.batch_to_space, floats(12, 4, 5, 3), K([1, 2, 3, 1]), K([0, 1, 0, 0]),
        K([0, 1, 2, 0]))
    yield "roll", lambda: layer(o7.roll, floats(3, 5, 4), K([1, -2]), K([0, 1]))
    yield "roll-1", lambda: layer(o7.roll, floats(3, 5, 4), K(7), K(-1))
    yield "roll-twice", lambda: layer(o7.roll, floats(3, 5), K([1, 3]), K([1, 1]))


def slices():
    x = floats(5, 6, 7)
    for i, (b, e, st, ax) in enumerate([
            ([1, 0], [4, 6], [1, 2], [0, 1]), ([-2], [-100], [-1], [2]),
            ([100], [-100], [-3], [1]), ([0, 0, 0], [2**40] * 3, [1, 1, 1], [2, 1, 0]),
            ([3], [1], [1], [0]), ([-3], [-1], [1], [-1]), ([5], [0], [-2], [0])]):
        yield f"slice{i}", lambda b=b, e=e, st=st, ax=ax: layer(
            o8.slice, x, K(b), K(e), K(st), K(ax))
    yield "slice-noaxes", lambda: layer(o8.slice, x, K([1, 2]), K([3, 3]), K([1, 1]))
    shape = [-1, (3, 8), 7]
    for i, (b, e, st, ax) in enumerate([
            ([1], [4], [1], [0]), ([-2], [100], [1], [1]), ([0], [-1], [1], [1]),
            ([0], [2**40], [1], [0]), ([-1], [-2**40], [-1], [1]), ([1], [2**31 - 1], [2], [1]),
            ([-1], [2], [1], [1])]):
        yield f"slice-dyn{i}", lambda b=b, e=e, st=st, ax=ax: layer(
            o8.slice, D(x, shape), K(b), K(e), K(st), K(ax))
    yield "slice-i32", lambda: layer(
        o8.slice, x, K([1], I32), K([4], I32), K([2], I32), K([1], I32))
    yield "slice-at-run", lambda: layer(
        o8.slice, x, np.array([1], I64), np.array([4], I64), K([1]), K([1]))

    def strided(data, b, e, st, **masks):
        full = dict(begin_mask=[0] * len(b), end_mask=[0] * len(b))
        full.update(masks)
        return layer(o1.strided_slice, data, K(b), K(e), K(st), **full)

    yield "strided", lambda: strided(x, [1, 0, 2], [4, 5, 6], [1, 2, 3])
    yield "strided-short", lambda: strided(x, [1], [4], [2])
    yield "strided-masks", lambda: strided(
        x, [1, 3, 2], [4, 1, 3], [1, 2, 1], begin_mask=[0, 1, 0], end_mask=[1, 1, 1])
    yield "strided-neg", lambda: strided(
        x, [-1, 4, 0], [-4, 0, 7], [-1, -2, 1], begin_mask=[0, 0, 0], end_mask=[0, 1, 0])
    yield "strided-new", lambda: strided(
        x, [0, 1, 0], [1, 3, 6], [1, 1, 1], new_axis_mask=[1, 0, 0])
    yield "strided-shrink", lambda: strided(
        x, [2, 1, -2], [3, 3, 6], [1, 1, 1], shrink_axis_mask=[1, 0, 1])
    yield "strided-ellipsis", lambda: strided(
        floats(2, 3, 4, 5), [1, 0, 1], [2, 0, 3], [1, 1, 1], ellipsis_mask=[0, 1, 0])
    yield "strided-all", lambda: strided(
        floats(2, 3, 4, 5), [1, 0, 0, 2], [2, 0, 0, 3], [1, 1, 1, 1], ellipsis_mask=[0, 1, 0, 0],
        new_axis_mask=[0, 0, 1, 0], shrink_axis_mask=[1, 0, 0, 0])
    yield "strided-dyn", lambda: strided(
        D(x, [-1, (3, 8), 7]), [0, 1, 0], [5, -1, 3], [1, 1, 1], begin_mask=[1, 0, 0],
        end_mask=[1, 0, 0])
    yield "strided-empty", lambda: strided(x, [4], [2], [1])


def pads():
    x = floats(3, 4, 5)
    for mode in "constant", "edge", "reflect", "symmetric":
        for name, pad in ("pad1", o1.pad), ("pad12", o12.pad):
            yield f"{name}-{mode}", lambda mode=mode, pad=pad: layer(
                pad, x, K([1, 0, 2]), K([2, 1, 3]), mode)
        yield f"pad12-neg-{mode}", lambda mode=mode: layer(
            o12.pad, x, K([-1, 0, 2]), K([1, -2, -1]), mode)
    yield "pad-value", lambda: layer(
        o12.pad, x, K([1, 0, 2]), K([0, 1, 0]), "constant", K(np.float32(7)))
    yield "pad-i32", lambda: layer(
        o12.pad, ints(2, 3, dtype=I32), K([1, 1]), K([0, 1]), "constant", K(I32(7)))
    yield "pad-dyn", lambda: layer(
        o12.pad, D(x, [-1, (2, 6), 5]), K([0, 1, 2]), K([0, 1, -3]), "constant")
    yield "pad-zero", lambda: layer(o12.pad, floats(0, 4), K([1, 0]), K([1, 0]), "constant")


def cases():
    for family in shapes, movement, slices, pads:
        yield from family()
