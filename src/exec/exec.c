/* Sets up the steps of a network and runs it by the plan for its input shapes. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "exec/pack.h"

/* Values need dense ids. They are rewritten only when they are not right already, so that requests
 * on one model may be made in several threads. */
static void number(struct graph *g)
{
	uint32_t id = 0;
	graph_each (g, n)
		for (int k = 0; k < n->nout; k++)
			if (n->out[k].id != id++) {
				graph_number(g);
				return;
			}
	if (g->nvalues != id)
		graph_number(g);
}

static bool is_edge(const struct node *n)
{
	return node_is(n, OP_CONST) || node_is(n, OP_PARAMETER) || node_is(n, OP_RESULT);
}

/* Marks in alive, by value id, what the Results need; everything when all is set. */
static void mark_alive(const struct graph *g, bool all, bool *alive)
{
	for (const struct node *n = g->last; n; n = n->prev) {
		bool live = all || (n->op->flags & OPF_SINK);
		for (int k = 0; k < n->nout; k++)
			live |= alive[n->out[k].id];
		for (int k = 0; live && k < n->nin; k++)
			if (n->in[k].value)
				alive[n->in[k].value->id] = true;
		for (int k = 0; live && k < n->nout; k++)
			alive[n->out[k].id] = true;
	}
}

static void count_uses(struct exec *e, const struct node *n)
{
	for (int k = 0; k < n->nin; k++)
		if (n->in[k].value)
			e->uses[n->in[k].value->id]++;
}

static void collect_steps(struct exec *e, const bool *alive)
{
	graph_each (e->graph, n) {
		if (node_is(n, OP_RESULT))
			count_uses(e, n);
		if (is_edge(n) || (n->nout && !alive[n->out[0].id]))
			continue;
		count_uses(e, n);
		for (int k = 0; k < n->nout; k++)
			e->maker[n->out[k].id] = e->nsteps;
		e->step[e->nsteps++] = (struct step){.node = n};
		e->max_in = n->nin > e->max_in ? n->nin : e->max_in;
	}
}

static int build_steps(struct exec *e, struct err *err)
{
	size_t nvalues = e->graph->nvalues + 1;
	bool *alive = calloc(nvalues, sizeof *alive);
	e->step = calloc((size_t)e->graph->nnodes + 1, sizeof *e->step);
	e->uses = calloc(nvalues, sizeof *e->uses);
	e->maker = malloc(nvalues * sizeof *e->maker);
	e->scratch = arena_new();
	bool ok = alive && e->step && e->uses && e->maker && e->scratch;
	if (ok) {
		memset(e->maker, 0xff, nvalues * sizeof *e->maker);
		mark_alive(e->graph, e->o.tap != NULL, alive);
		collect_steps(e, alive);
	}
	free(alive);
	return ok ? OK : fail_nomem(err);
}

int exec_new(struct graph *g, const struct exec_options *o, struct exec **out, struct err *err)
{
	*out = NULL;
	struct exec *e = calloc(1, sizeof *e);
	if (!e)
		return fail_nomem(err);
	e->graph = g;
	if (o)
		e->o = *o;
	e->c.keep = e->all.keep = e->o.tap != NULL;
	number(g);
	int status = build_steps(e, err);
	if (status == OK)
		status = variables_new(e, err);
	if (status == OK)
		status = fold_constants(e, &e->c, err);
	if (status < 0) {
		exec_free(e);
		return status;
	}
	*out = e;
	return OK;
}

void exec_free(struct exec *e)
{
	if (!e)
		return;
	for (int i = 0; i < PLAN_CACHE; i++)
		plan_free(e, e->plan[i]);
	packs_free(e);
	segments_free(e);
	constants_free(e, &e->c);
	constants_free(e, &e->all);
	arena_free(e->scratch);
	variables_free(e);
	free(e->step);
	free(e->uses);
	free(e->maker);
	free(e);
}

int tap_outputs(struct exec *e, const struct node *n, const struct tensor *t, struct err *err)
{
	int status = OK;
	for (int k = 0; e->o.tap && k < n->nout && status == OK; k++)
		status = e->o.tap(e->o.user, &n->out[k], &t[k], err);
	return status;
}

static int input_misfit(const struct value *v, const struct tensor *t, struct err *err)
{
	struct text want = {0}, got = {0};
	struct shape s = tensor_shape(t);
	shape_text(&want, &v->info.shape);
	shape_text(&got, &s);
	int status = want.failed || got.failed
			 ? fail_nomem(err)
			 : fail(err, E_USAGE,
			       "input '%s': shape [%s] does not fit the network's [%s]",
			       value_name(v), got.data ? got.data : "", want.data ? want.data : "");
	text_free(&want);
	text_free(&got);
	return status;
}

static int check_inputs(struct exec *e, const struct tensor *in, struct err *err)
{
	for (int k = 0; k < e->graph->ninputs; k++) {
		const struct value *v = &e->graph->inputs[k]->out[0];
		if (in[k].type == DT_NONE)
			return fail(err, E_USAGE, "input '%s': no data given", value_name(v));
		if (in[k].type != v->info.type)
			return fail(err, E_USAGE, "input '%s': type %s given, expected %s",
			    value_name(v), dtype_name(in[k].type), dtype_name(v->info.type));
		if (!shape_fits(&v->info.shape, in[k].rank, in[k].dim))
			return input_misfit(v, &in[k], err);
	}
	return OK;
}

int exec_prepare(struct exec *e, const struct tensor *in, struct err *err)
{
	struct plan *p;
	int status = check_inputs(e, in, err);
	return status == OK ? plan_get(e, in, &p, err) : status;
}

int exec_run(struct exec *e, const struct tensor *in, struct tensor *out, struct err *err)
{
	struct plan *p = NULL;
	int status = check_inputs(e, in, err);
	if (status == OK)
		status = plan_get(e, in, &p, err);
	if (status < 0)
		return status;
	return plan_run(e, p, in, out, err);
}

size_t exec_workspace(const struct exec *e)
{
	return e->plan[0] ? e->plan[0]->bytes : 0;
}

size_t exec_packed(const struct exec *e)
{
	size_t sum = 0;
	for (int i = 0; i < e->npacks; i++)
		sum += e->pack[i].bytes;
	return sum;
}
