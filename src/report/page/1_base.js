// What all sections use: the data, elements, tables that sort, charts.
const D = JSON.parse(document.getElementById('data').textContent), page = document.getElementById('page');
const css = n => getComputedStyle(document.documentElement).getPropertyValue('--' + n).trim();
const COLORS = ['one', 'two', 'three', 'four', 'five', 'six'];
const color = i => css(COLORS[i % COLORS.length]);
const narrow = innerWidth < 600;
const isNum = x => typeof x === 'number';
const num = (x, d = 4) => x === undefined || x === null ? '' : isNum(x) ? String(+x.toPrecision(d)) : String(x);
const plural = (n, word) => n + ' ' + word + (n === 1 ? '' : 's');
// Of paths the end tells more, of words the beginning.
const short = (s, n) => s.length <= n ? s : s.includes('/') ? '…' + s.slice(1 - n) : s.slice(0, n - 1) + '…';
const base = path => String(path).replace(/.*\//, '');
const unique = list => [...new Set(list)];

const el = (tag, props = {}, ...kids) => { const e = Object.assign(document.createElement(tag), props); e.append(...kids); return e; };
const section = (title, ...kids) => page.append(el('h2', {textContent: title}), ...kids);
const soft = text => el('p', {className: 'soft', textContent: text});
const tile = (name, value) => el('div', {className: 'tile'}, el('span', {className: 'soft', textContent: name}), el('b', {textContent: value}));
const pair = (...kids) => el('div', {className: 'pair'}, ...kids);
const titled = (title, chart) => el('div', {}, el('h3', {textContent: title}), chart);

// A cell is a number, text, or {text, best, bad, wide}.
function cell(c) {
	const o = c !== null && typeof c === 'object' ? c : {text: c};
	return el('td', {textContent: num(o.text), className: o.best ? 'best' : o.bad ? 'bad text' : o.wide ? 'text' : ''});
}
const valueOf = c => c !== null && typeof c === 'object' ? c.text : c;

// Sorts when a head is pressed, and back when it is pressed again. A column that says nothing is left out.
function table(allHeads, allRows, chosen) {
	const says = allHeads.map((_, k) => k === 0 || allRows.some(r => !['', undefined, null].includes(valueOf(r[k]))));
	const head = allHeads.filter((_, k) => says[k]), rows = allRows.map(r => r.filter((_, k) => says[k]));
	const body = el('tbody'), lines = rows.map((r, i) => ({cells: r, e: el('tr', {className: i === chosen ? 'chosen' : ''}, ...r.map(cell))}));
	let by = -1, up = false;
	const sort = k => {
		up = by === k ? !up : false;
		by = k;
		const order = (a, b) => {
			const x = valueOf(a.cells[k]), y = valueOf(b.cells[k]), n = +x - +y;
			return isNaN(n) ? String(x).localeCompare(String(y)) : n;
		};
		body.append(...[...lines].sort((a, b) => up ? order(a, b) : order(b, a)).map(l => l.e));
	};
	body.append(...lines.map(l => l.e));
	return el('div', {className: 'scroll'}, el('table', {}, el('thead', {}, el('tr', {},
		...head.map((h, k) => el('th', {textContent: h, onclick: () => sort(k)})))), body));
}

Object.assign(Chart.defaults, {color: css('soft'), borderColor: css('line'), animation: false, maintainAspectRatio: false});
Chart.defaults.plugins.legend.labels.boxWidth = 14;
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => location.reload());
const chart = (type, data, options = {}) => {
	const canvas = el('canvas'), box = el('div', {className: 'chart'}, canvas);
	queueMicrotask(() => new Chart(canvas, {type, data, options}));
	return box;
};
const axes = (x, y, more = {}) => ({
	scales: {x: {title: {display: !!x, text: x}, ...more.x}, y: {title: {display: !!y, text: y}, ...more.y}},
	plugins: {legend: {display: more.legend !== false}, tooltip: more.tooltip || {}},
});
// Bars to the right, one line a label.
const bars = (labels, datasets, unit, more = {}) => {
	const box = chart('bar', {labels: labels.map(l => short(l, narrow ? 26 : 48)), datasets}, {indexAxis: 'y',
		scales: {x: {stacked: !!more.stacked, beginAtZero: true, title: {display: true, text: unit}}, y: {stacked: !!more.stacked, ticks: {autoSkip: false}}},
		plugins: {legend: {display: datasets.length > 1}, tooltip: more.tooltip || {}}});
	box.style.height = 80 + labels.length * (more.stacked ? 30 : 10 + 16 * datasets.length) + 'px';
	return box;
};
