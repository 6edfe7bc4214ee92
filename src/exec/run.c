/* Runs the calls of a plan: pointers are set, nothing is allocated. */
#include <string.h>

#include "exec/plan.h"

static void *data_of(struct plan *p, const struct call *c, int k)
{
	return p->value[node_in(c->step->node, k)->id].data;
}

static void *result_of(struct plan *p, const struct call *c)
{
	return p->value[c->step->end->out[0].id].data;
}

static int no_output(struct eval *s, int k, enum dtype type, int rank, const int64_t *dims)
{
	(void)type;
	(void)rank;
	(void)dims;
	return fail(s->err, E_UNSUPPORTED, "output %d got another size than was planned", k);
}

int run_eval(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	const struct node *n = c->step->node;
	struct arena_mark mark = arena_mark(e->scratch);
	for (int k = 0; k < n->nin; k++)
		p->in[k] = n->in[k].value ? p->value[n->in[k].value->id] : (struct tensor){0};
	struct eval s = {.node = n,
	    .nin = n->nin,
	    .nout = n->nout,
	    .in = p->in,
	    .out = n->nout ? &p->value[n->out[0].id] : NULL,
	    .alloc = no_output,
	    .scratch = e->scratch,
	    .err = err};
	int status = n->op->eval(&s);
	arena_reset(e->scratch, mark);
	return status < 0 ? err_in(err, "node '%s'", n->name) : OK;
}

int run_alias(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)e;
	(void)err;
	p->value[c->step->node->out[0].id].data = data_of(p, c, 0);
	return OK;
}

int run_nothing(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)e;
	(void)p;
	(void)c;
	(void)err;
	return OK;
}

int run_conv(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	conv_f32_run(c->conv, e->o.pool, data_of(p, c, 0), result_of(p, c), c->scratch);
	return OK;
}

int run_depthwise(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	dw_conv_f32_run(c->dw, e->o.pool, data_of(p, c, 0), result_of(p, c), c->scratch);
	return OK;
}

int run_matmul(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	matmul_f32_run(
	    c->matmul, e->o.pool, data_of(p, c, 0), data_of(p, c, 1), result_of(p, c), c->scratch);
	return OK;
}

int run_max_pool(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	max_pool_f32_run(c->max_pool, e->o.pool, data_of(p, c, 0), result_of(p, c), c->scratch);
	return OK;
}

static int set_inputs(struct exec *e, struct plan *p, const struct tensor *in, struct err *err)
{
	int status = OK;
	for (int k = 0; k < e->graph->ninputs && status == OK; k++) {
		const struct node *n = e->graph->inputs[k];
		p->value[n->out[0].id].data = in[k].data;
		status = tap_outputs(e, n, &in[k], err);
	}
	return status;
}

int plan_run(
    struct exec *e, struct plan *p, const struct tensor *in, struct tensor *out, struct err *err)
{
	dynamic_reset(e, p);
	int status = set_inputs(e, p, in, err);
	for (int i = 0; i < p->ncalls && status == OK; i++) {
		const struct call *c = &p->call[i];
		const struct node *n = c->step->node;
		status = c->run(e, p, c, err);
		if (status == OK && e->o.tap && n->nout)
			status = tap_outputs(e, n, &p->value[n->out[0].id], err);
	}
	for (int k = 0; k < e->graph->noutputs && status == OK; k++) {
		out[k] = p->value[node_in(e->graph->outputs[k], 0)->id];
		if (!p->copy[k] || !tensor_bytes(&out[k]))
			continue;
		memcpy(p->copy[k], out[k].data, tensor_bytes(&out[k]));
		out[k].data = p->copy[k];
	}
	return status;
}
