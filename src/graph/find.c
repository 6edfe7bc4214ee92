/* Looking things up in a graph by name, and constants by value. */
#include <stdint.h>
#include <string.h>

#include "graph/graph.h"
#include "graph/op.h"

static bool has_name(const struct value *v, const char *name)
{
	for (int i = 0; i < v->nnames; i++)
		if (!strcmp(v->names[i], name))
			return true;
	return false;
}

/* Tensor names go before layer names, over all of the list. */
static int find_edge(struct node **list, int n, bool output, const char *name)
{
	for (int i = 0; i < n; i++) {
		const struct value *v = output ? list[i]->in[0].value : &list[i]->out[0];
		if (v && has_name(v, name))
			return i;
	}
	for (int i = 0; i < n; i++)
		if (!strcmp(list[i]->name, name))
			return i;
	for (int i = 0; output && i < n; i++) {
		const struct value *v = list[i]->in[0].value;
		if (v && !strcmp(v->node->name, name))
			return i;
	}
	return -1;
}

int graph_find_input(const struct graph *g, const char *name)
{
	return find_edge(g->inputs, g->ninputs, false, name);
}

int graph_find_output(const struct graph *g, const char *name)
{
	return find_edge(g->outputs, g->noutputs, true, name);
}

const char *graph_output_name(const struct graph *g, int k)
{
	const struct node *result = g->outputs[k];
	const struct value *v = node_in(result, 0);
	for (int i = 0; v && i < v->nnames; i++) {
		size_t n = strlen(v->names[i]);
		if (!strncmp(result->name, v->names[i], n) &&
		    !strcmp(result->name + n, "/sink_port_0"))
			return v->names[i];
	}
	return v ? value_name(v) : result->name;
}

struct node *graph_find_node(const struct graph *g, const char *name)
{
	graph_each (g, n) {
		if (!strcmp(n->name, name))
			return n;
	}
	return NULL;
}

struct value *graph_find_value(const struct graph *g, const char *tensor_name)
{
	graph_each (g, n) {
		for (int i = 0; i < n->nout; i++)
			if (has_name(&n->out[i], tensor_name))
				return &n->out[i];
	}
	return NULL;
}

struct node *value_const(const struct value *v)
{
	return v && v->node->data && !strcmp(v->node->op->type, "Const") ? v->node : NULL;
}

struct tensor value_tensor(const struct value *v)
{
	const struct node *n = value_const(v);
	struct tensor t = {0};
	if (!n || !shape_static(&v->info.shape))
		return t;
	const void *data = blob_direct(n->data);
	size_t align = (size_t)dtype_bits(v->info.type) / 8;
	if (!data || (align > 1 && (uintptr_t)data % align))
		data = blob_data(n->data);
	if (!data)
		return t;
	t.type = v->info.type;
	t.rank = v->info.shape.rank;
	for (int i = 0; i < t.rank; i++)
		t.dim[i] = v->info.shape.dim[i].min;
	t.data = (void *)data;
	return t;
}
