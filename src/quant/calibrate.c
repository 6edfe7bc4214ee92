/* Quantization to 8 bits after training: placement, statistics, ranges, quantized clones. */
#include "quant/calibrate.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ops/op.h"
#include "quant/collect.h"
#include "quant/full_bias.h"
#include "quant/ranges.h"

#define REFINE_SAMPLES 64
#define BIAS_SAMPLES 32
#define REFINE_ROWS 1024 /* of each layer, from all of these samples */

struct calibration {
	struct graph *was; /* the caller's */
	struct graph *g;   /* the same, or a clone that is smoothed once statistics are known */
	struct graph *own; /* that clone, or NULL */
	struct smooth smooth;
	struct calibrate_options o;
	struct placement p;
	struct stats *s;
	struct arena *arena;
	struct quant_range *range; /* by quantizer; chosen: not NULL */
	struct weight_levels *levels;
	struct refinement *refined; /* NULL: not wanted, or not worked out yet */
	double weights_seconds;
};

static int check_new(const struct graph *g, struct err *err)
{
	graph_each (g, n)
		if (node_is(n, OP_FAKE_QUANTIZE))
			return fail(err, E_USAGE,
			    "the network is quantized already: '%s' is a FakeQuantize", n->name);
	return OK;
}

/* Smoothing changes the network: a clone of it. */
static int find_smooth(struct calibration *c, struct err *err)
{
	if (c->o.smooth == SMOOTH_OFF)
		return OK;
	int status = smooth_find(c->g, c->o.ignored, c->o.nignored, &c->smooth, err);
	if (status || !c->smooth.n)
		return status;
	c->own = graph_clone(c->g);
	if (!c->own)
		return fail_nomem(err);
	graph_number(c->own);
	c->g = c->smooth.g = c->own;
	return OK;
}

static struct quantize_options placement_options(
    const struct calibrate_options *o, const char *const *kept, int nkept)
{
	return (struct quantize_options){.kept = kept,
	    .nkept = nkept,
	    .overflow = o->overflow,
	    .all = o->all,
	    .products = o->products};
}

int calibration_new(
    struct graph *g, const struct calibrate_options *o, struct calibration **out, struct err *err)
{
	struct quantize_options q = placement_options(o, o->ignored, o->nignored);
	int status = check_new(g, err);
	if (status)
		return status;
	struct calibration *c = calloc(1, sizeof *c);
	if (!c)
		return fail_nomem(err);
	c->was = c->g = g;
	c->o = *o;
	c->arena = arena_new();
	c->levels = weight_levels_new();
	status = c->arena && c->levels ? find_smooth(c, err) : fail_nomem(err);
	status = status ? status : quantize_place(c->g, &q, &c->p, err);
	if (!status && !c->p.ngroups)
		status = fail(err, E_USAGE, "the network has no layer to quantize");
	if (status)
		calibration_free(c);
	else
		*out = c;
	return status;
}

void calibration_free(struct calibration *c)
{
	if (!c)
		return;
	placement_free(&c->p);
	stats_free(c->s);
	refinement_free(c->refined);
	weight_levels_free(c->levels);
	smooth_free(&c->smooth);
	graph_free(c->own);
	arena_free(c->arena);
	free(c);
}

static int make_quantized(void *user, struct graph **q, struct err *err)
{
	return calibration_quantize(user, NULL, 0, q, err);
}

static int refine_full(struct calibration *c, const struct samples *samples, struct err *err)
{
	const struct full_bias f = {.g = c->g,
	    .r = c->refined,
	    .make = make_quantized,
	    .user = c,
	    .samples = samples,
	    .n = BIAS_SAMPLES,
	    .of = c->o.samples,
	    .index = c->o.index,
	    .bytes = c->o.full_bias_bytes,
	    .threads = c->o.threads,
	    .log = c->o.log};
	return full_bias(&f, err);
}

static bool refines(const struct calibration *c)
{
	return c->o.refine.rounding || c->o.refine.biases;
}

/* Of what the layers of p read. */
static int new_moments(const struct calibration *c, const struct placement *p,
    const struct samples *samples, struct moments **out, struct err *err)
{
	struct moments_options o = {.samples = REFINE_SAMPLES,
	    .of = collect_count(&c->o, samples),
	    .rows = REFINE_ROWS,
	    .bytes = c->o.refine.rounding ? c->o.refine_bytes : 0};
	if (o.of < 1)
		return fail(err, E_USAGE, "there are no samples");
	return moments_new(p, &o, out, err);
}

/* In the network as it would be quantized without. Moments are those of the network as it was. */
static int refine(
    struct calibration *c, struct moments *m, const struct samples *samples, struct err *err)
{
	struct refine_options o = c->o.refine;
	struct graph *q = NULL;
	double start = clock_seconds();
	o.threads = c->o.threads;
	moments_smooth(m, &c->smooth);
	int status = calibration_quantize(c, NULL, 0, &q, err);
	status = status ? status : refine_solve(c->g, q, m, &o, &c->refined, err);
	graph_free(q);
	if (!status && c->o.refine.biases && c->o.full_bias)
		status = refine_full(c, samples, err);
	c->weights_seconds += clock_seconds() - start;
	return status;
}

/* Moments are taken while ranges are collected. */
int calibration_collect(struct calibration *c, const struct samples *samples, struct err *err)
{
	struct stats *s;
	struct moments *m = NULL;
	int status = refines(c) ? new_moments(c, &c->p, samples, &m, err) : OK;
	struct collect_request r = {&c->p, &c->smooth, &c->o, samples, m};
	status = status ? status : collect(&r, &s, err);
	status = status ? status : calibration_use(c, s, err);
	if (!status && m)
		status = refine(c, m, samples, err);
	moments_free(m);
	return status;
}

/* In the network as it was, so that the result is the same as of one pass. */
int calibration_refine(struct calibration *c, const struct samples *samples, struct err *err)
{
	struct quantize_options q = placement_options(&c->o, c->o.ignored, c->o.nignored);
	struct moments *m = NULL;
	struct placement p;
	if (!refines(c))
		return OK;
	int status = quantize_place(c->was, &q, &p, err);
	if (status)
		return status;
	status = new_moments(c, &p, samples, &m, err);
	struct collect_request r = {&p, &c->smooth, &c->o, samples, m};
	status = status ? status : collect(&r, NULL, err);
	status = status ? status : refine(c, m, samples, err);
	moments_free(m);
	placement_free(&p);
	return status;
}

/* What was seen, with that of smoothed values in the place of what they were: names and memory are
 * the statistics' or the arena's. */
static int smoothed_stats(struct calibration *c, struct stats *out, struct err *err)
{
	*out = *c->s;
	out->site = arena_array(
	    c->arena, (size_t)(c->s->nsites + c->smooth.n) + 1, sizeof *out->site);
	if (!out->site)
		return fail_nomem(err);
	out->nsites = 0;
	for (int i = 0; i < c->smooth.n; i++) {
		const struct smooth_site *t = &c->smooth.site[i];
		const struct stats_site *columns = stats_find(c->s, t->name);
		struct stats_site *to = &out->site[out->nsites];
		if (!t->after || !columns)
			continue;
		*to = (struct stats_site){.name = t->after, .channels = 1};
		to->channel = arena_alloc(c->arena, sizeof *to->channel);
		if (!to->channel)
			return fail_nomem(err);
		*to->channel = smooth_extremes(t, columns, c->s->samples);
		out->nsites++;
	}
	for (int i = 0; i < c->s->nsites; i++)
		out->site[out->nsites++] = c->s->site[i];
	return OK;
}

/* Once statistics are known, the network is smoothed, and quantizers stand elsewhere. */
static int apply_smooth(struct calibration *c, struct stats *s, struct err *err)
{
	struct quantize_options q = placement_options(&c->o, c->o.ignored, c->o.nignored);
	int status = smooth_apply(&c->smooth, c->s, c->o.smooth, c->o.threads, err);
	if (status)
		return status;
	placement_free(&c->p);
	status = quantize_place(c->g, &q, &c->p, err);
	return status ? status : smoothed_stats(c, s, err);
}

int calibration_use(struct calibration *c, struct stats *s, struct err *err)
{
	struct stats seen = *s;
	double start = clock_seconds();
	stats_free(c->s);
	c->s = s;
	if (c->smooth.n && apply_smooth(c, &seen, err))
		return err->status;
	c->range = arena_array(c->arena, (size_t)c->p.nquantizers + 1, sizeof *c->range);
	if (!c->range)
		return fail_nomem(err);
	int status = ranges_choose(&c->p, &seen, &c->o, c->arena, c->range, err);
	c->weights_seconds += clock_seconds() - start;
	return status;
}

int calibration_ngroups(const struct calibration *c)
{
	return c->p.ngroups;
}

const struct quant_group *calibration_group(const struct calibration *c, int k)
{
	return &c->p.group[k];
}

const struct placement *calibration_placement(const struct calibration *c)
{
	return &c->p;
}

struct quant_range *calibration_ranges(struct calibration *c)
{
	return c->range;
}

const struct smooth *calibration_smooth(const struct calibration *c)
{
	return &c->smooth;
}

const struct stats *calibration_stats(const struct calibration *c)
{
	return c->s;
}

double calibration_weights_seconds(const struct calibration *c)
{
	return c->weights_seconds;
}

/* ---- quantized clones ---- */

static const struct quant_range *range_of(const struct calibration *c, const char *name)
{
	for (int i = 0; i < c->p.nquantizers; i++)
		if (!strcmp(c->p.quantizer[i].name, name))
			return &c->range[i];
	return NULL;
}

/* A quantizer that stands behind layers that pass levels on, since not all of their readers are
 * quantized any more: the range is that of what they pass on. */
static const struct quant_range *range_behind(
    const struct calibration *c, const struct value *v, struct arena *a)
{
	const struct quant_range *r;
	while (v) {
		const char *name = v->port ? arena_printf(a, "%s:%d", v->node->name, v->port)
					   : v->node->name;
		if (!name || (r = range_of(c, name)) || !passes_levels(v->node))
			return name ? r : NULL;
		v = node_in(v->node, 0);
	}
	return NULL;
}

static int find_ranges(const struct calibration *c, const struct placement *p,
    struct quant_range *range, struct err *err)
{
	graph_each (p->graph, n)
		for (int k = 0; k < n->nout; k++)
			for (int i = 0; i < p->nquantizers; i++) {
				if (p->quantizer[i].value != n->out[k].id)
					continue;
				const struct quant_range *r = range_behind(c, &n->out[k], p->arena);
				if (!r)
					return fail(err, E_FORMAT,
					    "there are no statistics of '%s'",
					    p->quantizer[i].name);
				range[i] = *r;
			}
	return OK;
}

static int quantize(const struct calibration *c, const char *const *kept, int nkept,
    struct graph **out, struct err *err)
{
	struct quantize_options o = placement_options(&c->o, kept, nkept);
	struct placement p;
	int status = quantize_place(c->g, &o, &p, err);
	if (status)
		return status;
	struct quant_range *range = arena_array(p.arena, (size_t)p.nquantizers + 1, sizeof *range);
	status = range ? find_ranges(c, &p, range, err) : fail_nomem(err);
	status = status ? status : weight_levels_fill(c->levels, &p, c->o.threads, err);
	status = status ? status : quantize_apply(&p, range, c->levels, out, err);
	if (!status && c->refined && (status = refine_apply(c->refined, *out, err)))
		graph_free(*out);
	placement_free(&p);
	return status;
}

int calibration_quantize(const struct calibration *c, const char *const *kept, int nkept,
    struct graph **out, struct err *err)
{
	int n = c->o.nignored;
	const char **all = calloc((size_t)(n + nkept) + 1, sizeof *all);
	if (!all)
		return fail_nomem(err);
	for (int i = 0; i < n; i++)
		all[i] = c->o.ignored[i];
	for (int i = 0; i < nkept; i++)
		all[n + i] = kept[i];
	int status = quantize(c, all, n + nkept, out, err);
	free(all);
	return status;
}
