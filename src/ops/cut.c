/* The part of a model between named tensors. */
#include <string.h>

#include "ops/edit.h"

/* By tensor name, else output 0 of the layer of this name. */
static struct value *find_tensor(struct graph *g, const char *name, struct err *err)
{
	struct value *v = graph_find_value(g, name);
	struct node *n = v ? v->node : graph_find_node(g, name);
	if (!v && n && n->nout)
		v = &n->out[0];
	else if (!v && n && node_is(n, OP_RESULT))
		v = node_in(n, 0);
	if (!v)
		fail(err, E_USAGE, "there is no tensor or layer '%s' to cut at", name);
	return v;
}

/* A Parameter in place of v; one that is there already stays. */
static int cut_input(struct graph *g, const char *name, struct node **out, struct err *err)
{
	struct value *v = find_tensor(g, name, err);
	if (!v)
		return E_USAGE;
	*out = v->node;
	if (node_is(v->node, OP_PARAMETER))
		return OK;
	if (v->info.type == DT_NONE)
		return fail(err, E_USAGE, "the type of '%s' is not known", name);
	struct node *p = graph_insert_before(g->first, op_row(OP_PARAMETER), name, NULL, 0, 1);
	if (!p || !attr_set_shape(p, "shape", &v->info.shape) ||
	    !attr_set_type(p, "element_type", v->info.type))
		return fail_nomem(err);
	p->out[0].info = v->info;
	p->out[0].info.elems = NULL;
	graph_replace(v, &p->out[0]);
	*out = p;
	return value_add_name(&p->out[0], name) ? OK : fail_nomem(err);
}

/* The Result of v, made when there is none. */
static int cut_output(struct graph *g, const char *name, struct node **out, struct err *err)
{
	struct value *v = find_tensor(g, name, err);
	if (!v)
		return E_USAGE;
	value_each_use (v, u)
		if (node_is(u->node, OP_RESULT)) {
			*out = u->node;
			return OK;
		}
	*out = graph_add(g, op_row(OP_RESULT), arena_printf(g->arena, "%s/result", name),
	    (struct value *[]){v}, 1, 0);
	return *out ? OK : fail_nomem(err);
}

/* Brings the named edges to the front of list, in their order. */
static void order_first(struct node **list, int n, struct node *const *first, int nfirst)
{
	for (int i = nfirst - 1; i >= 0; i--) {
		int at = 0;
		while (at < n && list[at] != first[i])
			at++;
		if (at == n)
			continue;
		memmove(list + 1, list, at * sizeof *list);
		list[0] = first[i];
	}
}

static bool among(struct node *const *list, int n, const struct node *x)
{
	for (int i = 0; i < n; i++)
		if (list[i] == x)
			return true;
	return false;
}

/* Takes out what feeds no Result, from the back. */
static void drop_unused(struct graph *g)
{
	for (struct node *n = g->last, *prev; n; n = prev) {
		bool used = n->op->flags & OPF_SINK;
		prev = n->prev;
		for (int i = 0; i < n->nout; i++)
			used |= n->out[i].uses != NULL;
		if (!used)
			graph_remove(n);
	}
}

static int find_all(struct graph *g, const char *const *name, struct node **edge, int n,
    int (*find)(struct graph *, const char *, struct node **, struct err *), struct err *err)
{
	for (int i = 0; i < n; i++) {
		int r = find(g, name[i], &edge[i], err);
		if (r)
			return r;
		if (among(edge, i, edge[i]))
			return fail(err, E_USAGE, "'%s' is cut twice", name[i]);
	}
	return OK;
}

int edit_cut(struct graph *g, const char *const *in, int nin, const char *const *out, int nout,
    struct err *err)
{
	struct node **first = arena_array(g->arena, nin, sizeof *first);
	struct node **last = arena_array(g->arena, nout, sizeof *last);
	if (!first || !last)
		return fail_nomem(err);
	int r = find_all(g, in, first, nin, cut_input, err);
	r = r ? r : find_all(g, out, last, nout, cut_output, err);
	r = r ? r : graph_sort(g, err);
	if (r)
		return r;
	for (int i = g->noutputs - 1; i >= 0 && nout; i--)
		if (!among(last, nout, g->outputs[i]))
			graph_remove(g->outputs[i]);
	order_first(g->outputs, g->noutputs, last, nout);
	order_first(g->inputs, g->ninputs, first, nin);
	for (int i = 0; i < nin; i++)
		if (!first[i]->out[0].uses)
			return fail(err, E_USAGE, "cut input '%s' feeds nothing", in[i]);
	drop_unused(g);
	for (int i = 0; i < nin; i++)
		if (!among(g->inputs, g->ninputs, first[i]))
			return fail(err, E_USAGE, "cut input '%s' feeds no output", in[i]);
	return OK;
}
