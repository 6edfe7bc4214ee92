/* Bodies hold the constants that they are given, and have no ports that nothing uses. */
#include "passes/rewrite.h"

/* Does Parameter k keep what it starts with, turn after turn? */
static bool invariant(const struct body *b, int k)
{
	for (int i = 0; i < b->nmaps; i++) {
		const struct port_map *m = &b->map[i];
		if (m->kind != MAP_BACK_EDGE || m->inner != k)
			continue;
		if (m->outer < 0 ||
		    node_in(b->graph->outputs[m->outer], 0) != &b->graph->inputs[k]->out[0])
			return false;
	}
	return true;
}

/* A constant that comes in whole and stays the same becomes one of the body. */
static int bring_in(struct pass_ctx *c, const struct node *n, struct body *b)
{
	int done = 0;
	for (int i = 0; i < b->nmaps; i++) {
		const struct port_map *m = &b->map[i];
		if (m->kind != MAP_INPUT || m->outer < 0 || m->axis >= 0 ||
		    m->purpose != PURPOSE_NONE)
			continue;
		const struct value *v = node_in(n, m->outer);
		struct node *p = b->graph->inputs[m->inner];
		if (!v || !value_const(v) || !p->out[0].nuses || !invariant(b, m->inner))
			continue;
		int64_t dims[MAX_RANK];
		const struct shape *s = &v->info.shape;
		for (int d = 0; d < s->rank; d++)
			dims[d] = s->dim[d].min;
		struct node *k = graph_const(b->graph, b->graph->first, p->name, v->info.type,
		    s->rank, dims, blob_ref(value_const(v)->data));
		if (!k)
			return fail_nomem(c->err);
		if (node_infer(k, c->err))
			return c->err->status;
		graph_replace(&p->out[0], &k->out[0]);
		done++;
	}
	return done;
}

/* ---- ports that nothing uses ---- */

static void drop_map(struct body *b, int i)
{
	b->nmaps--;
	for (; i < b->nmaps; i++)
		b->map[i] = b->map[i + 1];
}

/* Takes Parameter k out of the maps; those after it move up. */
static void drop_parameter(struct body *b, int k)
{
	for (int i = b->nmaps - 1; i >= 0; i--) {
		struct port_map *m = &b->map[i];
		if (m->kind == MAP_OUTPUT)
			continue;
		if (m->inner == k)
			drop_map(b, i);
		else
			m->inner -= m->inner > k;
	}
	graph_remove(b->graph->inputs[k]);
}

/* A Parameter without uses, unless it is what counts the turns. */
static bool idle_parameter(const struct body *b, int k)
{
	for (int i = 0; i < b->nmaps; i++)
		if (b->map[i].kind == MAP_INPUT && b->map[i].inner == k && b->map[i].axis >= 0)
			return false;
	return !b->graph->inputs[k]->out[0].nuses;
}

/* The Result that map entry m names, or -1. */
static int result_of(const struct port_map *m)
{
	return m->kind == MAP_OUTPUT ? m->inner : m->kind == MAP_BACK_EDGE ? m->outer : -1;
}

static bool idle_result(const struct body *b, int k)
{
	for (int i = 0; i < b->nmaps; i++)
		if (result_of(&b->map[i]) == k)
			return false;
	return true;
}

static void drop_result(struct body *b, int k)
{
	for (int i = 0; i < b->nmaps; i++) {
		struct port_map *m = &b->map[i];
		if (m->kind == MAP_OUTPUT)
			m->inner -= m->inner > k;
		else if (m->kind == MAP_BACK_EDGE)
			m->outer -= m->outer > k;
	}
	graph_remove(b->graph->outputs[k]);
}

static int drop_ports(struct body *b)
{
	int done = 0;
	for (int k = b->graph->ninputs - 1; k >= 0; k--)
		if (idle_parameter(b, k)) {
			drop_parameter(b, k);
			done++;
		}
	for (int k = b->graph->noutputs - 1; k >= 0; k--)
		if (idle_result(b, k)) {
			drop_result(b, k);
			done++;
		}
	return done;
}

/* Inputs of the node that none of its bodies is given. */
static int drop_inputs(struct pass_ctx *c, struct node *n)
{
	int first = node_is(n, OP_IF) ? 1 : node_is(n, OP_LOOP) ? 2 : 0, kept = first;
	int *to = arena_array(c->scratch, (size_t)n->nin + 1, sizeof *to);
	if (!to)
		return fail_nomem(c->err);
	for (int b = 0; b < n->nbodies; b++)
		for (int i = 0; i < n->body[b].nmaps; i++)
			if (n->body[b].map[i].kind == MAP_INPUT && n->body[b].map[i].outer >= 0)
				to[n->body[b].map[i].outer] = 1;
	for (int k = first; k < n->nin; k++)
		if (to[k]) {
			node_set_input(n, kept, node_in(n, k));
			to[k] = kept++;
		}
	int done = n->nin - kept;
	for (int b = 0; b < n->nbodies && done > 0; b++)
		for (int i = 0; i < n->body[b].nmaps; i++) {
			struct port_map *m = &n->body[b].map[i];
			if (m->kind == MAP_INPUT && m->outer >= first)
				m->outer = to[m->outer];
		}
	if (done > 0 && !node_resize_inputs(n, kept))
		return fail_nomem(c->err);
	return done > 0 ? done : 0;
}

static int trim_bodies(struct pass_ctx *c, struct node *n)
{
	int done = 0;
	for (int b = 0; b < n->nbodies; b++) {
		int r = bring_in(c, n, &n->body[b]);
		if (r < 0)
			return r;
		done += r + drop_ports(&n->body[b]);
	}
	int r = n->nbodies ? drop_inputs(c, n) : 0;
	return r < 0 ? r : done + r;
}

static int trim_body(struct pass_ctx *c)
{
	int done = 0;
	graph_each (c->graph, n) {
		int r = trim_bodies(c, n);
		if (r < 0)
			return err_in(c->err, "node '%s'", n->name);
		done += r;
	}
	return done;
}

const struct pass pass_trim_body = {
    .name = "trim-body",
    .about = "bring constants into bodies, and drop ports of bodies that nothing uses",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER,
    .run = trim_body,
};
