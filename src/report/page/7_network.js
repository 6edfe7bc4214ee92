// The network: layers from top to bottom by their longest way from an input; in a row in the order of those above.
const LAYERS = D.layers || [];
// The calls of a layer, which may be several, as one.
const CALLS = new Map();
for (const c of D.profile || []) {
	const k = CALLS.get(c.name);
	CALLS.set(c.name, k ? {...k, ms: k.ms + c.ms, kernel: k.kernel + ', ' + c.kernel, macs: k.macs + c.macs} : c);
}
const FLOATS = ['f32', 'f16', 'bf16', 'i8'];

// The call that does a layer: its own, or that of the layer before it which took it along.
const doneBy = LAYERS.map(() => null);
LAYERS.forEach((l, i) => { doneBy[i] = CALLS.get(l.name) || (l.inputs.length && l.op !== 'Result' ? doneBy[l.inputs[0]] : null); });
const precisionOf = i => (doneBy[i] && FLOATS.includes(LAYERS[i].type_name) && doneBy[i].precision) || LAYERS[i].type_name;

function transitions() {
	const found = [];
	LAYERS.forEach((l, i) => l.inputs.forEach(j => {
		const a = precisionOf(j), b = precisionOf(i);
		if (a !== b && l.op !== 'Result' && FLOATS.includes(a) && FLOATS.includes(b)) found.push({from: j, to: i, a, b});
	}));
	return found;
}

function layout() {
	const rank = [], rows = [], pos = [], W = 150, H = 56;
	const mean = i => { const v = LAYERS[i].inputs.map(j => pos[j] ? pos[j][0] : 0); return v.length ? v.reduce((a, b) => a + b, 0) / v.length : 0; };
	LAYERS.forEach((l, i) => { rank[i] = Math.max(0, ...l.inputs.map(j => rank[j] + 1)); (rows[rank[i]] = rows[rank[i]] || []).push(i); });
	rows.forEach((r, y) => { r.sort((a, b) => mean(a) - mean(b)); r.forEach((i, x) => { pos[i] = [(x - (r.length - 1) / 2) * W, y * H]; }); });
	return pos;
}

function hoverText(i) {
	const l = LAYERS[i], c = doneBy[i], f = CALIBRATED.get(l.name), all = (D.profile || []).reduce((s, k) => s + k.ms, 0), lines = [l.name + ' (' + l.op + ')', l.type_name + ' [' + l.shape + ']'];
	if (c && c.name === l.name) {
		lines.push(num(c.ms) + ' ms, ' + num(c.ms / all * 100, 3) + ' % of the time, bound by ' + c.bound);
		if (c.macs) lines.push(num(c.macs / 1e6) + ' MMACs, ' + num(c.gflops, 3) + ' GFLOP/s, ' + num(c.peak * 100, 3) + ' % of peak');
		lines.push('kernel ' + c.kernel + ', computed in ' + c.precision);
	} else if (c) lines.push('done with ' + c.name + ' by ' + c.kernel);
	if (f) lines.push('calibrated: ' + [decibel(f.sqnr) && 'SQNR ' + decibel(f.sqnr), f.decision].filter(Boolean).join(', '));
	return lines.join('\n');
}

// Wheel, drag and two fingers; the view is an SVG viewBox.
function zoomable(svg, whole) {
	let view = [...whole.slice(0, 2), Math.min(whole[2], 1000), 520];
	view[0] = whole[0] + (whole[2] - view[2]) / 2;
	const show = () => svg.setAttribute('viewBox', view.join(' '));
	const zoom = (f, x = .5, y = .5) => { view = [view[0] + view[2] * (1 - f) * x, view[1] + view[3] * (1 - f) * y, view[2] * f, view[3] * f]; show(); };
	const move = (dx, dy) => { const b = svg.getBoundingClientRect(), k = Math.max(view[2] / b.width, view[3] / b.height); view[0] -= dx * k; view[1] -= dy * k; show(); };
	const part = (x, y) => { const b = svg.getBoundingClientRect(); return [(x - b.left) / b.width, (y - b.top) / b.height]; };
	svg.addEventListener('wheel', e => { e.preventDefault(); zoom(e.deltaY > 0 ? 1.15 : .87, ...part(e.clientX, e.clientY)); }, {passive: false});
	const down = new Map(), middle = v => [(v[0][0] + v[1][0]) / 2, (v[0][1] + v[1][1]) / 2], far = v => Math.hypot(v[0][0] - v[1][0], v[0][1] - v[1][1]);
	svg.addEventListener('pointerdown', e => down.set(e.pointerId, [e.clientX, e.clientY]));
	for (const end of ['pointerup', 'pointercancel']) addEventListener(end, e => down.delete(e.pointerId));
	svg.addEventListener('pointermove', e => {
		if (!down.has(e.pointerId)) return;
		const before = [...down.values()];
		const old = down.get(e.pointerId);
		down.set(e.pointerId, [e.clientX, e.clientY]);
		if (before.length === 2) {
			const now = [...down.values()], a = middle(before), b = middle(now);
			move(b[0] - a[0], b[1] - a[1]);
			zoom(far(before) / Math.max(far(now), 1), ...part(...b));
		} else move(e.clientX - old[0], e.clientY - old[1]);
	});
	show();
	return {zoom, fit: () => { view = [...whole]; show(); }};
}

function network() {
	if (!LAYERS.length) return;
	const NS = 'http://www.w3.org/2000/svg', pos = layout(), changes = transitions(), changed = new Set(changes.map(t => t.from + ' ' + t.to));
	const svg = document.createElementNS(NS, 'svg'), g = document.createElementNS(NS, 'g'), hover = el('div', {id: 'hover', textContent: 'Point at a layer.'});
	const add = (tag, a) => { const e = document.createElementNS(NS, tag); for (const k in a) e.setAttribute(k, a[k]); g.append(e); return e; };
	svg.id = 'graph';
	svg.append(g);
	LAYERS.forEach((l, i) => l.inputs.forEach(j => add('line', {x1: pos[j][0], y1: pos[j][1] + 14, x2: pos[i][0], y2: pos[i][1] - 14,
		...(changed.has(j + ' ' + i) ? {stroke: css('bad'), 'stroke-width': 2.5, 'stroke-dasharray': '5 3', class: 'change'} : {stroke: css('soft'), 'stroke-width': 1})})));
	const most = Math.max(1e-9, ...[...CALLS.values()].map(c => c.ms)), kinds = unique(LAYERS.map((_, i) => precisionOf(i)));
	const paints = {
		time: i => { const c = doneBy[i]; return !c ? [css('back'), 1] : ['hsl(' + (215 - 205 * Math.sqrt(c.ms / most)) + ' 75% 55%)', c.name === LAYERS[i].name ? .9 : .3]; },
		precision: i => [color(kinds.indexOf(precisionOf(i))), .7],
	};
	const boxes = LAYERS.map((l, i) => {
		const r = add('rect', {x: pos[i][0] - 69, y: pos[i][1] - 14, width: 138, height: 28, rx: 5, stroke: css('soft')});
		add('text', {x: pos[i][0], y: pos[i][1] + 4, 'text-anchor': 'middle', 'font-size': 11, fill: css('ink'), 'pointer-events': 'none'}).textContent = l.op.slice(0, 20);
		for (const on of ['pointerenter', 'pointerdown']) r.addEventListener(on, () => { hover.textContent = hoverText(i); });
		return r;
	});
	const legend = el('span', {className: 'soft'}), buttons = ['time', 'precision'].map(mode => el('button', {textContent: 'colour by ' + mode, onclick: () => paint(mode)}));
	function paint(mode) {
		boxes.forEach((r, i) => { const [fill, opacity] = paints[mode](i); r.setAttribute('fill', fill); r.setAttribute('fill-opacity', opacity); });
		buttons.forEach(b => { b.className = b.textContent.endsWith(mode) ? 'on' : ''; });
		legend.replaceChildren(...(mode === 'time' ? ['blue: quick, red: slow, pale: done with the layer above'] :
			kinds.map((k, i) => el('span', {style: 'margin-right:1em'}, el('span', {className: 'chip', style: 'background:' + color(i)}), k))));
	}
	const xs = pos.map(p => p[0]), ys = pos.map(p => p[1]), x0 = Math.min(...xs) - 90, y0 = Math.min(...ys) - 30;
	const view = zoomable(svg, [x0, y0, Math.max(...xs) + 90 - x0, Math.max(...ys) + 30 - y0]);
	paint(changes.length ? 'precision' : 'time');
	const press = (text, f) => el('button', {textContent: text, onclick: f});
	section('Network', el('div', {className: 'bar'}, ...buttons, press('+', () => view.zoom(.7)), press('−', () => view.zoom(1.4)), press('whole', view.fit)), el('p', {}, legend),
		el('div', {className: 'net'}, svg, hover), soft(LAYERS.length + ' layers; drag or two fingers to move, wheel or pinch to zoom; precisions: ' + kinds.join(', ') + '; ' +
			plural(changes.length, 'transition') + ' from one to another' + (changes.length ? ' (red dashes)' : '')));
	if (changes.length)
		page.append(el('h3', {textContent: 'Precision transitions'}), table(['between', 'and', 'from', 'to'], changes.map(t => [LAYERS[t.from].name, {text: LAYERS[t.to].name, wide: true}, t.a, t.b])));
}
