/* What the figures of a run say: where the time goes, what bounds it, what would help. */
#include "report/advice.h"

#include <stdlib.h>
#include <string.h>

#define HEAVY 10 /* calls looked at, the slowest first */

const char *bound_name(enum bound b)
{
	static const char *const names[] = {"compute", "memory", "overhead", "cache"};
	return names[b];
}

/* Of so much work at so many thousand millions a second; 0 when the rate is not known. */
static double milliseconds(double work, double rate)
{
	return rate > 0 ? work * 1e-6 / rate : 0;
}

enum bound advice_bound(const struct advice_call *c, const struct advice_limits *l)
{
	int64_t near = c->bytes > l->cache     ? 0
		       : l->weights > l->cache ? c->bytes - c->weights
					       : c->bytes;
	double compute = milliseconds(2 * (double)c->macs, l->gflops);
	double memory = milliseconds((double)(c->bytes - near), l->gbytes);
	double cache = milliseconds((double)near, l->cache_gbytes);
	double most = compute > memory + cache ? compute : memory + cache;
	if (most < c->ms / 2)
		return BOUND_OVERHEAD;
	if (compute >= memory + cache)
		return BOUND_COMPUTE;
	return memory >= cache ? BOUND_MEMORY : BOUND_CACHE;
}

static int slowest_first(const void *a, const void *b)
{
	const struct advice_call *x = *(const struct advice_call *const *)a;
	const struct advice_call *y = *(const struct advice_call *const *)b;
	return (y->ms > x->ms) - (y->ms < x->ms);
}

static void where_time_goes(struct text *t, const struct advice_run *r,
    const struct advice_call *const *by_time, double all)
{
	double top = 0;
	int n = r->n < 3 ? r->n : 3;
	for (int i = 0; i < n; i++)
		top += by_time[i]->ms;
	text_printf(t, "%.0f %% of the time is in %d of %d calls:", top / all * 100, n, r->n);
	for (int i = 0; i < n; i++)
		text_printf(t, "%s %s (%.0f %%)", i ? "," : "", by_time[i]->name,
		    by_time[i]->ms / all * 100);
	text_add(t, "\n");
}

static void what_bounds(struct text *t, const struct advice_run *r,
    const struct advice_call *const *by_time, double all)
{
	bool floats = r->int8 < r->products;
	const char *const helps[] = {floats ? "INT8, pruning or more threads make it faster"
					    : "pruning or more threads make it faster",
	    "smaller weights (FP16 or INT8 storage) or a larger batch make it faster",
	    "a larger batch, or fewer and larger layers, make it faster",
	    "8 bits, or layers that are done together, make it faster"};
	double ms[4] = {0};
	for (int i = 0; i < r->n; i++)
		ms[advice_bound(&r->call[i], &r->limits)] += r->call[i].ms;
	for (int b = 0; b < 4; b++)
		if (ms[b] >= all / 10)
			text_printf(t, "%.0f %% of the time is bound by %s: %s\n",
			    ms[b] / all * 100, bound_name((enum bound)b), helps[b]);
	for (int i = 0; i < r->n && i < HEAVY; i++) {
		const struct advice_call *c = by_time[i];
		if (c->ms < all / 20)
			break;
		text_printf(t, "%s (%s, %s): %.3f ms, %.0f GFLOP/s, %.1f GB/s: bound by %s\n",
		    c->name, c->type, c->kernel, c->ms,
		    c->ms > 0 ? (double)c->macs * 2e-6 / c->ms : 0,
		    c->ms > 0 ? (double)c->bytes * 1e-6 / c->ms : 0,
		    bound_name(advice_bound(c, &r->limits)));
	}
}

/* Types whose time is the plain operator's: a pattern that no pass or kernel took. */
static void slow_operators(struct text *t, const struct advice_run *r, double all)
{
	double ms = 0;
	int n = 0;
	for (int i = 0; i < r->n; i++)
		if (!strcmp(r->call[i].kernel, "eval")) {
			ms += r->call[i].ms;
			n++;
		}
	if (ms >= all / 50)
		text_printf(
		    t, "%d layers without a kernel take %.0f %% of the time\n", n, ms / all * 100);
}

static bool in_8_bits(const struct advice_call *c)
{
	return strstr(c->kernel, "u8") || strstr(c->kernel, "quantize");
}

/* The whole without what is saved where multiply-adds in floats bound a call, by Amdahl's law. */
static void gain_of_int8(struct text *t, const struct advice_run *r, double all)
{
	double ms = 0;
	for (int i = 0; i < r->n; i++)
		if (!in_8_bits(&r->call[i]) && r->call[i].macs > 0 &&
		    advice_bound(&r->call[i], &r->limits) == BOUND_COMPUTE)
			ms += r->call[i].ms;
	if (ms >= all / 10)
		text_printf(t,
		    "in 8 bits, which multiply up to %d times as fast here, the products that are "
		    "bound by compute would make the whole at most %.1f times as fast\n",
		    r->vnni ? 4 : 2, all / (all - ms + ms / (r->vnni ? 4 : 2)));
}

/* Streams of one thread each wait for nobody: what they do at most is known from one of them. */
static void gain_of_streams(struct text *t, const struct advice_run *r)
{
	if (r->threads < 2 || r->one_thread <= 0 || r->latency <= 0)
		return;
	double gain = r->threads * r->latency / r->one_thread;
	if (gain > 1.05)
		text_printf(t,
		    "%d streams of one thread do at most %.1f inferences a second instead of %.1f, "
		    "each in %.2f ms instead of %.2f: mo-bench --hint throughput measures it\n",
		    r->threads, r->threads / r->one_thread * 1e3, 1e3 / r->latency, r->one_thread,
		    r->latency);
	else
		text_printf(t,
		    "%d threads for one inference lose nothing against as many streams\n",
		    r->threads);
}

static void precision(struct text *t, const struct advice_run *r)
{
	if (r->int8 && r->floats)
		text_add(t, r->floats);
	else if (r->int8 && r->int8 < r->products)
		text_printf(t, "%d of %d products with weights are not in 8 bits\n",
		    r->products - r->int8, r->products);
	if (!r->int8 && r->products)
		text_add(t, "all is in floats: mo-calibrate makes an INT8 network from samples\n");
}

void advice_write(struct text *t, const struct advice_run *r)
{
	const struct advice_call **by_time = calloc((size_t)r->n + 1, sizeof *by_time);
	double all = 0;
	t->failed |= !by_time;
	for (int i = 0; i < r->n && by_time; i++) {
		by_time[i] = &r->call[i];
		all += r->call[i].ms;
	}
	if (by_time && all > 0) {
		qsort(by_time, (size_t)r->n, sizeof *by_time, slowest_first);
		where_time_goes(t, r, by_time, all);
		what_bounds(t, r, by_time, all);
		slow_operators(t, r, all);
	}
	precision(t, r);
	if (by_time && all > 0)
		gain_of_int8(t, r, all);
	gain_of_streams(t, r);
	if (strcmp(r->source, "blob") && r->read + r->compile > r->latency)
		text_printf(t,
		    "reading and compiling take %.1f ms, %.1f inferences: a blob (mo-compile) or "
		    "--cache-dir saves most of it\n",
		    r->read + r->compile, r->latency > 0 ? (r->read + r->compile) / r->latency : 0);
	if (r->dynamic_inputs)
		text_add(t, "inputs have sizes that are not fixed: mo --input-shape lets more be "
			    "folded and planned ahead\n");
	free((void *)by_time);
}
