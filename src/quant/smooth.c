/* Finds activations with uneven channels before products, and evens them out. */
#include "quant/smooth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "passes/linear.h"
#include "passes/quantize.h"

#define MOST_LOG2 12    /* a factor is at most 2 to this, and at least its inverse */
#define MOST_READERS 8  /* products of one value */
#define ROWS_DYNAMIC 16 /* in a sample whose size is not known */
#define ROWS_ENOUGH 3e4 /* what is beyond the extremes of so many is rare enough */

/* ---- finding ---- */

static bool is_ignored(const struct node *n, const char *const *ignored, int nignored)
{
	for (int i = 0; i < nignored; i++)
		if (!strcmp(ignored[i], n->name))
			return true;
	return false;
}

/* A product of sequences with constants, which becomes one of 8 bits. */
static bool reads_channels(const struct use *u, struct linear *l)
{
	return node_is(u->node, OP_MATMUL) && u->index == 0 && quantizable_weights(u->node) &&
	       !attr_bool(u->node, "transpose_a") && linear_of(u->node, l) && l->data == 0 &&
	       node_in(u->node, 1)->info.type == DT_F32;
}

static int readers_of(const struct value *v, const char *const *ignored, int nignored,
    struct linear reader[MOST_READERS])
{
	int n = 0;
	value_each_use (v, u)
		if (n < MOST_READERS && reads_channels(u, &reader[n]) &&
		    !is_ignored(u->node, ignored, nignored))
			n++;
	return n;
}

static bool is_candidate(const struct value *v)
{
	int rank = v->info.shape.rank;
	return v->info.type == DT_F32 && rank >= 3 && dim_static(v->info.shape.dim[rank - 1]) &&
	       v->info.shape.dim[rank - 1].min > 1 && !node_is(v->node, OP_CONST);
}

static int add_site(struct smooth *s, const struct value *v, struct err *err)
{
	struct smooth_site *t = &s->site[s->n++];
	const char *name = v->node->name;
	t->id = v->id;
	double all = shape_count(&v->info.shape);
	t->channels = v->info.shape.dim[v->info.shape.rank - 1].min;
	t->rows = all > 0 ? all / (double)t->channels : ROWS_DYNAMIC;
	t->value = v->port ? arena_printf(s->arena, "%s:%d", name, v->port)
			   : arena_str(s->arena, name);
	t->name = t->value ? arena_printf(s->arena, "channels of %s", t->value) : NULL;
	t->scale = arena_array(s->arena, (size_t)t->channels, sizeof *t->scale);
	return t->name && t->scale ? OK : fail_nomem(err);
}

int smooth_find(
    struct graph *g, const char *const *ignored, int nignored, struct smooth *out, struct err *err)
{
	struct linear reader[MOST_READERS];
	int status = OK;
	graph_number(g);
	*out = (struct smooth){
	    .g = g, .ignored = ignored, .nignored = nignored, .arena = arena_new()};
	if (out->arena)
		out->site = arena_array(out->arena, (size_t)g->nvalues + 1, sizeof *out->site);
	if (!out->site)
		return fail_nomem(err);
	graph_each (g, n)
		for (int k = 0; k < n->nout && !status; k++)
			if (is_candidate(&n->out[k]) &&
			    readers_of(&n->out[k], ignored, nignored, reader))
				status = add_site(out, &n->out[k], err);
	return status;
}

void smooth_free(struct smooth *s)
{
	arena_free(s->arena);
	*s = (struct smooth){0};
}

/* ---- what is known of channels and weights ---- */

struct known {
	int64_t channels;
	int nreaders;
	struct linear reader[MOST_READERS];
	struct const_view weight[MOST_READERS];
	double samples;
	double margin;
	const struct stats_channel *seen;
	double *act;    /* largest magnitudes of the channels */
	double *square; /* about the mean square of each */
	double *most;   /* of the weights that read each */
	double *energy; /* sum of their squares */
	double *peak;   /* room: of each output of a reader */
};

static float weight_at(const struct known *k, int r, int64_t c, int64_t o)
{
	const struct linear *l = &k->reader[r];
	const float *w = k->weight[r].t.data;
	return l->p_is_out ? w[o * l->q + c] : w[c * l->q + o];
}

static void know_weights(struct known *k)
{
	for (int r = 0; r < k->nreaders; r++)
		for (int64_t c = 0; c < k->channels; c++)
			for (int64_t o = 0; o < linear_outputs(&k->reader[r]); o++) {
				double w = fabs(weight_at(k, r, c, o));
				k->most[c] = w > k->most[c] ? w : k->most[c];
				k->energy[c] += w * w;
			}
}

/* The extreme of each sample, of some tens of numbers, is about twice the deviation. */
static void know_channels(struct known *k)
{
	for (int64_t c = 0; c < k->channels; c++) {
		const struct stats_channel *s = &k->seen[c];
		double low = stats_mean(s->sum_low, (int64_t)k->samples);
		double high = stats_mean(s->sum_high, (int64_t)k->samples);
		k->act[c] = fmax(fabs(s->low), fabs(s->high));
		k->square[c] = fmax(low * low, high * high) / 4;
	}
}

/* To be forgotten in every case. */
static int know(struct known *k, struct err *err)
{
	int64_t outputs = 0;
	for (int r = 0; r < k->nreaders; r++)
		if (linear_outputs(&k->reader[r]) > outputs)
			outputs = linear_outputs(&k->reader[r]);
	k->act = calloc(4 * (size_t)k->channels + (size_t)outputs, sizeof *k->act);
	if (!k->act)
		return fail_nomem(err);
	k->square = k->act + k->channels;
	k->most = k->square + k->channels;
	k->energy = k->most + k->channels;
	k->peak = k->energy + k->channels;
	know_channels(k);
	know_weights(k);
	return OK;
}

/* ---- choosing ---- */

/* A channel's extremes are those of fewer numbers than a whole value's: once all channels have the
 * same, what was not seen lies beyond some of them. As for a normal distribution. */
static double margin_of(const struct smooth_site *s, int64_t samples)
{
	double rows = fmax(8, s->rows * (double)samples);
	return rows < ROWS_ENOUGH ? sqrt(log(ROWS_ENOUGH) / log(rows)) : 1;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* act^alpha / weight^(1 - alpha), around 1 in the middle; channels that are
 * small in that go with the tenth from below. */
static void factors(const struct known *k, double alpha, double *sorted, double *scale)
{
	int64_t n = k->channels;
	for (int64_t c = 0; c < n; c++) {
		double x = alpha * log2(fmax(k->act[c], 1e-20)) -
			   (1 - alpha) * log2(fmax(k->most[c], 1e-20));
		scale[c] = sorted[c] = k->act[c] > 0 && k->most[c] > 0 ? x : -INFINITY;
	}
	qsort(sorted, (size_t)n, sizeof *sorted, by_size);
	double least = sorted[n / 10], middle = sorted[n / 2];
	for (int64_t c = 0; c < n; c++) {
		double x = isfinite(middle) ? fmax(scale[c], least) - middle : 0;
		scale[c] = (float)exp2(fmax(-MOST_LOG2, fmin(MOST_LOG2, x)));
	}
}

#define LANES 8

/* The largest of n weights, each times its scale. */
static double largest(const float *w, const double *scale, int64_t n)
{
	double most[LANES] = {0};
	int64_t i = 0;
	for (; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++) {
			double x = fabs((double)w[i + k]) * scale[i + k];
			most[k] = x > most[k] ? x : most[k];
		}
	for (int k = 1; k < LANES; k++)
		most[0] = most[k] > most[0] ? most[k] : most[0];
	for (; i < n; i++)
		most[0] = fmax(most[0], fabs((double)w[i]) * scale[i]);
	return most[0];
}

/* Widens peaks to n weights times one scale. */
static void widen(const float *restrict w, double scale, int64_t n, double *restrict peak)
{
	for (int64_t i = 0; i < n; i++) {
		double x = fabs((double)w[i]) * scale, was = peak[i];
		peak[i] = x > was ? x : was;
	}
}

/* The largest weight of each output of a reader, channels multiplied by their scale. */
static void find_peaks(const struct known *k, int r, const double *scale)
{
	const struct linear *l = &k->reader[r];
	const float *w = k->weight[r].t.data;
	int64_t outputs = linear_outputs(l);
	memset(k->peak, 0, (size_t)outputs * sizeof *k->peak);
	for (int64_t o = 0; o < outputs && l->p_is_out; o++)
		k->peak[o] = largest(w + o * k->channels, scale, k->channels);
	for (int64_t c = 0; c < k->channels && !l->p_is_out; c++)
		widen(w + c * outputs, scale[c], outputs, k->peak);
}

/* About the noise that 8 bits add to the products: of activations on one grid, and of weights on
 * one for each output. */
static double noise(const struct known *k, const double *scale)
{
	double low = 0, high = 0, through = 0, rest = 0, sum = 0;
	for (int64_t c = 0; c < k->channels; c++) {
		low = fmin(low, k->seen[c].low / scale[c]);
		high = fmax(high, k->seen[c].high / scale[c]);
		through += scale[c] * scale[c] * k->energy[c];
		rest += k->square[c] / (scale[c] * scale[c]);
	}
	for (int r = 0; r < k->nreaders; r++) {
		find_peaks(k, r, scale);
		for (int64_t o = 0; o < linear_outputs(&k->reader[r]); o++)
			sum += k->peak[o] * k->peak[o];
	}
	double range = (high - low) * k->margin;
	return range * range / (255. * 255) * through + sum / (127. * 127) * rest;
}

/* A product that nothing can take along costs time: it must be worth it. */
static bool choose(
    struct known *k, double wanted, bool free_of_cost, double *room, double *scale, double *chosen)
{
	static const double tried[] = {0.3, 0.5, 0.65, 0.8, 0.95};
	double *sorted = room, *other = room + k->channels;
	for (int64_t c = 0; c < k->channels; c++)
		scale[c] = 1;
	double margin = k->margin;
	k->margin = 1;
	double least = noise(k, scale) * (free_of_cost ? 0.95 : 0.7);
	k->margin = margin;
	if (wanted >= 0) {
		factors(k, wanted, sorted, scale);
		*chosen = wanted;
	}
	for (size_t i = 0; i < sizeof tried / sizeof *tried && wanted < 0; i++) {
		factors(k, tried[i], sorted, other);
		double e = noise(k, other);
		if (e < least) {
			least = e;
			*chosen = tried[i];
			memcpy(scale, other, (size_t)k->channels * sizeof *scale);
		}
	}
	for (int64_t c = 0; c < k->channels; c++)
		if (scale[c] != 1)
			return true;
	return false;
}

/* ---- changing the graph ---- */

/* The constant that v is multiplied with or added to, by channel of the last axis; -1: none. */
static int affine_input(const struct value *v, enum op_id id, int64_t channels, double *x)
{
	const struct node *n = v ? v->node : NULL;
	int k = n && node_is(n, id) && v->info.type == DT_F32 ? const_input(n) : -1;
	int rank = v->info.shape.rank;
	return k >= 0 && const_channels(node_in(n, k), rank, rank - 1, channels, x) ? k : -1;
}

/* The end of a normalisation: a scale and a shift by channel before v, read by nothing else. */
static bool ends_norm(
    const struct value *v, int readers, int64_t channels, double *shift, double *gain)
{
	if (v->nuses != readers || is_output(v) || v->port)
		return false;
	int k = affine_input(v, OP_ADD, channels, shift);
	const struct value *before = k >= 0 ? node_in(v->node, 1 - k) : v;
	return (k < 0 || before->nuses == 1) &&
	       affine_input(before, OP_MULTIPLY, channels, gain) >= 0;
}

static int put_channels(struct node *n, int64_t channels, double *x, const double *scale)
{
	int k = const_input(n), rank = n->out[0].info.shape.rank;
	struct node *old = node_in(n, k)->node;
	for (int64_t c = 0; c < channels; c++)
		x[c] /= scale[c];
	struct node *new = add_channels(n, old->name, DT_F32, rank, rank - 1, channels, x);
	if (!new)
		return E_NOMEM;
	node_set_input(n, k, &new->out[0]);
	remove_dead(old);
	return OK;
}

/* Into the normalisation, when v is the end of one. */
static int fold(struct value *v, int64_t channels, double *shift, double *gain, const double *scale)
{
	struct node *add = node_is(v->node, OP_ADD) ? v->node : NULL, *mul = v->node;
	if (add)
		mul = node_in(add, 1 - const_input(add))->node;
	int status = add ? put_channels(add, channels, shift, scale) : OK;
	return status ? status : put_channels(mul, channels, gain, scale);
}

/* A product behind v, which these layers read instead. */
static int insert(struct smooth *s, struct smooth_site *t, struct value *v, struct known *k,
    double *inverse, struct err *err)
{
	int rank = v->info.shape.rank;
	struct node *at = v->node->next;
	for (int64_t c = 0; c < t->channels; c++)
		inverse[c] = 1 / t->scale[c];
	t->after = arena_printf(s->arena, "%s/smooth", t->value);
	const char *name = t->after ? name_with(v->node, t->after, "/scale") : NULL;
	struct node *by = name && at
			      ? add_channels(at, name, DT_F32, rank, rank - 1, t->channels, inverse)
			      : NULL;
	struct value *in[2] = {v, by ? &by->out[0] : NULL};
	struct node *mul = by ? graph_insert_after(by, op_row(OP_MULTIPLY),
				    name_with(v->node, t->after, ""), in, 2, 1)
			      : NULL;
	if (!mul || node_infer(by, err) || node_infer(mul, err))
		return err->status ? err->status : fail_nomem(err);
	for (int r = 0; r < k->nreaders; r++)
		node_set_input(k->reader[r].node, 0, &mul->out[0]);
	return OK;
}

static int scale_weights(struct smooth *s, struct smooth_site *t, struct known *k, struct err *err)
{
	struct pass_ctx c = {.graph = s->g, .scratch = s->arena, .err = err};
	int status = OK;
	for (int r = 0; r < k->nreaders && !status; r++)
		if (!linear_scale_in(&c, &k->reader[r], t->scale, &status) && !status)
			status = fail(err, E_LIMIT,
			    "node '%s': weights are too large to be smoothed",
			    k->reader[r].node->name);
	return status;
}

/* ---- all sites ---- */

/* What is worked out of a site before the graph is changed. */
struct proposal {
	struct value *v;
	struct known k;
	double *shift, *gain, *room; /* 2 * channels */
	bool folds, changes;
	struct err err;
};

struct applying {
	struct smooth *s;
	const struct stats *stats;
	double alpha;
	struct proposal *plan; /* by site */
};

static int plan_site(struct applying *a, struct smooth_site *t, struct proposal *p, struct err *err)
{
	struct known *k = &p->k;
	const struct stats_site *columns = stats_find(a->stats, t->name);
	if (!columns || columns->channels != t->channels)
		return OK;
	int status = OK, open = 0;
	*k = (struct known){.channels = t->channels,
	    .samples = (double)a->stats->samples,
	    .seen = columns->channel,
	    .margin = margin_of(t, a->stats->samples)};
	k->nreaders = readers_of(p->v, a->s->ignored, a->s->nignored, k->reader);
	p->folds = ends_norm(p->v, k->nreaders, t->channels, p->shift, p->gain);
	for (; open < k->nreaders && !status; open++)
		status = const_open(node_in(k->reader[open].node, 1), &k->weight[open], err);
	status = status ? status : know(k, err);
	if (!status)
		p->changes = choose(k, a->alpha, p->folds, p->room, t->scale, &t->alpha);
	while (open-- > 0)
		const_close(&k->weight[open]);
	free(k->act);
	return status;
}

static void plan_task(void *ctx, int task, int worker)
{
	struct applying *a = ctx;
	(void)worker;
	plan_site(a, &a->s->site[task], &a->plan[task], &a->plan[task].err);
}

static int apply_site(struct smooth *s, struct smooth_site *t, struct proposal *p, struct err *err)
{
	if (p->err.status) {
		*err = p->err;
		p->err = (struct err){0};
		return err->status;
	}
	if (!p->changes)
		return OK;
	int status = scale_weights(s, t, &p->k, err);
	if (status)
		return status;
	if (!p->folds)
		return insert(s, t, p->v, &p->k, p->room, err);
	t->after = t->value;
	return fold(p->v, t->channels, p->shift, p->gain, t->scale) ? fail_nomem(err) : OK;
}

/* Values of the sites, and room of each. */
static int open_plans(struct applying *a, struct err *err)
{
	struct smooth *s = a->s;
	struct value **value = calloc((size_t)s->g->nvalues + 1, sizeof *value);
	a->plan = arena_array(s->arena, (size_t)s->n + 1, sizeof *a->plan);
	int status = value && a->plan ? OK : fail_nomem(err);
	graph_each (s->g, n)
		for (int k = 0; k < n->nout && value; k++)
			value[n->out[k].id] = &n->out[k];
	for (int i = 0; i < s->n && !status; i++) {
		const struct smooth_site *t = &s->site[i];
		double *room = arena_array(s->arena, 4 * (size_t)t->channels, sizeof *room);
		a->plan[i] = (struct proposal){.v = value[t->id],
		    .shift = room,
		    .gain = room ? room + t->channels : NULL,
		    .room = room ? room + 2 * t->channels : NULL};
		status = room ? OK : fail_nomem(err);
	}
	free(value);
	return status;
}

int smooth_apply(
    struct smooth *s, const struct stats *stats, double alpha, int threads, struct err *err)
{
	struct applying a = {.s = s, .stats = stats, .alpha = alpha};
	struct pool *pool = NULL;
	int status = open_plans(&a, err);
	status = status ? status : pool_new(threads, &pool, err);
	if (status)
		return status;
	pool_run(pool, s->n, plan_task, &a);
	pool_free(pool);
	for (int i = 0; i < s->n; i++) {
		status = status ? status : apply_site(s, &s->site[i], &a.plan[i], err);
		err_clear(&a.plan[i].err);
	}
	return status;
}

bool smooth_feeds(const struct smooth *s, const struct smooth_site *t, const char *layer)
{
	const struct node *n = t->after ? graph_find_node(s->g, layer) : NULL;
	return n && (t->after == t->value || !strcmp(node_in(n, 0)->node->name, t->after));
}

struct stats_channel smooth_extremes(
    const struct smooth_site *s, const struct stats_site *columns, int64_t samples)
{
	double low = 0, high = 0, margin = margin_of(s, samples);
	for (int64_t c = 0; c < s->channels; c++) {
		low = fmin(low, columns->channel[c].low / s->scale[c]);
		high = fmax(high, columns->channel[c].high / s->scale[c]);
	}
	low *= margin;
	high *= margin;
	return (struct stats_channel){.low = (float)low,
	    .high = (float)high,
	    .sum_low = (__int128)nearbyint(ldexp(low * (double)samples, STATS_SHIFT)),
	    .sum_high = (__int128)nearbyint(ldexp(high * (double)samples, STATS_SHIFT))};
}
