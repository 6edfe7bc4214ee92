/* Calls whose sizes only the data tell: eval into heap tensors, each freed after its last use. */
#include <string.h>

#include "exec/dynamic.h"
#include "exec/variables.h"

void dynamic_reset(struct exec *e, struct plan *p)
{
	for (uint32_t id = 0; p->dynamic && p->left && id < e->graph->nvalues; id++) {
		if (p->dynamic[id])
			tensor_free(&p->value[id]);
		p->left[id] = e->uses[id];
	}
}

int dynamic_constants(struct exec *e, struct plan *p, const struct node *n, struct err *err)
{
	struct tensor t;
	int status = OK;
	for (int k = 0; k < n->nin && status == OK; k++) {
		const struct value *v = n->in[k].value;
		if (!v)
			continue;
		status = constants_hold(e->net, v, &t, err);
		if (status == OK && t.type != DT_NONE)
			p->value[v->id] = t;
	}
	return status;
}

struct tensor dynamic_operand(const struct plan *p, const struct value *v, struct ref ref)
{
	struct tensor t = {0};
	if (!v)
		return t;
	t = p->value[v->id];
	if (ref.buffer)
		t.data = ref_at(p, ref);
	return t;
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
	const struct node *n = c->node;
	for (int k = 0; k < n->nin; k++)
		p->in[k] = dynamic_operand(p, n->in[k].value, c->eval.ref[k]);
	struct tensor *out = n->nout ? &p->value[n->out[0].id] : NULL;
	int status = has_variable(n) ? variables_step(e, n, p->in, out, true, err)
				     : node_eval(n, p->in, n->nin, out, err);
	if (status == OK)
		dynamic_used(p, n);
	return status;
}
