/* Runs the body of a control-flow layer on tensors, as often as it takes. */
#include <string.h>

#include "ops/body.h"

/* A node with the places of its tensors: outputs from base on, inputs at in[k], -1 for absent. */
struct step {
	const struct node *node;
	int base;
	int *in;
};

struct script {
	const struct graph *graph;
	int nsteps, ntensors, most_in;
	struct step *step;
	struct tensor *value, *in;
	bool *owned;
	/* Hash table from a node to its step. */
	uint32_t mask;
	int *slot;
};

static uint32_t slot_of(const struct script *s, const struct node *n)
{
	uint64_t h = (uint64_t)(uintptr_t)n * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t i = (uint32_t)(h >> 32) & s->mask;
	while (s->slot[i] && s->step[s->slot[i] - 1].node != n)
		i = (i + 1) & s->mask;
	return i;
}

static int place_of(const struct script *s, const struct value *v)
{
	int at = v ? s->slot[slot_of(s, v->node)] : 0;
	return at ? s->step[at - 1].base + v->port : -1;
}

/* Enters the nodes in order; their inputs are then among those before. */
static int enter_nodes(struct script *s, struct arena *a, struct err *err)
{
	graph_each (s->graph, n) {
		struct step *t = &s->step[s->nsteps++];
		*t = (struct step){n, s->ntensors, arena_array(a, (size_t)n->nin, sizeof *t->in)};
		if (!t->in)
			return fail_nomem(err);
		for (int k = 0; k < n->nin; k++) {
			t->in[k] = place_of(s, node_in(n, k));
			if (node_in(n, k) && t->in[k] < 0)
				return fail(err, E_FORMAT,
				    "node '%s' of a body takes what comes later", n->name);
		}
		s->slot[slot_of(s, n)] = s->nsteps;
		s->ntensors += n->nout;
		s->most_in = n->nin > s->most_in ? n->nin : s->most_in;
	}
	return OK;
}

int script_new(const struct graph *g, struct arena *a, struct script **out, struct err *err)
{
	struct script *s = arena_alloc(a, sizeof *s);
	size_t slots = 16;
	while (slots < (size_t)g->nnodes * 2)
		slots *= 2;
	if (!s)
		return fail_nomem(err);
	s->graph = g;
	s->mask = (uint32_t)slots - 1;
	s->slot = arena_array(a, slots, sizeof *s->slot);
	s->step = arena_array(a, (size_t)g->nnodes + 1, sizeof *s->step);
	if (!s->slot || !s->step)
		return fail_nomem(err);
	int status = enter_nodes(s, a, err);
	s->value = arena_array(a, (size_t)s->ntensors + 1, sizeof *s->value);
	s->owned = arena_array(a, (size_t)s->ntensors + 1, sizeof *s->owned);
	s->in = arena_array(a, (size_t)s->most_in + 1, sizeof *s->in);
	if (!status && (!s->value || !s->owned || !s->in))
		return fail_nomem(err);
	*out = s;
	return status;
}

static int run_step(struct script *s, const struct step *t, struct err *err)
{
	if (t->node->data) {
		s->value[t->base] = value_tensor(&t->node->out[0]);
		return s->value[t->base].type == DT_NONE ? fail_nomem(err) : OK;
	}
	for (int k = 0; k < t->node->nin; k++)
		s->in[k] = t->in[k] < 0 ? (struct tensor){0} : s->value[t->in[k]];
	int status = node_eval(t->node, s->in, t->node->nin, s->value + t->base, err);
	for (int k = 0; k < t->node->nout; k++)
		s->owned[t->base + k] = !status;
	return status;
}

static int set_parameters(struct script *s, const struct tensor *in, struct err *err)
{
	for (int k = 0; k < s->graph->ninputs; k++) {
		const struct node *p = s->graph->inputs[k];
		if (in[k].type != attr_type(p, "element_type"))
			return fail(err, E_FORMAT, "input '%s' of the body gets %s", p->name,
			    dtype_name(in[k].type));
		s->value[place_of(s, &p->out[0])] = in[k];
	}
	return OK;
}

int script_run(struct script *s, const struct tensor *in, struct tensor *out, struct err *err)
{
	memset(s->owned, 0, (size_t)s->ntensors * sizeof *s->owned);
	int status = set_parameters(s, in, err), done = 0;
	for (int i = 0; i < s->nsteps && !status; i++)
		if (!node_is(s->step[i].node, OP_PARAMETER) && !node_is(s->step[i].node, OP_RESULT))
			status = run_step(s, &s->step[i], err);
	for (; done < s->graph->noutputs && !status; done++) {
		int at = place_of(s, node_in(s->graph->outputs[done], 0));
		if (at < 0)
			status = fail(err, E_FORMAT, "a result of the body is absent");
		else
			status = tensor_clone(&out[done], &s->value[at], err);
	}
	for (int k = 0; status && k < done; k++)
		tensor_free(&out[k]);
	for (int i = 0; i < s->ntensors; i++)
		if (s->owned[i])
			tensor_free(&s->value[i]);
	return status;
}
