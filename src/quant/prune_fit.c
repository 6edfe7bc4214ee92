/* The layers of a network that can be refitted, and what the original gives on samples. */
#include <stdlib.h>
#include <string.h>

#include "quant/prune_parts.h"

#define MOST_COLUMNS 1200       /* of a convolution's patches; more are seen by their middles */
#define CACHE_BYTES (512 << 20) /* rows of the original's outputs */
#define LEAST_ROWS 8            /* per sample and layer, whatever they take */

struct node **fit_nodes(struct graph *g, int *n)
{
	int k = 0;
	struct node **node = malloc((g->nnodes + 1) * sizeof *node);
	graph_each (g, m) {
		if (node)
			node[k] = m;
		m->mark = k++;
	}
	*n = k;
	return node;
}

int64_t fit_seed(int64_t sample, int layer)
{
	return sample * 1000003 + layer;
}

/* ---- layers ------------------------------------------------------------------------------------
 */

/* The sum with constants, one for each channel, that alone reads v. */
static struct node *bias_of(const struct value *v, int axis)
{
	struct node *n = only_use(v);
	int rank = v->info.shape.rank, at = n && node_is(n, OP_ADD) ? const_input(n) : -1;
	double *x = at >= 0 && dim_static(v->info.shape.dim[axis])
			? malloc(v->info.shape.dim[axis].min * sizeof *x)
			: NULL;
	bool good = x &&
		    const_channels(node_in(n, at), rank, axis, v->info.shape.dim[axis].min, x) &&
		    node_in(n, at)->info.type == DT_F32 &&
		    same_shapes(&n->out[0].info.shape, &v->info.shape);
	free(x);
	return good ? n : NULL;
}

/* A sum with zeros behind v, which takes over its name. */
static int add_bias(struct value *v, int axis, struct err *err)
{
	int64_t channels = v->info.shape.dim[axis].min;
	double *zero = calloc(channels + 1, sizeof *zero);
	const char *name = name_with(v->node, v->node->name, "/sum");
	const char *bias = name_with(v->node, v->node->name, "/bias");
	struct node *at = v->node->next;
	struct node *k = zero && name && bias && at ? add_channels(at, bias, DT_F32,
							  v->info.shape.rank, axis, channels, zero)
						    : NULL;
	free(zero);
	struct value *in[] = {v, k ? &k->out[0] : NULL};
	struct node *n = k ? graph_insert_after(k, op_row(OP_ADD), name, in, 2, 1) : NULL;
	if (!n)
		return fail_nomem(err);
	graph_replace(v, &n->out[0]);
	return node_infer(k, err) ? err->status : node_infer(n, err);
}

static int add_biases(struct graph *g, struct err *err)
{
	struct prune_layer l;
	struct fit_rows r;
	graph_each (g, n) {
		struct value *v = n->nout ? &n->out[0] : NULL;
		if (!v || !prune_layer_of(n, &l) || !fit_rows_of(&l, MOST_COLUMNS, &r) ||
		    !dim_static(v->info.shape.dim[l.channel]) || bias_of(v, l.channel))
			continue;
		int e = add_bias(v, l.channel, err);
		if (e)
			return e;
	}
	return OK;
}

/* The sum of v with something that is known before the layer is: what the layer lacks can be made
 * up for there (as He et al. 2017 do for the last layer of a residual branch). */
static struct node *later_sum(const struct value *v, const struct node *layer)
{
	struct node *n = only_use(v);
	if (!n || !node_is(n, OP_ADD) || const_input(n) >= 0 ||
	    !same_shapes(&n->out[0].info.shape, &v->info.shape))
		return NULL;
	const struct value *other = node_in(n, node_in(n, 0) == v);
	return same_shapes(&other->info.shape, &v->info.shape) && other->node->mark < layer->mark
		   ? n
		   : NULL;
}

static int find_layers(struct pruning *p, struct err *err)
{
	p->layer = arena_array(p->arena, p->groups.nlayers + 1, sizeof *p->layer);
	if (!p->layer)
		return fail_nomem(err);
	for (int i = 0; i < p->groups.nlayers; i++) {
		struct fit_layer f = {.layer = p->groups.layer[i]};
		struct value *v = &f.layer.node->out[0];
		if (!fit_rows_of(&f.layer, MOST_COLUMNS, &f.rows))
			continue;
		struct node *bias = bias_of(v, f.layer.channel);
		struct node *sum = bias ? later_sum(&bias->out[0], f.layer.node) : NULL;
		if (!bias)
			continue;
		f.node = f.layer.node->mark;
		f.bias = bias->mark;
		f.anchor = sum ? sum->mark : bias->mark;
		f.axis = f.layer.channel;
		p->layer[p->nlayers++] = f;
	}
	return OK;
}

int fit_find(struct pruning *p, struct err *err)
{
	int e = add_biases(p->g, err);
	e = e ? e : graph_infer(p->g, err);
	e = e ? e : units_new(p->g, &p->u, err);
	e = e ? e : prune_find_groups(&p->u, p->arena, &p->groups, err);
	if (e)
		return e;
	p->node = fit_nodes(p->g, &p->nnodes);
	return p->node ? find_layers(p, err) : fail_nomem(err);
}

/* ---- running -----------------------------------------------------------------------------------
 */

int fit_run(struct pruning *p, struct graph *g, const struct exec_options *o, int64_t from,
    int64_t to, int (*done)(void *user, int64_t i, const struct tensor *out, struct err *err),
    struct err *err)
{
	struct exec *x = NULL;
	struct tensor *in = calloc(g->ninputs + 1, sizeof *in);
	struct tensor *out = calloc(g->noutputs + 1, sizeof *out);
	int e = in && out ? exec_new(g, o, &x, err) : fail_nomem(err);
	for (int64_t i = from; !e && i < to; i++) {
		int64_t label;
		struct twin *t = o->user;
		t->sample = i;
		e = p->samples->get(p->samples->user, i, in, &label, err);
		e = e ? e : exec_run(x, in, out, err);
		e = !e && done ? done(o->user, i, out, err) : e;
		for (int k = 0; k < g->ninputs; k++)
			tensor_free(&in[k]);
	}
	exec_free(x);
	free(in);
	free(out);
	return e;
}

/* ---- the original ------------------------------------------------------------------------------
 */

static const struct value *input_of(const struct twin *t, const struct fit_layer *f)
{
	return node_in(t->node[f->node], 1 - f->layer.input);
}

static bool tapped(void *user, const struct value *v)
{
	const struct twin *t = user;
	for (int i = t->first; i < t->last; i++)
		if (input_of(t, &t->p->layer[i]) == v ||
		    &t->node[t->p->layer[i].anchor]->out[0] == v)
			return true;
	return false;
}

static int see_input(struct twin *t, int i, const struct tensor *x, struct err *err)
{
	struct fit_layer *f = &t->p->layer[i];
	int64_t place[ROWS_PER_SAMPLE];
	int64_t n = fit_rows_pick(&f->rows, x, t->p->rows, fit_seed(t->sample, i), place);
	float *rows = malloc((n * f->rows.cols + 1) * sizeof *rows);
	if (!rows)
		return fail_nomem(err);
	fit_rows_in(&f->rows, x, n, place, rows);
	int e = fit_gram_add(&f->gram, t->p->o.pool, n, rows, f->rows.cols, NULL, 0, err);
	free(rows);
	return e;
}

/* Places follow from the input's sizes, which those of the output stand for. */
static int see_anchor(struct twin *t, int i, const struct tensor *y, struct err *err)
{
	struct fit_layer *f = &t->p->layer[i];
	int64_t place[ROWS_PER_SAMPLE];
	int64_t n = fit_rows_pick_out(&f->rows, y, t->p->rows, fit_seed(t->sample, i), place);
	f->want[t->sample] = malloc((n * f->rows.outs + 1) * sizeof(float));
	if (!f->want[t->sample])
		return fail_nomem(err);
	fit_rows_out(&f->rows, y, n, place, f->want[t->sample]);
	return OK;
}

static int tap(void *user, const struct value *v, const struct tensor *t, struct err *err)
{
	struct twin *w = user;
	int e = OK;
	for (int i = w->first; !e && i < w->last; i++) {
		if (w->p->layer[i].gram.xx && input_of(w, &w->p->layer[i]) == v)
			e = see_input(w, i, t, err);
		if (!e && &w->node[w->p->layer[i].anchor]->out[0] == v)
			e = see_anchor(w, i, t, err);
	}
	return e;
}

/* As many rows as the cache holds. */
static void choose_rows(struct pruning *p)
{
	int64_t each = 1;
	for (int i = 0; i < p->nlayers; i++)
		each += p->layer[i].rows.outs * p->nsamples * (int64_t)sizeof(float);
	int64_t rows = CACHE_BYTES / each;
	rows = rows > LEAST_ROWS ? rows : LEAST_ROWS;
	p->rows = rows < ROWS_PER_SAMPLE ? rows : ROWS_PER_SAMPLE;
}

int fit_collect(struct pruning *p, struct err *err)
{
	struct twin t = {.p = p, .g = p->g, .node = p->node, .last = p->nlayers};
	struct exec_options o = {
	    .pool = p->o.pool, .tap = tap, .tapped = tapped, .user = &t, .log = p->o.log};
	choose_rows(p);
	for (int i = 0; i < p->nlayers; i++) {
		struct fit_layer *f = &p->layer[i];
		f->want = arena_array(p->arena, p->nsamples, sizeof *f->want);
		bool ranks = f->rows.groups == 1;
		if (!f->want || (ranks && fit_gram_new(&f->gram, f->rows.cols + 1, 0, err)))
			return fail_nomem(err);
	}
	return fit_run(p, p->g, &o, 0, p->nsamples, NULL, err);
}

void fit_free(struct pruning *p)
{
	for (int i = 0; i < p->nlayers; i++) {
		fit_gram_free(&p->layer[i].gram);
		for (int64_t k = 0; p->layer[i].want && k < p->nsamples; k++)
			free(p->layer[i].want[k]);
	}
}
