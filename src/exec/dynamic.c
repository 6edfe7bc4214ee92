/* Calls whose sizes only the data tell: eval into heap tensors, each freed after its last use. */
#include <string.h>

#include "exec/plan.h"

void dynamic_reset(struct exec *e, struct plan *p)
{
	for (uint32_t id = 0; p->dynamic && p->left && id < e->graph->nvalues; id++) {
		if (p->dynamic[id])
			tensor_free(&p->value[id]);
		p->left[id] = e->uses[id];
	}
}

static bool is_lost(const struct exec *e, const struct value *v)
{
	return v && e->c.t[v->id].type != DT_NONE && !e->c.t[v->id].data;
}

int dynamic_constants(struct exec *e, const struct node *n, struct err *err)
{
	bool lost = false;
	for (int k = 0; k < n->nin; k++)
		lost |= is_lost(e, n->in[k].value);
	if (!lost || e->all.t)
		return OK;
	int status = fold_constants(e, &e->all, err);
	if (status < 0)
		constants_free(e, &e->all);
	return status;
}

static struct tensor operand(const struct exec *e, const struct plan *p, const struct value *v)
{
	if (!v)
		return (struct tensor){0};
	return is_lost(e, v) ? e->all.t[v->id] : p->value[v->id];
}

void dynamic_used(struct plan *p, const struct node *n)
{
	for (int k = 0; k < n->nin; k++) {
		const struct value *v = n->in[k].value;
		if (v && p->dynamic[v->id] && --p->left[v->id] == 0)
			tensor_free(&p->value[v->id]);
	}
}

int run_dynamic(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	const struct node *n = c->step->node;
	for (int k = 0; k < n->nin; k++)
		p->in[k] = operand(e, p, n->in[k].value);
	int status = node_eval(n, p->in, n->nin, n->nout ? &p->value[n->out[0].id] : NULL, err);
	if (status == OK)
		dynamic_used(p, n);
	return status;
}
