/* Finds activations with uneven channels before products, and evens them out. */
#include "quant/smooth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "passes/quantize.h"
#include "quant/smooth_scale.h"

#define ROWS_DYNAMIC 16 /* in a sample whose size is not known */

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
    struct linear reader[SMOOTH_READERS])
{
	int n = 0;
	value_each_use (v, u)
		if (n < SMOOTH_READERS && reads_channels(u, &reader[n]) &&
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
	struct linear reader[SMOOTH_READERS];
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
static int insert(struct smooth *s, struct smooth_site *t, struct value *v, struct smooth_known *k,
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

static int scale_weights(
    struct smooth *s, struct smooth_site *t, struct smooth_known *k, struct err *err)
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
	struct smooth_known k;
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
	struct smooth_known *k = &p->k;
	const struct stats_site *columns = stats_find(a->stats, t->name);
	if (!columns || columns->channels != t->channels)
		return OK;
	int status = OK, open = 0;
	*k = (struct smooth_known){.channels = t->channels,
	    .samples = (double)a->stats->samples,
	    .seen = columns->channel,
	    .margin = smooth_margin(t, a->stats->samples)};
	k->nreaders = readers_of(p->v, a->s->ignored, a->s->nignored, k->reader);
	p->folds = ends_norm(p->v, k->nreaders, t->channels, p->shift, p->gain);
	for (; open < k->nreaders && !status; open++)
		status = const_open(node_in(k->reader[open].node, 1), &k->weight[open], err);
	status = status ? status : smooth_know(k, err);
	if (!status)
		p->changes = smooth_choose(k, a->alpha, p->folds, p->room, t->scale, &t->alpha);
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
	double low = 0, high = 0, margin = smooth_margin(s, samples);
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
