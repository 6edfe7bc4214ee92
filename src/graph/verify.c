/* Everything that passes and formats may rely on, checked. */
#include <string.h>

#include "base/map.h"
#include "graph/graph.h"
#include "graph/op.h"

#define BROKEN(err, ...) fail(err, E_FORMAT, __VA_ARGS__)

static int verify_use(const struct node *n, int i, struct err *err)
{
	const struct use *u = &n->in[i];
	const struct value *v = u->value;
	if (u->node != n || u->index != i)
		return BROKEN(err, "input %d is linked to another place", i);
	if (!v)
		return i < n->op->min_in ? BROKEN(err, "input %d is absent", i) : OK;
	if (v->node->graph != n->graph)
		return BROKEN(err, "input %d comes from another graph", i);
	if (v->node->mark >= n->mark)
		return BROKEN(err, "input %d, '%s', comes later in the order", i, v->node->name);
	if (v->port < 0 || v->port >= v->node->nout || v != &v->node->out[v->port])
		return BROKEN(err, "input %d is no output of '%s'", i, v->node->name);
	if (!u->link || *u->link != u || (u->next && u->next->link != &u->next))
		return BROKEN(err, "input %d is not in its value's list of uses", i);
	return OK;
}

static int verify_value(const struct node *n, int port, struct err *err)
{
	const struct value *v = &n->out[port];
	int nuses = 0;
	if (v->node != n || v->port != port)
		return BROKEN(err, "output %d is linked to another node", port);
	for (const struct use *u = v->uses; u; u = u->next, nuses++)
		if (u->value != v || nuses > v->nuses)
			return BROKEN(err, "the uses of output %d are wrong", port);
	if (nuses != v->nuses)
		return BROKEN(err, "output %d has %d uses, not %d", port, nuses, v->nuses);
	if (v->info.shape.rank > MAX_RANK || v->info.shape.rank < -1)
		return BROKEN(err, "output %d has rank %d", port, v->info.shape.rank);
	for (int i = 0; i < v->info.shape.rank; i++)
		if (v->info.shape.dim[i].min < 0 ||
		    v->info.shape.dim[i].max < v->info.shape.dim[i].min)
			return BROKEN(err, "dimension %d of output %d is negative", i, port);
	return OK;
}

static bool is_allowed(const struct attr_def *def, const char *s)
{
	size_t len = strlen(s);
	for (const char *w = def->allowed; w; w = strchr(w, '|') ? strchr(w, '|') + 1 : NULL)
		if (strcspn(w, "|") == len && !memcmp(w, s, len))
			return true;
	return !def->allowed;
}

static int verify_attrs(const struct node *n, struct err *err)
{
	const struct attr_def *def = n->op->attrs;
	for (int i = 0; def[i].name; i++) {
		if (!n->attr[i].set && def[i].required)
			return BROKEN(err, "attribute '%s' is missing", def[i].name);
		if (n->attr[i].set && def[i].kind == ATTR_STRING &&
		    !is_allowed(&def[i], n->attr[i].s))
			return BROKEN(err, "attribute '%s' is '%s', expected one of %s",
			    def[i].name, n->attr[i].s, def[i].allowed);
	}
	return OK;
}

static int verify_data(const struct node *n, struct err *err)
{
	bool is_const = !strcmp(n->op->type, "Const");
	if (!is_const)
		return n->data ? BROKEN(err, "only a Const has data") : OK;
	if (!n->data)
		return BROKEN(err, "a Const without data");
	int64_t bytes = dtype_bytes(n->out[0].info.type, shape_count(&n->out[0].info.shape));
	if (bytes < 0 || (uint64_t)bytes != blob_size(n->data))
		return BROKEN(err, "%zu bytes of data for a constant of %lld bytes",
		    blob_size(n->data), (long long)bytes);
	return OK;
}

static int verify_node(const struct node *n, struct err *err)
{
	const struct op *op = n->op;
	if (!n->name)
		return BROKEN(err, "a %s without a name", op->type);
	if (n->nin < op->min_in || n->nin > op->max_in)
		return BROKEN(err, "%s with %d inputs", op->type, n->nin);
	if (op->nout >= 0 && n->nout != op->nout)
		return BROKEN(err, "%s with %d outputs", op->type, n->nout);
	int rc = OK;
	for (int i = 0; i < n->nin && !rc; i++)
		rc = verify_use(n, i, err);
	for (int i = 0; i < n->nout && !rc; i++)
		rc = verify_value(n, i, err);
	if (!rc)
		rc = verify_attrs(n, err);
	return rc ? rc : verify_data(n, err);
}

/* Each Parameter is once in inputs, each Result once in outputs, and nothing else is there. */
static int verify_edges(const struct graph *g, struct err *err)
{
	int parameters = 0, results = 0;
	graph_each (g, n) {
		parameters += !strcmp(n->op->type, "Parameter");
		results += !strcmp(n->op->type, "Result");
	}
	if (parameters != g->ninputs || results != g->noutputs)
		return BROKEN(err, "%d Parameters and %d Results, but %d inputs and %d outputs",
		    parameters, results, g->ninputs, g->noutputs);
	for (int i = 0; i < g->ninputs + g->noutputs; i++) {
		bool in = i < g->ninputs;
		struct node **list = in ? g->inputs : g->outputs;
		int k = in ? i : i - g->ninputs;
		if (list[k]->graph != g || strcmp(list[k]->op->type, in ? "Parameter" : "Result"))
			return BROKEN(err, "'%s' is no %s of the model", list[k]->name,
			    in ? "input" : "output");
		for (int j = 0; j < k; j++)
			if (list[j] == list[k])
				return BROKEN(err, "'%s' is listed twice", list[k]->name);
	}
	return OK;
}

static int verify_names(const struct graph *g, struct map *seen, struct err *err)
{
	graph_each (g, n) {
		for (int i = 0; i < n->nout; i++)
			for (int k = 0; k < n->out[i].nnames; k++) {
				const char *name = n->out[i].names[k];
				if (map_has(seen, name))
					return BROKEN(err, "two tensors are named '%s'", name);
				if (!map_put(seen, name, (void *)n))
					return fail_nomem(err);
			}
	}
	return OK;
}

static int verify_bodies(const struct node *n, struct err *err)
{
	for (int i = 0; i < n->nbodies; i++) {
		const struct body *b = &n->body[i];
		if (b->graph->outer != n->graph)
			return BROKEN(err, "body %d belongs to another graph", i);
		for (int k = 0; k < b->nmaps; k++) {
			const struct port_map *m = &b->map[k];
			int inner = m->kind == MAP_INPUT ? b->graph->ninputs : b->graph->noutputs;
			int outer = m->kind == MAP_INPUT    ? n->nin
				    : m->kind == MAP_OUTPUT ? n->nout
							    : b->graph->noutputs;
			if (m->kind == MAP_BACK_EDGE)
				inner = b->graph->ninputs;
			/* outer -1: an execution condition that nothing outside sees */
			if (m->inner < 0 || m->inner >= inner || m->outer < -1 || m->outer >= outer)
				return BROKEN(err, "port map %d of body %d is out of range", k, i);
		}
		int rc = graph_verify(b->graph, err);
		if (rc) {
			err_in(err, "body %d", i);
			return rc;
		}
	}
	return OK;
}

/* The list itself; leaves each node's place in its mark, from 1. */
static int verify_list(const struct graph *g, struct err *err)
{
	const struct node *prev = NULL;
	uint32_t count = 0;
	for (struct node *n = g->first; n; prev = n, n = n->next) {
		if (n->prev != prev || n->graph != g)
			return BROKEN(err, "the list of nodes is broken at '%s'", n->name);
		n->mark = ++count;
		if (count > (uint32_t)g->nnodes)
			break;
	}
	if (g->last != prev || count != (uint32_t)g->nnodes)
		return BROKEN(err, "the graph lists %u nodes, but counts %d", count, g->nnodes);
	return OK;
}

int graph_verify(const struct graph *g, struct err *err)
{
	int rc = verify_list(g, err);
	for (const struct node *n = g->first; n && !rc; n = n->next) {
		if ((rc = verify_node(n, err)) || (rc = verify_bodies(n, err)))
			err_in(err, "node '%s'", n->name);
	}
	if (!rc)
		rc = verify_edges(g, err);
	struct map seen = {0};
	if (!rc)
		rc = verify_names(g, &seen, err);
	map_free(&seen);
	return rc;
}
