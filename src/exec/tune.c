/* Convolutions are run in every way that can do their shape, one layer at a time: with weights that
 * have left the caches as far as the network's others drive them out, on an image that has just
 * been written, as the layer before leaves it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "exec/tune.h"

#define TURNS 7
#define SWEEP_MOST ((size_t)128 << 20)
#define CLEARLY 0.9 /* of the time of the rules' way: less is worth another */
#define HOPELESS 3  /* times the best: not run again */

struct tuned {
	struct conv_shape s;
	int way;
	struct tuned *next;
};

struct trial {
	struct nhwc_conv_f32 c;
	struct nhwc_conv_f32_args a;
	float *in, *weights, *packed, *out;
	void *scratch;
};

/* Bytes that drive others out of the caches. */
struct sweep {
	char *p;
	size_t n;
};

/* Touched, so that its pages are there. */
static void *zeros(size_t bytes)
{
	void *p = bytes < SIZE_MAX / 2 ? aligned_alloc(64, (bytes + 128) & ~(size_t)63) : NULL;
	return p ? memset(p, 0, bytes) : NULL;
}

static void *floats(size_t a, size_t b)
{
	size_t n, bytes;
	return mul_size(a, b, &n) || mul_size(n, sizeof(float), &bytes) ? NULL : zeros(bytes);
}

static void trial_free(struct trial *t)
{
	free(t->in);
	free(t->weights);
	free(t->packed);
	free(t->out);
	free(t->scratch);
}

static bool trial_make(struct trial *t, const struct conv_shape *s, int way)
{
	size_t cin = (size_t)s->groups * (size_t)s->cin, cout = (size_t)s->groups * (size_t)s->cout;
	t->c = (struct nhwc_conv_f32){.s = *s,
	    .ld_in = (int64_t)cin,
	    .ld_out = (int64_t)cout,
	    .ld_add = (int64_t)cout,
	    .lo = -INFINITY,
	    .hi = INFINITY,
	    .act = SPAN_NONE,
	    .way = way};
	nhwc_conv_f32_plan(&t->c, 1);
	t->in = floats((size_t)s->batch * conv_volume(s->in), cin);
	t->out = floats((size_t)s->batch * conv_volume(s->out), cout);
	t->weights = floats(conv_volume(s->kernel) * (size_t)s->cin, cout);
	t->packed = zeros(nhwc_conv_f32_packed(&t->c));
	t->scratch = zeros(t->c.scratch);
	if (!t->in || !t->out || !t->weights || !t->packed || !t->scratch)
		return false;
	nhwc_conv_f32_pack(&t->c, NULL, t->weights, t->packed);
	t->a = (struct nhwc_conv_f32_args){
	    .in = t->in, .packed = t->packed, .out = t->out, .scratch = t->scratch};
	return true;
}

static double run_once(struct trial *t, const struct sweep *w)
{
	const struct conv_shape *s = &t->c.s;
	memset(w->p, 1, w->n);
	memset(
	    t->in, 0, (size_t)s->batch * conv_volume(s->in) * (size_t)t->c.ld_in * sizeof *t->in);
	double start = clock_seconds();
	nhwc_conv_f32_run(&t->c, NULL, &t->a);
	return clock_seconds() - start;
}

/* Seconds at best; none without memory. A way that took far more than best is not run on. */
static double seconds_of(const struct conv_shape *s, int way, const struct sweep *w, double best)
{
	struct trial t = {0};
	double least = INFINITY;
	bool made = trial_make(&t, s, way);
	for (int turn = 0; made && turn < TURNS && !(turn && least > HOPELESS * best); turn++)
		least = fmin(least, run_once(&t, w));
	trial_free(&t);
	return least;
}

static bool allowed(const struct conv_shape *s, int way, const struct exec_options *o)
{
	bool mixes = way == CONV_WINOGRAD || way == CONV_WINOGRAD_2 || way == CONV_WINOGRAD_LINE ||
		     way == CONV_WINOGRAD_TILES;
	return nhwc_conv_f32_fits(s, way) && !(mixes && o->exact) &&
	       !(way == CONV_IGEMM_BF16 && !(o->bf16 && cpu_features() & CPU_BF16));
}

static int fastest(
    const struct tuning *k, const struct conv_shape *s, int rules, const struct sweep *w)
{
	double own = seconds_of(s, rules, w, INFINITY), best = own * CLEARLY;
	int way = rules;
	for (int other = 0; other < CONV_WAYS && isfinite(own); other++) {
		if (other == rules || !allowed(s, other, k->o))
			continue;
		double took = seconds_of(s, other, w, best);
		way = took < best ? other : way;
		best = fmin(took, best);
	}
	log_say(&k->o->log, LOG_INFO, "%d of %d x %d channels, %d x %d to %d x %d: %s, %.3f ms%s%s",
	    s->groups, s->cin, s->cout, s->kernel[1], s->kernel[2], s->out[1], s->out[2],
	    nhwc_conv_f32_name(rules), own * 1e3, way == rules ? "" : "; better ",
	    way == rules ? "" : nhwc_conv_f32_name(way));
	return way;
}

static int measure(const struct tuning *k, const struct conv_shape *s, int rules)
{
	struct sweep w = {.n = k->weights < SWEEP_MOST ? k->weights : SWEEP_MOST};
	w.p = zeros(w.n);
	int way = w.p ? fastest(k, s, rules, &w) : rules;
	free(w.p);
	return way;
}

struct tuning tuning_of(const struct graph *g, const struct exec_options *o, struct arena *arena)
{
	struct tuning k = {.o = o, .arena = arena};
	if (o->tune)
		graph_each (g, n)
			k.weights += n->data ? blob_size(n->data) : 0;
	return k;
}

int tune_way(struct tuning *k, const struct conv_shape *s, int rules)
{
	for (const struct tuned *t = k->known; t; t = t->next)
		if (!memcmp(&t->s, s, sizeof *s))
			return t->way;
	struct tuned *t = arena_alloc(k->arena, sizeof *t);
	if (!t)
		return rules;
	*t = (struct tuned){*s, measure(k, s, rules), k->known};
	k->known = t;
	return t->way;
}
