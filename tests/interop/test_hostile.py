"""Mutated files of every kind we read: an answer within ten seconds, never a crash, never output left behind."""
from common import *

if not corpus():
    skip('hostile files', 'no shared scripts here; the fuzz targets run all the same')
    done()
r = subprocess.run([sys.executable, SHARED + '/peers/hostile.py', BIN, BUILD + '/corpus/models', WORK, '300' if HEAVY else '40'], capture_output=True, text=True)
check('hostile files', r.returncode == 0, (r.stdout + r.stderr)[-400:])
done()
