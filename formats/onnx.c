/* Reads an ONNX model: the wire walk, what the model says of itself, its main graph. */
#include "formats/onnx.h"

#include <stdlib.h>
#include <string.h>

#include "formats/onnx_import.h"
#include "formats/onnx_wire.h"
#include "ops/op.h"

#define NEWEST_IR 14

/* The first fields must be those of a ModelProto: two of them are numbers, the others counted
 * bytes. */
bool onnx_sniff(const void *data, size_t size)
{
	enum { IR_VERSION = 1, MODEL_VERSION = 5, FUNCTIONS = 25 };
	struct cursor c = cursor_of(data, size);
	struct wire_field f;
	bool version = false;
	int n = 0;
	for (; n < 4 && wire_next(&c, &f); n++) {
		bool number = f.id == IR_VERSION || f.id == MODEL_VERSION;
		if (f.id > FUNCTIONS || f.type != (number ? 0 : 2))
			return false;
		if (f.id == IR_VERSION && f.number >= 1000)
			return false;
		version = version || f.id == IR_VERSION;
	}
	/* cut off, it is still one when it has said its version */
	return version || (n && !c.err);
}

static int check_model(const Onnx__ModelProto *m, struct err *err)
{
	if (!m->graph)
		return fail(err, E_FORMAT, "has no graph: not an ONNX model");
	if (m->ir_version < 1)
		return fail(err, E_FORMAT, "has no IR version: not an ONNX model");
	if (m->ir_version > NEWEST_IR)
		return fail(err, E_UNSUPPORTED, "has IR version %lld, known are 1 to %d",
		    (long long)m->ir_version, NEWEST_IR);
	for (size_t i = 0; i < m->n_opset_import; i++) {
		const Onnx__OperatorSetIdProto *o = m->opset_import[i];
		if (o->version < 1 || o->version > 100000)
			return fail(err, E_FORMAT, "imports version %lld of domain '%s'",
			    (long long)o->version, onnx_domain(o->domain));
	}
	return OK;
}

static int output_names(struct onnx_import *im, char ***names, size_t *n)
{
	const Onnx__GraphProto *g = im->model->graph;
	if (im->cutting && im->options->ncut_outputs)
		return onnx_cut_outputs(im, names, n);
	*n = g->n_output;
	*names = arena_array(im->arena, g->n_output, sizeof **names);
	if (!*names)
		return fail_nomem(im->err);
	for (size_t i = 0; i < g->n_output; i++)
		(*names)[i] = g->output[i]->name ? g->output[i]->name : (char *)"";
	return g->n_output ? OK : fail(im->err, E_FORMAT, "the graph has no outputs");
}

static int import_graph(struct onnx_import *im, struct onnx_scope *s)
{
	const Onnx__GraphProto *g = im->model->graph;
	char **outputs;
	size_t noutputs;
	struct map needed = {0};
	int status = output_names(im, &outputs, &noutputs);
	if (status == OK)
		status = onnx_check_graph(g, im->err);
	if (status == OK)
		status = onnx_functions_index(im);
	if (status == OK)
		status = onnx_needed(im, outputs, noutputs, &needed);
	if (status == OK)
		status = onnx_initializers(s, g);
	if (status == OK)
		status = onnx_inputs(s, g);
	if (status == OK)
		status = onnx_cut_inputs(s, g);
	if (status == OK)
		status = onnx_nodes(s, g->node, g->n_node, &needed);
	if (status == OK)
		status = onnx_report(im);
	if (status == OK)
		status = onnx_outputs(s, outputs, noutputs);
	map_free(&needed);
	return status;
}

static int import_once(struct onnx_import *im)
{
	struct onnx_scope s = {.im = im,
	    .prefix = "",
	    .nopsets = im->model->n_opset_import,
	    .opsets = im->model->opset_import};
	const char *name = onnx_text(im->model->graph->name);
	im->graph = graph_new(*name ? name : "model");
	int status = im->graph ? import_graph(im, &s) : fail_nomem(im->err);
	map_free(&s.names);
	return status;
}

/* The whole model, or, where that cannot be had, what the caller's cuts leave of it. */
static int import_model(struct onnx_import *im)
{
	int status = check_model(im->model, im->err);
	if (status == OK)
		status = import_once(im);
	bool may_cut = im->options->ncut_inputs || im->options->ncut_outputs;
	if (!may_cut || (status != E_UNSUPPORTED && !im->unsupported.n))
		return status;
	graph_free(im->graph);
	err_clear(im->err);
	map_free(&im->unsupported);
	map_free(&im->symbols);
	map_free(&im->functions);
	im->nodes = 0;
	im->bad_inputs = 0;
	im->any_unsupported = false;
	im->cutting = true;
	return import_once(im);
}

static void import_free(struct onnx_import *im)
{
	onnx_source_close(&im->source);
	map_free(&im->symbols);
	map_free(&im->functions);
	map_free(&im->unsupported);
	arena_free(im->arena);
}

int onnx_read_file(struct file *f, const char *name, const char *dir, const struct onnx_options *o,
    struct graph **out, struct err *err)
{
	static const struct onnx_options none;
	struct err own = {0};
	struct onnx_import im = {
	    .options = o ? o : &none, .arena = arena_new(), .err = err ? err : &own};
	ProtobufCMessage *m;
	im.source = (struct onnx_source){.file = f,
	    .dir = dir,
	    .arena = im.arena,
	    .random = im.options->random_weights,
	    .depends = im.options->depends,
	    .user = im.options->user};
	int status = im.arena ? onnx_wire_parse(f->data, f->size, &onnx__model_proto__descriptor,
				    im.arena, &m, im.err)
			      : fail_nomem(im.err);
	if (status == OK) {
		im.model = (const Onnx__ModelProto *)m;
		status = import_model(&im);
	}
	import_free(&im);
	if (status == OK) {
		*out = im.graph;
	} else {
		graph_free(im.graph);
		err_in(im.err, "'%s'", name);
	}
	err_clear(&own);
	return status;
}
