"""A suite in which OpenVINO and ONNX Runtime run beside ours, by the example's command lines; one page for all."""
import csv
import json
import re
import sqlite3
import onnxruntime
import openvino
from common import *

EXAMPLE = ROOT + '/src/share/examples/backend.py'
onnx = GLYPHS + '/glyphs_dynamic.onnx'
xml = convert(onnx, 'net')


def backend(which, **more):
    words = [which, '{model}', '{batch}', '{threads}', '{streams}', '{time}', '{mode}']
    return {'name': which, 'latency': 'latency_ms', 'minimum': 'min_ms', 'fps': 'fps', **more,
            'version': [sys.executable, EXAMPLE, which, '--version'], 'command': [sys.executable, EXAMPLE, *words]}


suite = {'name': 'peers', 'time': 0.2, 'rounds': 2, 'batch': [1, 4], 'threads': [1], 'modes': ['sync', 'async'],
         'models': [{'name': 'glyphs', 'fp32': xml, 'onnx': onnx}], 'precisions': ['fp32', 'onnx'],
         'backends': [{'name': 'mo'}, backend('openvino'), backend('onnxruntime', precisions=['onnx'], modes=['sync'])]}
json.dump(suite, open(f'{WORK}/suite.json', 'w'))
rc, out, err = run('mo-bench', '-q', '--suite', f'{WORK}/suite.json', '--json', f'{WORK}/all.json', '--csv', f'{WORK}/all.csv',
                   '--db', f'{WORK}/all.db', '--html', f'{WORK}/all.html', timeout=600)
check('the suite runs', rc == 0, err.strip()[-300:])
got = json.load(open(f'{WORK}/all.json'))
names = {c['name']: c for c in got['cases']}
check('all cases are there', len(names) == 2 * 2 * 2 * 2 + 2, f'{len(names)} cases')  # ours and OpenVINO, and ONNX Runtime in sync
for name, c in names.items():
    check(name, c['status'] == 'ok' and c['latency_ms'] > 0 and len(c['latencies_ms']) == 2 and c['throughput_fps'] > 0, c.get('reason', ''))
for c in got['cases']:
    for r in c['runs'] if c['backend'] == 'mo' else []:  # FPS by the field's definitions
        whole = c['batch'] * 1e3 / r['latency_ms']['median'] if c['mode'] == 'sync' else c['batch'] * r['iterations'] * 1e3 / r['total_ms']
        check(f"FPS of {c['name']}", abs(r['throughput_fps'] / whole - 1) < 1e-6 and r['outliers'] >= 0)
versions = {b['name']: b.get('version') for b in got['backends']}
check('versions are kept', versions['openvino'] == openvino.__version__ and versions['onnxruntime'] == onnxruntime.__version__ and versions['mo'], str(versions))
rows = list(csv.DictReader(open(f'{WORK}/all.csv', newline='')))
check('the table has a line for each', len(rows) == len(names) and {r['backend'] for r in rows} == set(versions))
db = sqlite3.connect(f'{WORK}/all.db')
machine = json.loads(db.execute('select machine from run').fetchone()[0])
check('the database has the machine and the versions', machine['cpu'] and machine['isa'] and machine['cores'] >= 1 and machine['backends'] == got['backends'])
count = dict(db.execute("select backend, count(*) from result where status = 'ok' group by backend").fetchall())
check('and all results', sum(count.values()) == len(names), str(count))
page = open(f'{WORK}/all.html', encoding='utf-8').read()
data = json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.S).group(1))
check('the page holds the same', data['cases'] == got['cases'] and data['backends'] == got['backends'])
done()
