// Many ways to run a network: latency against throughput, batches, threads, async against sync.
const kindOf = p => [p.precision, plural(p.threads, 'thread'), plural(p.streams, 'stream'), ...(p.mode === 'async' ? ['async'] : [])].join(', ');
const ascending = list => unique(list).sort((a, b) => a - b);

function sweepScatter(ok, at) {
	const kinds = unique(ok.map(kindOf)), dot = p => ({x: p.latency_ms, y: p.throughput_fps, name: p.name});
	const sets = kinds.map((k, i) => ({label: k, data: ok.filter(p => kindOf(p) === k).map(dot), backgroundColor: color(i), pointStyle: i < COLORS.length ? 'circle' : 'rect', pointRadius: 5}));
	if (at) sets.unshift({label: 'chosen', data: [dot(at)], backgroundColor: 'transparent', borderColor: css('three'), borderWidth: 3, pointRadius: 10});
	const label = c => c.raw.name + ': ' + num(c.raw.x) + ' ms, ' + num(c.raw.y) + '/s';
	return titled('Latency against throughput', chart('scatter', {datasets: sets}, axes('latency, ms', 'samples a second', {tooltip: {callbacks: {label}}, x: {beginAtZero: true}, y: {beginAtZero: true}})));
}

function sweepLines(title, x, y, xs, groups, value) {
	return titled(title, chart('line', {labels: xs, datasets: groups.map((g, i) => ({label: g, data: xs.map(v => value(v, g)), borderColor: color(i), backgroundColor: color(i), spanGaps: true}))},
		axes(x, y, {y: {beginAtZero: true}})));
}

// The best of each with the same threads: requests of one sample in several streams against one batch after the other.
function asyncAgainstSync(ok) {
	const most = Math.max(...ok.map(p => p.threads)), here = ok.filter(p => p.threads === most);
	const a = here.filter(p => p.mode === 'async' && p.batch === 1), s = here.filter(p => p.mode !== 'async' && p.streams === 1);
	if (!a.length || !s.length) return [];
	const all = [...a, ...s], name = p => (p.mode === 'async' ? 'async, batch 1, ' + plural(p.streams, 'stream') : 'sync, batch ' + p.batch) + (unique(all.map(q => q.precision)).length > 1 ? ', ' + p.precision : '');
	const best = list => list.reduce((x, y) => y.throughput_fps > x.throughput_fps ? y : x), x = best(a), y = best(s);
	const shade = all.map(p => color(p.mode === 'async' ? 0 : 1));
	return [el('h3', {textContent: 'Async with batch 1 against sync with batch N, ' + plural(most, 'thread')}),
		el('p', {textContent: 'Best of each: ' + name(x) + ': ' + num(x.throughput_fps) + '/s at ' + num(x.latency_ms) + ' ms; ' + name(y) + ': ' + num(y.throughput_fps) + '/s at ' + num(y.latency_ms) + ' ms.'}),
		pair(bars(all.map(name), [{label: '/s', data: all.map(p => p.throughput_fps), backgroundColor: shade}], 'samples a second'),
			bars(all.map(name), [{label: 'ms', data: all.map(p => p.latency_ms), backgroundColor: shade}], 'median latency, ms'))];
}

function sweep() {
	const s = D.sweep || (D.cases && !D.suite ? D : null);
	if (!s) return;
	const ok = s.cases.filter(p => p.status === 'ok'), at = s.cases[s.chosen];
	const batches = ascending(ok.map(p => p.batch)), threads = ascending(ok.map(p => p.threads)), kids = [sweepScatter(ok, at)];
	if (batches.length > 1)
		kids.push(sweepLines('Batches', 'batch', 'samples a second', batches, unique(ok.map(kindOf)), (b, k) => (ok.find(p => p.batch === b && kindOf(p) === k) || {}).throughput_fps));
	const one = ok.filter(p => p.streams === 1), group = p => 'batch ' + p.batch + ', ' + p.precision + (p.mode === 'async' ? ', async' : '');
	if (threads.length > 1) {
		const get = key => (t, g) => (one.find(p => p.threads === t && group(p) === g) || {})[key];
		kids.push(sweepLines('Latency against threads, one stream', 'threads', 'latency, ms', threads, unique(one.map(group)), get('latency_ms')),
			sweepLines('Scaling efficiency, one stream', 'threads', 'throughput / (threads × that of one)', threads, unique(one.map(group)), (t, g) => get('scaling')(t, g) || undefined));
	}
	const row = p => [p.precision + ', ' + p.mode, p.batch, p.streams, p.threads];
	section('Ways to run it', el('p', {textContent: at ? 'Chosen: ' + at.name + ': ' + s.why + '.' : 'No point: ' + s.why + '.'}), pair(...kids), ...asyncAgainstSync(ok),
		table(['', 'batch', 'streams', 'threads', 'latency ms', 'single pass ms', 'samples/s', 'scaling', 'outliers'], s.cases.map(p => p.status === 'ok' ?
			[...row(p), p.latency_ms, p.single_pass_ms, p.throughput_fps, p.scaling ? num(p.scaling, 3) : '', p.outliers] : [...row(p), {text: 'failed: ' + p.reason, bad: true}, '', '', '', '']), s.chosen));
}
