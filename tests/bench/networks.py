#!/usr/bin/env python3
"""Conversion (time, peak memory) and inference (FP32, INT8; one and two threads, pinned) of the shared networks beside the
peers, in turn: minima and medians, the table in markdown.
usage: networks.py BUILD [NAME ...]   environment: BENCH_SECONDS of each run (1.5)"""
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
        own, other = [], []
        for _ in range(5):
            own.append(timed([f'{B}/bin/mo', '-q', '--input', f, '--output-dir', w, '--model-name', n]))
            if peer and len(other) < 3:
                other.append(timed(peer_convert(f, f'{w}/p.xml')))
        t = [x[0] for x in own]
        line = f'convert {n}: {min(t):.3f} s min, {statistics.median(t):.3f} s median, peak {max(x[1] for x in own) / size:.2f} x the file'
        if other:
            p = [x[0] for x in other]
            line += f'; ovc {min(p):.2f} s min, {max(x[1] for x in other) / size:.2f} x; ratio {min(t) / min(p):.3f}'
        print(line, flush=True)


# ---- inference: a table in markdown, minima (medians) in ms ----

HERE = os.path.dirname(os.path.abspath(__file__))


def pinned(threads, cmd):
    cpus = ','.join(str(c) for c in sorted(os.sched_getaffinity(0))[:threads])
    r = subprocess.run(['taskset', '-c', cpus] + cmd, capture_output=True, text=True)
    if r.returncode:
        raise RuntimeError((r.stderr or r.stdout).strip()[-200:])
    return r.stdout


def ours(model, threads):
    r = json.loads(pinned(threads, [f'{B}/bin/mo-bench', '-q', model, '--threads', str(threads), '--time', SECONDS, '--json', '-']))
    return r['latency_ms']['min'], r['latency_ms']['median']


def theirs(which, model, threads):
    return tuple(float(x) for x in pinned(threads, [sys.executable, f'{HERE}/peer.py', which, model, str(threads), SECONDS]).split())


def in_turn(runs):
    """Each of the runs three times, in turn; the smallest minimum and median of each, None for one that fails."""
    best = {}
    for _ in range(3):
        for name, run in runs.items():
            try:
                a, b = run()
            except (RuntimeError, ValueError, OSError) as e:
                print(f'{name}: {e}', file=sys.stderr)
                best[name] = None
                continue
            if name not in best:
                best[name] = (a, b)
            elif best[name]:
                best[name] = min(a, best[name][0]), min(b, best[name][1])
    return best


def row(name, what, threads, best):
    def show(x):
        return f'{x[0]:.2f} ({x[1]:.2f})' if x else '-'
    others = [best[k] for k in ('ov', 'ort') if best.get(k)]
    mine = best['mo']
    ratio = f'{mine[0] / min(x[0] for x in others):.2f} ({mine[1] / min(x[1] for x in others):.2f})' if mine and others else '-'
    print(f'| {name} | {what} | {threads} | {show(mine)} | {show(best.get("ov"))} | {show(best.get("ort"))} | {ratio} |', flush=True)


SECONDS = os.environ.get('BENCH_SECONDS', '1.5')
have = [p for p, module in (('ov', 'openvino'), ('ort', 'onnxruntime')) if importlib.util.find_spec(module)]
print('\nlatency in ms: minimum (median); ratio to the better peer\n')
print('| network | precision | threads | mo | OpenVINO | ONNX Runtime | ratio |\n|---|---|---|---|---|---|---|')
with tempfile.TemporaryDirectory() as w:
    for n in NAMES:
        onnx, ir, int8 = f'{M}/{n}.onnx', f'{w}/{n}.xml', f'{M}/{n}.nncf.xml'
        subprocess.run([f'{B}/bin/mo', '-q', '--input', onnx, '--output-dir', w, '--model-name', n], check=True)
        for threads in range(1, min(2, len(os.sched_getaffinity(0))) + 1):
            runs = {'mo': lambda: ours(ir, threads)}
            runs.update({p: (lambda p=p: theirs(p, onnx, threads)) for p in have})
            row(n, 'FP32', threads, in_turn(runs))
            if os.path.exists(int8): # the same IR, quantized by NNCF, for both
                runs = {'mo': lambda: ours(int8, threads)}
                if 'ov' in have:
                    runs['ov'] = lambda: theirs('ov', int8, threads)
                row(n, 'INT8', threads, in_turn(runs))
