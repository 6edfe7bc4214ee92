"""Pictures: Interpolate, GridSample, ROIAlign, Col2Im."""
import numpy as np
import openvino.opset2 as o2
import openvino.opset9 as o9
import openvino.opset11 as o11
import openvino.opset15 as o15
from layer import D, K, floats, ints, layer, plain

COORDINATES = ("half_pixel", "pytorch_half_pixel", "asymmetric", "tf_half_pixel_for_nn",
               "align_corners")
NEAREST = "round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple"
F, V4 = np.float32, plain("Interpolate", 4)


def resize():
    x = floats(1, 2, 6, 7)

    def size(mode, to=(9, 4), data=x, op=o11.interpolate, **more):
        return layer(op, data, K(list(to)), mode, "sizes", axes=K([2, 3]), **more)

    def scale(mode, by=(1.5, 0.6), data=x, **more):
        return layer(o11.interpolate, data, K(F(by)), mode, "scales", axes=K([2, 3]), **more)

    for coord in COORDINATES:
        for near in NEAREST:
            yield f"nearest-{coord}-{near}", lambda coord=coord, near=near: size(
                "nearest", coordinate_transformation_mode=coord, nearest_mode=near)
            yield f"nearest-scale-{coord}-{near}", lambda coord=coord, near=near: scale(
                "nearest", (2, 0.5), coordinate_transformation_mode=coord, nearest_mode=near)
        for mode in "linear", "linear_onnx", "cubic":
            for to in (9, 4), (3, 14), (1, 1):
                yield f"{mode}-{coord}-{to}", lambda mode=mode, coord=coord, to=to: size(
                    mode, to, coordinate_transformation_mode=coord)
            yield f"{mode}-scale-{coord}", lambda mode=mode, coord=coord: scale(
                mode, coordinate_transformation_mode=coord)
    for mode in "bilinear_pillow", "bicubic_pillow":
        for to in (9, 4), (3, 14), (2, 2), (1, 20):
            yield f"{mode}-{to}", lambda mode=mode, to=to: size(mode, to, cube_coeff=-0.5)
    yield "cubic-coeff", lambda: size("cubic", cube_coeff=-0.5)
    for mode in "nearest", "linear_onnx", "cubic":
        yield f"pads-{mode}", lambda mode=mode: size(
            mode, pads_begin=[0, 0, 1, 2], pads_end=[0, 0, 0, 1])
    yield "v4-sizes", lambda: layer(
        V4, x, K([9, 4]), K(F([1, 1])), K([2, 3]), mode="linear_onnx",
        shape_calculation_mode="sizes")
    yield "v4-scales", lambda: layer(
        V4, x, K([1, 1]), K(F([2, 0.5])), K([2, 3]), mode="nearest",
        shape_calculation_mode="scales")
    yield "v4-all", lambda: layer(
        V4, x, K([1, 2, 12, 14]), K(F([1, 1, 2, 2])), mode="nearest",
        shape_calculation_mode="scales")
    yield "linear-5d", lambda: layer(
        o11.interpolate, floats(1, 2, 3, 4, 5), K([6, 2, 7]), "linear_onnx", "sizes",
        axes=K([2, 3, 4]))
    yield "resize-dyn", lambda: layer(
        o11.interpolate, D(x, [-1, 2, (2, 9), 7]), K(F([2, 2])), "nearest", "scales",
        axes=K([2, 3]))
    for by in 0.6, 0.3, 1.4, 2.3, 3.3333333:
        yield f"scale-{by}", lambda by=by: scale("nearest", (by, by), floats(1, 1, 10, 15))
    yield "resize-f16", lambda: size("linear_onnx", data=floats(1, 2, 6, 7, dtype=np.float16))


def samples():
    for mode in "bilinear", "nearest", "bicubic":
        for pad in "zeros", "border", "reflection":
            for align in True, False:
                yield f"grid-{mode}-{pad}-{align}", (
                    lambda mode=mode, pad=pad, align=align: layer(
                        o9.grid_sample, floats(2, 3, 5, 6), floats(2, 4, 3, 2, seed=8),
                        {"mode": mode, "padding_mode": pad, "align_corners": align}))
    yield "grid-dyn", lambda: layer(
        o9.grid_sample, D(floats(2, 3, 5, 6), [-1, 3, -1, 6]),
        D(floats(2, 4, 3, 2), [2, -1, 3, 2]), {})
    rois = np.float32([[0, 0, 4, 4], [1.5, 2.5, 6.2, 7.7], [3, 3, 3.2, 3.1], [-1.7, -1, 9, 9.3]])
    # Mode max is not compared: OpenVINO takes the largest sample, and never less than 0, where
    # ONNX and we take the largest of the samples' four terms.
    for aligned in "asymmetric", "half_pixel_for_nn", "half_pixel":
        for ratio in 0, 2:
            yield f"roi-{aligned}-{ratio}", lambda aligned=aligned, ratio=ratio: layer(
                o9.roi_align, floats(2, 3, 9, 8), K(rois), K([0, 1, 1, 0]), 3, 2, ratio, 0.8,
                "avg", aligned)
    yield "roi-dyn", lambda: layer(
        o9.roi_align, D(floats(2, 3, 9, 8), [-1, 3, -1, -1]), D(rois, [-1, 4]),
        K([0, 1, 1, 0]), 3, 2, 2, 1.0, "avg", "asymmetric")
    boxes = np.float32([[0, 0, 0, 4, 4], [1, 1.5, 2.5, 6.2, 7.7], [1, 3, 3, 3.2, 3.1], [0, 5, 1, 2, 7]])
    for scale in 1.0, 0.7:
        yield f"roi-pooling-{scale}", lambda scale=scale: layer(
            o2.roi_pooling, floats(2, 3, 9, 8), boxes, [3, 2], scale, "max")
    shares = np.float32([[0, 0, 0, 1, 1], [1, 0.1, 0.2, 0.7, 0.9], [1, 0.5, 0.5, 0.5, 0.5]])
    for size in (3, 2), (1, 1), (4, 1):
        yield f"roi-pooling-bilinear-{size}", lambda size=size: layer(
            o2.roi_pooling, floats(2, 3, 9, 8), shares, list(size), 1.0, "bilinear")
    yield "roi-pooling-dyn", lambda: layer(
        o2.roi_pooling, D(floats(2, 3, 9, 8), [-1, 3, -1, -1]), D(boxes, [-1, 5]), [3, 2], 1.0, "max")
    yield "col2im", lambda: layer(
        o15.col2im, floats(2, 12, 12), K([5, 4]), K([2, 2]))
    yield "col2im-more", lambda: layer(
        o15.col2im, floats(12, 9), K([7, 6]), K([2, 3]), strides=[2, 3], dilations=[2, 1],
        pads_begin=[1, 2], pads_end=[0, 1])
    yield "col2im-dyn", lambda: layer(
        o15.col2im, D(floats(2, 12, 12), [-1, -1, 12]), K([5, 4]), K([2, 2]))


def cases():
    for family in resize, samples:
        yield from family()
