#!/usr/bin/env python3
"""Conversion (time, peak memory) and inference (one thread, pinned) of the shared networks beside the peers, in turn: minima and medians.
usage: networks.py BUILD [NAME ...]"""
import importlib.util, json, os, statistics, subprocess, sys, tempfile, time

B = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else 'build'
M = B + '/corpus/models'
NAMES = sys.argv[2:] or ['resnet50', 'mobilenet_v2', 'squeezenet1_1', 'googlenet', 'resnet18']
if not os.path.isdir(M):
    M, NAMES = 'testdata/glyphs', ['glyphs']


def timed(cmd):
    """Seconds and peak resident bytes (VmHWM, mapped pages included) of a whole process."""
    t = time.perf_counter()
    p = subprocess.Popen(cmd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(p.pid, 0)
    t = time.perf_counter() - t
    if status:
        raise RuntimeError(' '.join(cmd))
    return t, usage.ru_maxrss * 1024


def peer_convert(f, out):
    return [sys.executable, '-c', f'import openvino as ov; ov.save_model(ov.convert_model("{f}"), "{out}", compress_to_fp16=False)']


peer = importlib.util.find_spec('openvino') is not None    # not imported: a child's peak counts what its parent held
with tempfile.TemporaryDirectory() as w:
    for n in NAMES:
        f = f'{M}/{n}.onnx'
        size = os.path.getsize(f)
        ours, theirs = [], []
        for _ in range(5):
            ours.append(timed([f'{B}/bin/mo', '-q', '--input', f, '--output-dir', w, '--model-name', n]))
            if peer and len(theirs) < 3:
                theirs.append(timed(peer_convert(f, f'{w}/p.xml')))
        t = [x[0] for x in ours]
        line = f'convert {n}: {min(t):.3f} s min, {statistics.median(t):.3f} s median, peak {max(x[1] for x in ours) / size:.2f} x the file'
        if theirs:
            p = [x[0] for x in theirs]
            line += f'; ovc {min(p):.2f} s min, {max(x[1] for x in theirs) / size:.2f} x; ratio {min(t) / min(p):.3f}'
        print(line, flush=True)
        code = f'''
import openvino as ov, numpy as np, time
m = ov.Core().compile_model("{f}", "CPU", {{"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}})
x = [np.random.rand(*[d.get_length() if d.is_static else 1 for d in i.partial_shape]).astype(np.float32) for i in m.inputs]
m(x); t = []
for _ in range(10):
    s = time.perf_counter(); m(x); t.append((time.perf_counter() - s) * 1e3)
print(min(t), sorted(t)[5])'''
        a, b = [], []
        for _ in range(3):
            r = subprocess.run(['taskset', '-c', '0', f'{B}/bin/mo-run', '-q', f'{w}/{n}.xml', '--random', '1', '--threads', '1', '--repeat', '10', '--json', '-'], capture_output=True, text=True)
            a.append(json.loads(r.stdout)['latency_ms']['min'])
            if peer:
                r = subprocess.run(['taskset', '-c', '0', sys.executable, '-c', code], capture_output=True, text=True)
                b.append(float(r.stdout.split()[0]))
        line = f'run {n}: {min(a):.2f} ms min'
        if b:
            line += f'; OpenVINO {min(b):.2f}; ratio {min(a) / min(b):.2f}'
        print(line, flush=True)
