// A suite: all backends beside each other, all precisions beside each other, and what failed.
const SUITE_AXES = {precision: c => c.precision, mode: c => c.mode, batch: c => 'batch ' + c.batch, threads: c => plural(c.threads, 'thread'), streams: c => plural(c.streams, 'stream')};
// What makes a case, but for what all have in common.
const suiteVaries = Object.keys(SUITE_AXES).filter(k => unique((D.cases || []).map(c => c[k])).length > 1);
const suiteRow = (c, without) => [c.model, ...suiteVaries.filter(k => k !== without).map(k => SUITE_AXES[k](c))];
const suiteCommon = c => Object.keys(SUITE_AXES).filter(k => !suiteVaries.includes(k)).map(k => SUITE_AXES[k](c)).join(', ');

function suiteTable(cases, who) {
	const rows = new Map();
	for (const c of cases) {
		const k = suiteRow(c).join(', ');
		rows.set(k, {...rows.get(k), [c.backend]: c});
	}
	const lines = [...rows.entries()], least = r => Math.min(...Object.values(r).filter(c => c.status === 'ok').map(c => c.latency_ms));
	const cells = r => who.flatMap(b => !r[b] ? ['', ''] : r[b].status !== 'ok' ? [{text: 'failed', bad: true}, ''] :
		[{text: r[b].latency_ms, best: who.length > 1 && r[b].latency_ms === least(r)}, r[b].throughput_fps]);
	const done = lines.filter(([, r]) => isFinite(least(r)));
	return [bars(done.map(([k]) => k), who.map((b, i) => ({label: b, data: done.map(([, r]) => r[b] && r[b].status === 'ok' ? r[b].latency_ms / least(r) : null), backgroundColor: color(i)})),
		'latency over that of the fastest'),
	table(['', ...who.flatMap(b => [b + ' ms', b + ' /s'])], lines.map(([k, r]) => [k, ...cells(r)]))];
}

function suitePrecisions(ok) {
	const all = unique(ok.map(c => c.precision)), rows = new Map();
	if (all.length < 2) return [];
	for (const c of ok) {
		const k = [...suiteRow(c, 'precision'), c.backend].join(', ');
		rows.set(k, {...rows.get(k), [c.precision]: c.latency_ms});
	}
	return [el('h3', {textContent: 'Precisions side by side'}), table(['', ...all.map(p => p + ' ms'), ...all.slice(1).map(p => p + ' times as fast as ' + all[0])],
		[...rows.entries()].filter(([, r]) => Object.keys(r).length > 1).map(([k, r]) => [k, ...all.map(p => r[p]), ...all.slice(1).map(p => r[p] && r[all[0]] ? num(r[all[0]] / r[p], 3) : '')]))];
}

function suite() {
	if (!D.suite) return;
	const cases = D.cases, ok = cases.filter(c => c.status === 'ok'), failed = cases.filter(c => c.status !== 'ok');
	const who = unique(cases.map(c => c.backend)), versions = (D.backends || []).filter(b => b.version).map(b => b.name + ': ' + b.version);
	section('Cases', el('p', {textContent: cases.length + ' cases, ' + failed.length + ' failed, ' + plural(D.rounds, 'round') + ' each' + (cases.length && suiteCommon(cases[0]) ? '; all: ' + suiteCommon(cases[0]) : '') + (versions.length ? '; ' + versions.join('; ') : '')}),
		...suiteTable(cases, who), ...suitePrecisions(ok));
	if (failed.length)
		page.append(el('h3', {textContent: 'Failed'}), table(['', 'backend', 'reason'], failed.map(c => [suiteRow(c).join(', '), c.backend, {text: c.reason, bad: true}])));
	section('All figures', table(['model', 'backend', 'precision', 'mode', 'batch', 'threads', 'streams', 'latency ms', 'least ms', 'single pass ms', 'samples/s', 'outliers'],
		ok.map(c => [c.model, c.backend, c.precision, c.mode, c.batch, c.threads, c.streams, c.latency_ms, c.latency_min_ms, c.single_pass_ms, c.throughput_fps, c.outliers])));
}
