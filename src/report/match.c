/* Finds the same tensor in another network by its names. */
#include <stdlib.h>
#include <string.h>

#include "ops/op.h"
#include "report/match.h"

bool *match_computed(struct graph *g)
{
	graph_number(g);
	bool *depends = calloc(g->nvalues + 1, sizeof *depends);
	if (!depends)
		return NULL;
	graph_each (g, n) {
		bool live = node_is(n, OP_PARAMETER) || (n->op->flags & OPF_RANDOM);
		for (int k = 0; k < n->nin; k++)
			live |= n->in[k].value && depends[n->in[k].value->id];
		for (int k = 0; k < n->nout; k++)
			depends[n->out[k].id] = live;
	}
	for (int k = 0; k < g->ninputs; k++)
		depends[g->inputs[k]->out[0].id] = false;
	return depends;
}

static bool enter(struct match *m, struct value *v)
{
	for (int i = 0; i < v->nnames; i++)
		if (!map_put(&m->by_tensor, v->names[i], v))
			return false;
	return v->nnames || v->node->nout != 1 || map_put(&m->by_layer, v->node->name, v);
}

int match_new(struct graph *g, struct match *m, struct err *err)
{
	bool *computed = match_computed(g), ok = computed != NULL;
	*m = (struct match){0};
	graph_each (g, n)
		for (int k = 0; k < n->nout && ok; k++)
			if (computed[n->out[k].id])
				ok = enter(m, &n->out[k]);
	free(computed);
	if (ok)
		return OK;
	match_free(m);
	return fail_nomem(err);
}

void match_free(struct match *m)
{
	map_free(&m->by_tensor);
	map_free(&m->by_layer);
}

const struct value *match_find(const struct match *m, const struct value *v)
{
	const struct value *found = NULL;
	for (int i = 0; i < v->nnames && !found; i++)
		found = map_get(&m->by_tensor, v->names[i]);
	if (v->nnames || v->node->nout != 1)
		return found;
	found = map_get(&m->by_layer, v->node->name);
	return found && !strcmp(found->node->op->type, v->node->op->type) ? found : NULL;
}
