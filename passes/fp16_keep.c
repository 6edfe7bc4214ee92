/* Constants that stay FP32 whatever they hold: those that shapes and ranges come from, those whose
 * rounding does not average out, those that the user names. */
#include <stdlib.h>
#include <string.h>

#include "passes/fp16.h"

/* ---- values that shapes, indices and ranges are computed from ----------------------------------
 */

static bool low_bit_weight(const struct value *v)
{
	return v && node_is(v->node, OP_CONVERT) && value_const(node_in(v->node, 0)) &&
	       dtype_bits(node_in(v->node, 0)->info.type) <= 8;
}

/* Zero point or scale of a weight that is stored in few bits. */
static bool decompresses(const struct node *n, int k)
{
	const struct value *v = k < 2 ? node_in(n, 1 - k) : NULL;
	if (node_is(n, OP_MULTIPLY) && v && node_is(v->node, OP_SUBTRACT))
		v = node_in(v->node, 0);
	return (node_is(n, OP_MULTIPLY) || node_is(n, OP_SUBTRACT)) && low_bit_weight(v);
}

static bool sensitive_input(const struct node *n, int k)
{
	static const struct {
		enum op_id id;
		int from; /* inputs from this one on */
	} list[] = {{OP_RANGE, 0}, {OP_INTERPOLATE, 1}, {OP_INTERPOLATE_4, 1}, {OP_NMS, 2},
	    {OP_NMS_5, 2}, {OP_TOP_K, 1}, {OP_TOP_K_1, 1}, {OP_TOP_K_3, 1}, {OP_FAKE_QUANTIZE, 1},
	    {OP_FAKE_CONVERT, 1}, {OP_BUCKETIZE, 1}};
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (node_is(n, list[i].id))
			return k >= list[i].from;
	if (node_is(n, OP_CONVERT))
		return !dtype_is_float(attr_type(n, "destination_type"));
	return decompresses(n, k);
}

/* Marks the nodes whose content such inputs come from, through layers that only move elements or
 * work on them one by one. */
void fp16_mark_sensitive(struct graph *g)
{
	const unsigned through = OPF_BROADCAST | OPF_UNARY | OPF_MOVES;
	graph_each (g, n)
		n->mark = 0;
	for (struct node *n = g->last; n; n = n->prev)
		for (int k = 0; k < n->nin; k++)
			if (node_in(n, k) &&
			    ((n->mark && n->op->flags & through) || sensitive_input(n, k)))
				node_in(n, k)->node->mark = FP16_SENSITIVE;
}

/* ---- constants whose rounding does not average out ---------------------------------------------
 */

/* A bias or a scale per channel: varies along one axis at most. */
static bool one_axis(const struct shape *s)
{
	int axes = 0;
	for (int i = 0; i < s->rank; i++)
		axes += s->dim[i].min != 1;
	return axes <= 1;
}

/* A result of a convolution of single channels sums a few products, a bias is the only one of its
 * kind: each rounding is seen in full, while such constants hold a few hundredths of a network's
 * bytes. Measured: MobileNets differ four times less from FP32 with these kept. */
bool fp16_few_terms(const struct node *n)
{
	static const enum op_id arithmetic[] = {
	    OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE, OP_PRELU};
	const struct shape *s = &n->out[0].info.shape;
	value_each_use (&n->out[0], u) {
		bool depthwise = node_is(u->node, OP_GROUP_CONVOLUTION) && u->index == 1 &&
				 s->rank > 2 && s->dim[2].min == 1;
		bool found = depthwise;
		for (size_t i = 0; i < sizeof arithmetic / sizeof *arithmetic; i++)
			found = found || (node_is(u->node, arithmetic[i]) && one_axis(s));
		if (!found)
			return false;
	}
	return true;
}

/* ---- what the user wants kept ------------------------------------------------------------------
 */

void fp16_keep_close(struct fp16_keep *k)
{
	for (int i = 0; k->pattern && i < k->n; i++)
		pattern_close(&k->pattern[i]);
	free(k->pattern);
	free(k->matched);
}

int fp16_keep_open(struct fp16_keep *k, struct pass_ctx *c)
{
	int count = c->options->nkeep_fp32, status = OK;
	*k = (struct fp16_keep){.c = c};
	k->pattern = calloc(count + 1, sizeof *k->pattern);
	k->matched = calloc(count + 1, sizeof *k->matched);
	if (!k->pattern || !k->matched)
		return fail_nomem(c->err);
	for (; k->n < count && !status; k->n++)
		status = pattern_open(&k->pattern[k->n], c->options->keep_fp32[k->n], c->err);
	return status;
}

const char *fp16_kept_by(struct fp16_keep *k, const struct node *n)
{
	const char *by = NULL;
	for (int i = k->n - 1; i >= 0; i--) {
		const char *s = k->c->options->keep_fp32[i];
		bool yes = pattern_names(&k->pattern[i], n);
		value_each_use (&n->out[0], u)
			yes = yes || pattern_names(&k->pattern[i], u->node) ||
			      !strcasecmp(s, u->node->op->type);
		if (yes) {
			k->matched[i] = true;
			by = s;
		}
	}
	return by;
}
