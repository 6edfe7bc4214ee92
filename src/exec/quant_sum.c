/* Sums of quantized branches, as OpenVINO computes them: which convolution takes the sum along, and
 * whose FakeQuantize is clamped only. */
#include <stdlib.h>
#include <string.h>

#include "exec/quant.h"
#include "exec/tap.h"

/* Uses of v but for its shape, and one of the steps that they are by. */
static int reads(const struct network *net, const struct value *v, const struct node **by)
{
	int n = net->uses[v->id];
	value_each_use (v, u) {
		if (!u->node->nout || net->maker[u->node->out[0].id] < 0)
			continue;
		if (node_is(u->node, OP_SHAPE_OF) || node_is(u->node, OP_SHAPE_OF_1))
			n--;
		else
			*by = u->node;
	}
	return n;
}

static const struct node *reader(const struct network *net, const struct value *v)
{
	const struct node *by = NULL;
	return reads(net, v, &by) == 1 ? by : NULL;
}

static bool leads_on(const struct network *net, const struct node *n)
{
	return reader(net, &n->out[0]) != NULL;
}

/* A constant, maybe in another shape that only a plan knows. */
static bool is_fixed(const struct network *net, const struct value *v)
{
	while (quant_reshapes(v->node))
		v = node_in(v->node, 0);
	int i = net->maker[v->id];
	return node_is(v->node, OP_CONST) || (i >= 0 && net->step[i].folded);
}

const struct value *quant_changes(const struct network *net, const struct node *n)
{
	if (node_is(n, OP_FAKE_QUANTIZE) || node_is(n, OP_BATCH_NORM))
		return node_in(n, 0);
	if (node_is(n, OP_BATCH_NORM_1))
		return node_in(n, 2);
	bool binary = node_is(n, OP_ADD) || node_is(n, OP_SUBTRACT) || node_is(n, OP_MULTIPLY) ||
		      node_is(n, OP_DIVIDE);
	if (!binary || is_fixed(net, node_in(n, 0)) == is_fixed(net, node_in(n, 1)))
		return NULL;
	return node_in(n, is_fixed(net, node_in(n, 0)));
}

/* The quantized convolution that v comes from, by steps that only it leads to; NULL: none. */
static const struct node *branch(const struct network *net, const struct value *v)
{
	struct quant_weights w;
	const struct node *n = v->node;
	while (n && leads_on(net, n) && (v = quant_changes(net, n)) != NULL)
		n = v->node;
	bool conv = n && (node_is(n, OP_CONVOLUTION) || node_is(n, OP_GROUP_CONVOLUTION));
	return conv && leads_on(net, n) && quant_layer(net, n, &w) ? n : NULL;
}

static bool is_sum(const struct network *net, const struct node *n)
{
	return node_is(n, OP_ADD) && node_in(n, 0) != node_in(n, 1) && !quant_changes(net, n) &&
	       !is_fixed(net, node_in(n, 0));
}

/* ---- order ---- */

/* Marks step first and what follows from it, before step end. */
static void mark_from(const struct network *net, int first, int end, bool *late)
{
	memset(late + first, 0, (size_t)(end - first));
	late[first] = true;
	for (int i = first + 1; i < end; i++) {
		const struct node *n = net->step[i].node;
		for (int k = 0; k < n->nin; k++)
			if (n->in[k].value && net->maker[n->in[k].value->id] >= 0)
				late[i] |= late[net->maker[n->in[k].value->id]];
	}
}

/* Moves the marked ones of the steps before end behind the others. */
static void move_late(struct network *net, int first, int end, const bool *late, struct step *room)
{
	int n = 0, to = first;
	for (int i = first; i < end; i++)
		if (late[i])
			room[n++] = net->step[i];
		else
			net->step[to++] = net->step[i];
	for (int i = 0; i < n; i++)
		net->step[to + i] = room[i];
	for (int i = first; i < end; i++)
		for (int k = 0; k < net->step[i].node->nout; k++)
			net->maker[net->step[i].node->out[k].id] = i;
}

/* Are both summands of n convolutions, and first the one that takes the sum along? */
static bool is_early(const struct network *net, const struct node *n, int *first, int *second)
{
	const struct node *a = is_sum(net, n) ? branch(net, node_in(n, 0)) : NULL;
	const struct node *b = a ? branch(net, node_in(n, 1)) : NULL;
	if (!b)
		return false;
	*first = net->maker[a->out[0].id];
	*second = net->maker[b->out[0].id];
	return *first < *second;
}

int quant_order_sums(struct network *net, struct err *err)
{
	int first, second;
	bool *late = calloc((size_t)net->nsteps + 1, sizeof *late);
	struct step *room = calloc((size_t)net->nsteps + 1, sizeof *room);
	for (int i = 0; late && room && i < net->nsteps; i++) {
		if (!is_early(net, net->step[i].node, &first, &second))
			continue;
		mark_from(net, first, i, late);
		if (!late[second])
			move_late(net, first, i, late, room);
	}
	bool ok = late && room;
	free(late);
	free(room);
	return ok ? OK : fail_nomem(err);
}

/* ---- rounding ---- */

/* Is the sum that v goes into taken along by the convolution that v comes from? */
static bool takes_sum(const struct network *net, const struct node *sum, const struct value *v)
{
	return node_in(sum, 0) == v || !branch(net, node_in(sum, 0));
}

bool quant_rounds(const struct exec *e, const struct node *fq)
{
	const struct network *net = e->net;
	const struct value *v = &fq->out[0];
	float lo, hi;
	bool summed = false;
	for (const struct node *n; !is_tapped(e, v) && (n = reader(net, v)); v = &n->out[0]) {
		if (summed && node_is(n, OP_FAKE_QUANTIZE))
			return false;
		if (is_sum(net, n) && !summed && takes_sum(net, n, v))
			summed = true;
		else if (quant_changes(net, n) != v && !quant_clamp(n, v, &lo, &hi))
			return true;
	}
	return true;
}
