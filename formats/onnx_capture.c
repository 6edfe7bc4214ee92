/* Brings names from around a body into it: constants as constants, other values as Parameters. */
#include <string.h>

#include "formats/onnx_import.h"
#include "ops/op.h"

static struct value *copy_const(struct onnx_body *b, const struct value *v)
{
	const struct node *k = v->node;
	struct blob *data = blob_ref(k->data);
	int64_t dims[MAX_RANK] = {0};
	for (int i = 0; i < v->info.shape.rank; i++)
		dims[i] = v->info.shape.dim[i].min;
	struct node *n = data ? graph_const(b->graph, NULL, k->name, v->info.type,
				    v->info.shape.rank, dims, data)
			      : NULL;
	return n ? &n->out[0] : NULL;
}

static bool note_capture(struct onnx_import *im, struct onnx_body *b, struct value *outer)
{
	if (b->n == b->room) {
		int room = b->room ? 2 * b->room : 8;
		struct onnx_capture *more = arena_array(im->arena, (size_t)room, sizeof *more);
		if (!more)
			return false;
		if (b->n)
			memcpy(more, b->capture, (size_t)b->n * sizeof *more);
		b->capture = more;
		b->room = room;
	}
	b->capture[b->n++] = (struct onnx_capture){outer, b->graph->ninputs - 1};
	return true;
}

static struct value *add_parameter(
    struct onnx_import *im, struct onnx_body *b, const char *name, struct value *v)
{
	struct node *p = graph_add(b->graph, op_row(OP_PARAMETER), name, NULL, 0, 1);
	if (!p || !attr_set_shape(p, "shape", &v->info.shape) ||
	    !attr_set_type(p, "element_type", v->info.type) || !value_add_name(&p->out[0], name) ||
	    !note_capture(im, b, v))
		return NULL;
	return &p->out[0];
}

struct value *onnx_bring_in(struct onnx_scope *s, const char *name, struct value *v)
{
	struct value *in;
	for (int i = 0; i < s->body->n; i++)
		if (s->body->capture[i].outer == v)
			return &s->body->graph->inputs[s->body->capture[i].parameter]->out[0];
	in = value_const(v) ? copy_const(s->body, v) : add_parameter(s->im, s->body, name, v);
	if (!in)
		fail_nomem(s->im->err);
	return in && node_infer(in->node, s->im->err) == OK ? in : NULL;
}

static const struct onnx_list *bring_list(
    struct onnx_scope *s, const char *name, const struct onnx_list *from)
{
	struct onnx_list *l = arena_alloc(s->im->arena, sizeof *l);
	if (l)
		l->v = arena_array(s->im->arena, (size_t)from->n + 1, sizeof *l->v);
	if (!l || !l->v) {
		fail_nomem(s->im->err);
		return NULL;
	}
	l->absent = from->absent;
	for (; l->n < from->n; l->n++)
		if (!(l->v[l->n] = onnx_bring_in(s, name, from->v[l->n])))
			return NULL;
	return l;
}

struct onnx_name *onnx_capture(struct onnx_scope *s, const char *name)
{
	struct onnx_name *around = s->outer ? onnx_lookup(s->outer, name) : NULL, *n;
	if (!around)
		return NULL;
	n = arena_alloc(s->im->arena, sizeof *n);
	if (!n || !map_put(&s->names, name, n)) {
		fail_nomem(s->im->err);
		return NULL;
	}
	n->bad = around->bad;
	if (around->value)
		n->value = onnx_bring_in(s, name, around->value);
	else if (around->list)
		n->list = bring_list(s, name, around->list);
	else
		n->tensor = around->tensor;
	return s->im->err->status ? NULL : n;
}
