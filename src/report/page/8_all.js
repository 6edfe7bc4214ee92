// All sections in their order. What tests look at: ready, and how far the page is wider than the window.
for (const draw of [summary, advice, suite, sweep, beside, latency, together, first, capacity, calls, decisions, network]) draw();
requestAnimationFrame(() => {
	document.body.dataset.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
	document.body.dataset.ready = '1';
});
