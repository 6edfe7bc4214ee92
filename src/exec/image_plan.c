/* One plan as an image and back: buffers, calls, outputs. */
#include "exec/image.h"
#include "exec/variables.h"

#include <stdlib.h>

/* ---- saving ---- */

static void save_buffers(const struct plan *p, struct image *im, struct image_pieces *pieces)
{
	int n = (int)p->nbuffers;
	image_count(im, &n, INT_MAX);
	for (int i = 0; i < n; i++) {
		const struct buffer *b = &p->buffer[i];
		int kind = (int)b->kind, k = (int)b->k;
		int64_t size = (int64_t)b->size, at = 0;
		if (b->kind == BUFFER_FIXED)
			im->out.failed |= !image_piece(pieces, b->at, b->size, &at);
		image_int(im, &kind, BUFFER_NONE, BUFFER_FIXED);
		image_int(im, &k, 0, INT_MAX);
		image_i64(im, &size, 0, IMAGE_LARGE);
		image_i64(im, &at, 0, IMAGE_LARGE);
	}
}

static int save_calls(const struct plan *p, struct image *im, struct err *err)
{
	int n = p->ncalls;
	image_count(im, &n, INT_MAX);
	for (int i = 0; i < n; i++) {
		struct call c = p->call[i];
		int node = (int)c.node->mark;
		image_int(im, &node, 0, LIMIT_NODES);
		if (has_variable(c.node))
			return fail(err, E_UNSUPPORTED,
			    "node '%s': a network with state is not compiled", c.node->name);
		if (!image_call(im, &c, c.node->nin, c.node->nout))
			return fail(err, E_UNSUPPORTED,
			    "node '%s': what runs as '%s' is not compiled", c.node->name,
			    call_name(c.kind));
	}
	return OK;
}

static void save_outputs(const struct exec *e, const struct plan *p, struct image *im)
{
	for (int k = 0; k < e->graph->noutputs; k++) {
		int buffer = (int)p->out[k].buffer;
		int64_t offset = p->out[k].offset;
		image_int(im, &buffer, 0, INT_MAX);
		image_i64(im, &offset, 0, IMAGE_LARGE);
	}
}

int image_plan_save(struct exec *e, const struct plan *p, struct image *im,
    struct image_pieces *pieces, struct err *err)
{
	for (int k = 0; k < e->graph->noutputs; k++)
		if (p->dynamic[node_in(e->graph->outputs[k], 0)->id])
			return fail(err, E_UNSUPPORTED,
			    "output '%s' has a size that the data tell: it is not compiled",
			    graph_output_name(e->graph, k));
	save_buffers(p, im, pieces);
	int status = save_calls(p, im, err);
	save_outputs(e, p, im);
	return status;
}

/* ---- loading ---- */

static bool load_buffer(struct lower *l, struct image *im, uint32_t number)
{
	const struct compiled *c = l->e->graph->compiled;
	int kind = 0, k = 0;
	int64_t size = 0, at = 0;
	uint32_t added;
	image_int(im, &kind, BUFFER_NONE, BUFFER_FIXED);
	image_int(im, &k, 0, INT_MAX);
	image_i64(im, &size, 0, IMAGE_LARGE);
	image_i64(im, &at, 0, IMAGE_LARGE);
	if (image_fails(im) || (kind == BUFFER_NONE) != (number == 0) ||
	    (kind == BUFFER_INPUT && k >= l->e->graph->ninputs) ||
	    (kind == BUFFER_FIXED && !compiled_bytes(c, at, size)) ||
	    buffer_add(l, (enum buffer_kind)kind, (size_t)size, &added) < 0)
		return false;
	struct buffer *b = &l->p->buffer[added];
	b->k = (uint32_t)k;
	b->at = kind == BUFFER_FIXED ? compiled_bytes(c, at, size) : NULL;
	return true;
}

static int load_buffers(struct lower *l, struct image *im)
{
	int n = 0;
	image_count(im, &n, INT_MAX);
	for (int i = 0; i < n; i++)
		if (!load_buffer(l, im, (uint32_t)i))
			return fail(l->err, E_FORMAT, "buffer %d of the plan is damaged", i);
	im->nbuffers = n;
	return n ? OK : fail(l->err, E_FORMAT, "the plan has no buffers");
}

static int load_call(
    struct lower *l, struct image *im, struct node *const *list, int n, struct err *err)
{
	int node = 0;
	struct call read = {0};
	image_int(im, &node, 0, n - 1);
	if (image_fails(im) || !image_call(im, &read, list[node]->nin, list[node]->nout) ||
	    image_fails(im))
		return fail(err, E_FORMAT, "a call of the plan is damaged");
	struct call *c = call_add(l, read.kind, list[node]);
	if (!c)
		return fail_nomem(err);
	*c = read;
	c->node = list[node];
	return image_check(l, c, err) < 0 ? err_in(err, "node '%s'", c->node->name) : OK;
}

/* Nodes but Results, by number. */
static struct node **list_nodes(const struct graph *g, int *count)
{
	struct node **list = calloc((size_t)g->nnodes + 1, sizeof *list);
	*count = 0;
	graph_each (g, n)
		if (list && !node_is(n, OP_RESULT))
			list[(*count)++] = n;
	return list;
}

static int load_calls(struct lower *l, struct image *im)
{
	int ncalls = 0, n, status = OK;
	struct node **list = list_nodes(l->e->graph, &n);
	if (!list)
		return fail_nomem(l->err);
	image_count(im, &ncalls, INT_MAX);
	for (int i = 0; i < ncalls && status == OK; i++)
		status = load_call(l, im, list, n, l->err);
	free(list);
	return status;
}

static int load_outputs(struct lower *l, struct image *im)
{
	struct plan *p = l->p;
	p->ncalls++; /* outputs are read behind the last call */
	for (int k = 0; k < l->e->graph->noutputs; k++) {
		const struct value *v = node_in(l->e->graph->outputs[k], 0);
		int buffer = 0, each = (dtype_bits(p->value[v->id].type) + 7) / 8;
		int64_t offset = 0, bytes = (int64_t)tensor_bytes(&p->value[v->id]);
		image_int(im, &buffer, 0, (int)p->nbuffers - 1);
		image_i64(im, &offset, 0, IMAGE_LARGE);
		const struct buffer *b = &p->buffer[buffer];
		if (image_fails(im) || (b->kind != BUFFER_WORK && b->kind != BUFFER_FIXED) ||
		    !each || offset % each || bytes > (int64_t)b->size ||
		    offset > (int64_t)b->size - bytes)
			return fail(l->err, E_FORMAT, "output %d of the plan is damaged", k);
		p->out[k] = (struct ref){(uint32_t)buffer, offset};
		call_uses(l, p->out[k]);
	}
	p->ncalls--;
	return OK;
}

static int load_body(
    struct exec *e, const struct compiled_plan *at, struct plan *p, struct err *err)
{
	struct lower l = {.e = e, .p = p, .err = err};
	struct image im = {.load = true, .arena = p->arena};
	im.in = cursor_of((const char *)blob_direct(e->graph->compiled->plan) + at->at, at->size);
	for (int k = 0; k < e->graph->noutputs; k++)
		p->value[node_in(e->graph->outputs[k], 0)->id] = at->out[k];
	/* last, and for good: they are what the caller's data were compared with */
	for (int k = 0; k < e->graph->ninputs; k++)
		p->value[e->graph->inputs[k]->out[0].id] = at->in[k];
	int status = load_buffers(&l, &im);
	if (status == OK)
		status = load_calls(&l, &im);
	if (status == OK)
		status = load_outputs(&l, &im);
	if (status == OK && cursor_left(&im.in))
		status = fail(err, E_FORMAT, "the plan goes on behind its end");
	return status == OK ? plan_place(p, err) : status;
}

int image_plan_load(
    struct exec *e, const struct compiled_plan *at, struct plan **out, struct err *err)
{
	struct plan *p = NULL;
	int status = plan_alloc(e, at->in, &p, err);
	if (status == OK)
		status = load_body(e, at, p, err);
	if (status < 0) {
		plan_free(e, p);
		return err_in(err, "compiled network '%s'", e->graph->name);
	}
	*out = p;
	return OK;
}
