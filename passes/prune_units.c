/* Labels of indices and their classes, by union and find. */
#include "passes/prune_units.h"

#include <stdlib.h>

#include "base/checked.h"

#define MAX_LABELS (INT32_C(1) << 26)

static int32_t find(struct units *u, int32_t x)
{
	while (u->parent[x] != x)
		x = u->parent[x] = u->parent[u->parent[x]];
	return x;
}

static int32_t label(const struct units *u, const struct value *v, int axis, int64_t i)
{
	int32_t first = u->first[v->id * (size_t)MAX_RANK + axis];
	return first < 0 ? -1 : first + (int32_t)i;
}

int32_t unit_at(struct units *u, const struct value *v, int axis, int64_t i)
{
	int32_t x = label(u, v, axis, i);
	return x < 0 ? -1 : find(u, x);
}

/* The smaller label is the first of its class, so that units stand in the order of the network. */
static void join(struct units *u, int32_t a, int32_t b)
{
	a = find(u, a);
	b = find(u, b);
	if (a == b)
		return;
	int32_t first = a < b ? a : b, other = a < b ? b : a;
	u->parent[other] = first;
	u->fixed[first] = u->fixed[first] || u->fixed[other];
}

void unit_tie(struct units *u, const struct value *a, int axis, int64_t i, const struct value *b,
    int baxis, int64_t j)
{
	int32_t x = label(u, a, axis, i), y = label(u, b, baxis, j);
	if (x >= 0 && y >= 0)
		join(u, x, y);
	else if (x >= 0 || y >= 0)
		u->fixed[find(u, x >= 0 ? x : y)] = true;
}

void unit_tie_axis(
    struct units *u, const struct value *a, int axis, const struct value *b, int baxis)
{
	struct dim d = a->info.shape.dim[axis], e = b->info.shape.dim[baxis];
	if (!unit_has(u, a, axis) || !unit_has(u, b, baxis) || d.min != e.min) {
		unit_fix_axis(u, a, axis);
		unit_fix_axis(u, b, baxis);
		return;
	}
	for (int64_t i = 0; i < d.min; i++)
		unit_tie(u, a, axis, i, b, baxis, i);
}

void unit_tie_all(struct units *u, const struct value *a, const struct value *b)
{
	if (a->info.shape.rank != b->info.shape.rank) {
		unit_fix_value(u, a);
		unit_fix_value(u, b);
		return;
	}
	for (int i = 0; i < a->info.shape.rank; i++)
		unit_tie_axis(u, a, i, b, i);
}

void unit_tie_broadcast(struct units *u, const struct value *a, const struct value *b)
{
	const struct shape *s = &a->info.shape, *t = &b->info.shape;
	if (s->rank < 0 || t->rank < s->rank) {
		unit_fix_value(u, a);
		unit_fix_value(u, b);
		return;
	}
	for (int i = 0; i < s->rank; i++)
		if (!dim_static(s->dim[i]) || s->dim[i].min != 1)
			unit_tie_axis(u, a, i, b, i + t->rank - s->rank);
}

static void fix(struct units *u, const struct value *v, int axis, int64_t i)
{
	int32_t x = unit_at(u, v, axis, i);
	if (x >= 0)
		u->fixed[x] = true;
}

void unit_fix_axis(struct units *u, const struct value *v, int axis)
{
	if (unit_has(u, v, axis))
		for (int64_t i = 0; i < v->info.shape.dim[axis].min; i++)
			fix(u, v, axis, i);
}

void unit_fix_value(struct units *u, const struct value *v)
{
	for (int i = 0; v && i < v->info.shape.rank; i++)
		unit_fix_axis(u, v, i);
}

void unit_fix_node(struct units *u, const struct node *n)
{
	for (int i = 0; i < n->nin; i++)
		unit_fix_value(u, node_in(n, i));
	for (int i = 0; i < n->nout; i++)
		unit_fix_value(u, &n->out[i]);
}

bool unit_free_axis(struct units *u, const struct value *v, int axis)
{
	if (unit_has(u, v, axis))
		for (int64_t i = 0; i < v->info.shape.dim[axis].min; i++)
			if (!u->fixed[unit_at(u, v, axis, i)])
				return true;
	return false;
}

static bool labelled(struct dim d)
{
	return dim_static(d) && d.min > 1 && d.min <= MAX_CHANNELS;
}

static int give_labels(struct units *u, struct err *err)
{
	int64_t total = 0;
	graph_each (u->graph, n)
		for (int k = 0; k < n->nout; k++)
			for (int i = 0; i < MAX_RANK; i++) {
				const struct shape *s = &n->out[k].info.shape;
				bool has = i < s->rank && labelled(s->dim[i]);
				u->first[n->out[k].id * (size_t)MAX_RANK + i] = has ? total : -1;
				total += has ? s->dim[i].min : 0;
				if (total > MAX_LABELS)
					return fail(
					    err, E_LIMIT, "too many channels to prune among");
			}
	u->nlabels = (int32_t)total;
	return OK;
}

static void apply_rule(struct units *u, const struct node *n)
{
	if (node_is(n, OP_CONST))
		return;
	if (n->nbodies || !(ties_of_layer(u, n) || ties_of_move(u, n)))
		unit_fix_node(u, n);
}

int units_new(struct graph *g, struct units *u, struct err *err)
{
	graph_number(g);
	*u = (struct units){.graph = g};
	u->first = calloc(g->nvalues * (size_t)MAX_RANK + 1, sizeof *u->first);
	int e = u->first ? give_labels(u, err) : fail_nomem(err);
	if (!e) {
		u->parent = malloc((u->nlabels + 1) * sizeof *u->parent);
		u->fixed = calloc(u->nlabels + 1, sizeof *u->fixed);
		e = u->parent && u->fixed ? OK : fail_nomem(err);
	}
	if (e) {
		units_free(u);
		return e;
	}
	for (int32_t i = 0; i < u->nlabels; i++)
		u->parent[i] = i;
	graph_each (g, n)
		apply_rule(u, n);
	u->settling = true;
	graph_each (g, n)
		if (node_is(n, OP_RESHAPE))
			apply_rule(u, n);
	return OK;
}

void units_free(struct units *u)
{
	free(u->first);
	free(u->parent);
	free(u->fixed);
	*u = (struct units){0};
}
