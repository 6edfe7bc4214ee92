/* Reads around nodes that cannot be converted, when the caller is going to cut the model there. */
#include <string.h>

#include "formats/onnx_import.h"
#include "ops/op.h"

static bool listed(const char *const *v, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(v[i], name))
			return true;
	return false;
}

bool onnx_is_cut(const struct onnx_import *im, const char *name)
{
	return im->cutting && listed(im->options->cut_inputs, im->options->ncut_inputs, name);
}

/* A tensor that nodes give, by its name or the name of its layer; NULL when there is none. */
static char *tensor_named(const Onnx__GraphProto *g, const char *name)
{
	for (size_t i = 0; i < g->n_node; i++) {
		const Onnx__NodeProto *n = g->node[i];
		for (size_t k = 0; k < n->n_output; k++)
			if (!strcmp(n->output[k], name) || (!k && !strcmp(onnx_node_name(n), name)))
				return n->output[k];
	}
	return NULL;
}

int onnx_cut_outputs(struct onnx_import *im, char ***names, size_t *n)
{
	const struct onnx_options *o = im->options;
	char **v = arena_array(im->arena, (size_t)o->ncut_outputs, sizeof *v);
	if (!v)
		return fail_nomem(im->err);
	for (int i = 0; i < o->ncut_outputs; i++) {
		v[i] = tensor_named(im->model->graph, o->cut_outputs[i]);
		if (!v[i])
			return fail(im->err, E_USAGE, "there is no tensor '%s' to cut at",
			    o->cut_outputs[i]);
	}
	*names = v;
	*n = (size_t)o->ncut_outputs;
	return OK;
}

/* What the file itself notes of the tensor, else floats of unknown shape. */
static const Onnx__ValueInfoProto *noted(const Onnx__GraphProto *g, const char *name)
{
	for (size_t i = 0; i < g->n_value_info; i++)
		if (!strcmp(onnx_text(g->value_info[i]->name), name))
			return g->value_info[i];
	return NULL;
}

int onnx_cut_inputs(struct onnx_scope *s, const Onnx__GraphProto *g)
{
	struct onnx_import *im = s->im;
	Onnx__TypeProto__Tensor floats = ONNX__TYPE_PROTO__TENSOR__INIT;
	Onnx__TypeProto type = ONNX__TYPE_PROTO__INIT;
	floats.elem_type = ONNX_FLOAT;
	type.tensor_type = &floats;
	for (int i = 0; i < im->options->ncut_inputs && im->cutting; i++) {
		const char *name = im->options->cut_inputs[i];
		Onnx__ValueInfoProto bare = ONNX__VALUE_INFO_PROTO__INIT;
		const Onnx__ValueInfoProto *v = noted(g, name);
		if (onnx_lookup(s, name)) /* an input or a constant as it is */
			continue;
		bare.name = (char *)name;
		bare.type = &type;
		int status = onnx_add_input(s, v && v->type ? v : &bare);
		if (status != OK)
			return err_in(im->err, "input '%s'", name);
	}
	return OK;
}
