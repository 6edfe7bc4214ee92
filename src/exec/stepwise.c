/* Runs a network node by node on heap tensors: for shapes that only the data tell. */
#include <stdlib.h>
#include <string.h>

#include "exec/state.h"

struct walk {
	struct exec *e;
	const struct constants *c;
	struct tensor *value; /* by value id: inputs, constants (borrowed) and computed (owned) */
	int *left;            /* by value id: uses to come */
	bool *owned;
	struct tensor *in; /* of the node at hand */
};

static void done_with(struct walk *w, const struct value *v)
{
	if (!v || --w->left[v->id] > 0 || !w->owned[v->id])
		return;
	tensor_free(&w->value[v->id]);
	w->owned[v->id] = false;
}

static int walk_node(struct walk *w, const struct node *n, struct err *err)
{
	struct tensor *out = n->nout ? &w->value[n->out[0].id] : NULL;
	for (int k = 0; k < n->nin; k++)
		w->in[k] = n->in[k].value ? w->value[n->in[k].value->id] : (struct tensor){0};
	int status = node_eval(n, w->in, n->nin, out, err);
	if (status < 0)
		return status;
	for (int k = 0; k < n->nout; k++)
		w->owned[n->out[k].id] = true;
	status = tap_outputs(w->e, n, out, err);
	for (int k = 0; k < n->nin; k++)
		done_with(w, n->in[k].value);
	for (int k = 0; k < n->nout; k++)
		if (!w->left[n->out[k].id]) {
			tensor_free(&out[k]);
			w->owned[n->out[k].id] = false;
		}
	return status;
}

/* Moves computed outputs into e->held, copies the others. */
static int hand_out(struct walk *w, struct tensor *out, struct err *err)
{
	struct graph *g = w->e->graph;
	for (int k = 0; k < g->noutputs; k++) {
		uint32_t id = node_in(g->outputs[k], 0)->id;
		struct tensor *t = &w->e->held[k];
		if (w->owned[id]) {
			*t = w->value[id];
			w->owned[id] = false;
		} else if (tensor_clone(t, &w->value[id], err) < 0) {
			return err ? err->status : E_NOMEM;
		}
		out[k] = *t;
	}
	return OK;
}

static int walk_all(struct walk *w, const struct tensor *in, struct err *err)
{
	struct exec *e = w->e;
	size_t nvalues = e->graph->nvalues;
	memcpy(w->value, w->c->t, nvalues * sizeof *w->value);
	memcpy(w->left, e->uses, nvalues * sizeof *w->left);
	int status = OK;
	for (int k = 0; k < e->graph->ninputs && status == OK; k++) {
		const struct node *p = e->graph->inputs[k];
		w->value[p->out[0].id] = in[k];
		status = tap_outputs(e, p, &in[k], err);
	}
	for (int i = 0; i < e->nsteps && status == OK; i++) {
		const struct node *n = e->step[i].node;
		if (e->step[i].kind == STEP_FOLDED)
			status = tap_outputs(e, n, &w->c->t[n->out[0].id], err);
		else
			status = walk_node(w, n, err);
	}
	return status;
}

int stepwise_run(struct exec *e, const struct tensor *in, struct tensor *out, struct err *err)
{
	size_t nvalues = e->graph->nvalues + 1;
	struct walk w = {.e = e,
	    .value = calloc(nvalues, sizeof *w.value),
	    .left = calloc(nvalues, sizeof *w.left),
	    .owned = calloc(nvalues, sizeof *w.owned),
	    .in = calloc((size_t)e->max_in + 1, sizeof *w.in)};
	for (int k = 0; k < e->graph->noutputs; k++)
		tensor_free(&e->held[k]);
	bool ok = w.value && w.left && w.owned && w.in;
	int status = ok ? OK : fail_nomem(err);
	if (status == OK && e->c.dropped && !e->all.t)
		status = fold_constants(e, &e->all, err);
	w.c = e->c.dropped ? &e->all : &e->c;
	if (status == OK)
		status = walk_all(&w, in, err);
	if (status == OK)
		status = hand_out(&w, out, err);
	for (size_t id = 0; ok && id < nvalues; id++)
		if (w.owned[id])
			tensor_free(&w.value[id]);
	free(w.value);
	free(w.left);
	free(w.owned);
	free(w.in);
	return status;
}
