/* The part of a network that its plans name: inputs, outputs, and the nodes behind the calls. */
#include "exec/image.h"

#include <stdlib.h>
#include <string.h>

#include "graph/op.h"

/* ---- nodes ---- */

static const struct attr_def *find_def(const struct op *op, const char *name)
{
	for (const struct attr_def *d = op->attrs; d->name; d++)
		if (!strcmp(d->name, name))
			return d;
	return NULL;
}

static void save_attrs(struct image *im, const struct node *n)
{
	int count = 0;
	for (int i = 0; n->op->attrs[i].name; i++)
		count += n->attr[i].set;
	image_count(im, &count, LIMIT_PORTS);
	for (int i = 0; n->op->attrs[i].name; i++) {
		struct text t = {0};
		const char *name = n->op->attrs[i].name, *value;
		if (!n->attr[i].set)
			continue;
		attr_text(&t, &n->op->attrs[i], &n->attr[i]);
		value = t.len ? t.data : "";
		im->bad |= t.failed || t.len > LIMIT_NAME;
		image_text(im, &name);
		image_text(im, &value);
		text_free(&t);
	}
}

static int load_attrs(struct image *im, struct node *n, struct err *err)
{
	const char *name, *value;
	int count = 0, status = OK;
	image_count(im, &count, LIMIT_PORTS);
	for (int i = 0; i < count && status == OK; i++) {
		image_text(im, &name);
		image_text(im, &value);
		const struct attr_def *def = find_def(n->op, name);
		if (image_fails(im) || !def)
			return fail(
			    err, E_FORMAT, "%s has no attribute '%.100s'", n->op->type, name);
		status = attr_parse(n, def, value, err);
	}
	for (int i = 0; n->op->attrs[i].name && status == OK; i++)
		if (n->op->attrs[i].required && !n->attr[i].set)
			status = fail(err, E_FORMAT, "attribute '%s' of %s is missing",
			    n->op->attrs[i].name, n->op->type);
	return status;
}

void image_node_save(struct image *im, struct node *n)
{
	const char *type = n->op->type, *name = n->name;
	int opset = n->op->opset, nin = n->nin, nout = n->nout;
	image_text(im, &type);
	image_int(im, &opset, 1, 1000);
	image_text(im, &name);
	image_count(im, &nin, LIMIT_PORTS);
	image_count(im, &nout, LIMIT_PORTS);
	for (int k = 0; k < nin; k++)
		image_bool(im, &(bool){node_in(n, k) != NULL});
	for (int k = 0; k < nout; k++)
		image_int(im, &(int){(int)n->out[k].info.type}, DT_NONE, DT_COUNT - 1);
	save_attrs(im, n);
}

int image_node_load(struct image *im, struct graph *g, struct err *err)
{
	const char *type, *name;
	int opset = 0, nin = 0, nout = 0;
	image_text(im, &type);
	image_int(im, &opset, 1, 1000);
	image_text(im, &name);
	image_count(im, &nin, LIMIT_PORTS);
	image_count(im, &nout, LIMIT_PORTS);
	const struct op *op = image_fails(im) ? NULL : op_find(type, opset);
	if (!op)
		return fail(err, E_FORMAT, "no layer is known as '%.100s' of opset%d", type, opset);
	if (op->id == OP_RESULT || nin < op->min_in || nin > op->max_in ||
	    (op->nout >= 0 && nout != op->nout))
		return fail(err, E_FORMAT, "%s has %d inputs and %d outputs", type, nin, nout);
	struct node *n = graph_add(g, op, name, NULL, nin, nout);
	for (int k = 0; k < nin; k++)
		image_bool(im, &(bool){false});
	for (int k = 0; k < nout && n; k++) {
		int element = DT_NONE;
		image_int(im, &element, DT_NONE, DT_COUNT - 1);
		n->out[k].info.type = (enum dtype)element;
	}
	return n ? load_attrs(im, n, err) : fail_nomem(err);
}

/* ---- edges ---- */

/* Type, sizes and names of an input or output. */
static void save_edge(struct image *im, const struct value *v, struct shape s)
{
	int n = v->nnames, type = (int)v->info.type;
	image_int(im, &type, DT_NONE + 1, DT_COUNT - 1);
	image_shape(im, &s);
	image_count(im, &n, LIMIT_PORTS);
	for (int i = 0; i < n; i++)
		image_text(im, &v->names[i]);
}

static int load_edge(struct image *im, struct value *v, struct err *err)
{
	const char *name;
	int n = 0, type = DT_NONE;
	bool ok = true;
	image_int(im, &type, DT_NONE + 1, DT_COUNT - 1);
	image_shape(im, &v->info.shape);
	image_count(im, &n, LIMIT_PORTS);
	v->info.type = (enum dtype)type;
	for (int i = 0; i < n && ok; i++) {
		image_text(im, &name);
		ok = value_add_name(v, name);
	}
	if (!ok)
		return fail_nomem(err);
	return image_fails(im) ? fail(err, E_FORMAT, "an edge has no type or no shape") : OK;
}

void image_edges_save(const struct graph *g, const struct image_edges *edges, struct image *im)
{
	for (int k = 0; k < g->ninputs; k++)
		save_edge(im, &g->inputs[k]->out[0], edges->in[k]);
	int n = g->noutputs;
	image_count(im, &n, LIMIT_PORTS);
	for (int k = 0; k < n; k++) {
		const struct node *r = g->outputs[k];
		const struct value *v = node_in(r, 0);
		int node = (int)v->node->mark, port = v->port;
		const char *name = r->name;
		image_int(im, &node, 0, LIMIT_NODES);
		image_int(im, &port, 0, LIMIT_PORTS);
		image_text(im, &name);
		save_edge(im, v, edges->out[k]);
	}
}

static int load_result(
    struct image *im, struct graph *g, struct node *const *list, int n, struct err *err)
{
	int node = 0, port = 0;
	const char *name;
	image_int(im, &node, 0, n - 1);
	image_int(im, &port, 0, LIMIT_PORTS);
	image_text(im, &name);
	if (image_fails(im) || port >= list[node]->nout)
		return fail(err, E_FORMAT, "an output is computed by no layer");
	struct value *v = &list[node]->out[port];
	if (!graph_add(g, op_row(OP_RESULT), name, &v, 1, 0))
		return fail_nomem(err);
	return load_edge(im, v, err);
}

int image_edges_load(
    struct image *im, struct graph *g, struct node *const *list, int n, struct err *err)
{
	int status = OK, nout = 0;
	for (int k = 0; k < g->ninputs && status == OK; k++)
		status = load_edge(im, &g->inputs[k]->out[0], err);
	image_count(im, &nout, LIMIT_PORTS);
	for (int k = 0; k < nout && status == OK; k++)
		status = load_result(im, g, list, n, err);
	return status;
}

/* ---- all of them ---- */

/* The nodes that plans name, in the order in which they are written. */
struct nodes {
	struct node **at;
	int n;
};

static void take(struct nodes *list, struct node *n)
{
	if (n->mark == UINT32_MAX) {
		n->mark = (uint32_t)list->n;
		list->at[list->n++] = n;
	}
}

static void collect(const struct exec *e, struct plan *const *p, int n, struct nodes *list)
{
	graph_each (e->graph, node)
		node->mark = UINT32_MAX;
	for (int k = 0; k < e->graph->ninputs; k++)
		take(list, e->graph->inputs[k]);
	for (int k = 0; k < e->graph->noutputs; k++)
		take(list, node_in(e->graph->outputs[k], 0)->node);
	for (int i = 0; i < n; i++)
		for (int c = 0; c < p[i]->ncalls; c++)
			take(list, (struct node *)p[i]->call[c].node);
}

int image_graph_save(struct exec *e, struct plan *const *p, int n, const struct image_edges *edges,
    struct image *im, struct err *err)
{
	const char *name = e->graph->name;
	struct nodes list = {calloc((size_t)e->graph->nnodes + 1, sizeof *list.at), 0};
	if (!list.at)
		return fail_nomem(err);
	collect(e, p, n, &list);
	image_text(im, &name);
	image_count(im, &list.n, LIMIT_NODES);
	for (int i = 0; i < list.n; i++)
		image_node_save(im, list.at[i]);
	image_edges_save(e->graph, edges, im);
	free(list.at);
	return OK;
}

int image_graph_load(struct image *im, struct graph **out, struct err *err)
{
	const char *name;
	int n = 0, status = OK;
	image_text(im, &name);
	image_count(im, &n, LIMIT_NODES);
	struct graph *g = graph_new(name);
	struct node **list = calloc((size_t)n + 1, sizeof *list);
	if (!g || !list)
		status = fail_nomem(err);
	for (int i = 0; i < n && status == OK; i++) {
		status = image_node_load(im, g, err);
		list[i] = g->last;
	}
	if (status == OK)
		status = image_edges_load(im, g, list, n, err);
	if (status == OK && (image_fails(im) || cursor_left(&im->in) >= 64))
		status = fail(err, E_FORMAT, "the list of layers is damaged");
	free(list);
	if (status < 0)
		graph_free(g);
	else
		*out = g;
	return status;
}
