/* Sums over a network: layers, constants, work, and the types that things are stored in. */
#include <stdlib.h>

#include "report/cost.h"
#include "report/totals.h"

bool is_layer(const struct node *n)
{
	return !node_is(n, OP_CONST) && !node_is(n, OP_PARAMETER) && !node_is(n, OP_RESULT);
}

static void sum_constant(struct totals *t, const struct node *n)
{
	int64_t count = shape_count(&n->out[0].info.shape);
	enum dtype type = n->out[0].info.type;
	if (count < 0)
		return;
	t->constants++;
	t->stored[type] += count;
	t->weight_bytes += dtype_bytes(type, count);
	if (cost_is_weight(type))
		t->weights[type] += dtype_bytes(type, count);
}

static void sum(struct totals *t, const struct graph *g)
{
	graph_each (g, n) {
		for (int i = 0; i < n->nbodies; i++)
			sum(t, n->body[i].graph);
		if (node_is(n, OP_CONST))
			sum_constant(t, n);
		if (!is_layer(n))
			continue;
		int64_t macs = cost_macs(n);
		t->layers++;
		t->count[n->op->id]++;
		t->computed[n->nout ? n->out[0].info.type : DT_NONE]++;
		t->unsized += macs < 0;
		t->macs += macs > 0 ? macs : 0;
	}
}

void totals_sum(struct totals *t, const struct graph *g)
{
	*t = (struct totals){.parameters = cost_parameters(g)};
	sum(t, g);
}

/* The most frequent first, then by their place in the table. */
static int by_count(const void *a, const void *b, void *user)
{
	const struct totals *t = user;
	int i = *(const int *)a, j = *(const int *)b;
	return t->count[i] != t->count[j] ? t->count[j] - t->count[i] : i - j;
}

int totals_operators(const struct totals *t, int id[OP_COUNT])
{
	int n = 0;
	for (int i = 0; i < OP_COUNT; i++)
		if (t->count[i])
			id[n++] = i;
	qsort_r(id, (size_t)n, sizeof *id, by_count, (void *)t);
	return n;
}
