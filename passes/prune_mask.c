/* Zeros in place of weights: the smallest ones of each layer or of all, or two of every four. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "passes/prune.h"

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

/* How large a weight is: over the root of the mean square of those that make the same channel, so
 * that no channel goes for its scale alone, which BatchNorm folded into weights leaves at random.
 */
struct sizes {
	double *row; /* per channel made */
	int64_t stride[2], size[2];
};

static void sizes_axes(struct sizes *s, const struct tensor *t, const struct prune_layer *l)
{
	for (int k = 0; k < 2; k++) {
		s->stride[k] = s->size[k] = 1;
		for (int i = l->out[k] + 1; l->out[k] >= 0 && i < t->rank; i++)
			s->stride[k] *= t->dim[i];
		if (l->out[k] >= 0)
			s->size[k] = t->dim[l->out[k]];
	}
}

static int64_t row_of(const struct sizes *s, int64_t i)
{
	return i / s->stride[0] % s->size[0] * s->size[1] + i / s->stride[1] % s->size[1];
}

static double size_of(const struct sizes *s, const struct tensor *t, int64_t i)
{
	double row = s->row[row_of(s, i)];
	return row > 0 ? fabs(tensor_f64(t, i)) / row : 0;
}

/* The caller frees s->row. */
static int sizes_make(
    struct sizes *s, const struct tensor *t, const struct prune_layer *l, struct err *err)
{
	int64_t n = tensor_count(t);
	sizes_axes(s, t, l);
	int64_t rows = s->size[0] * s->size[1];
	s->row = calloc(rows, sizeof *s->row);
	if (!s->row)
		return fail_nomem(err);
	for (int64_t i = 0; i < n; i++)
		s->row[row_of(s, i)] += tensor_f64(t, i) * tensor_f64(t, i);
	for (int64_t r = 0; r < rows; r++)
		s->row[r] = sqrt(s->row[r] * (double)rows / (double)n);
	return OK;
}

struct masking {
	struct graph *graph;
	double ratio;
	int64_t total;
	struct err *err;
};

/* Calls fn for each layer's stored weights once, in order. */
static int each_weight(
    struct masking *m, int (*fn)(struct masking *m, struct weights *w, void *user), void *user)
{
	graph_each (m->graph, n) {
		struct weights w = {0};
		if (!prune_layer_of(n, &w.layer) || !(w.node = stored(&w.layer)))
			continue;
		int e = fn(m, &w, user);
		if (e)
			return err_in(m->err, "node '%s'", n->name);
	}
	return OK;
}

static int count_all(struct masking *m, struct weights *w, void *user)
{
	(void)user;
	m->total += shape_count(&w->node->out[0].info.shape);
	return OK;
}

/* Sizes by the upper 16 bits of their floats, which keep their order: steps of less than 1 %. */
static int count_sizes(struct masking *m, struct weights *w, void *user)
{
	int64_t *bin = user;
	struct const_view v;
	struct sizes s = {0};
	int e = const_open(&w->node->out[0], &v, m->err);
	if (e)
		return e;
	e = sizes_make(&s, &v.t, &w->layer, m->err);
	for (int64_t i = 0; !e && i < tensor_count(&v.t); i++) {
		float f = (float)size_of(&s, &v.t, i);
		uint32_t bits;
		memcpy(&bits, &f, sizeof bits);
		bin[bits >> 16]++;
	}
	free(s.row);
	const_close(&v);
	return e;
}

/* The bound below which the share of all weights lies. */
static int common_bound(struct masking *m, double *bound)
{
	int64_t *bin = calloc(65536, sizeof *bin), n = 0;
	int e = bin ? each_weight(m, count_sizes, bin) : fail_nomem(m->err);
	uint32_t k = 0;
	while (!e && k < 0x7f80 && (double)(n + bin[k]) <= m->ratio * (double)m->total)
		n += bin[k++];
	uint32_t bits = k << 16;
	float f;
	memcpy(&f, &bits, sizeof f);
	*bound = f;
	free(bin);
	return e;
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
	struct sizes s = {0};
	int e = all ? sizes_make(&s, &w->t, &w->layer, err) : fail_nomem(err);
	if (e) {
		free(all);
		return e;
	}
	for (int64_t i = 0; i < n; i++)
		all[i] = (struct entry){size_of(&s, &w->t, i), i};
	free(s.row);
	qsort(all, n, sizeof *all, by_size);
	for (int64_t i = 0; i < go; i++)
		tensor_set_f64(&w->t, all[i].at, 0);
	w->zeros = go;
	free(all);
	return OK;
}

static int mask_below(struct weights *w, double bound, struct err *err)
{
	struct sizes s = {0};
	int e = sizes_make(&s, &w->t, &w->layer, err);
	for (int64_t i = 0; !e && i < tensor_count(&w->t); i++)
		if (size_of(&s, &w->t, i) < bound) {
			tensor_set_f64(&w->t, i, 0);
			w->zeros++;
		}
	free(s.row);
	return e;
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
	for (int64_t i = 0; i < tensor_count(&w->t); i++)
		w->zeros += tensor_f64(&w->t, i) == 0;
}

/* ---- all layers --------------------------------------------------------------------------------
 */

struct plan {
	const struct prune_options *o;
	double bound;
	int64_t zeros;
};

static int mask(struct masking *m, struct weights *w, void *user)
{
	struct plan *p = user;
	int e = weights_open(w, m->err);
	if (e)
		return e;
	if (p->o->kind == PRUNE_2_4)
		mask_fours(w);
	else if (p->o->global)
		e = mask_below(w, p->bound, m->err);
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
	int e = each_weight(&m, count_all, NULL);
	if (!e && o->kind == PRUNE_MAGNITUDE && o->global)
		e = common_bound(&m, &p.bound);
	e = e ? e : each_weight(&m, mask, &p);
	*weights = m.total;
	return e ? e : p.zeros;
}
