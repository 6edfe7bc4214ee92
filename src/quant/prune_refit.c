/* Weights of a cut network refitted by least squares, layer by layer on what really arrives: the
 * sums that a layer feeds come as close to the original's as its inputs let them (channel pruning,
 * He et al. 2017; ThiNet, Luo et al. 2017). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant/fit_blocks.h"
#include "quant/prune_parts.h"

/* What is gathered for one layer. */
struct refit {
	struct twin t; /* first: the run's user */
	int i;         /* the layer */
	struct fit_blocks blocks;
	float *x, *r; /* rows of this sample, until both are there */
	int64_t rows;
};

static const struct fit_layer *layer_of(const struct refit *f)
{
	return &f->t.p->layer[f->i];
}

static bool is_input(const struct refit *f, const struct value *v)
{
	const struct fit_layer *l = layer_of(f);
	return node_in(f->t.node[l->node], 1 - l->layer.input) == v;
}

static bool is_anchor(const struct refit *f, const struct value *v)
{
	return &f->t.node[layer_of(f)->anchor]->out[0] == v;
}

static bool tapped(void *user, const struct value *v)
{
	return is_input(user, v) || is_anchor(user, v);
}

/* Columns of the cut layer: those of the inputs that stay. */
static struct fit_rows rows_now(const struct refit *f)
{
	const struct fit_layer *l = layer_of(f);
	struct prune_layer now = l->layer;
	struct fit_rows r;
	now.node = f->t.node[l->node];
	if (!fit_rows_of(&now, l->rows.centre ? 0 : INT64_MAX, &r))
		r = l->rows;
	return r;
}

static int see_input(struct refit *f, const struct tensor *x, struct err *err)
{
	struct fit_rows r = rows_now(f);
	int64_t place[ROWS_PER_SAMPLE];
	f->rows = fit_rows_pick(&r, x, f->t.p->rows, fit_seed(f->t.sample, f->i), place);
	f->x = malloc((f->rows * r.cols + 1) * sizeof *f->x);
	if (!f->x)
		return fail_nomem(err);
	fit_rows_in(&r, x, f->rows, place, f->x);
	return OK;
}

/* What the original gave there less what came now, for the channels that are left. */
static int see_anchor(struct refit *f, const struct tensor *y, struct err *err)
{
	const struct fit_layer *l = layer_of(f);
	const struct value *was = &f->t.p->node[l->anchor]->out[0];
	const float *want = l->want[f->t.sample];
	struct fit_rows r = rows_now(f);
	int64_t place[ROWS_PER_SAMPLE], c = 0;
	int64_t n = fit_rows_pick_out(&r, y, f->t.p->rows, fit_seed(f->t.sample, f->i), place);
	float *now = malloc((n * r.outs + 1) * sizeof *now);
	if (!now)
		return fail_nomem(err);
	fit_rows_out(&r, y, n, place, now);
	for (int64_t o = 0; o < l->rows.outs; o++) {
		int32_t x = unit_at(&f->t.p->u, was, l->axis, o);
		if (x >= 0 && f->t.gone && f->t.gone[x])
			continue;
		for (int64_t k = 0; k < n; k++)
			now[k * r.outs + c] = want[k * l->rows.outs + o] - now[k * r.outs + c];
		c++;
	}
	f->r = now;
	return OK;
}

static void drop_rows(struct refit *f)
{
	free(f->x);
	free(f->r);
	f->x = f->r = NULL;
}

static int tap(void *user, const struct value *v, const struct tensor *t, struct err *err)
{
	struct refit *f = user;
	int e = OK;
	if (is_input(f, v))
		e = see_input(f, t, err);
	if (!e && is_anchor(f, v))
		e = see_anchor(f, t, err);
	if (!e && f->x && f->r) {
		e = fit_blocks_add(
		    &f->blocks, f->t.p->o.pool, f->t.sample, f->rows, f->x, f->r, err);
		drop_rows(f);
	}
	return e;
}

/* ---- solving -----------------------------------------------------------------------------------
 */

static int replace_const(struct node *n, int input, const struct tensor *t, struct err *err)
{
	const struct value *old = node_in(n, input);
	struct blob *b = blob_copy(t->data, tensor_bytes(t));
	struct node *k = b ? graph_const(n->graph, n, old->node->name, t->type, t->rank, t->dim, b)
			   : NULL;
	if (!k)
		return fail_nomem(err);
	node_set_input(n, input, &k->out[0]);
	if (!old->nuses)
		graph_remove(old->node);
	return node_infer(k, err);
}

/* One output's change: by a factor for each column of its group, then the bias. */
static void change(const struct fit_rows *r, float *w, float *bias, int64_t o, const double *by)
{
	int64_t cols = r->cols / r->groups;
	for (int64_t c = 0; c < cols; c++) {
		int64_t at = fit_rows_weight(r, o, c);
		w[at] = (float)(w[at] + by[c]);
	}
	bias[o] = (float)(bias[o] + by[cols]);
}

static int bias_tensor(
    const struct node *n, int at, int64_t outs, struct tensor *t, struct err *err)
{
	const struct value *v = node_in(n, at), *sum = &n->out[0];
	struct const_view w;
	int64_t dims[MAX_RANK];
	int rank = sum->info.shape.rank, e = const_open(v, &w, err);
	bool conv = rank == 4;
	if (e)
		return e;
	for (int i = 0; i < rank; i++)
		dims[i] = i == (conv ? 1 : rank - 1) ? outs : 1;
	e = tensor_alloc(t, DT_F32, rank, dims, err);
	for (int64_t i = 0; !e && i < outs; i++)
		((float *)t->data)[i] = (float)tensor_f64(&w.t, tensor_count(&w.t) == 1 ? 0 : i);
	const_close(&w);
	return e;
}

/* Weights and bias with what the blocks have found on top. */
static int put(struct refit *f, struct err *err)
{
	const struct fit_layer *l = layer_of(f);
	struct fit_rows r = rows_now(f);
	struct node *n = f->t.node[l->node], *sum = f->t.node[l->bias];
	int at = const_input(sum);
	struct const_view v;
	struct tensor w, b = {0};
	int e = const_open(node_in(n, l->layer.input), &v, err);
	if (e)
		return e;
	e = tensor_clone(&w, &v.t, err);
	const_close(&v);
	e = e ? e : bias_tensor(sum, at, r.outs, &b, err);
	for (int64_t o = 0; !e && o < r.outs; o++) {
		int64_t each = r.outs / r.groups;
		const struct fit_gram *g = &f->blocks.seen[o / each];
		change(&r, w.data, b.data, o, g->yx + o % each * g->n);
	}
	e = e ? e : replace_const(n, l->layer.input, &w, err);
	e = e ? e : replace_const(sum, at, &b, err);
	tensor_free(&w);
	tensor_free(&b);
	return e;
}

static int refit_one(struct refit *f, int64_t samples, struct err *err)
{
	struct pruning *p = f->t.p;
	struct exec_options o = {
	    .pool = p->o.pool, .tap = tap, .tapped = tapped, .user = f, .log = p->o.log};
	struct fit_rows r = rows_now(f);
	double ridge = p->o.ridge;
	int e = fit_blocks_new(&f->blocks, r.groups, r.cols, r.outs, err);
	e = e ? e : fit_run(p, f->t.g, &o, 0, samples, NULL, err);
	e = e ? e : fit_blocks_solve(&f->blocks, &ridge, err);
	if (!e && ridge > 0)
		e = put(f, err);
	fit_blocks_free(&f->blocks);
	drop_rows(f);
	return e;
}

int fit_refit(struct pruning *p, struct graph *g, struct node **node, const bool *gone,
    const bool *layers, int64_t samples, struct err *err)
{
	int e = OK;
	for (int i = 0; !e && i < p->nlayers; i++) {
		struct refit f = {.t = {.p = p, .g = g, .node = node, .gone = gone}, .i = i};
		if (layers[i])
			e = refit_one(&f, samples, err);
	}
	return e;
}
