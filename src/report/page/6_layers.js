// Where the time goes, and what calibration found out about each layer.
const CALIBRATED = new Map((D.calibrated || []).flatMap(c => (c.layers_found || []).map(l => [l.layer, l])));
const decibel = x => isNum(x) ? num(x, 3) + ' dB' : '';

function calls() {
	const p = D.profile;
	if (!p || !p.length) return;
	const all = p.reduce((s, c) => s + c.ms, 0), top = [...p].sort((a, b) => b.ms - a.ms).slice(0, 25);
	const shade = {compute: color(0), memory: color(1), overhead: color(3), cache: color(2)};
	const label = x => { const c = top[x.dataIndex]; return num(c.ms) + ' ms, ' + num(c.gflops, 3) + ' GFLOP/s, ' + num(c.bytes / 1e6, 3) + ' MB, ' + c.kernel + ', bound by ' + c.bound; };
	const more = CALIBRATED.size > 0, found = c => CALIBRATED.get(c.name) || {};
	section('Layers by time', soft('The slowest ' + top.length + ' of ' + p.length + ' calls. Blue: bound by compute, orange: by memory, green: by cache, violet: by overhead.'),
		bars(top.map(c => c.name), [{label: 'ms', data: top.map(c => c.ms), backgroundColor: top.map(c => shade[c.bound])}], 'ms', {tooltip: {callbacks: {label}}}),
		table(['layer', 'type', 'ms', 'share %', 'MMACs', 'GFLOP/s', 'of peak %', 'MB', 'bound by', 'kernel', 'computed in', ...(more ? ['SQNR', 'decision'] : [])],
			p.map(c => [c.name, c.type, c.ms, num(c.ms / all * 100, 3), c.macs / 1e6, num(c.gflops, 3), num(c.peak * 100, 3), num(c.bytes / 1e6, 3), c.bound, c.kernel, c.precision,
				...(more ? [decibel(found(c).sqnr), found(c).decision || ''] : [])])));
}

function decisions() {
	for (const c of D.calibrated || []) {
		const L = c.layers_found || [], metric = c.metric || 'metric';
		if (!L.length) continue;
		section('What calibration found: ' + base(c.file), el('p', {textContent: calibratedText(c)}),
			table(['layer', 'SQNR', metric + ' regained by keeping it', 'saves ms', 'share of the noise %', 'decision'], L.map(l => [l.layer, decibel(l.sqnr),
				isNum(l.regained) ? l.regained : '', isNum(l.saves) ? l.saves : '', isNum(l.noise_share) ? num(l.noise_share * 100, 3) : '', l.decision])));
	}
}
