// On top: what was measured on what, the figures, what they come to, and advice.
const machineText = m => [m.cpu, m.cores && plural(m.cores, 'core'), m.threads && plural(m.threads, 'thread'), m.isa, m.governor && 'governor ' + m.governor,
	m.kernel, m.mo && 'mo ' + m.mo].filter(Boolean).join(', ');

function boundText() {
	const p = D.profile || [], all = p.reduce((s, c) => s + c.ms, 0), by = {};
	for (const c of p) by[c.bound] = (by[c.bound] || 0) + c.ms;
	const most = Object.keys(by).sort((a, b) => by[b] - by[a])[0];
	return most ? num(by[most] / all * 100, 2) + ' % of its time is bound by ' + most + '.' : '';
}

function besideText(list) {
	const ok = (list || []).filter(b => b.status === 'ok');
	if (ok.length < 2) return [];
	const first = ok[0], fast = ok.reduce((a, b) => b.latency_ms < a.latency_ms ? b : a), start = b => b.read_ms + b.compile_ms + b.first_ms;
	const soon = ok.reduce((a, b) => start(b) < start(a) ? b : a), lines = [];
	if (first.latency_ms > 1.03 * fast.latency_ms) lines.push(fast.name + ' runs ' + num(first.latency_ms / fast.latency_ms, 3) + ' × as fast as ' + first.name + '.');
	if (soon !== first) lines.push(soon.name + ' has its first answer after ' + num(start(soon), 3) + ' ms, ' + first.name + ' after ' + num(start(first), 3) + ' ms.');
	return lines;
}

function calibratedText(c) {
	if (!c.metric) return base(c.file) + ': ranges were calibrated, nothing was judged.';
	const kept = (c.kept || []).length, change = isNum(c.drop) ? 'a ' + (c.drop < 0 ? 'gain' : 'drop') + ' of ' + num(Math.abs(c.drop), 3) : '';
	return base(c.file) + ': ' + c.metric + ' ' + num(c.metric_original) + ' → ' + num(c.metric_result) + ', ' + change + ' on ' + c.samples + ' samples' +
		(isNum(c.max_drop) ? ', at most ' + c.max_drop + ' was asked for: ' + (c.verdict ? 'yes' : 'no') : '') + (kept ? '; ' + plural(kept, 'layer') + ' kept as they were' : '') + '.';
}

function capacityText(c) {
	const name = plural(c.cameras, 'camera');
	return c.cameras ? 'It keeps up with ' + name + ' at ' + num(c.fps) + ' frames a second: the 99th percentile of the age of a result is ' +
		num((c.steps.filter(s => s.ok).pop() || {}).age_p99_ms, 3) + ' ms.' : 'It does not keep up with one camera at ' + num(c.fps) + ' frames a second.';
}

// Two backends: how often each is the faster, and by how much in the geometric mean.
function suiteText() {
	const ok = D.cases.filter(c => c.status === 'ok'), first = ok.length ? ok[0].backend : '', failed = D.cases.length - ok.length;
	const lines = unique(ok.map(c => c.backend)).slice(1).flatMap(b => {
		const r = ok.filter(c => c.backend === b).flatMap(c => ok.filter(x => x.backend === first && suiteRow(x).join() === suiteRow(c).join()).map(x => c.latency_ms / x.latency_ms));
		return r.length ? [first + ' is faster than ' + b + ' in ' + r.filter(x => x > 1).length + ' of ' + plural(r.length, 'case') + '; it takes ' +
			num(Math.exp(-r.reduce((s, x) => s + Math.log(x), 0) / r.length), 3) + ' × the time of ' + b + ' in the geometric mean.'] : [];
	});
	return failed ? [...lines, plural(failed, 'case') + ' failed.'] : lines;
}

function verdict() {
	const lines = [], l = D.latency_ms, no = (D.calibrated || []).some(c => c.verdict === false) || (D.sweep && D.sweep.chosen === null) || (D.capacity && !D.capacity.cameras);
	if (isNum(l && l.median)) {
		lines.push('A batch of ' + D.batch + ' takes ' + num(l.median) + ' ms in the median with ' + plural(D.threads, 'thread') + ': ' + num(D.throughput_fps) +
			' samples a second, computed in ' + D.effective_precision + '. ' + boundText());
		if (l.p99 > 1.5 * l.median) lines.push('Times vary: the 99th percentile is ' + num(l.p99 / l.median, 2) + ' × the median, ' + plural(D.outliers, 'outlier') + '.');
	}
	lines.push(...besideText(D.beside), ...(D.calibrated || []).map(calibratedText));
	const s = D.sweep || (D.cases && !D.suite ? D : null);
	if (s) lines.push(isNum(s.chosen) ? 'Best way to run it: ' + s.cases[s.chosen].name + ', ' + s.why + '.' : 'No way to run it: ' + s.why + '.');
	if (D.suite) lines.push(...suiteText());
	if (D.capacity) lines.push(capacityText(D.capacity));
	if (lines.length) page.append(el('div', {className: 'verdict ' + (no ? 'no' : (D.calibrated || []).length ? 'yes' : '')}, ...lines.map(t => el('p', {textContent: t}))));
}

function summary() {
	const name = D.model || D.suite || (D.models || []).map(m => base(m.model)).join(', ') || 'results';
	document.title = 'mo: ' + base(name);
	page.append(el('h1', {textContent: base(name)}), soft(machineText(D.machine || {})));
	verdict();
	if (!D.latency_ms) return;
	page.append(el('div', {className: 'tiles'}, tile('median latency', num(D.latency_ms.median) + ' ms'), tile('throughput', num(D.throughput_fps) + '/s'),
		tile('mean pass', num(D.single_pass_ms) + ' ms'), tile('first inference', num(D.first_ms) + ' ms'), tile('read + compile', num(D.read_ms + D.compile_ms) + ' ms'),
		tile('computed in', D.effective_precision), tile('peak memory', num(D.peak_rss_mb, 3) + ' MB'), tile('threads × batch', D.threads + ' × ' + D.batch)));
}

function advice() {
	if (D.advice && D.advice.length) section('Advice', el('ul', {}, ...D.advice.map(a => el('li', {textContent: a}))));
}
