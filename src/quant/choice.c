/* Ends a network at what its last NonMaxSuppression reads. */
#include "quant/choice.h"

#include <stdlib.h>

#include "ops/edit.h"
#include "ops/op.h"

#define READ 2 /* boxes and scores; the other inputs are limits */

static bool chooses(const struct node *n)
{
	return node_is(n, OP_NMS) || node_is(n, OP_NMS_5);
}

/* Marks by value id what follows from a choice; *last are the choices that no other follows from.
 * How many these are. */
static int mark(const struct graph *g, bool *follows, const struct node **last)
{
	int n = 0;
	graph_each (g, m) {
		bool after = false;
		for (int k = 0; k < m->nin; k++)
			after = after || (node_in(m, k) && follows[node_in(m, k)->id]);
		if (chooses(m)) {
			n = after ? 0 : n;
			last[n++] = m;
		}
		for (int k = 0; k < m->nout; k++)
			follows[m->out[k].id] = after || chooses(m);
	}
	return n;
}

/* Names a value as the next output. */
static int name_output(struct graph *g, struct value *v, const char **name, int *n, struct err *err)
{
	name[*n] = arena_printf(g->arena, " compared %d", *n);
	if (!name[*n] || !value_add_name(v, name[*n]))
		return fail_nomem(err);
	++*n;
	return OK;
}

/* Gives g its other outputs. */
static int end_before(
    struct graph *g, bool *follows, const struct node **last, const char **name, struct err *err)
{
	int n = 0, r = OK, choices = mark(g, follows, last);
	for (int k = 0; k < g->noutputs && !r; k++) {
		struct value *v = node_in(g->outputs[k], 0);
		if (!follows[v->id])
			r = name_output(g, v, name, &n, err);
	}
	for (int i = 0; i < choices && !r; i++)
		for (int k = 0; k < READ && !r; k++)
			if (!value_const(node_in(last[i], k)))
				r = name_output(g, node_in(last[i], k), name, &n, err);
	r = r ? r : edit_cut(g, NULL, 0, name, n, err);
	return r ? r : graph_infer(g, err);
}

static bool has_choice(const struct graph *g)
{
	graph_each (g, n)
		if (chooses(n))
			return true;
	return false;
}

int choice_before(struct graph *g, struct graph **out, struct err *err)
{
	*out = NULL;
	if (!has_choice(g))
		return OK;
	struct graph *c = graph_clone(g);
	if (!c)
		return fail_nomem(err);
	graph_number(c);
	size_t most = (size_t)c->noutputs + READ * (size_t)c->nnodes + 1;
	bool *follows = calloc((size_t)c->nvalues + 1, sizeof *follows);
	const struct node **last = calloc((size_t)c->nnodes + 1, sizeof *last);
	const char **name = calloc(most, sizeof *name);
	int r = follows && last && name ? end_before(c, follows, last, name, err) : fail_nomem(err);
	free(follows);
	free(last);
	free(name);
	if (r)
		graph_free(c);
	else
		*out = c;
	return r;
}
