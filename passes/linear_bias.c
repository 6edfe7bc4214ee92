/* A linear layer and its bias together: y = layer * scale + shift. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "passes/linear.h"

bool linear_behind(const struct value *v, struct linear *l, struct node **bias)
{
	struct node *n = v->node;
	*bias = NULL;
	if (v->nuses != 1)
		return false;
	if (linear_of(n, l))
		return true;
	int k = node_is(n, OP_ADD) ? const_input(n) : -1;
	if (k < 0 || node_in(n, 1 - k)->nuses != 1 || !linear_of(node_in(n, 1 - k)->node, l))
		return false;
	*bias = n;
	return true;
}

/* scale and the new bias for the old one, if any: b * scale + shift. */
static bool new_bias(const struct linear *l, const struct node *bias, const double *scale,
    const double *shift, double *out)
{
	int64_t n = linear_outputs(l);
	bool half = l->node->out[0].info.type == DT_F16;
	if (!bias)
		memset(out, 0, n * sizeof *out);
	else if (!const_channels(
		     node_in(bias, const_input(bias)), l->rank_out, l->axis_out, n, out))
		return false;
	for (int64_t i = 0; i < n; i++) {
		out[i] = out[i] * scale[i] + shift[i];
		if (!(fabs(out[i]) <= (half ? 65504.0 : 0x1.fffffep127)))
			return false;
	}
	return true;
}

static bool all_zero(const double *x, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		if (x[i] != 0)
			return false;
	return true;
}

/* The layer's output plus b in the place of old; the layer no longer gives what its name says. */
static int put_bias(
    struct pass_ctx *c, struct linear *l, struct node *bias, const double *b, struct node *old)
{
	struct node *n = l->node;
	int64_t outputs = linear_outputs(l);
	const char *last = old->name;
	if (!bias && all_zero(b, outputs)) {
		take_over(&n->out[0], &old->out[0]);
		return OK;
	}
	const char *name = bias ? node_in(bias, const_input(bias))->node->name
				: name_with(n, last, "/bias");
	struct node *k = name ? add_channels(bias ? bias : old, name, n->out[0].info.type,
				    l->rank_out, l->axis_out, outputs, b)
			      : NULL;
	n->name = name_with(n, last, "/WithoutBiases");
	n->out[0].nnames = 0;
	if (!k || !n->name)
		return fail_nomem(c->err);
	if (!bias) {
		bias = add_before(c, old, OP_ADD, last, &n->out[0], &k->out[0]);
		if (!bias)
			return c->err->status;
	} else {
		int at = const_input(bias);
		struct node *was = node_in(bias, at)->node;
		node_set_input(bias, at, &k->out[0]);
		remove_dead(was);
	}
	take_over(&bias->out[0], &old->out[0]);
	return OK;
}

int linear_affine(struct pass_ctx *c, struct linear *l, struct node *bias, const double *scale,
    const double *shift, struct node *old)
{
	int64_t n = linear_outputs(l);
	double *b = calloc(n, sizeof *b);
	int e = b ? OK : fail_nomem(c->err);
	bool fits = !e && new_bias(l, bias, scale, shift, b) && linear_scale_out(c, l, scale, &e);
	if (fits)
		e = put_bias(c, l, bias, b, old);
	free(b);
	return e ? e : fits;
}
