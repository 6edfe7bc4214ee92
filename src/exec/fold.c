/* Constants of a run: those of the network, and what follows from them alone, evaluated once. */
#include <stdlib.h>
#include <string.h>

#include "exec/state.h"

static int load_consts(const struct exec *e, struct constants *c, struct err *err)
{
	graph_each (e->graph, n) {
		if (!node_is(n, OP_CONST) || !e->uses[n->out[0].id])
			continue;
		struct tensor t = value_tensor(&n->out[0]);
		if (t.type == DT_NONE)
			return fail_nomem(err);
		c->t[n->out[0].id] = t;
	}
	return OK;
}

static bool foldable(const struct constants *c, const struct node *n)
{
	if (n->op->flags & (OPF_RANDOM | OPF_SINK))
		return false;
	for (int k = 0; k < n->nin; k++)
		if (n->in[k].value && c->t[n->in[k].value->id].type == DT_NONE)
			return false;
	return true;
}

/* Says whether it was the last use; the data go then, type and dims stay. */
static bool used_up(struct constants *c, const struct value *v)
{
	if (!v || c->keep || --c->wanted[v->id] > 0)
		return false;
	struct tensor t = c->t[v->id];
	if (c->owned[v->id])
		tensor_free(&c->t[v->id]);
	c->owned[v->id] = false;
	c->t[v->id] = t;
	c->t[v->id].data = NULL;
	return true;
}

void constants_release(struct constants *c, const struct value *v)
{
	c->dropped |= used_up(c, v);
}

static int fold_step(struct step *s, struct constants *c, struct tensor *in, struct err *err)
{
	struct node *n = s->node;
	for (int k = 0; k < n->nin; k++)
		in[k] = n->in[k].value ? c->t[n->in[k].value->id] : (struct tensor){0};
	int status = node_eval(n, in, n->nin, &c->t[n->out[0].id], err);
	if (status < 0)
		return status;
	s->kind = STEP_FOLDED;
	for (int k = 0; k < n->nout; k++)
		c->owned[n->out[k].id] = true;
	for (int k = 0; k < n->nin; k++)
		used_up(c, n->in[k].value);
	return OK;
}

int fold_constants(struct exec *e, struct constants *c, struct err *err)
{
	size_t n = e->graph->nvalues + 1;
	struct tensor *in = calloc((size_t)e->max_in + 1, sizeof *in);
	c->t = calloc(n, sizeof *c->t);
	c->owned = calloc(n, sizeof *c->owned);
	c->wanted = calloc(n, sizeof *c->wanted);
	int status = in && c->t && c->owned && c->wanted ? OK : fail_nomem(err);
	if (status == OK) {
		memcpy(c->wanted, e->uses, n * sizeof *c->wanted);
		status = load_consts(e, c, err);
	}
	for (int i = 0; i < e->nsteps && status == OK; i++)
		if (foldable(c, e->step[i].node))
			status = fold_step(&e->step[i], c, in, err);
	free(in);
	return status;
}

void constants_free(const struct exec *e, struct constants *c)
{
	for (uint32_t id = 0; c->t && c->owned && id < e->graph->nvalues; id++)
		if (c->owned[id])
			tensor_free(&c->t[id]);
	free(c->t);
	free(c->owned);
	free(c->wanted);
	*c = (struct constants){0};
}
