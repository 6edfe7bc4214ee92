/* Sizes, layout and frozen values of a model's inputs. */
#include <string.h>

#include "ops/edit.h"

int edit_shape(struct graph *g, int k, const struct shape *s, struct err *err)
{
	struct node *p = g->inputs[k];
	const struct shape *old = &p->out[0].info.shape;
	if (s->rank >= 0 && old->rank >= 0 && s->rank != old->rank)
		return fail(err, E_USAGE, "input '%s' has %d dims, not %d", value_name(&p->out[0]),
		    old->rank, s->rank);
	return attr_set_shape(p, "shape", s) ? OK : fail_nomem(err);
}

int edit_batch(struct graph *g, const int *axis, int64_t batch, struct err *err)
{
	for (int k = 0; k < g->ninputs; k++) {
		struct shape s = *node_attr(g->inputs[k], "shape")->shape;
		if (axis[k] < 0)
			continue;
		if (axis[k] >= s.rank)
			return fail(err, E_USAGE, "input '%s' has no dim %d to be the batch",
			    value_name(&g->inputs[k]->out[0]), axis[k]);
		s.dim[axis[k]] = dim_of(batch);
		if (!attr_set_shape(g->inputs[k], "shape", &s))
			return fail_nomem(err);
	}
	return OK;
}

/* order[i]: where letter i of from stands in to. */
static bool layout_order(const char *from, const char *to, int64_t *order)
{
	size_t n = strlen(from);
	if (strlen(to) != n || n > MAX_RANK)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *at = strchr(to, from[i]);
		if (!at || strchr(from, from[i]) != from + i)
			return false;
		order[i] = at - to;
	}
	return true;
}

int edit_layout(struct graph *g, int k, const char *from, const char *to, struct err *err)
{
	struct node *p = g->inputs[k];
	struct value *v = &p->out[0];
	struct shape s = *node_attr(p, "shape")->shape, t = s;
	int64_t order[MAX_RANK];
	int n = strlen(from);
	if (!layout_order(from, to, order))
		return fail(err, E_USAGE, "'%s' is no permutation of layout '%s'", to, from);
	if (s.rank != n)
		return fail(err, E_USAGE, "layout '%s' does not fit the %d dims of input '%s'", from,
		    s.rank, value_name(v));
	for (int i = 0; i < n; i++)
		t.dim[order[i]] = s.dim[i];
	struct node *c = graph_insert_after(p, op_row(OP_CONST), NULL, NULL, 0, 1);
	if (c)
		graph_remove(c);
	const char *name = arena_printf(g->arena, "%s/layout", p->name);
	if (!name || !attr_set_shape(p, "shape", &t))
		return fail_nomem(err);
	struct node *perm = graph_const_i64(g, p->next, name, n, order);
	struct node *move = perm ? graph_insert_after(perm, op_row(OP_TRANSPOSE), name, NULL, 2, 1)
				 : NULL;
	if (!move)
		return fail_nomem(err);
	/* The tensor's name stays with the Parameter: that is what users feed. */
	while (v->uses)
		node_set_input(v->uses->node, v->uses->index, &move->out[0]);
	node_set_input(move, 0, v);
	node_set_input(move, 1, &perm->out[0]);
	return OK;
}
