#!/usr/bin/env python3
"""Times a network in OpenVINO or ONNX Runtime and prints JSON, as a backend of mo-bench --suite (see suite.json).

usage: backend.py openvino|onnxruntime MODEL BATCH THREADS STREAMS SECONDS sync|async
       backend.py openvino|onnxruntime --version
"""
import json
import statistics
import sys
import time

import numpy as np

clock = time.perf_counter


def data(shape, batch, kind):
    """Ones of the input's shape: the first dim is the batch, others that are not known are 1."""
    dims = [d if isinstance(d, int) and d > 0 else 1 for d in shape]
    if dims and batch > 1:
        dims[0] = batch
    return np.ones(dims, kind)


def openvino(path, batch, threads, streams, mode):
    import openvino as ov
    core = ov.Core()
    start = clock()
    model = core.read_model(path)
    feeds = []
    for p in model.inputs:
        shape = [d.get_length() if d.is_static else -1 for d in p.partial_shape]
        feeds.append(data(shape, batch, p.element_type.to_dtype()))
    model.reshape({p: list(f.shape) for p, f in zip(model.inputs, feeds)})
    hint = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": streams, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(model, "CPU", hint)
    loaded = clock()
    if mode == "async":
        return (loaded - start) * 1e3, ov.AsyncInferQueue(compiled, streams), feeds
    request = compiled.create_infer_request()
    return (loaded - start) * 1e3, lambda: request.infer(feeds), feeds


def onnxruntime(path, batch, threads, streams, mode):
    import onnxruntime as ort
    if mode == "async" or streams > 1:
        sys.exit("backend.py: error: ONNX Runtime is run in one stream, sync")
    kinds = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(uint8)": np.uint8}
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    start = clock()
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    loaded = clock()
    feed = {i.name: data(i.shape, batch, kinds[i.type]) for i in session.get_inputs()}
    return (loaded - start) * 1e3, lambda: session.run(None, feed), feed


def time_sync(once, seconds):
    times, end = [], clock() + seconds
    while not times or clock() < end:
        start = clock()
        once()
        times.append((clock() - start) * 1e3)
    return times, sum(times)


def time_async(queue, feeds, seconds):
    times, start = [], clock()
    queue.set_callback(lambda request, begun: times.append((clock() - begun) * 1e3))
    while clock() < start + seconds:
        queue.start_async(feeds, clock())
    queue.wait_all()
    return times, (clock() - start) * 1e3


def main():
    which = {"openvino": openvino, "onnxruntime": onnxruntime}[sys.argv[1]]
    if sys.argv[2] == "--version":
        print(__import__(sys.argv[1]).__version__)
        return
    path, batch, threads, streams, seconds, mode = sys.argv[2], *map(int, sys.argv[3:6]), float(sys.argv[6]), sys.argv[7]
    load_ms, run, feeds = which(path, batch, threads, streams, mode)
    if mode == "async":
        run.start_async(feeds)
        run.wait_all()
        times, total = time_async(run, feeds, seconds)
    else:
        start = clock()
        run()
        load_ms += (clock() - start) * 1e3
        time_sync(run, seconds / 10)
        times, total = time_sync(run, seconds)
    median = statistics.median(times)
    fps = batch * 1e3 / median if mode == "sync" and streams == 1 else batch * len(times) * 1e3 / total
    print(json.dumps({"latency_ms": median, "min_ms": min(times), "fps": fps, "iterations": len(times), "first_ms": load_ms}))


main()
