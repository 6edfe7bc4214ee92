/* The parts that generators of random graphs build with. */
#ifndef TESTS_PASSES_RANDOM_PARTS_H
#define TESTS_PASSES_RANDOM_PARTS_H

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "ops/op.h"

#define RG_VALUES 64

struct rg {
	struct graph *g;
	uint64_t seed;
	struct value *v[RG_VALUES]; /* what later layers may read */
	int n;
	bool failed;
};

static inline int rg_any(struct rg *r, int n)
{
	return (int)(rng_next(&r->seed) % n);
}

/* v becomes readable. */
static inline struct value *rg_keep(struct rg *r, struct node *n)
{
	struct err err = {0};
	if (!n || node_infer(n, &err)) {
		printf("generator: %s: %s\n", n ? n->op->type : "no node", err.text);
		err_clear(&err);
		r->failed = true;
		return NULL;
	}
	for (int i = 0; i < n->nout && r->n < RG_VALUES; i++)
		if (dtype_is_float(n->out[i].info.type))
			r->v[r->n++] = &n->out[i];
	return &n->out[0];
}

static inline struct node *rg_node(
    struct rg *r, enum op_id id, struct value *const *in, int nin, int nout)
{
	char name[32];
	snprintf(name, sizeof name, "n%d", r->g->nnodes);
	return graph_add(r->g, op_row(id), name, in, nin, nout);
}

/* Floats between low and high, of which an eighth are 0 and an eighth 1. */
static inline struct value *rg_floats(
    struct rg *r, int rank, const int64_t *dims, double low, double high)
{
	struct tensor t;
	if (tensor_alloc(&t, DT_F32, rank, dims, NULL))
		return NULL;
	bool same = rg_any(r, 4) == 0;
	double x = low + (high - low) * rng_f32(&r->seed);
	for (int64_t i = 0; i < tensor_count(&t); i++) {
		if (!same)
			x = low + (high - low) * rng_f32(&r->seed);
		int odd = same ? 2 : rg_any(r, 8);
		tensor_set_f64(&t, i, odd == 0 && low <= 0 ? 0 : odd == 1 && high >= 1 ? 1 : x);
	}
	struct blob *b = blob_copy(t.data, tensor_bytes(&t));
	tensor_free(&t);
	struct node *n = graph_const(r->g, NULL, "k", DT_F32, rank, dims, b);
	return n && !node_infer(n, NULL) ? &n->out[0] : NULL;
}

static inline struct value *rg_ints(struct rg *r, int n, const int64_t *v)
{
	struct node *k = graph_const_i64(r->g, NULL, "i", n, v);
	return k && !node_infer(k, NULL) ? &k->out[0] : NULL;
}

static inline int64_t rg_dim(const struct value *v, int i)
{
	struct dim d = v->info.shape.dim[i];
	return dim_static(d) ? d.min : -1;
}

static inline struct value *rg_like(struct rg *r, const struct value *x)
{
	for (int i = 0; i < 8; i++) {
		struct value *y = r->v[rg_any(r, r->n)];
		if (shape_equal(&y->info.shape, &x->info.shape))
			return y;
	}
	return NULL;
}

#endif
