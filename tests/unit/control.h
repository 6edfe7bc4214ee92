/* Builds If, Loop and TensorIterator by hand. */
#ifndef UNIT_CONTROL_H
#define UNIT_CONTROL_H

#include "check.h"

#include "ops/op.h"

static inline struct node *param(struct graph *g, const char *shape, enum dtype type)
{
	struct shape s;
	struct node *n = graph_add(g, op_row(OP_PARAMETER), "p", NULL, 0, 1);
	assert_true(shape_parse(shape, &s));
	assert_true(attr_set_shape(n, "shape", &s) && attr_set_type(n, "element_type", type));
	return n;
}

static inline struct node *add(struct graph *g, enum op_id id, struct value *a, struct value *b)
{
	struct value *in[] = {a, b};
	struct node *n = graph_add(g, op_row(id), "n", in, b ? 2 : 1, op_row(id)->nout);
	assert_non_null(n);
	return n;
}

static inline void result(struct graph *g, struct node *n)
{
	add(g, OP_RESULT, &n->out[0], NULL);
}

/* A node of the outer graph with Parameters of these shapes and count bodies. */
static inline struct node *control(struct graph *g, enum op_id id, int nin,
    const char *const *shapes, const enum dtype *types, int nout, int count)
{
	struct value *in[8];
	for (int i = 0; i < nin; i++)
		in[i] = &param(g, shapes[i], types[i])->out[0];
	struct node *n = graph_add(g, op_row(id), "c", in, nin, nout);
	assert_non_null(n);
	n->body = arena_array(g->arena, (size_t)count, sizeof *n->body);
	for (n->nbodies = 0; n->nbodies < count; n->nbodies++)
		n->body[n->nbodies].graph = graph_new_body(g, "body");
	return n;
}

static inline void set_map(struct node *n, int body, int count, const struct port_map *map)
{
	n->body[body].map = arena_copy(n->graph->arena, map, (size_t)count * sizeof *map);
	n->body[body].nmaps = count;
}

#endif
