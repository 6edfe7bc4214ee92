/* Constants of a run: those of the network, and what follows from them alone, evaluated once. */
#include <stdlib.h>

#include "exec/state.h"

static int load_consts(struct exec *e, struct err *err)
{
	graph_each (e->graph, n) {
		if (!node_is(n, OP_CONST) || !e->uses[n->out[0].id])
			continue;
		struct tensor t = value_tensor(&n->out[0]);
		if (t.type == DT_NONE)
			return fail_nomem(err);
		e->constant[n->out[0].id] = t;
	}
	return OK;
}

static bool foldable(const struct exec *e, const struct node *n)
{
	if (n->op->flags & (OPF_RANDOM | OPF_SINK))
		return false;
	for (int k = 0; k < n->nin; k++)
		if (n->in[k].value && e->constant[n->in[k].value->id].type == DT_NONE)
			return false;
	return true;
}

/* One use less of a constant; without uses it goes. A tap still wants to see it. */
static void release(struct exec *e, const struct value *v)
{
	if (!v || --e->uses[v->id] > 0 || e->o.tap)
		return;
	if (e->owned[v->id])
		tensor_free(&e->constant[v->id]);
	e->owned[v->id] = false;
	e->constant[v->id] = (struct tensor){0};
}

static int fold_step(struct exec *e, struct step *s, struct tensor *in, struct err *err)
{
	struct node *n = s->node;
	struct tensor *out = &e->constant[n->out[0].id];
	for (int k = 0; k < n->nin; k++)
		in[k] = n->in[k].value ? e->constant[n->in[k].value->id] : (struct tensor){0};
	int status = node_eval(n, in, n->nin, out, err);
	if (status < 0)
		return status;
	s->folded = true;
	for (int k = 0; k < n->nout; k++)
		e->owned[n->out[k].id] = true;
	for (int k = 0; k < n->nin; k++)
		release(e, n->in[k].value);
	return OK;
}

int fold_constants(struct exec *e, struct err *err)
{
	struct tensor *in = calloc((size_t)e->max_in + 1, sizeof *in);
	int status = in ? load_consts(e, err) : fail_nomem(err);
	for (int i = 0; i < e->nsteps && status == OK; i++)
		if (foldable(e, e->step[i].node))
			status = fold_step(e, &e->step[i], in, err);
	free(in);
	return status;
}
