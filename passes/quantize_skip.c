/* Layers that could be computed in 8 bits and are better left alone: those that the user wants
 * kept, the heads of detectors, and those that it would not speed up. */
#include <math.h>
#include <string.h>

#include "passes/quantize.h"
#include "passes/rewrite.h"

/* What one core of a server does in a second: the order of magnitude is what matters. */
#define MACS_F32 40e9
#define MACS_INT8 150e9
#define BYTES 20e9
#define CALL 1e-6 /* seconds for a call of its own */
#define SHARE 100 /* a layer of more than 1 in so many of the weights is worth its bytes */

/* ---- heads ----
 * A level more or less moves a box or its score, and the heads take little of the time. */

enum { TO_BOXES = 1, TO_OUTPUT = 2, TO_LIST = 4 };

static bool pools(const struct node *n)
{
	return node_is(n, OP_MAX_POOL_1) || node_is(n, OP_MAX_POOL) || node_is(n, OP_MAX_POOL_14) ||
	       node_is(n, OP_AVG_POOL) || node_is(n, OP_REDUCE_MEAN) || node_is(n, OP_REDUCE_MAX);
}

/* Several scales' boxes behind each other. */
static bool lists_boxes(const struct node *n)
{
	return node_is(n, OP_CONCAT) && n->nin > 1 && n->out[0].info.shape.rank == 3;
}

/* What a node's inputs lead to. */
static uint32_t leads_to(const struct node *n)
{
	if (node_is(n, OP_NMS) || node_is(n, OP_NMS_5))
		return TO_BOXES;
	if (node_is(n, OP_RESULT))
		return TO_OUTPUT;
	if (quantizable_weights(n))
		return 0;
	uint32_t to = pools(n) ? n->mark & TO_BOXES : n->mark;
	return lists_boxes(n) && to & TO_OUTPUT ? to | TO_LIST : to;
}

/* Marks what leads to boxes, and through nothing but layers without weights. */
static void mark_heads(struct graph *g)
{
	graph_each (g, n)
		n->mark = 0;
	for (struct node *n = g->last; n; n = n->prev) {
		uint32_t to = leads_to(n);
		for (int k = 0; k < n->nin && to; k++)
			if (node_in(n, k))
				node_in(n, k)->node->mark |= to;
	}
}

static bool is_head(const struct node *n)
{
	return n->mark & TO_BOXES || (n->mark & TO_LIST && !node_is(n, OP_MATMUL));
}

/* ---- time ---- */

struct skips {
	const struct quantize_options *o;
	unsigned char *skip;
	double weights; /* of all layers that have some */
};

/* A layer of 8 bits gives v, or what becomes v element by element: it writes the levels itself. */
static bool from_layer(const struct skips *s, const struct value *v)
{
	for (int k; v && !quantizable_weights(v->node);) {
		const struct node *n = v->node;
		if (node_is(n, OP_ADD) && (k = const_input(n)) >= 0)
			v = node_in(n, 1 - k);
		else if (node_is(n, OP_ADD) && !s->skip[n->out[0].id])
			return true;
		else
			v = passes_levels(n) || n->op->flags & OPF_UNARY ? node_in(n, 0) : NULL;
	}
	return v && !s->skip[v->id];
}

/* Seconds that 8 bits save in a layer with weights; NaN: sizes are not known. */
static double saves(const struct skips *s, const struct node *n)
{
	double in = shape_count(&node_in(n, 0)->info.shape);
	double w = shape_count(&node_in(n, 1)->info.shape);
	double out = shape_count(&n->out[0].info.shape), macs = quantize_macs(n);
	if (in < 0 || w < 0 || out < 0 || !(macs > 0))
		return NAN;
	double was = fmax(macs / MACS_F32, 4 * (in + w + out) / BYTES);
	double now = fmax(macs / MACS_INT8, (in + w + out) / BYTES);
	return was - now - (from_layer(s, node_in(n, 0)) ? 0 : CALL + 5 * in / BYTES);
}

static double weights_of(const struct node *n)
{
	return quantizable_weights(n) ? shape_count(&node_in(n, 1)->info.shape) : 0;
}

static bool is_kept(const struct quantize_options *o, const struct node *n)
{
	for (int i = 0; i < o->nkept; i++)
		if (!strcmp(o->kept[i], n->name))
			return true;
	return false;
}

static enum quantize_skip skip_of(const struct skips *s, const struct node *n)
{
	bool weights = quantizable_weights(n);
	if (is_kept(s->o, n))
		return SKIP_KEPT;
	if (s->o->all)
		return SKIP_NONE;
	if (!weights)
		return node_is(n, OP_ADD) && !from_layer(s, node_in(n, 0)) &&
			       !from_layer(s, node_in(n, 1))
			   ? SKIP_ALONE
			   : SKIP_NONE;
	if (is_head(n))
		return SKIP_HEAD;
	bool light = weights_of(n) * SHARE <= s->weights;
	return light && saves(s, n) <= 0 ? SKIP_SLOW : SKIP_NONE;
}

void quantize_skips(struct graph *g, const struct quantize_options *o, unsigned char *skip)
{
	struct skips s = {.o = o, .skip = skip};
	graph_each (g, n)
		s.weights += weights_of(n);
	mark_heads(g);
	graph_each (g, n)
		if (n->nout)
			skip[n->out[0].id] = (unsigned char)skip_of(&s, n);
}

const char *quantize_skip_reason(enum quantize_skip why)
{
	static const char *const text[] = {[SKIP_NONE] = "",
	    [SKIP_KEPT] = "ignored",
	    [SKIP_HEAD] = "boxes are made of what it gives",
	    [SKIP_SLOW] = "8 bits cost more time than they save",
	    [SKIP_ALONE] = "no layer of 8 bits comes before"};
	return text[why];
}
