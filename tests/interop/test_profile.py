"""A profile's multiply-adds are the network's, whatever kernels take along."""
import json
from common import *

C = corpus()
for name in ('mobilenet_v2', 'resnet18') if C else ():
    onnx = f'{C}/models/{name}.onnx'
    rc, out, err = run('mo-bench', '-q', onnx, '--threads', 1, '--iterations', 1, '--profile', '--json', '-')
    calls = json.loads(out)['profile'] if not rc else []
    rc, out, _ = run('mo-info', onnx, '--json', '-')
    want = json.loads(out).get('macs') if not rc else None
    got = sum(c['macs'] for c in calls)
    check(f'{name} profile counts all multiply-adds', got == want, f'{got} of {want} in {[c["kernel"] for c in calls].count("conv block")} blocks and others {err[:200]}')
if not C:
    skip('profiles', 'no shared networks here')
done()
