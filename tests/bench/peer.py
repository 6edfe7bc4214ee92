"""Times a peer on one model, pinned by its caller: the smallest and the median latency in ms.
usage: peer.py ov|ort MODEL THREADS SECONDS"""
import sys, time
import numpy as np

peer, model, threads, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
rng = np.random.default_rng(1)
TYPES = {'tensor(float)': np.float32, 'tensor(int64)': np.int64, 'tensor(int32)': np.int32, 'tensor(uint8)': np.uint8, 'tensor(bool)': np.bool_,
         'f32': np.float32, 'i64': np.int64, 'i32': np.int32, 'u8': np.uint8, 'boolean': np.bool_}


def data(shape, word):
    t = TYPES[word]
    return rng.random(shape, dtype=np.float32) if t == np.float32 else rng.integers(0, 2 if t == np.bool_ else 50, shape).astype(t)


if peer == 'ov':
    import openvino as ov
    m = ov.Core().compile_model(model, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32', 'INFERENCE_NUM_THREADS': threads, 'NUM_STREAMS': 1})
    request = m.create_infer_request()
    for k, i in enumerate(m.inputs):
        shape = [d.get_length() if d.is_static else 1 for d in i.partial_shape]
        request.set_input_tensor(k, ov.Tensor(data(shape, i.element_type.get_type_name()), shared_memory=False))
    run = request.infer
else:
    import onnxruntime as ort
    o = ort.SessionOptions()
    o.intra_op_num_threads, o.log_severity_level = threads, 4
    s = ort.InferenceSession(model, o, providers=['CPUExecutionProvider'])
    feed = {i.name: data([d if isinstance(d, int) else 1 for d in i.shape], i.type if i.type in TYPES else 'f32') for i in s.get_inputs()}
    run = lambda: s.run(None, feed)
for _ in range(3):
    run()
t, end = [], time.perf_counter() + seconds
while not t or time.perf_counter() < end:
    a = time.perf_counter()
    run()
    t.append((time.perf_counter() - a) * 1e3)
print(min(t), sorted(t)[len(t) // 2])
