/* Weights of a cut network refitted by least squares, layer by layer on what really arrives: the
 * sums that a layer feeds come as close to the original's as its inputs let them (channel pruning,
 * He et al. 2017; ThiNet, Luo et al. 2017). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant/prune_parts.h"

#define RIDGE 0.1 /* samples of one picture are alike: less of it learns them by heart */

/* What is gathered of one sample for one layer. */
struct refit {
	struct twin t;         /* first: the run's user */
	const bool *layers;    /* which of [first, last) */
	struct fit_gram *gram; /* by layer */
	float **x, **r;        /* by layer: rows of this sample, until both are there */
	int64_t *rows;
};

static const struct value *input_of(const struct twin *t, const struct fit_layer *f)
{
	return node_in(t->node[f->node], 1 - f->layer.input);
}

static bool tapped(void *user, const struct value *v)
{
	const struct refit *f = user;
	for (int i = f->t.first; i < f->t.last; i++)
		if (f->layers[i] && (input_of(&f->t, &f->t.p->layer[i]) == v ||
					&f->t.node[f->t.p->layer[i].anchor]->out[0] == v))
			return true;
	return false;
}

/* Columns of the cut layer: those of the inputs that stay. */
static struct fit_rows rows_now(const struct refit *f, int i)
{
	const struct fit_layer *l = &f->t.p->layer[i];
	struct prune_layer now = l->layer;
	struct fit_rows r;
	now.node = f->t.node[l->node];
	if (!fit_rows_of(&now, l->rows.centre ? 0 : INT64_MAX, &r))
		r = l->rows;
	return r;
}

static int see_input(struct refit *f, int i, const struct tensor *x, struct err *err)
{
	struct fit_rows r = rows_now(f, i);
	int64_t place[ROWS_PER_SAMPLE];
	f->rows[i] = fit_rows_pick(&r, x, ROWS_PER_SAMPLE, fit_seed(f->t.sample, i), place);
	f->x[i] = malloc((f->rows[i] * r.cols + 1) * sizeof(float));
	if (!f->x[i])
		return fail_nomem(err);
	fit_rows_in(&r, x, f->rows[i], place, f->x[i]);
	return OK;
}

/* What the original gave there less what came now, for the channels that are left. */
static int see_anchor(struct refit *f, int i, const struct tensor *y, struct err *err)
{
	const struct fit_layer *l = &f->t.p->layer[i];
	const struct value *was = &f->t.p->node[l->anchor]->out[0];
	const float *want = l->want[f->t.sample];
	struct fit_rows r = rows_now(f, i);
	int64_t place[ROWS_PER_SAMPLE], c = 0;
	int64_t n = fit_rows_pick_out(&r, y, ROWS_PER_SAMPLE, fit_seed(f->t.sample, i), place);
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
	f->r[i] = now;
	return OK;
}

static int add_rows(struct refit *f, int i, struct err *err)
{
	int e = fit_gram_add(&f->gram[i], f->t.p->o.pool, f->rows[i], f->x[i], f->r[i], err);
	free(f->x[i]);
	free(f->r[i]);
	f->x[i] = f->r[i] = NULL;
	return e;
}

static int tap(void *user, const struct value *v, const struct tensor *t, struct err *err)
{
	struct refit *f = user;
	int e = OK;
	for (int i = f->t.first; !e && i < f->t.last; i++) {
		if (!f->layers[i])
			continue;
		if (input_of(&f->t, &f->t.p->layer[i]) == v)
			e = see_input(f, i, t, err);
		if (!e && &f->t.node[f->t.p->layer[i].anchor]->out[0] == v)
			e = see_anchor(f, i, t, err);
		if (!e && f->x[i] && f->r[i])
			e = add_rows(f, i, err);
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

/* One output's change: b [n], of which the last is the bias. */
static void change(const struct fit_rows *r, float *w, float *bias, int64_t o, const double *b)
{
	int64_t taps = r->centre ? r->window[0] * r->window[1] : 1;
	int64_t middle = r->centre ? r->window[0] / 2 * r->window[1] + r->window[1] / 2 : 0;
	for (int64_t c = 0; c < r->cols; c++) {
		int64_t at = r->centre ? (o * r->cols + c) * taps + middle
				       : fit_rows_weight(r, o, c);
		w[at] = (float)(w[at] + b[c]);
	}
	bias[o] = (float)(bias[o] + b[r->cols]);
}

static bool factor(struct fit_gram *g, double ridge)
{
	double mean = 0;
	for (int64_t i = 0; i < g->n; i++)
		for (int64_t j = 0; j < i; j++)
			g->xx[j * g->n + i] = g->xx[i * g->n + j];
	for (int64_t i = 0; i < g->n - 1; i++)
		mean += g->xx[i * g->n + i] / (double)(g->n - 1);
	for (int64_t i = 0; i < g->n - 1; i++)
		g->xx[i * g->n + i] += ridge * mean + 1e-12;
	return fit_cholesky(g->xx, g->n);
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

static int solve(struct refit *f, int i, struct err *err)
{
	const struct fit_layer *l = &f->t.p->layer[i];
	struct fit_gram *g = &f->gram[i];
	struct fit_rows r = rows_now(f, i);
	struct node *n = f->t.node[l->node], *sum = f->t.node[l->bias];
	int at = const_input(sum);
	struct const_view v;
	struct tensor w, b = {0};
	if (!g->rows || !factor(g, f->t.p->o.ridge > 0 ? f->t.p->o.ridge : RIDGE))
		return OK; /* nothing to learn from */
	int e = const_open(node_in(n, l->layer.input), &v, err);
	if (e)
		return e;
	e = tensor_clone(&w, &v.t, err);
	const_close(&v);
	e = e ? e : bias_tensor(sum, at, r.outs, &b, err);
	for (int64_t o = 0; !e && o < r.outs; o++) {
		fit_cholesky_solve(g->xx, g->n, g->yx + o * g->n);
		change(&r, w.data, b.data, o, g->yx + o * g->n);
	}
	e = e ? e : replace_const(n, l->layer.input, &w, err);
	e = e ? e : replace_const(sum, at, &b, err);
	tensor_free(&w);
	tensor_free(&b);
	return e;
}

static int refit_one(struct refit *f, int64_t samples, struct err *err)
{
	struct exec_options o = {
	    .pool = f->t.p->o.pool, .tap = tap, .tapped = tapped, .user = f, .log = f->t.p->o.log};
	int i = f->t.first;
	struct fit_rows r = rows_now(f, i);
	int e = fit_gram_new(&f->gram[i], r.cols + 1, r.outs, err);
	e = e ? e : fit_run(f->t.p, f->t.g, &o, 0, samples, NULL, err);
	e = e ? e : solve(f, i, err);
	fit_gram_free(&f->gram[i]);
	free(f->x[i]);
	free(f->r[i]);
	f->x[i] = f->r[i] = NULL;
	return e;
}

int fit_refit(struct pruning *p, struct graph *g, struct node **node, const bool *gone,
    const bool *layers, int64_t samples, struct err *err)
{
	struct refit f = {.t = {.p = p, .g = g, .node = node, .gone = gone}, .layers = layers};
	f.gram = calloc(p->nlayers + 1, sizeof *f.gram);
	f.x = calloc(p->nlayers + 1, sizeof *f.x);
	f.r = calloc(p->nlayers + 1, sizeof *f.r);
	f.rows = calloc(p->nlayers + 1, sizeof *f.rows);
	int e = f.gram && f.x && f.r && f.rows ? OK : fail_nomem(err);
	for (int i = 0; !e && i < p->nlayers; i++) {
		f.t.first = i;
		f.t.last = i + 1;
		if (layers[i])
			e = refit_one(&f, samples, err);
	}
	free(f.gram);
	free(f.x);
	free(f.r);
	free(f.rows);
	return e;
}
