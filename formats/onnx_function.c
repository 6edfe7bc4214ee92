/* Puts the bodies of a model's own functions, and of an If that is decided, in place of their
 * calls. */
#include <string.h>

#include "formats/onnx_import.h"

static char *function_key(
    struct arena *a, const char *domain, const char *name, const char *overload)
{
	return arena_printf(
	    a, "%s\n%s\n%s", onnx_domain(domain), onnx_text(name), onnx_text(overload));
}

int onnx_functions_index(struct onnx_import *im)
{
	for (size_t i = 0; i < im->model->n_functions; i++) {
		Onnx__FunctionProto *f = im->model->functions[i];
		char *key = function_key(im->arena, f->domain, f->name, f->overload);
		if (!key)
			return fail_nomem(im->err);
		if (map_has(&im->functions, key))
			return fail(
			    im->err, E_FORMAT, "function '%s' is given twice", onnx_text(f->name));
		if (!map_put(&im->functions, key, f))
			return fail_nomem(im->err);
		if (onnx_check_function(f, im->err) != OK)
			return err_in(im->err, "function '%s'", onnx_text(f->name));
	}
	return OK;
}

const Onnx__FunctionProto *onnx_function_find(struct onnx_import *im, const Onnx__NodeProto *n)
{
	if (!im->functions.n)
		return NULL;
	char *key = function_key(im->arena, n->domain, n->op_type, n->overload);
	return key ? map_get(&im->functions, key) : NULL;
}

const Onnx__AttributeProto *onnx_attribute(
    struct onnx_scope *s, const Onnx__AttributeProto *a, int *status)
{
	if (!a->ref_attr_name || !*a->ref_attr_name)
		return a;
	for (int i = 0; i < s->nattrs; i++) {
		if (strcmp(onnx_text(s->attrs[i]->name), a->ref_attr_name))
			continue;
		Onnx__AttributeProto *copy = arena_copy(s->im->arena, s->attrs[i], sizeof *copy);
		if (copy)
			copy->name = a->name;
		else
			*status = fail_nomem(s->im->err);
		return copy;
	}
	if (!s->function)
		*status = fail(s->im->err, E_FORMAT,
		    "attribute '%s' refers to a function's attribute outside a function",
		    onnx_text(a->name));
	return NULL;
}

/* The call's attributes, then the defaults of those it leaves out. */
static int bind_attributes(struct onnx_scope *caller, const Onnx__NodeProto *call,
    const Onnx__FunctionProto *f, struct onnx_scope *s)
{
	int status = OK;
	s->attrs = arena_array(
	    s->im->arena, call->n_attribute + f->n_attribute_proto, sizeof *s->attrs);
	if (!s->attrs)
		return fail_nomem(s->im->err);
	for (size_t i = 0; i < call->n_attribute && status == OK; i++) {
		const Onnx__AttributeProto *a = onnx_attribute(caller, call->attribute[i], &status);
		if (a)
			s->attrs[s->nattrs++] = a;
	}
	int given = s->nattrs;
	for (size_t i = 0; i < f->n_attribute_proto; i++) {
		bool there = false;
		for (int k = 0; k < given; k++)
			there = there || !strcmp(onnx_text(s->attrs[k]->name),
					     onnx_text(f->attribute_proto[i]->name));
		if (!there)
			s->attrs[s->nattrs++] = f->attribute_proto[i];
	}
	return status;
}

static int inline_body(struct onnx_scope *s, const Onnx__FunctionProto *f, struct value **in,
    int nin, struct value **out, int nout)
{
	int status = OK;
	for (size_t i = 0; i < f->n_input && status == OK; i++) {
		/* an input not given is an empty name inside */
		struct onnx_name *n = arena_alloc(s->im->arena, sizeof *n);
		if (!n || !map_put(&s->names, f->input[i], n))
			return fail_nomem(s->im->err);
		n->value = (int)i < nin ? in[i] : NULL;
	}
	if (status == OK)
		status = onnx_nodes(s, f->node, f->n_node, NULL);
	for (int i = 0; i < nout && status == OK; i++)
		if ((size_t)i < f->n_output)
			status = onnx_value(s, f->output[i], &out[i]);
	return status;
}

int onnx_function_inline(struct onnx_scope *caller, const Onnx__NodeProto *call,
    const Onnx__FunctionProto *f, struct value **in, int nin, struct value **out, int nout)
{
	struct onnx_import *im = caller->im;
	struct onnx_scope s = {.im = im,
	    .nopsets = f->n_opset_import,
	    .opsets = f->opset_import,
	    .function = true,
	    .depth = caller->depth + 1};
	if (s.depth > LIMIT_DEPTH)
		return fail(
		    im->err, E_LIMIT, "functions call each other more than %d deep", LIMIT_DEPTH);
	if ((size_t)nin > f->n_input || (size_t)nout > f->n_output)
		return fail(im->err, E_FORMAT,
		    "function '%s' has %zu inputs and %zu outputs, the call %d and %d",
		    onnx_text(f->name), f->n_input, f->n_output, nin, nout);
	s.prefix = arena_printf(im->arena, "%s%s/", caller->prefix, onnx_node_name(call));
	if (!s.prefix)
		return fail_nomem(im->err);
	int status = bind_attributes(caller, call, f, &s);
	if (status == OK)
		status = inline_body(&s, f, in, nin, out, nout);
	map_free(&s.names);
	return status;
}
