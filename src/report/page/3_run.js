// One run: latencies, what comes before the first answer, other forms of the network, how many cameras.
function series(l) {
	const v = D.series_ms, far = 3 * l.stddev, flat = x => v.map(() => x);
	const out = v.map(x => Math.abs(x - l.mean) > far);
	const line = (label, x, i) => ({label, data: flat(x), borderColor: color(i), borderDash: [5, 4], borderWidth: 1, pointRadius: 0});
	return chart('line', {labels: v.map((_, i) => i), datasets: [
		{label: 'run', data: v, borderColor: color(0), borderWidth: 1, pointRadius: out.map(o => o ? 4 : 0), pointBackgroundColor: css('bad')},
		line('mean', l.mean, 2), line('3 standard deviations', l.mean + far, 1)]}, axes('run', 'ms', {x: {ticks: {maxTicksLimit: 8}}}));
}

function latency() {
	const l = D.latency_ms;
	if (!l) return;
	const names = ['min', 'median', 'mean', 'p90', 'p95', 'p99', 'max'];
	const kids = [titled('Percentiles', chart('bar', {labels: names, datasets: [{label: 'ms', data: names.map(n => l[n]), backgroundColor: color(0)}]},
		axes('', 'ms', {legend: false, y: {beginAtZero: true}})))];
	if (D.series_ms && D.series_ms.length > 1) kids.push(titled('One run after the other', series(l)));
	section('Latency', pair(...kids), soft(D.iterations + ' runs, standard deviation ' + num(l.stddev, 3) + ' ms, ' + D.outliers + ' beyond three of them (red)'),
		table(['', ...names, 'outliers'], [['ms', ...names.map(n => l[n]), D.outliers]]));
}

// Several models that ran at the same time.
function together() {
	const M = (D.models || []).filter(m => m.latency_ms);
	if (!M.length) return;
	section('At the same time', bars(M.map(m => base(m.model)), [{label: 'ms', data: M.map(m => m.latency_ms.median), backgroundColor: color(0)}], 'median latency, ms'),
		table(['', 'median ms', 'p99 ms', 'samples/s', 'outliers', 'computed in'],
			M.map(m => [base(m.model), m.latency_ms.median, m.latency_ms.p99, m.throughput_fps, m.outliers, m.effective_precision])));
}

function first() {
	const rows = [], add = (name, t) => rows.push([name, t.read_ms, t.compile_ms, t.first_ms]);
	const beside = (D.beside || []).filter(b => b.status === 'ok');
	if (D.first_ms !== undefined && !beside.length) add('this process', D);
	if (D.cold) add(base(D.model) + ', median of ' + D.cold.processes + ' processes', D.cold);
	for (const m of D.models || []) if (m.cold) add(base(m.model), m.cold);
	for (const b of beside) add(b.name + (besideNote(b) ? ', not as a blob' : ''), b);
	if (!rows.length) return;
	const parts = ['read', 'compile', 'first inference'];
	section('Until the first answer', bars(rows.map(r => r[0]), parts.map((p, i) => ({label: p, data: rows.map(r => r[i + 1]), backgroundColor: color(i)})), 'ms', {stacked: true}),
		table(['', ...parts.map(p => p + ' ms'), 'sum ms'], rows.map(r => [...r, r[1] + r[2] + r[3]])));
}

// A blob that does not fit the batch or the processor: the network was read from its source.
const besideNote = b => b.status !== 'ok' ? {text: b.reason, bad: true} : b.name.endsWith('.blob') && b.format !== 'blob' ? 'the blob is for another batch or processor: read from its source' : '';

function besideTable() {
	const B = D.beside, ok = B.filter(b => b.status === 'ok');
	const least = Math.min(...ok.map(b => b.latency_ms)), from = ok.length ? ok[0].latency_ms : 0;
	return [pair(titled('Latency', bars(ok.map(b => b.name), [{label: 'ms', data: ok.map(b => b.latency_ms), backgroundColor: ok.map((_, i) => color(i))}], 'median latency, ms')),
		titled('Size', bars(ok.map(b => b.name), [{label: 'MB', data: ok.map(b => b.bytes / 1e6), backgroundColor: ok.map((_, i) => color(i))}], 'files, MB'))),
	table(['', 'form', 'MB', 'latency ms', 'times as fast', 'samples/s', 'computed in', 'memory MB', 'note'], B.map(b => b.status === 'ok' ?
		[b.name, b.format, num(b.bytes / 1e6, 3), {text: b.latency_ms, best: b.latency_ms === least}, num(from / b.latency_ms, 3), b.throughput_fps, b.effective_precision,
			num(b.peak_rss_mb, 3), besideNote(b)] : [b.name, b.format, num(b.bytes / 1e6, 3), '', '', '', '', '', besideNote(b)]))];
}

// The rows of mo-calibrate --table: original, pruned, FP16, INT8, INT8 within the drop.
function tableOf(c) {
	const T = c.table || [];
	if (!T.length) return [];
	const metric = c.metric || Object.keys(T[0]).find(k => !['what', 'bytes', 'latency_ms'].includes(k));
	return [el('h3', {textContent: base(c.file) + ': size, time and ' + metric}),
		pair(bars(T.map(r => r.what), [{label: 'ms', data: T.map(r => r.latency_ms), backgroundColor: T.map((_, i) => color(i))}], 'latency, ms'),
			bars(T.map(r => r.what), [{label: metric, data: T.map(r => r[metric]), backgroundColor: T.map((_, i) => color(i))}], metric)),
		table(['', 'MB', 'latency ms', 'times as fast', metric], T.map(r => [r.what, num(r.bytes / 1e6, 3), r.latency_ms, num(T[0].latency_ms / r.latency_ms, 3), r[metric]]))];
}

function beside() {
	const kids = [...(D.beside ? besideTable() : []), ...(D.calibrated || []).flatMap(tableOf)];
	if (kids.length) section('Side by side', ...kids);
}

function capacity() {
	const c = D.capacity;
	if (!c) return;
	const S = [...c.steps].sort((a, b) => a.cameras - b.cameras);
	section('Cameras', el('p', {textContent: capacityText(c)}),
		chart('line', {labels: S.map(s => s.cameras), datasets: [
			{label: '99th percentile of the age', data: S.map(s => s.age_p99_ms), borderColor: color(0), pointBackgroundColor: S.map(s => s.ok ? color(2) : css('bad')), pointRadius: 5},
			{label: 'time between two frames', data: S.map(() => c.limit_ms), borderColor: color(1), borderDash: [5, 4], pointRadius: 0}]},
		axes('cameras', 'ms', {y: {beginAtZero: true}})),
		table(['cameras', 'frames/s', 'answered', 'dropped', 'age median ms', 'age p99 ms', 'kept up'],
			c.steps.map(s => [s.cameras, s.rate, s.answered, s.dropped, s.age_median_ms, s.age_p99_ms, s.ok ? 'yes' : 'no'])));
}
