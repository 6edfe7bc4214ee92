/* What the convolutions and matrix products of a network are computed in, and why not in 8 bits. */
#include "report/products.h"

#include <stdlib.h>
#include <string.h>

#include "exec/exec.h"
#include "ops/op.h"

#define LOOK_BACK 16 /* layers, from a product to the FakeQuantize that it reads */

const char *product_reason(enum product_why why)
{
	static const char *const words[] = {"", "neither the input nor the weights are quantized",
	    "the weights are quantized, the input is not",
	    "the input is quantized, the weights are not",
	    "quantized in a form that has no kernel in 8 bits",
	    "both factors are results of layers"};
	return words[why];
}

static bool is_product(const struct node *n)
{
	return node_is(n, OP_CONVOLUTION) || node_is(n, OP_GROUP_CONVOLUTION) ||
	       node_is(n, OP_DECONVOLUTION) || node_is(n, OP_GROUP_DECONVOLUTION) ||
	       node_is(n, OP_MATMUL);
}

/* Levels pass through what moves or clamps them. */
static bool is_quantized(const struct value *v)
{
	for (int i = 0; v && i < LOOK_BACK; i++, v = node_in(v->node, 0)) {
		const struct node *n = v->node;
		if (node_is(n, OP_FAKE_QUANTIZE))
			return true;
		if (!(n->op->flags & OPF_MOVES) && !node_is(n, OP_RELU) && !node_is(n, OP_CLAMP) &&
		    strcmp(n->op->type, "MaxPool") != 0)
			return false;
	}
	return false;
}

static bool are_levels(const struct node *n, const struct cost_weights *w)
{
	return (dtype_is_int(w->type) && dtype_bits(w->type) <= 8) || is_quantized(node_in(n, 1));
}

static enum product_why why_of(
    const struct exec *e, const struct node *n, const struct cost_weights *w)
{
	if (exec_in_8_bits(e, n))
		return PRODUCT_INT8;
	if (!w->elements)
		return PRODUCT_RESULTS;
	bool input = is_quantized(node_in(n, 0)), weights = are_levels(n, w);
	return input ? (weights ? PRODUCT_FORM : PRODUCT_WEIGHTS)
		     : (weights ? PRODUCT_INPUT : PRODUCT_FLOATS);
}

static void add(struct products *p, const struct exec *e, const struct node *n)
{
	struct product *to = &p->v[p->n++];
	*to = (struct product){.node = n, .macs = cost_macs(n), .weights = cost_weights(n)};
	to->why = why_of(e, n, &to->weights);
	p->count[to->why]++;
	p->macs[to->why] += to->macs > 0 ? to->macs : 0;
}

int products_find(struct graph *g, struct products *p, struct err *err)
{
	struct exec *e = NULL;
	int n = 0;
	*p = (struct products){0};
	graph_each (g, c)
		n += is_product(c);
	p->v = calloc((size_t)n + 1, sizeof *p->v);
	int s = p->v ? exec_new(g, NULL, &e, err) : fail_nomem(err);
	if (!s)
		graph_each (g, c)
			if (is_product(c) && c->nin > 1 && node_in(c, 0) && node_in(c, 1))
				add(p, e, c);
	exec_free(e);
	return s;
}

void products_free(struct products *p)
{
	free(p->v);
	*p = (struct products){0};
}

int64_t products_macs(const struct products *p)
{
	int64_t sum = 0;
	for (int i = 0; i < PRODUCT_WHYS; i++)
		sum += p->macs[i];
	return sum;
}
