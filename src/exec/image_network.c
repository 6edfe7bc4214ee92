/* A whole network as an image and back: its layers, its constants, and what is packed of them, so
 * that a compiled network can make plans for other shapes than it brings along. */
#include <stdlib.h>

#include "exec/image.h"
#include "exec/pack.h"
#include "graph/op.h"

/* ---- saving ---- */

static void save_inputs(struct image *im, const struct node *n)
{
	for (int k = 0; k < n->nin; k++) {
		const struct value *v = node_in(n, k);
		int maker = v ? (int)v->node->mark + 1 : 0, port = v ? v->port : 0;
		image_int(im, &maker, 0, LIMIT_NODES);
		image_int(im, &port, 0, LIMIT_PORTS);
	}
}

static int save_layer(const struct network *net, struct image *im, struct node *n,
    struct image_pieces *pieces, struct err *err)
{
	bool constant = node_is(n, OP_CONST);
	if (n->nbodies)
		return fail(err, E_UNSUPPORTED, "node '%s': a network with bodies is not compiled",
		    n->name);
	image_bool(im, &constant);
	if (constant)
		return image_const_save(net, im, n, pieces, err);
	image_node_save(im, n);
	save_inputs(im, n);
	return OK;
}

/* Weights in 8 bits are packed again, for the sake of their scales. */
static void save_packs(const struct network *net, struct image *im, struct image_pieces *pieces)
{
	int n = 0;
	for (int i = 0; i < net->npacks; i++)
		n += !net->pack[i].u8;
	image_count(im, &n, INT_MAX);
	for (int i = 0; i < net->npacks; i++) {
		struct pack p = net->pack[i];
		int node = (int)p.node->mark;
		int64_t at = 0, bytes = (int64_t)p.bytes;
		if (p.u8)
			continue;
		im->out.failed |= !image_piece(pieces, p.data, p.bytes, &at);
		image_int(im, &node, 0, LIMIT_NODES);
		image_int(im, &p.way, INT_MIN, INT_MAX);
		image_int(im, &p.row, INT_MIN, INT_MAX);
		image_i64(im, &at, 0, IMAGE_LARGE);
		image_i64(im, &bytes, 0, IMAGE_LARGE);
	}
}

/* Those of outputs are inferred again. */
static int save_edges(const struct graph *g, struct image *im, struct err *err)
{
	struct shape *s = calloc((size_t)(g->ninputs + g->noutputs) + 1, sizeof *s);
	struct image_edges edges = {s, s + g->ninputs};
	if (!s)
		return fail_nomem(err);
	for (int k = 0; k < g->ninputs; k++)
		s[k] = g->inputs[k]->out[0].info.shape;
	image_edges_save(g, &edges, im);
	free(s);
	return OK;
}

int image_network_save(
    struct exec *e, struct image *im, struct image_pieces *pieces, struct err *err)
{
	struct graph *g = e->graph;
	int n = g->nnodes - g->noutputs, status = OK;
	uint32_t number = 0;
	image_count(im, &n, LIMIT_NODES);
	graph_each (g, node) {
		if (node_is(node, OP_RESULT))
			continue;
		node->mark = number++;
		status = status == OK ? save_layer(e->net, im, node, pieces, err) : status;
	}
	status = status == OK ? save_edges(g, im, err) : status;
	if (status == OK)
		save_packs(e->net, im, pieces);
	return status;
}

/* ---- loading ---- */

struct loading {
	struct image im;
	const struct compiled *c;
	struct graph *g;
	struct node **list;
	int n;
	struct err *err;
};

/* From layers before it. */
static int load_inputs(struct loading *l, struct node *n, int before)
{
	for (int k = 0; k < n->nin; k++) {
		int maker = 0, port = 0;
		image_int(&l->im, &maker, 0, before);
		image_int(&l->im, &port, 0, LIMIT_PORTS);
		if (image_fails(&l->im) || (maker && port >= l->list[maker - 1]->nout))
			return fail(
			    l->err, E_FORMAT, "layer '%.100s': input %d is damaged", n->name, k);
		if (maker)
			node_set_input(n, k, &l->list[maker - 1]->out[port]);
	}
	return OK;
}

static int load_layer(struct loading *l, int i)
{
	bool constant = false;
	image_bool(&l->im, &constant);
	int status = constant ? image_const_load(&l->im, l->c, l->g, l->err)
			      : image_node_load(&l->im, l->g, l->err);
	if (status < 0)
		return status;
	l->list[i] = l->g->last;
	if (!constant && node_is(l->g->last, OP_CONST))
		return fail(l->err, E_FORMAT, "a constant has no content");
	return constant ? OK : load_inputs(l, l->g->last, i);
}

static int load_layers(struct loading *l)
{
	int status = OK;
	image_count(&l->im, &l->n, LIMIT_NODES);
	l->list = calloc((size_t)l->n + 1, sizeof *l->list);
	l->g = graph_new("network");
	if (!l->list || !l->g || !l->im.arena)
		return fail_nomem(l->err);
	for (int i = 0; i < l->n && status == OK; i++)
		status = load_layer(l, i);
	if (status == OK)
		status = image_edges_load(&l->im, l->g, l->list, l->n, l->err);
	if (status == OK)
		status = graph_verify(l->g, l->err);
	if (status == OK)
		status = graph_infer(l->g, l->err);
	graph_number(l->g);
	return status;
}

static int load_packs(struct loading *l, struct network *net)
{
	int n = 0;
	image_count(&l->im, &n, INT_MAX);
	for (int i = 0; i < n; i++) {
		int node = 0, way = 0, row = 0;
		int64_t at = 0, bytes = 0;
		image_int(&l->im, &node, 0, l->n - 1);
		image_int(&l->im, &way, INT_MIN, INT_MAX);
		image_int(&l->im, &row, INT_MIN, INT_MAX);
		image_i64(&l->im, &at, 0, IMAGE_LARGE);
		image_i64(&l->im, &bytes, 0, IMAGE_LARGE);
		const void *data = compiled_bytes(l->c, at, bytes);
		if (image_fails(&l->im) || !data)
			return fail(l->err, E_FORMAT, "packed weights %d are damaged", i);
		if (!pack_lend(net, l->list[node], way, row, data, (size_t)bytes))
			return fail_nomem(l->err);
	}
	if (image_fails(&l->im) || cursor_left(&l->im.in) >= 64)
		return fail(l->err, E_FORMAT, "the list of packed weights is damaged");
	return OK;
}

int image_network_load(
    const struct compiled *c, const struct exec_options *o, struct exec **out, struct err *err)
{
	struct loading l = {.c = c, .err = err};
	l.im = (struct image){.load = true, .arena = arena_new()};
	l.im.in = cursor_of(blob_direct(c->network), blob_size(c->network));
	int status = load_layers(&l);
	if (status == OK)
		status = exec_new(l.g, o, out, err);
	if (status == OK)
		status = load_packs(&l, (*out)->net);
	if (status < 0) {
		exec_free(*out);
		*out = NULL;
		graph_free(l.g);
	}
	arena_free(l.im.arena);
	free(l.list);
	return status;
}
