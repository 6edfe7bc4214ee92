/* A factor or term per channel behind a pooling or Concat goes before it when convolutions or
 * matrix products there take it in, one before a pooling goes behind it when one there does. Exact
 * for maxima, since rounding keeps order; within rounding for averages. */
#include <math.h>

#include "passes/linear.h"

/* n = x * k or x + k with k per channel, read into number[0..channels-1]. */
struct affine {
	struct node *node;
	struct value *x;
	int k; /* the constant's input */
	int64_t channels;
	double *number;
};

static bool affine_of(struct pass_ctx *c, struct node *n, struct affine *a)
{
	int k = node_is(n, OP_ADD) || node_is(n, OP_MULTIPLY) ? const_input(n) : -1;
	if (k < 0)
		return false;
	*a = (struct affine){.node = n, .x = node_in(n, 1 - k), .k = k};
	const struct shape *s = &a->x->info.shape;
	if (s->rank < 3 || !dim_static(s->dim[1]) || s->dim[1].min < 1 ||
	    s->dim[1].min > MAX_CHANNELS)
		return false;
	a->channels = s->dim[1].min;
	a->number = arena_array(c->scratch, a->channels, sizeof *a->number);
	return a->number && const_channels(node_in(n, k), s->rank, 1, a->channels, a->number);
}

static bool has_pads(const struct node *n)
{
	static const char *const side[] = {"pads_begin", "pads_end"};
	const int64_t *v;
	if (attr_is(n, "auto_pad", "valid"))
		return false;
	if (attr_s(n, "auto_pad")[0] && !attr_is(n, "auto_pad", "explicit"))
		return true;
	for (int k = 0; k < 2; k++)
		for (int i = attr_ints(n, side[k], &v) - 1; i >= 0; i--)
			if (v[i])
				return true;
	return false;
}

static bool positive(const struct affine *a)
{
	for (int64_t i = 0; i < a->channels; i++)
		if (!(a->number[i] > 0))
			return false;
	return true;
}

/* Is pool(a(x)) = a(pool(x))? Zeros that an average counts, or a window rounded up into nothing,
 * are no elements that were shifted. */
static bool passes_through(const struct affine *a, const struct node *pool)
{
	bool product = node_is(a->node, OP_MULTIPLY);
	if (node_is(pool, OP_AVG_POOL) || node_is(pool, OP_AVG_POOL_14))
		return product || !has_pads(pool) || attr_bool(pool, "exclude-pad");
	if (!attr_is(pool, "rounding_type", "floor"))
		return false;
	bool largest = node_is(pool, OP_MAX_POOL_1) ||
		       ((node_is(pool, OP_MAX_POOL) || node_is(pool, OP_MAX_POOL_14)) &&
			   !pool->out[1].nuses);
	return largest && (!product || positive(a));
}

static bool is_pool(const struct node *n)
{
	return node_is(n, OP_AVG_POOL) || node_is(n, OP_AVG_POOL_14) || node_is(n, OP_MAX_POOL_1) ||
	       node_is(n, OP_MAX_POOL) || node_is(n, OP_MAX_POOL_14);
}

/* The same operation on v with these numbers, before at. */
static struct value *apply(struct pass_ctx *c, struct node *at, const struct affine *a,
    struct value *v, const double *number, int64_t channels)
{
	struct node *k = add_channels(at, node_in(a->node, a->k)->node->name, v->info.type,
	    v->info.shape.rank, 1, channels, number);
	if (!k) {
		fail_nomem(c->err);
		return NULL;
	}
	if (node_infer(k, c->err))
		return NULL;
	struct node *n = add_before(c, at, (enum op_id)a->node->op->id,
	    name_with(at, a->node->name, "/moved"), v, &k->out[0]);
	return n ? &n->out[0] : NULL;
}

/* ---- upwards -----------------------------------------------------------------------------------
 */

/* Are n's inputs such layers? A term on each of several must find a bias, or there would be more
 * layers than before. */
static bool all_linear(const struct node *n, bool term)
{
	struct linear l;
	struct node *bias;
	for (int i = 0; i < n->nin; i++)
		if (!linear_behind(node_in(n, i), &l, &bias) || l.axis_out != 1 ||
		    (term && n->nin > 1 && !bias))
			return false;
	return true;
}

/* Its tensor and its name now mean what n gave. */
static int stands_for(struct pass_ctx *c, struct node *p, struct node *n)
{
	int e = node_infer(p, c->err);
	if (e)
		return e;
	take_over(&p->out[0], &n->out[0]);
	return 1;
}

static int up(struct pass_ctx *c, struct node *n)
{
	struct affine a;
	int64_t at = 0;
	if (!affine_of(c, n, &a) || a.x->nuses != 1)
		return 0;
	struct node *p = a.x->node;
	bool joins = node_is(p, OP_CONCAT) && attr_i(p, "axis") == 1;
	if (!(joins || (is_pool(p) && passes_through(&a, p))) || !all_linear(p, node_is(n, OP_ADD)))
		return 0;
	for (int i = 0; i < p->nin; i++) {
		struct value *v = node_in(p, i);
		int64_t channels = v->info.shape.dim[1].min;
		struct value *moved = apply(c, p, &a, v, a.number + at, channels);
		if (!moved)
			return c->err->status;
		node_set_input(p, i, moved);
		at += channels;
	}
	return stands_for(c, p, n);
}

/* ---- downwards ---------------------------------------------------------------------------------
 */

static bool takes_in(const struct value *v, const struct affine *a)
{
	struct linear l;
	struct node *n = only_use(v);
	return n && linear_of(n, &l) && node_in(n, l.data) == v && l.axis_in == 1 &&
	       (node_is(a->node, OP_MULTIPLY) || !l.adds_border);
}

static int down(struct pass_ctx *c, struct node *n)
{
	struct affine a;
	if (!is_pool(n) || node_in(n, 0)->nuses != 1 || !affine_of(c, node_in(n, 0)->node, &a) ||
	    !passes_through(&a, n) || !takes_in(&n->out[0], &a))
		return 0;
	struct linear l;
	struct node *bias, *next = n->out[0].uses->node;
	if (linear_behind(a.x, &l, &bias))
		return 0;
	n->out[0].nnames = 0;
	node_set_input(n, 0, a.x);
	int e = node_infer(n, c->err);
	struct value *moved = e ? NULL : apply(c, next, &a, &n->out[0], a.number, a.channels);
	if (!moved)
		return c->err->status;
	for (int i = 0; i < next->nin; i++)
		if (node_in(next, i) == &n->out[0])
			node_set_input(next, i, moved);
	remove_dead(a.node);
	return 1;
}

static int move_affine(struct pass_ctx *c)
{
	int done = each_node(c, up);
	graph_each (c->graph, n) {
		int r = done < 0 ? 0 : down(c, n);
		if (r < 0)
			return err_in(c->err, "node '%s'", n->name);
		done += r;
	}
	return done;
}

const struct pass pass_move_affine = {
    .name = "move-affine",
    .about = "move factors and terms per channel past poolings and Concat to where they fold",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_SHAPES,
    .run = move_affine,
};
