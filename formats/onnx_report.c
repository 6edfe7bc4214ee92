/* What of a model cannot be converted: a line per node and input, with the nearest tensors to cut
 * at, in one error. */
#include <string.h>

#include "formats/onnx_import.h"
#include "ops/op.h"

#define MOST_LINES 1000

/* "; cut at 'a', 'b'": the node's inputs that can be computed. */
static void cut_points(struct onnx_scope *s, const Onnx__NodeProto *n, struct text *t)
{
	int found = 0;
	for (size_t i = 0; i < n->n_input; i++) {
		struct onnx_name *in = *n->input[i] ? onnx_lookup(s, n->input[i]) : NULL;
		if (!in || !in->value || node_is(in->value->node, OP_CONST) ||
		    node_is(in->value->node, OP_PARAMETER))
			continue;
		text_printf(t, "%s'%s'", found++ ? ", " : "; cut at ", value_name(in->value));
	}
}

static void note(struct onnx_import *im, struct text *t)
{
	char *line = t->failed ? NULL : arena_str(im->arena, t->data);
	if (!line || !map_put(&im->unsupported, line, NULL))
		fail_nomem(im->err);
	text_free(t);
}

static void note_node(struct onnx_scope *s, const Onnx__NodeProto *n, int opset, const char *why)
{
	const char *domain = onnx_domain(n->domain);
	struct text t = {0};
	text_printf(&t, "node '%s%s': %s (%s%s%d): %s", s->prefix, onnx_node_name(n),
	    onnx_text(n->op_type), *domain ? domain : "opset", *domain ? " opset " : " ", opset,
	    why);
	cut_points(s, n, &t);
	note(s->im, &t);
}

void onnx_unsupported(struct onnx_scope *s, const Onnx__NodeProto *n, int opset, const char *why)
{
	note_node(s, n, opset, why);
	s->im->any_unsupported = true;
}

/* Takes back the failure in im->err, to go on. */
static void forgive(struct onnx_import *im)
{
	im->any_unsupported = im->any_unsupported || im->err->status == E_UNSUPPORTED;
	im->err->status = OK;
	im->err->text[0] = '\0';
}

bool onnx_excused(struct onnx_scope *s, const Onnx__NodeProto *n, int status)
{
	struct onnx_import *im = s->im;
	if (status != E_UNSUPPORTED && status != E_FORMAT)
		return false;
	note_node(s, n, onnx_opset(s, onnx_domain(n->domain)), im->err->text);
	if (im->err->status == E_NOMEM)
		return false;
	forgive(im);
	return true;
}

int onnx_excuse_input(struct onnx_scope *s, const char *name, int status)
{
	struct onnx_import *im = s->im;
	struct text t = {0};
	if (status != E_UNSUPPORTED)
		return err_in(im->err, "input '%s'", name);
	text_printf(&t, "input '%s': %s", name, im->err->text);
	note(im, &t);
	if (im->err->status == E_NOMEM)
		return E_NOMEM;
	im->bad_inputs++;
	forgive(im);
	return onnx_bind(s, name, NULL, NULL);
}

int onnx_report(struct onnx_import *im)
{
	size_t n = im->unsupported.n, inputs = im->bad_inputs, nodes = n - inputs;
	struct text t = {0};
	if (!n)
		return OK;
	for (size_t i = 0; i < n && i < MOST_LINES; i++)
		err_detail(im->err, "%s", im->unsupported.entry[i].key);
	if (n > MOST_LINES)
		err_detail(im->err, "and %zu more", n - MOST_LINES);
	if (nodes)
		text_printf(
		    &t, "%zu %s%s", nodes, nodes > 1 ? "nodes" : "node", inputs ? " and " : "");
	if (inputs)
		text_printf(&t, "%zu %s", inputs, inputs > 1 ? "inputs" : "input");
	fail(im->err, im->any_unsupported ? E_UNSUPPORTED : E_FORMAT, "%s cannot be converted",
	    t.failed ? "the model" : t.data);
	text_free(&t);
	return im->err->status;
}
