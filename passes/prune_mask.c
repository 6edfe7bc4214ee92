/* Zeros in place of weights: the smallest ones of each layer or of all, or two of every four. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "passes/prune.h"

#define STEPS 62 /* of the search for the size below which weights go */

/* The stored weights of a layer: a Const of floats, or one that is only converted. NULL: others. */
static struct node *stored(const struct prune_layer *l)
{
	const struct value *v = prune_weight(l);
	if (node_is(v->node, OP_CONVERT))
		v = node_in(v->node, 0);
	struct node *n = value_const(v);
	bool known = n && (v->info.type == DT_F32 || v->info.type == DT_F16 ||
			      v->info.type == DT_BF16 || v->info.type == DT_F64);
	return known && shape_count(&v->info.shape) > 0 ? n : NULL;
}

/* One layer's weights while they are masked; data is a copy of ours. */
struct weights {
	struct prune_layer layer;
	struct node *node;
	struct tensor t;
	int64_t zeros; /* set here */
};

static int weights_open(struct weights *w, struct err *err)
{
	struct const_view v;
	int e = const_open(&w->node->out[0], &v, err);
	e = e ? e : tensor_clone(&w->t, &v.t, err);
	if (!e || w->t.data)
		const_close(&v);
	return e;
}

/* Puts the changed weights in the place of the old ones. */
static int weights_close(struct weights *w, struct err *err)
{
	struct node *n = w->node;
	struct blob *b = blob_copy(w->t.data, tensor_bytes(&w->t));
	struct node *c = b ? graph_const(n->graph, n, n->name, w->t.type, w->t.rank, w->t.dim, b)
			   : NULL;
	tensor_free(&w->t);
	if (!c)
		return fail_nomem(err);
	graph_replace(&n->out[0], &c->out[0]);
	graph_remove(n);
	return node_infer(c, err);
}

/* ---- magnitude ---------------------------------------------------------------------------------
 */

/* Weights of which the size is below a bound; squares of them over the mean square when all layers
 * are compared, so that no layer goes for its scale alone. */
static int64_t below(const struct tensor *t, double bound)
{
	int64_t n = 0, count = tensor_count(t);
	for (int64_t i = 0; i < count; i++)
		n += fabs(tensor_f64(t, i)) < bound;
	return n;
}

static double scale_of(const struct tensor *t)
{
	double sum = 0;
	int64_t n = tensor_count(t);
	for (int64_t i = 0; i < n; i++)
		sum += tensor_f64(t, i) * tensor_f64(t, i);
	return sqrt(sum / (double)n);
}

struct masking {
	struct graph *graph;
	double ratio;
	double *scale; /* per layer, as stored weights come; all 1 within a layer */
	int64_t total;
	struct err *err;
};

/* Calls fn for each layer's stored weights once, in order. */
static int each_weight(struct masking *m,
    int (*fn)(struct masking *m, struct weights *w, int k, void *user), void *user)
{
	int k = 0;
	graph_each (m->graph, n) {
		struct weights w = {0};
		if (!prune_layer_of(n, &w.layer) || !(w.node = stored(&w.layer)))
			continue;
		int e = fn(m, &w, k++, user);
		if (e)
			return err_in(m->err, "node '%s'", n->name);
	}
	return OK;
}

static int measure(struct masking *m, struct weights *w, int k, void *user)
{
	struct const_view v;
	double *scale = realloc(m->scale, (k + 1) * sizeof *scale);
	(void)user;
	if (!scale)
		return fail_nomem(m->err);
	m->scale = scale;
	int e = const_open(&w->node->out[0], &v, m->err);
	if (e)
		return e;
	m->scale[k] = scale_of(&v.t);
	m->total += tensor_count(&v.t);
	const_close(&v);
	return OK;
}

struct count {
	double bound;
	int64_t n;
};

static int count_below(struct masking *m, struct weights *w, int k, void *user)
{
	struct const_view v;
	struct count *c = user;
	int e = const_open(&w->node->out[0], &v, m->err);
	if (e)
		return e;
	c->n += below(&v.t, c->bound * m->scale[k]);
	const_close(&v);
	return OK;
}

/* The bound, in scales, below which the share of all weights lies. */
static int common_bound(struct masking *m, double *bound)
{
	double low = 0, high = 64;
	for (int i = 0; i < STEPS && low < high; i++) {
		struct count c = {(low + high) / 2, 0};
		int e = each_weight(m, count_below, &c);
		if (e)
			return e;
		if (c.n <= m->ratio * (double)m->total)
			low = c.bound;
		else
			high = c.bound;
		if (high - low < 1e-6 * high)
			break;
	}
	*bound = low;
	return OK;
}

struct entry {
	double size;
	int64_t at;
};

static int by_size(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Exactly the share of this layer's weights, the smallest. */
static int mask_share(struct weights *w, double ratio, struct err *err)
{
	int64_t n = tensor_count(&w->t), go = (int64_t)floor(ratio * (double)n + 0.5);
	struct entry *all = calloc(n, sizeof *all);
	if (!all)
		return fail_nomem(err);
	for (int64_t i = 0; i < n; i++)
		all[i] = (struct entry){fabs(tensor_f64(&w->t, i)), i};
	qsort(all, n, sizeof *all, by_size);
	for (int64_t i = 0; i < go; i++)
		tensor_set_f64(&w->t, all[i].at, 0);
	w->zeros = go;
	free(all);
	return OK;
}

static void mask_below(struct weights *w, double bound)
{
	for (int64_t i = 0; i < tensor_count(&w->t); i++)
		if (fabs(tensor_f64(&w->t, i)) < bound) {
			tensor_set_f64(&w->t, i, 0);
			w->zeros++;
		}
}

/* ---- 2:4 ---------------------------------------------------------------------------------------
 */

/* Of four weights that lie step elements apart the two smallest go. */
static void mask_four(struct tensor *t, int64_t at, int64_t step)
{
	for (int i = 0; i < 4; i++) {
		double x = fabs(tensor_f64(t, at + i * step));
		int larger = 0; /* zeros set before are smaller than what made them go */
		for (int k = 0; k < 4; k++) {
			double y = fabs(tensor_f64(t, at + k * step));
			larger += y > x || (y == x && k < i);
		}
		if (larger >= 2)
			tensor_set_f64(t, at + i * step, 0);
	}
}

/* Along the channels that are read; a rest of fewer than four stays. */
static void mask_fours(struct weights *w)
{
	int axis = w->layer.in[1] >= 0 ? w->layer.in[1] : w->layer.in[0];
	int64_t inner = 1, outer = 1, size = w->t.dim[axis];
	for (int i = 0; i < axis; i++)
		outer *= w->t.dim[i];
	for (int i = axis + 1; i < w->t.rank; i++)
		inner *= w->t.dim[i];
	for (int64_t o = 0; o < outer; o++)
		for (int64_t i = 0; i + 4 <= size; i += 4)
			for (int64_t k = 0; k < inner; k++)
				mask_four(&w->t, (o * size + i) * inner + k, inner);
	w->zeros = below(&w->t, 1e-300);
}

/* ---- all layers --------------------------------------------------------------------------------
 */

struct plan {
	const struct prune_options *o;
	double bound;
	int64_t zeros;
};

static int mask(struct masking *m, struct weights *w, int k, void *user)
{
	struct plan *p = user;
	int e = weights_open(w, m->err);
	if (e)
		return e;
	if (p->o->kind == PRUNE_2_4)
		mask_fours(w);
	else if (p->o->global)
		mask_below(w, p->bound * m->scale[k]);
	else
		e = mask_share(w, p->o->ratio, m->err);
	if (e) {
		tensor_free(&w->t);
		return e;
	}
	p->zeros += w->zeros;
	return weights_close(w, m->err);
}

int64_t prune_mask(
    struct graph *g, const struct prune_options *o, int64_t *weights, struct err *err)
{
	struct masking m = {.graph = g, .ratio = o->ratio, .err = err};
	struct plan p = {.o = o};
	int e = each_weight(&m, measure, NULL);
	if (!e && o->kind == PRUNE_MAGNITUDE && o->global)
		e = common_bound(&m, &p.bound);
	e = e ? e : each_weight(&m, mask, &p);
	free(m.scale);
	*weights = m.total;
	return e ? e : p.zeros;
}
