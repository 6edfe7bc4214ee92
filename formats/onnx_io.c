/* The edges of the main graph: inputs become Parameters, outputs Results, initializers names. */
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "formats/onnx_import.h"
#include "ops/op.h"

int onnx_initializers(struct onnx_scope *s, const Onnx__GraphProto *g)
{
	for (size_t i = 0; i < g->n_initializer; i++) {
		struct onnx_name *n = arena_alloc(s->im->arena, sizeof *n);
		if (!n || !map_put(&s->names, onnx_text(g->initializer[i]->name), n))
			return fail_nomem(s->im->err);
		n->tensor = g->initializer[i];
	}
	return OK;
}

static const char *other_kind(const Onnx__TypeProto *t)
{
	if (!t)
		return "an unknown kind";
	return t->sequence_type        ? "a sequence"
	       : t->map_type           ? "a map"
	       : t->optional_type      ? "an optional"
	       : t->sparse_tensor_type ? "a sparse tensor"
				       : "an unknown kind";
}

/* Exporters write "?" or "None" for each size that they don't know: that is no name. */
static bool names_size(const char *name)
{
	if (!strcmp(name, "None"))
		return false;
	while (*name && !isalpha((unsigned char)*name))
		name++;
	return *name;
}

static uint32_t symbol_of(struct onnx_import *im, const char *name)
{
	uint32_t symbol = (uint32_t)(uintptr_t)map_get(&im->symbols, name);
	if (!symbol) {
		symbol = graph_symbol(im->graph);
		if (!map_put(&im->symbols, name, (void *)(uintptr_t)symbol))
			return 0;
	}
	return symbol;
}

static struct dim dim_from(struct onnx_import *im, const Onnx__TensorShapeProto__Dimension *d)
{
	struct dim out = dim_any();
	if (d->has_dim_value && d->dim_value >= 0)
		return dim_of(d->dim_value);
	if (d->dim_param && names_size(d->dim_param))
		out.symbol = symbol_of(im, d->dim_param);
	return out;
}

static int input_shape(
    struct onnx_import *im, const Onnx__TensorShapeProto *from, struct shape *out)
{
	*out = shape_unknown();
	if (!from)
		return OK;
	if (from->n_dim > MAX_RANK)
		return fail(
		    im->err, E_LIMIT, "has %zu dims, the limit is %d", from->n_dim, MAX_RANK);
	out->rank = (int)from->n_dim;
	for (int i = 0; i < out->rank; i++) {
		out->dim[i] = dim_from(im, from->dim[i]);
		if (out->dim[i].min > LIMIT_TENSOR_BYTES)
			return fail(
			    im->err, E_LIMIT, "has the dim %lld", (long long)out->dim[i].min);
	}
	return OK;
}

int onnx_add_input(struct onnx_scope *s, const Onnx__ValueInfoProto *v)
{
	struct onnx_import *im = s->im;
	const Onnx__TypeProto__Tensor *t = v->type ? v->type->tensor_type : NULL;
	struct shape shape;
	if (!t)
		return fail(im->err, E_UNSUPPORTED, "is %s, not a tensor", other_kind(v->type));
	enum dtype type = onnx_dtype(t->elem_type);
	if (type == DT_NONE)
		return fail(im->err, E_UNSUPPORTED, "has elements of type %s",
		    onnx_type_name(t->elem_type));
	int status = input_shape(im, t->shape, &shape);
	if (status != OK)
		return status;
	struct node *n = graph_add(im->graph, op_row(OP_PARAMETER), v->name, NULL, 0, 1);
	if (!n || !attr_set_shape(n, "shape", &shape) || !attr_set_type(n, "element_type", type) ||
	    !value_add_name(&n->out[0], v->name))
		return fail_nomem(im->err);
	status = node_infer(n, im->err);
	return status == OK ? onnx_bind(s, v->name, &n->out[0], NULL) : status;
}

int onnx_inputs(struct onnx_scope *s, const Onnx__GraphProto *g)
{
	for (size_t i = 0; i < g->n_input; i++) {
		/* an initializer of the same name is a constant to everyone but a training loop */
		if (onnx_lookup(s, g->input[i]->name))
			continue;
		int status = onnx_add_input(s, g->input[i]);
		if (status != OK)
			status = onnx_excuse_input(s, g->input[i]->name, status);
		if (status != OK)
			return status;
	}
	return OK;
}

int onnx_outputs(struct onnx_scope *s, char **names, size_t n)
{
	struct onnx_import *im = s->im;
	for (size_t i = 0; i < n; i++) {
		struct value *v;
		int status = onnx_value(s, names[i], &v);
		struct onnx_name *name_of = onnx_lookup(s, names[i]);
		if (status == OK && name_of && name_of->list)
			return fail(im->err, E_UNSUPPORTED,
			    "output '%s' is a sequence, not a tensor", names[i]);
		if (status == OK && !v)
			status = fail(im->err, E_FORMAT, "output '%s' has no value", names[i]);
		if (status != OK)
			return status;
		char *name = arena_printf(im->arena, "%s/sink_port_0", names[i]);
		struct node *r = name ? graph_add(im->graph, op_row(OP_RESULT), name, &v, 1, 0)
				      : NULL;
		if (!r)
			return fail_nomem(im->err);
	}
	return OK;
}
