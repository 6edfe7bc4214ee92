"""Outsiders judge eval: networks of one layer, built and run by the real OpenVINO, against mo-run on their IR.

  vs_openvino.py BUILD [--kernels] [PATTERN …]

runs the cases whose names hold a pattern (default: all), by eval alone or with the executor's kernels.

Cases stand in tests/ops/cases_*.py as calls of case(), see its text, or in a function cases() that yields a name,
a function giving the model and the arrays of its parameters (see layer.py), and perhaps a dict of case()'s options.
"""
import glob, json, os, subprocess, sys, tempfile, traceback, warnings
import numpy as np

warnings.filterwarnings('ignore')
HERE = os.path.dirname(os.path.abspath(__file__))
CASES = []
KERNELS = '--kernels' in sys.argv


def case(name, build, *inputs, want=None, rtol=2e-5, atol=1e-6, fails=None, shapes=None, fold=False):
    """One network to run.

    build   called with one Parameter per input, returns the last node (or a list of outputs)
    inputs  NumPy arrays; a Parameter has the array's type and its shape, or the partial shape in shapes
    want    arrays to expect where OpenVINO's CPU plugin is not to be followed (say why beside the case)
    fold    ask OpenVINO's reference implementation, not its plugin
    fails   a word that mo-run's error must hold: the network is to be refused
    """
    CASES.append(dict(name=name, make=None, build=build, inputs=inputs, want=want, rtol=rtol, atol=atol, fails=fails,
                      shapes=shapes, fold=fold))


def load_cases():
    sys.modules['vs_openvino'] = sys.modules[__name__]
    sys.path.insert(0, HERE)
    for f in sorted(glob.glob(HERE + '/cases_*.py')):
        m = __import__(os.path.basename(f)[:-3])
        for name, make, *options in m.cases() if hasattr(m, 'cases') else ():
            case(name, None, **(options[0] if options else {}))
            CASES[-1]['make'] = make


def network(c, constants=False, shapes=None):
    import openvino as ov, openvino.opset16 as op
    if c['make']:
        model, c['inputs'] = c['make']()
        return model
    if constants:
        nodes = [op.constant(x) for x in c['inputs']]
    else:
        shapes = shapes or [list(x.shape) for x in c['inputs']]
        nodes = [op.parameter(ov.PartialShape(s), x.dtype) for s, x in zip(shapes, c['inputs'])]
    last = c['build'](*nodes)
    outs = last if isinstance(last, (list, tuple)) else [last]
    outs = [o for n in outs for o in (n.outputs() if hasattr(n, 'outputs') else [n])]
    return ov.Model([op.result(o) for o in outs], [] if constants else nodes)


def reference(c):
    """What OpenVINO's reference implementation gives for a network of one node on its inputs, or None."""
    import openvino as ov
    model = network(c)
    node = model.get_results()[0].input_value(0).get_node()
    if [v.get_node().get_friendly_name() for v in node.input_values()] != [p.get_friendly_name() for p in model.get_parameters()]:
        return None
    outs = [ov.Tensor(o.element_type, o.shape) for o in node.outputs()]
    if not node.evaluate(outs, [ov.Tensor(np.array(x, order='C')) for x in c['inputs']]):
        return None
    return [t.data for t in outs]


def theirs(core, c):
    if c['want'] is not None:
        return [np.asarray(w) for w in c['want']]
    if c['fold']:
        r = reference(c)
        if r is not None:
            return r
    model = network(c, constants=c['fold'])
    m = core.compile_model(model, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
    r = m([] if c['fold'] else [np.array(x, order='C') for x in c['inputs']])
    return [np.array(r[k]) for k in range(len(m.outputs))]


def ours(c, xml, binaries, work):
    args = [f'{binaries}/mo-run', '-q', xml, '--out', work + '/out', '--threads', '1'] + ['--eval'] * (not KERNELS)
    for k, x in enumerate(c['inputs']):
        np.save(f'{work}/in{k}.npy', x)
        args += ['--data', f'{c["param_names"][k]}={work}/in{k}.npy']
    subprocess.run(['rm', '-rf', work + '/out'])
    r = subprocess.run(args, capture_output=True, text=True, timeout=300)
    if r.returncode:
        return None, f'exit {r.returncode}: {r.stderr.strip()[-300:]}'
    listed = json.load(open(work + '/out/outputs.json'))
    return [(np.load(f'{work}/out/{k}.npy'), o) for k, o in enumerate(listed)], ''


def differ(got, want, c):
    """What is wrong with one output, or ''."""
    if got.shape != want.shape:
        return f'shape {got.shape}, expected {want.shape}'
    if got.dtype != want.dtype:
        return f'type {got.dtype}, expected {want.dtype}'
    if want.dtype.kind not in 'fV':
        bad = got != want
    else:
        a, b = got.astype(np.float64), want.astype(np.float64)
        ulp = 1e-3 if want.dtype == np.float16 else 0
        bad = ~np.isclose(a, b, rtol=max(c['rtol'], ulp), atol=c['atol'], equal_nan=True)
    if not bad.any():
        return ''
    i = tuple(np.argwhere(bad)[0])
    return f'{bad.sum()} of {bad.size} differ, at {tuple(map(int, i))} {got[i]!r}, expected {want[i]!r}'


def run_case(core, c, binaries, work):
    import openvino as ov
    model = network(c, shapes=c['shapes'])
    ov.serialize(model, work + '/m.xml', work + '/m.bin')
    c['param_names'] = [p.get_friendly_name() for p in model.get_parameters()]
    got, why = ours(c, work + '/m.xml', binaries, work)
    if c['fails']:
        return '' if got is None and c['fails'] in why else f'expected an error with {c["fails"]!r}, got {why or "success"}'
    if got is None:
        return why
    want = theirs(core, c)
    if len(want) != len(got):
        return f'{len(got)} outputs, expected {len(want)}'
    return '; '.join(filter(None, (differ(g, w, c) for (g, _), w in zip(got, want))))


def main():
    import openvino as ov
    build = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else 'build')
    load_cases()
    core, failed, ran = ov.Core(), 0, 0
    patterns = [a for a in sys.argv[2:] if a != '--kernels']
    with tempfile.TemporaryDirectory(prefix='mo-ops-') as work:
        for c in CASES:
            if patterns and not any(p in c['name'] for p in patterns):
                continue
            ran += 1
            try:
                why = run_case(core, c, build + '/bin', work)
            except Exception as e:
                why = 'harness: ' + (str(e).strip().splitlines() or traceback.format_exc().splitlines())[-1][:300]
            if why:
                failed += 1
                print(f'FAIL {c["name"]}: {why}', flush=True)
    print(f'{ran - failed} passed, {failed} failed', flush=True)
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
