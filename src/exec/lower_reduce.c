/* Means and largest values along dims that lie together, as calls of the pooling kernels. */
#include <math.h>

#include "exec/lower.h"

#define LEAST_INNER 8 /* elements behind the dims, which are channels: fewer are left to eval */

/* What is reduced, as a matrix of size vectors of inner elements for each of outer results. */
struct reduction {
	enum layout layout;
	int64_t outer, size, inner;
};

/* The dims along which n reduces, as bits; false when the plan does not know them. */
static bool reduced_dims(const struct lower *l, const struct node *n, uint32_t *mask)
{
	int rank = lower_dims(l, node_in(n, 0))->rank;
	struct tensor axes = lower_content(l, node_in(n, 1));
	*mask = 0;
	if (axes.type == DT_NONE || !axes.data)
		return false;
	for (int64_t i = 0; i < tensor_count(&axes); i++) {
		int64_t axis = tensor_i64(&axes, i);
		axis += axis < 0 ? rank : 0;
		if (axis < 0 || axis >= rank)
			return false;
		*mask |= 1u << axis;
	}
	return true;
}

/* Do the dims lie together, row by row? Dims of 1 lie anywhere. */
static bool together(const struct tensor *t, uint32_t mask, struct reduction *r)
{
	*r = (struct reduction){ROW_MAJOR, 1, 1, 1};
	for (int d = 0; d < t->rank; d++) {
		bool reduced = mask >> d & 1;
		if (t->dim[d] == 1)
			continue;
		if (reduced && r->inner > 1)
			return false;
		if (reduced)
			r->size *= t->dim[d];
		else if (r->size > 1)
			r->inner *= t->dim[d];
		else
			r->outer *= t->dim[d];
	}
	return r->inner >= LEAST_INNER;
}

static bool reduction_of(const struct lower *l, const struct node *n, struct reduction *r)
{
	const struct tensor *t = lower_dims(l, node_in(n, 0));
	uint32_t mask;
	if (t->type != DT_F32 || t->rank < 1 || !tensor_count(t) || !reduced_dims(l, n, &mask))
		return false;
	if (l->last[node_in(n, 0)->id]) {
		*r = (struct reduction){
		    CHANNELS_LAST, t->dim[0], pixels_of(t) / t->dim[0], t->dim[1]};
		return mask == (1u << t->rank) - 4;
	}
	return together(t, mask, r);
}

/* A window over each matrix; vectors of it are ld elements apart. */
static struct nhwc_pool pool_of(const struct reduction *r, bool max, int64_t ld)
{
	struct nhwc_pool k = {.kind = max ? POOL_MAX : POOL_AVG,
	    .ld_in = ld,
	    .ld_out = r->inner,
	    .lo = -INFINITY,
	    .hi = INFINITY};
	k.s = (struct conv_shape){.batch = (int)r->outer,
	    .groups = (int)r->inner,
	    .cin = 1,
	    .cout = 1,
	    .in = {1, 1, (int)r->size},
	    .kernel = {1, 1, (int)r->size},
	    .out = {1, 1, 1},
	    .stride = {1, 1, 1},
	    .dilation = {1, 1, 1}};
	return k;
}

int lower_reduce(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	bool max = node_is(n, OP_REDUCE_MAX);
	struct reduction r;
	struct spot x, y;
	if ((!max && !node_is(n, OP_REDUCE_MEAN)) || !reduction_of(l, n, &r) ||
	    !is_small(r.outer * r.size) || !is_small(r.inner))
		return OK;
	*done = true;
	int status = spot_need(l, node_in(n, 0), r.layout, &x);
	if (status == OK)
		status = spot_make(l, &n->out[0], ROW_MAJOR, true, &y);
	struct call *c = status == OK ? call_add(l, CALL_POOL, n) : NULL;
	if (!c)
		return status == OK ? fail_nomem(l->err) : status;
	c->pool = pool_of(&r, max, r.layout == CHANNELS_LAST ? x.ld : r.inner);
	nhwc_pool_f32_plan(&c->pool, pool_size(l->e->o.pool));
	call_operands(l, c, x, (struct spot){0}, y);
	return OK;
}
