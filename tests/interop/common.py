"""What the interop tests share: where things lie, running our programs, counting results."""
import os, subprocess, sys, tempfile
import numpy as np

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else 'build')
BIN = BUILD + '/bin'
ROOT = os.path.abspath(os.path.dirname(os.path.abspath(__file__)) + '/../..')
GLYPHS = ROOT + '/testdata/glyphs'
SHARED = os.path.abspath(ROOT + '/../shared')
HEAVY = bool(os.environ.get('HEAVY'))
work = tempfile.TemporaryDirectory(prefix='mo-interop-')
WORK = work.name
passed = failed = skipped = 0


def check(name, good, detail=''):
    """Counts one check; detail is printed when it fails."""
    global passed, failed
    if good:
        passed += 1
        print(f'ok {name} {detail}', flush=True)
    else:
        failed += 1
        print(f'FAIL {name} {detail}', flush=True)
    return good


def skip(name, why):
    global skipped
    skipped += 1
    print(f'skipped {name}: {why}', flush=True)


def done():
    print(f'{passed} passed, {failed} failed, {skipped} skipped', flush=True)
    sys.exit(failed > 0)


def run(*args, timeout=120):
    """One of our programs: (exit code, stdout, stderr)."""
    r = subprocess.run([f'{BIN}/{args[0]}', *map(str, args[1:])], capture_output=True, text=True, timeout=timeout)
    return r.returncode, r.stdout, r.stderr


def convert(onnx, name, *options):
    """mo on a file; the path of the .xml, or None after a counted failure."""
    rc, _, err = run('mo', '-q', '--input', onnx, '--output-dir', WORK, '--model-name', name, *options)
    if rc:
        check(f'convert {name}', False, err.strip()[:300])
        return None
    return f'{WORK}/{name}.xml'


def infer(model, feed, *options):
    """mo-run on a model with named inputs: the list of outputs, or None after a counted failure."""
    out = f'{WORK}/out'
    subprocess.run(['rm', '-rf', out])
    args = []
    for k, (n, v) in enumerate(feed.items()):
        p = f'{WORK}/in{k}.npy'
        np.save(p, v)
        args += ['--data', f'{n}={p}']
    rc, _, err = run('mo-run', '-q', model, *args, '--out', out, *options)
    if rc:
        check(f'mo-run {os.path.basename(model)}', False, err.strip()[:300])
        return None
    n = len([f for f in os.listdir(out) if f.endswith('.npy')])
    return [np.load(f'{out}/{k}.npy') for k in range(n)]


def distance(a, b):
    """Largest error over the range of the reference b, as mo-run --compare has it."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        return float('inf')
    return float(np.abs(a - b).max() / max(1e-12, b.max() - b.min(), np.abs(b).max())) if b.size else 0.0


def corpus():
    """The shared networks laid out flat (BUILD/corpus/models), or None where there are none."""
    if not os.path.isdir(SHARED + '/peers'):
        return None
    done_mark = BUILD + '/corpus/done'
    if not os.path.exists(done_mark):
        subprocess.run(['bash', SHARED + '/peers/prepare.sh', BUILD + '/corpus', sys.executable], check=True)
        open(done_mark, 'w').close()
    return BUILD + '/corpus'


CNNS = ['glyphs', 'glyphs_dynamic', 'cifar10_resnet20', 'mlperf_resnet8_cifar10', 'mlperf_resnet8_cifar10_nhwc_dyn',
        'mobilenet_v1_0.25_224', 'mobilenet_v2', 'mobilenet_v2_1.0_224_bn', 'resnet18', 'resnet50', 'squeezenet1_1',
        'googlenet', 'vgg16', 'mnist', 'mnist_quantized', 'super_resolution']
TRANSFORMERS = ['bert_base_s128', 'gpt2_s64', 'vit_b_16']
