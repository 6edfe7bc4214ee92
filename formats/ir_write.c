/* Writes a graph as OpenVINO IR: layers, edges and run-time info as XML, constants as BIN. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "formats/ir.h"
#include "formats/ir_bin.h"
#include "formats/ir_info.h"
#include "formats/ir_names.h"
#include "formats/ir_text.h"
#include "graph/op.h"
#include "ops/op.h"

#define FLUSH ((size_t)1 << 20) /* XML text kept before it goes to the file */

struct writer {
	struct graph *graph;
	const struct ir_write_options *options;
	struct node **order; /* Parameters, the rest, Results; a node's mark is its index: its id */
	int n, depth;
	const char **name; /* unique layer names, parallel to order */
	struct arena *arena;
	struct text text;
	struct output *xml, *bin;
	struct ir_bin constants;
	struct err *err;
};

static int order_nodes(struct writer *w)
{
	struct graph *g = w->graph;

	w->order = arena_array(w->arena, (size_t)g->nnodes + 1, sizeof *w->order);
	w->name = arena_array(w->arena, (size_t)g->nnodes + 1, sizeof *w->name);
	if (!w->order || !w->name)
		return fail_nomem(w->err);
	for (int i = 0; i < g->ninputs; i++)
		w->order[w->n++] = g->inputs[i];
	graph_each (g, n)
		if (!node_is(n, OP_PARAMETER) && !node_is(n, OP_RESULT))
			w->order[w->n++] = n;
	for (int i = 0; i < g->noutputs; i++)
		w->order[w->n++] = g->outputs[i];
	for (int i = 0; i < w->n; i++)
		w->order[i]->mark = (uint32_t)i;
	return OK;
}

static int name_nodes(struct writer *w)
{
	return ir_unique_names(w->order, w->n, w->name, w->arena, w->err);
}

/* Inputs that are written: trailing absent ones are not there at all. */
static int present_inputs(const struct node *n)
{
	int nin = n->nin;
	while (nin > 0 && !node_in(n, nin - 1))
		nin--;
	return nin;
}

static int flush(struct writer *w)
{
	int rc;
	if (w->text.failed)
		return fail_nomem(w->err);
	rc = output_write(w->xml, w->text.data, w->text.len, w->err);
	w->text.len = 0;
	return rc;
}

static void write_attrs(struct writer *w, const struct node *n)
{
	struct text value = {0};
	bool open = false;

	for (int i = 0; n->op->attrs[i].name; i++) {
		if (!n->attr[i].set)
			continue;
		if (!open)
			text_add(&w->text, "\t\t\t<data");
		open = true;
		value.len = 0;
		attr_text(&value, &n->op->attrs[i], &n->attr[i]);
		xml_attr(&w->text, n->op->attrs[i].name, value.len ? value.data : "");
	}
	if (open)
		text_add(&w->text, " />\n");
	w->text.failed |= value.failed;
	text_free(&value);
}

static int write_const(struct writer *w, const struct node *n)
{
	const struct info *info = &n->out[0].info;
	int64_t bytes = dtype_bytes(info->type, shape_count(&info->shape));
	int64_t offset;
	int rc;

	if (!n->data || bytes < 0 || (size_t)bytes != blob_size(n->data))
		return fail(w->err, E_FORMAT,
		    "constant has %zu bytes, its type and shape ask for %" PRId64,
		    n->data ? blob_size(n->data) : 0, bytes);
	rc = ir_bin_put(&w->constants, n->data, &offset, w->err);
	if (rc != OK)
		return rc;
	text_printf(&w->text, "\t\t\t<data element_type=\"%s\" shape=\"", dtype_name(info->type));
	for (int i = 0; i < info->shape.rank; i++)
		text_printf(&w->text, "%s%" PRId64, i ? ", " : "", info->shape.dim[i].min);
	text_printf(&w->text, "\" offset=\"%" PRId64 "\" size=\"%" PRId64 "\" />\n", offset, bytes);
	return OK;
}

static void write_rt_info(struct writer *w, const struct meta *m)
{
	if (!m)
		return;
	text_add(&w->text, "\t\t\t<rt_info>\n");
	for (; m; m = m->next) {
		text_add(&w->text, "\t\t\t\t<attribute");
		xml_attr(&w->text, "name", m->key);
		xml_attr(&w->text, "version", m->version ? m->version : "0");
		if (m->value && *m->value)
			xml_attr(&w->text, "value", m->value);
		text_add(&w->text, " />\n");
	}
	text_add(&w->text, "\t\t\t</rt_info>\n");
}

static void write_port(struct writer *w, int id, const struct value *v, bool names)
{
	const struct info *info = &v->info;

	text_printf(&w->text, "\t\t\t\t<port id=\"%d\"", id);
	xml_attr(
	    &w->text, "precision", info->type == DT_NONE ? "dynamic" : dtype_precision(info->type));
	if (names && v->nnames) {
		struct text t = {0};
		ir_names_text(&t, v->names, v->nnames);
		xml_attr(&w->text, "names", t.data ? t.data : "");
		w->text.failed |= t.failed;
		text_free(&t);
	}
	if (info->shape.rank <= 0) {
		text_add(&w->text, " />\n");
		return;
	}
	text_add(&w->text, ">\n");
	for (int i = 0; i < info->shape.rank; i++)
		text_printf(&w->text, "\t\t\t\t\t<dim>%" PRId64 "</dim>\n",
		    dim_static(info->shape.dim[i]) ? info->shape.dim[i].min : -1);
	text_add(&w->text, "\t\t\t\t</port>\n");
}

static int write_ports(struct writer *w, const struct node *n)
{
	int nin = present_inputs(n);

	if (nin)
		text_add(&w->text, "\t\t\t<input>\n");
	for (int i = 0; i < nin; i++) {
		if (!node_in(n, i))
			return fail(w->err, E_UNSUPPORTED,
			    "input %d is absent but later ones are given, which IR cannot say", i);
		write_port(w, i, node_in(n, i), false);
	}
	if (nin)
		text_add(&w->text, "\t\t\t</input>\n");
	if (n->nout)
		text_add(&w->text, "\t\t\t<output>\n");
	for (int i = 0; i < n->nout; i++)
		write_port(w, nin + i, &n->out[i], true);
	if (n->nout)
		text_add(&w->text, "\t\t\t</output>\n");
	return OK;
}

/* Is the value of this Result that of another one, too? */
static bool shares_value(const struct node *n)
{
	const struct value *v = node_in(n, 0);

	if (v)
		value_each_use (v, u)
			if (u->node != n && node_is(u->node, OP_RESULT))
				return true;
	return false;
}

/* A Result says by which names its output is known. */
static void write_output_names(struct writer *w, const struct node *n)
{
	const struct value *v = node_in(n, 0);
	const char *own = ir_result_name(n);
	bool several = false;
	struct text t = {0};

	if (!v || !v->nnames)
		return;
	value_each_use (v, u)
		several |= u->node != n && node_is(u->node, OP_RESULT);
	if (several && own)
		ir_names_text(&t, &own, 1);
	else
		ir_names_text(&t, v->names, v->nnames);
	xml_attr(&w->text, "output_names", t.data ? t.data : "");
	w->text.failed |= t.failed;
	text_free(&t);
}

static int write_graph(struct writer *w);

static void write_map(
    struct writer *w, const struct node *n, const struct body *b, const struct port_map *m)
{
	const struct node *inner = m->kind == MAP_INPUT ? b->graph->inputs[m->inner]
							: b->graph->outputs[m->inner];
	int first = m->kind == MAP_INPUT ? 0 : present_inputs(n);

	text_printf(&w->text, "\t\t\t\t<%s", m->kind == MAP_INPUT ? "input" : "output");
	if (m->axis >= 0)
		xml_attr_int(&w->text, "axis", m->axis);
	xml_attr_int(&w->text, "external_port_id", m->outer < 0 ? -1 : first + m->outer);
	xml_attr_int(&w->text, "internal_layer_id", inner->mark);
	if (m->axis >= 0) {
		xml_attr_int(&w->text, "start", m->start);
		xml_attr_int(&w->text, "end", m->end);
		xml_attr_int(&w->text, "stride", m->stride);
		xml_attr_int(&w->text, "part_size", m->part_size);
	}
	if (m->purpose != PURPOSE_NONE)
		xml_attr(&w->text, "purpose",
		    m->purpose == PURPOSE_CURRENT_ITERATION ? "current_iteration"
							    : "execution_condition");
	text_add(&w->text, " />\n");
}

/* Which ports of a layer belong to which layers of its body; the body's marks are its ids. */
static void write_maps(
    struct writer *w, const struct node *n, const struct body *b, const char *prefix)
{
	bool edges = false;

	text_printf(&w->text, "\t\t\t<%sport_map>\n", prefix);
	for (int i = 0; i < b->nmaps; i++) {
		edges |= b->map[i].kind == MAP_BACK_EDGE;
		if (b->map[i].kind != MAP_BACK_EDGE)
			write_map(w, n, b, &b->map[i]);
	}
	text_printf(&w->text, "\t\t\t</%sport_map>\n", prefix);
	if (edges)
		text_add(&w->text, "\t\t\t<back_edges>\n");
	for (int i = 0; i < b->nmaps; i++)
		if (b->map[i].kind == MAP_BACK_EDGE)
			text_printf(&w->text,
			    "\t\t\t\t<edge from-layer=\"%" PRIu32 "\" to-layer=\"%" PRIu32
			    "\" />\n",
			    b->graph->outputs[b->map[i].outer]->mark,
			    b->graph->inputs[b->map[i].inner]->mark);
	if (edges)
		text_add(&w->text, "\t\t\t</back_edges>\n");
}

/* A body is a graph of its own: its ids and names start anew. */
static int write_body(struct writer *w, struct graph *g, const char *element)
{
	struct writer outer = *w;
	int rc;

	w->graph = g;
	w->depth++;
	w->n = 0;
	text_printf(&w->text, "\t\t\t<%s>\n", element);
	if (w->depth > LIMIT_BODIES)
		rc = fail(w->err, E_LIMIT, "bodies nested more than %d deep", LIMIT_BODIES);
	else if ((rc = order_nodes(w)) == OK && (rc = name_nodes(w)) == OK)
		rc = write_graph(w);
	text_printf(&w->text, "\t<rt_info />\n\t\t\t</%s>\n", element);
	w->graph = outer.graph;
	w->order = outer.order;
	w->name = outer.name;
	w->n = outer.n;
	w->depth--;
	return rc;
}

/* Numbers the bodies' layers as write_body will, for the maps stand before the bodies. */
static int number_bodies(struct writer *w, const struct node *n)
{
	struct writer outer = *w;
	int rc = OK;

	for (int i = 0; i < n->nbodies && rc == OK; i++) {
		w->graph = n->body[i].graph;
		w->n = 0;
		rc = order_nodes(w);
	}
	w->graph = outer.graph;
	w->order = outer.order;
	w->name = outer.name;
	w->n = outer.n;
	return rc;
}

static int write_port_maps(struct writer *w, const struct node *n)
{
	int rc = number_bodies(w, n);

	if (rc == OK && n->nbodies == 2) {
		write_maps(w, n, &n->body[1], "else_");
		write_maps(w, n, &n->body[0], "then_");
	} else if (rc == OK && n->nbodies == 1) {
		write_maps(w, n, &n->body[0], "");
	}
	return rc;
}

static int write_bodies(struct writer *w, const struct node *n)
{
	int rc = OK;

	for (int i = 0; i < n->nbodies && rc == OK; i++)
		rc = write_body(w, n->body[i].graph,
		    n->nbodies == 1 ? "body"
		    : i             ? "else_body"
				    : "then_body");
	return rc;
}

static int write_layer(struct writer *w, int id)
{
	const struct node *n = w->order[id];
	int rc = OK;

	if (node_is(n, OP_RESULT) && w->options->version == 10 && shares_value(n))
		return fail(w->err, E_UNSUPPORTED,
		    "two outputs have the same value, which IR version 10 cannot say");
	text_printf(&w->text, "\t\t<layer id=\"%d\"", id);
	xml_attr(&w->text, "name", w->name[id]);
	text_printf(&w->text, " type=\"%s\" version=\"opset%d\"", n->op->type, n->op->opset);
	if (node_is(n, OP_RESULT) && w->options->version > 10)
		write_output_names(w, n);
	text_add(&w->text, ">\n");
	if (node_is(n, OP_CONST))
		rc = write_const(w, n);
	else
		write_attrs(w, n);
	write_rt_info(w, n->meta);
	if (rc == OK)
		rc = write_port_maps(w, n);
	if (rc == OK)
		rc = write_ports(w, n);
	if (rc == OK)
		rc = write_bodies(w, n);
	text_add(&w->text, "\t\t</layer>\n");
	if (rc == OK && w->text.len >= FLUSH)
		rc = flush(w);
	return rc;
}

static int write_edges(struct writer *w)
{
	int rc = OK;

	text_add(&w->text, "\t<edges>\n");
	for (int id = 0; id < w->n && rc == OK; id++) {
		const struct node *n = w->order[id];
		for (int i = 0; i < n->nin; i++) {
			const struct value *v = node_in(n, i);
			if (!v)
				continue;
			text_printf(&w->text,
			    "\t\t<edge from-layer=\"%" PRIu32 "\" from-port=\"%d\" to-layer=\"%d\" "
			    "to-port=\"%d\" />\n",
			    v->node->mark, present_inputs(v->node) + v->port, id, i);
		}
		if (w->text.len >= FLUSH)
			rc = flush(w);
	}
	text_add(&w->text, "\t</edges>\n");
	return rc;
}

static int write_graph(struct writer *w)
{
	int rc = OK;

	text_add(&w->text, "\t<layers>\n");
	for (int i = 0; i < w->n && rc == OK; i++) {
		rc = write_layer(w, i);
		if (rc != OK)
			err_in(w->err, "node '%s'", w->name[i]);
	}
	text_add(&w->text, "\t</layers>\n");
	return rc == OK ? write_edges(w) : rc;
}

static int write_xml(struct writer *w)
{
	int rc;

	text_add(&w->text, "<?xml version=\"1.0\"?>\n<net");
	xml_attr(&w->text, "name", w->graph->name ? w->graph->name : "");
	xml_attr_int(&w->text, "version", w->options->version);
	text_add(&w->text, ">\n");
	rc = write_graph(w);
	ir_write_info(&w->text, w->arena, w->options->parameters, w->graph->meta);
	text_add(&w->text, "</net>\n");
	return rc == OK ? flush(w) : rc;
}

/* .bin first, .xml last: who finds the .xml finds a whole pair. */
static int finish(struct writer *w)
{
	struct ir_written *report = w->options->written;
	struct output *xml = w->xml, *bin = w->bin;
	int rc;

	if (report)
		*report = (struct ir_written){output_size(bin), output_size(xml),
		    w->constants.stored + w->constants.shared, w->constants.shared};
	if ((rc = output_close(bin, w->err)) != OK || (rc = output_close(xml, w->err)) != OK)
		return rc;
	w->bin = NULL;
	if ((rc = output_rename(bin, w->err)) != OK)
		return rc;
	w->xml = NULL;
	return output_rename(xml, w->err);
}

int ir_write(struct graph *g, const char *xml, const char *bin, const struct ir_write_options *o,
    struct err *err)
{
	struct writer w = {.graph = g, .options = o, .arena = arena_new(), .err = err};
	int rc = w.arena ? OK : fail_nomem(err);

	if (rc == OK && o->version != 10 && o->version != 11)
		rc = fail(err, E_USAGE, "IR version %d is not written, only 10 and 11", o->version);
	if (rc == OK)
		rc = order_nodes(&w);
	if (rc == OK)
		rc = name_nodes(&w);
	if (rc == OK)
		rc = output_open(bin, &w.bin, err);
	if (rc == OK)
		rc = output_open(xml, &w.xml, err);
	if (rc == OK)
		rc = ir_bin_init(&w.constants, w.bin, err);
	if (rc == OK)
		rc = write_xml(&w);
	if (rc == OK)
		rc = finish(&w);
	output_abort(w.xml);
	output_abort(w.bin);
	ir_bin_free(&w.constants);
	text_free(&w.text);
	arena_free(w.arena);
	return rc;
}
