#!/usr/bin/env python3
"""From a file to the first output in a fresh process, one thread, warm page cache: ms and peak memory from IR and from a blob,
and the blob's size, beside OpenVINO through its C API where it is installed. Networks of the corpus, FP32 and INT8; medians.
usage: start.py BUILD [NAME ...]"""
import glob, importlib.util, json, os, statistics, subprocess, sys, tempfile, time

B = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else 'build'
M = B + '/corpus/models'
NAMES = sys.argv[2:] or ['resnet50', 'mobilenet_v2', 'vgg16', 'resnet18', 'squeezenet1_1', 'googlenet']
if not os.path.isdir(M):
    M, NAMES = 'testdata/glyphs', ['glyphs']
TURNS = 5
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})    # the processes of its children, too


def out_of(cmd):
    return subprocess.run(cmd, check=True, capture_output=True, text=True).stdout


def bench(model, *more):
    return json.loads(out_of([f'{B}/bin/mo-bench', '-q', model, '--threads', '1', '--json', '-', *more]))


def process_ms(model, work):
    """Of mo-run, from exec to exit, outputs written."""
    cmd = [f'{B}/bin/mo-run', '-q', model, '--random', '1', '--threads', '1', '--out', work]
    start = time.perf_counter()
    pid = os.posix_spawnp(cmd[0], cmd, os.environ)
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError(' '.join(cmd))
    return (time.perf_counter() - start) * 1e3


def build_peer(work):
    spec = importlib.util.find_spec('openvino')
    if not spec:
        return None
    d = os.path.dirname(spec.origin)
    exe, lib = f'{work}/ov_start', glob.glob(f'{d}/libs/libopenvino_c.so*')
    here = os.path.dirname(os.path.abspath(__file__))
    cmd = ['gcc', '-O2', f'-I{d}/include', f'{here}/ov_start.c', *lib[:1], f'-Wl,-rpath,{d}/libs', '-o', exe]
    return exe if lib and not subprocess.run(cmd, stderr=sys.stderr).returncode else None


def row(name, what, ir, peer, work):
    blob = f'{work}/{name}.{what}.blob'
    out_of([f'{B}/bin/mo-compile', '-q', ir, '-o', blob])
    size = os.path.getsize(blob) / os.path.getsize(ir[:-4] + '.bin')
    steady = bench(ir, '--time', '1')
    load, first, ms, own, peak, theirs, their_peak = [], [], [], [], [], [], []
    for _ in range(TURNS):
        r = bench(ir, '--iterations', '10')
        load.append(r['read_ms'] + r['compile_ms'])
        first.append(r['first_ms'])
        own.append(r['peak_rss_mb'])
        peak.append(bench(blob, '--iterations', '10')['peak_rss_mb'])
        ms.append(process_ms(blob, work + '/out'))
        if peer:
            x = [float(v) for v in out_of([peer, ir, '1']).split()]
            theirs.append(x[0])
            their_peak.append(x[2])
    m = statistics.median
    latency = steady['latency_ms']['median']
    line = f'| {name} | {what} | {m(load):.1f} | {m(first):.1f} | {m(ms):.1f} ({m(ms) / latency:.2f} x steady) | {size:.2f} | {m(own):.0f}, {m(peak):.0f} |'
    if peer:
        line += f' {m(theirs):.0f} ({m(load) / m(theirs):.2f}) | {m(their_peak):.0f} ({m(own) / m(their_peak):.2f}, {m(peak) / m(their_peak):.2f}) |'
    print(line + ('' if peer else ' - | - |'), flush=True)


print('\nfirst inference: ms of reading and compiling IR and of the first run; of a whole process from a blob; the blob over the .bin; MB from IR, blob\n')
print('| network | precision | read + compile | first | process from blob | blob | peak | OpenVINO read + compile | its peak |\n|---|---|---|---|---|---|---|---|---|')
with tempfile.TemporaryDirectory() as w:
    peer = build_peer(w)
    for n in NAMES:
        subprocess.run([f'{B}/bin/mo', '-q', '--input', f'{M}/{n}.onnx', '--output-dir', w, '--model-name', n], check=True)
        row(n, 'FP32', f'{w}/{n}.xml', peer, w)
        if os.path.exists(f'{M}/{n}.nncf.xml'):
            row(n, 'INT8', f'{M}/{n}.nncf.xml', peer, w)
