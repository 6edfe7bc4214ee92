/* What the execs of one graph share: its steps, its constants, and the packs of weights. */
#include <stdlib.h>
#include <string.h>

#include "exec/pack.h"
#include "exec/quant.h"

/* Values need dense ids. They are rewritten only when they are not right already, so that several
 * may read one graph. */
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

/* Is n alive whatever reads it? */
static bool is_wanted(const struct exec_options *o, const struct node *n)
{
	bool wanted = (n->op->flags & OPF_SINK) && !(o->no_results && node_is(n, OP_RESULT));
	for (int k = 0; k < n->nout && o->no_results; k++)
		wanted |= o->tapped(o->user, &n->out[k]);
	return wanted;
}

/* Marks in alive, by value id, what those need that are wanted; everything when all is set. */
static void mark_alive(const struct graph *g, const struct exec_options *o, bool all, bool *alive)
{
	for (const struct node *n = g->last; n; n = n->prev) {
		bool live = all || is_wanted(o, n);
		for (int k = 0; k < n->nout; k++)
			live |= alive[n->out[k].id];
		for (int k = 0; live && k < n->nin; k++)
			if (n->in[k].value)
				alive[n->in[k].value->id] = true;
		for (int k = 0; live && k < n->nout; k++)
			alive[n->out[k].id] = true;
	}
}

static void count_uses(struct network *net, const struct node *n)
{
	for (int k = 0; k < n->nin; k++)
		if (n->in[k].value)
			net->uses[n->in[k].value->id]++;
}

static void collect_steps(struct network *net, const struct exec_options *o, const bool *alive)
{
	graph_each (net->graph, n) {
		if (node_is(n, OP_RESULT) && !o->no_results)
			count_uses(net, n);
		if (is_edge(n) || (n->nout && !alive[n->out[0].id]))
			continue;
		count_uses(net, n);
		for (int k = 0; k < n->nout; k++)
			net->maker[n->out[k].id] = net->nsteps;
		net->step[net->nsteps++] = (struct step){.node = n};
		net->max_in = n->nin > net->max_in ? n->nin : net->max_in;
	}
}

static int build_steps(struct network *net, const struct exec_options *o, struct err *err)
{
	size_t nvalues = net->graph->nvalues + 1;
	bool *alive = calloc(nvalues, sizeof *alive);
	net->step = calloc((size_t)net->graph->nnodes + 1, sizeof *net->step);
	net->uses = calloc(nvalues, sizeof *net->uses);
	net->maker = malloc(nvalues * sizeof *net->maker);
	bool ok = alive && net->step && net->uses && net->maker;
	if (ok) {
		memset(net->maker, 0xff, nvalues * sizeof *net->maker);
		mark_alive(net->graph, o, net->c.keep, alive);
		collect_steps(net, o, alive);
	}
	free(alive);
	return ok ? OK : fail_nomem(err);
}

int network_new(
    struct graph *g, const struct exec_options *o, struct network **out, struct err *err)
{
	struct network *net = calloc(1, sizeof *net);
	if (!net)
		return fail_nomem(err);
	pthread_mutex_init(&net->lock, NULL);
	net->refs = 1;
	net->graph = g;
	net->c.keep = o->tap && !o->tapped;
	number(g);
	int status = build_steps(net, o, err);
	if (g->compiled)
		net->nsteps = 0; /* the plans have it all */
	if (status == OK && !g->compiled)
		status = quant_choose(net, o, err);
	if (status == OK && !g->compiled)
		status = fold_constants(net, err);
	if (status == OK && !g->compiled && !o->eval_only && !o->exact)
		status = quant_order_sums(net, err);
	if (status < 0) {
		network_unref(net);
		return status;
	}
	*out = net;
	return OK;
}

struct network *network_ref(struct network *net)
{
	__atomic_add_fetch(&net->refs, 1, __ATOMIC_RELAXED);
	return net;
}

void network_unref(struct network *net)
{
	if (!net || __atomic_sub_fetch(&net->refs, 1, __ATOMIC_ACQ_REL))
		return;
	compiled_close(net);
	packs_free(net);
	constants_free(net, &net->c);
	constants_free(net, &net->all);
	pthread_mutex_destroy(&net->lock);
	free(net->step);
	free(net->uses);
	free(net->maker);
	quant_free(net);
	free(net);
}
