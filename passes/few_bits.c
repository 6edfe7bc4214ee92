/* Weights that are stored in few bits: passes leave them as they are. */
#include "passes/rewrite.h"

#define DEPTH 8 /* nodes between a constant and the layer whose weight it is */

static bool low_bits(enum dtype t)
{
	switch (t) {
	case DT_I16:
	case DT_U16:
	case DT_I8:
	case DT_U8:
	case DT_I4:
	case DT_U4:
	case DT_U1:
	case DT_NF4:
	case DT_F8E4M3:
	case DT_F8E5M2:
		return true;
	default:
		return false;
	}
}

/* A Const, or one that was only converted: zero points and scales. */
static bool const_like(const struct value *v)
{
	for (int i = 0; v && i < DEPTH; i++)
		if (node_is(v->node, OP_CONVERT) || node_is(v->node, OP_RESHAPE))
			v = node_in(v->node, 0);
	return v && value_const(v);
}

static bool takes_weights(const struct node *n)
{
	static const enum op_id id[] = {OP_CONVOLUTION, OP_GROUP_CONVOLUTION, OP_DECONVOLUTION,
	    OP_GROUP_DECONVOLUTION, OP_MATMUL, OP_GATHER, OP_GATHER_7, OP_GATHER_1};
	for (size_t i = 0; i < sizeof id / sizeof *id; i++)
		if (node_is(n, id[i]))
			return true;
	return false;
}

/* Does v, computed from constants alone, become the weight of a layer? */
static bool feeds_weight(const struct value *v, int depth)
{
	static const enum op_id step[] = {OP_CONVERT, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE,
	    OP_RESHAPE, OP_TRANSPOSE, OP_UNSQUEEZE, OP_SQUEEZE, OP_SQUEEZE_15, OP_SLICE};
	value_each_use (v, u) {
		if (takes_weights(u->node))
			return true;
		bool known = depth > 0;
		for (int i = 0; i < u->node->nin; i++)
			known = known && (i == u->index || const_like(node_in(u->node, i)));
		for (size_t i = 0; known && i < sizeof step / sizeof *step; i++)
			if (node_is(u->node, step[i]) && feeds_weight(&u->node->out[0], depth - 1))
				return true;
	}
	return false;
}

bool few_bits_weight(const struct node *n)
{
	if (node_is(n, OP_FAKE_QUANTIZE) || node_is(n, OP_FAKE_CONVERT))
		return true;
	return node_is(n, OP_CONVERT) && low_bits(node_in(n, 0)->info.type) &&
	       dtype_is_float(n->out[0].info.type) && feeds_weight(&n->out[0], DEPTH);
}
