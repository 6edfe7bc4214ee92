"""What the pages of page.sh show is what the JSON in them says: tiles and tables, to four digits."""
import json
import re
from html import unescape


def load(name):
    dom = open(f"{name}.dom", encoding="utf-8").read()
    html = open(f"{name}.html", encoding="utf-8").read()
    data = json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', html, re.S).group(1))
    tables = [[[unescape(re.sub("<[^>]*>", "", c)) for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)]
               for row in re.findall(r"<tr[^>]*>(.*?)</tr>", t, re.S)] for t in re.findall(r"<table>(.*?)</table>", dom, re.S)]
    tiles = dict(re.findall(r'<div class="tile"><span class="soft">([^<]*)</span><b>([^<]*)</b>', dom))
    return dom, data, tables, tiles


def same(shown, value):
    assert abs(float(shown.split()[0].removesuffix("/s")) - value) <= 1e-3 * abs(value) + 1e-12, (shown, value)


def rows(tables, *heads):
    """The rows of the table with these heads, each as a dict."""
    for t in tables:
        if set(heads) <= set(t[0]):
            return [dict(zip(t[0], r)) for r in t[1:]]
    raise AssertionError(f"no table with {heads}")


dom, data, tables, tiles = load("run")
same(tiles["median latency"], data["latency_ms"]["median"])
same(tiles["throughput"], data["throughput_fps"])
same(tiles["mean pass"], data["single_pass_ms"])
same(tiles["first inference"], data["first_ms"])
same(tiles["read + compile"], data["read_ms"] + data["compile_ms"])
shown, = rows(tables, "p99", "outliers")
for key in ("min", "median", "mean", "p90", "p95", "p99", "max"):
    same(shown[key], data["latency_ms"][key])
# The series holds every run when they are few: outliers by their definition.
runs = data["series_ms"]
assert len(runs) == data["iterations"] or len(runs) >= 250
if len(runs) == data["iterations"]:
    mean = sum(runs) / len(runs)
    sigma = (sum((x - mean) ** 2 for x in runs) / len(runs)) ** 0.5
    assert abs(sigma - data["latency_ms"]["stddev"]) <= 1e-6 * sigma
    assert sum(abs(x - mean) > 3 * sigma for x in runs) == data["outliers"] == int(shown["outliers"])
beside = rows(tables, "form", "times as fast")
assert [b["status"] for b in data["beside"]] == ["ok", "ok", "ok", "failed"]
assert [b["format"] for b in data["beside"]] == ["IR", "IR", "blob", ""]
for r, b in zip(beside[:3], data["beside"]):
    assert r[""] == b["name"] and r["computed in"] == b["effective_precision"]
    same(r["latency ms"], b["latency_ms"])
    same(r["samples/s"], b["throughput_fps"])
for r, b in zip(rows(tables, "read ms", "sum ms"), data["beside"]):
    same(r["sum ms"], b["read_ms"] + b["compile_ms"] + b["first_ms"])
calibrated, = data["calibrated"]
calls = rows(tables, "layer", "kernel")
assert len(calls) == len(data["profile"])
decisions = {c["layer"]: c["decision"] for c in calibrated["layers_found"]}
for r, c in zip(calls, data["profile"]):
    same(r["ms"], c["ms"])
    assert r["layer"] == c["name"] and r["kernel"] == c["kernel"] and r["computed in"] == c["precision"]
    assert r.get("decision", "") == decisions.get(c["name"], "")
assert any(r.get("decision") for r in calls) and "i8" in {c["precision"] for c in data["profile"]}
for r, c in zip(rows(tables, "MB", "top1"), calibrated["table"]):
    assert r[""] == c["what"]
    same(r["top1"], c["top1"])
# Constants are no layers of the picture; where the precision changes, both ends are named.
assert dom.count("<rect ") == len(data["layers"]) and not any(l["op"] == "Constant" for l in data["layers"])
changes = rows(tables, "between", "from", "to")
assert changes and dom.count('class="change"') == len(changes) and {"i8"} < {w for r in changes for w in (r["from"], r["to"])}

dom, data, tables, tiles = load("sweep")
sweep = data["sweep"]
shown = rows(tables, "scaling", "samples/s")
assert len(shown) == len(sweep["cases"]) == 8
for r, c in zip(shown, sweep["cases"]):
    same(r["latency ms"], c["latency_ms"])
    same(r["samples/s"], c["throughput_fps"])
    same(r["single pass ms"], c["single_pass_ms"])
assert sweep["cases"][sweep["chosen"]]["name"] in dom and "Async with batch 1 against sync" in dom
assert json.load(open("sweep.json"))["cases"] == sweep["cases"]

dom, data, tables, tiles = load("suite")
ok, = [c for c in data["cases"] if c["status"] == "ok"]
same(rows(tables, "least ms")[0]["latency ms"], ok["latency_ms"])
failed, = [c for c in data["cases"] if c["status"] != "ok"]
assert rows(tables, "reason")[0]["reason"] == failed["reason"]

dom, data, tables, tiles = load("two")
for r, m in zip(rows(tables, "median ms"), data["models"]):
    same(r["median ms"], m["latency_ms"]["median"])
capacity = data["capacity"]
shown = rows(tables, "cameras", "age p99 ms")
assert len(shown) == len(capacity["steps"])
for r, s in zip(shown, capacity["steps"]):
    assert int(r["cameras"]) == s["cameras"] and r["kept up"] == ("yes" if s["ok"] else "no")
    same(r["age p99 ms"], s["age_p99_ms"])
print("the pages show what their data say")
