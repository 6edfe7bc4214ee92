/* Reads OpenVINO IR: the layers of the XML become nodes, the edges inputs, and what the ports
 * declare must agree with inference. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/checked.h"
#include "base/file.h"
#include "formats/ir.h"
#include "formats/ir_ports.h"
#include "base/map.h"
#include "formats/ir_xml.h"
#include "graph/op.h"
#include "ops/op.h"

struct reader {
	const struct ir_read_options *options;
	const char *bin_path;
	struct arena *arena; /* of what the XML says */
	struct ir_doc doc;
	struct ir_layer **by_id;
	struct node **node; /* parallel to doc.layer */
	struct graph *graph;
	struct map names; /* tensor names given so far: the first one of a name keeps it */
	struct file *bin; /* mapped when the first constant asks */
	struct err *err;
};

/* ---- layers ---- */

/* N of "opsetN", or -1. */
static int opset_of(const char *version)
{
	int64_t n;
	if (strncmp(version, "opset", 5) || !parse_i64(version + 5, &n) || n < 1 || n > 999)
		return -1;
	return (int)n;
}

static const struct op *layer_op(const struct ir_layer *l)
{
	return opset_of(l->version) < 0 ? NULL : op_find(l->type, opset_of(l->version));
}

static int bodies_of(const struct op *op)
{
	return op->id == OP_IF ? 2 : op->id == OP_LOOP || op->id == OP_TENSOR_ITERATOR;
}

/* Why a layer cannot be read, or NULL when it can. */
static const char *unsupported(const struct ir_layer *l)
{
	const struct op *op = layer_op(l);
	if (op && l->nbodies != bodies_of(op))
		return "its bodies are not those of such a layer";
	if (op)
		return NULL;
	return op_known(l->type) ? "the layer is known, but not of this opset" : "unknown layer";
}

/* Lists all layers that cannot be read at once. */
static int check_layers(struct reader *r)
{
	const struct ir_layer *first = NULL;
	int count = 0;

	for (int i = 0; i < r->doc.nlayers; i++) {
		const struct ir_layer *l = &r->doc.layer[i];
		const char *why = unsupported(l);
		if (!why)
			continue;
		err_detail(r->err, "layer '%s' (%s of %s): %s", l->name, l->type, l->version, why);
		first = first ? first : l;
		count++;
	}
	if (!count)
		return OK;
	return fail(r->err, E_UNSUPPORTED,
	    "%d of %d layers cannot be read, the first is '%s' (%s of %s): %s", count,
	    r->doc.nlayers, first->name, first->type, first->version, unsupported(first));
}

static int by_id(const void *a, const void *b)
{
	const struct ir_layer *x = *(struct ir_layer *const *)a, *y = *(struct ir_layer *const *)b;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int index_layers(struct reader *r)
{
	int n = r->doc.nlayers;

	r->by_id = arena_array(r->arena, (size_t)n + 1, sizeof *r->by_id);
	r->node = arena_array(r->arena, (size_t)n + 1, sizeof *r->node);
	if (!r->by_id || !r->node)
		return fail_nomem(r->err);
	for (int i = 0; i < n; i++)
		r->by_id[i] = &r->doc.layer[i];
	qsort(r->by_id, (size_t)n, sizeof *r->by_id, by_id);
	for (int i = 1; i < n; i++)
		if (r->by_id[i]->id == r->by_id[i - 1]->id)
			return fail(r->err, E_FORMAT,
			    "line %ld: layer id %" PRId64 " is used twice", r->by_id[i]->line,
			    r->by_id[i]->id);
	return OK;
}

static int find_layer(struct reader *r, int64_t id)
{
	struct ir_layer key = {.id = id}, *want = &key, **found;

	if (!r->doc.nlayers)
		return -1;
	found = bsearch(&want, r->by_id, (size_t)r->doc.nlayers, sizeof *r->by_id, by_id);
	return found ? (int)(*found - r->doc.layer) : -1;
}

static const char *layer_attr(const struct ir_layer *l, const char *name)
{
	for (int i = 0; i < l->nattrs; i++)
		if (!strcmp(l->attr[i].name, name))
			return l->attr[i].value;
	return NULL;
}

/* ---- constants ---- */

static int const_number(struct reader *r, const struct ir_layer *l, const char *name, int64_t *out)
{
	const char *s = layer_attr(l, name);
	if (!s || !parse_i64(s, out) || *out < 0)
		return fail(r->err, E_FORMAT, "attribute '%s' is '%s', expected a number of bytes",
		    name, s ? s : "");
	return OK;
}

static int const_shape(struct reader *r, const struct ir_layer *l, enum dtype *type, int64_t *bytes,
    struct shape *shape)
{
	const char *element = layer_attr(l, "element_type"), *text = layer_attr(l, "shape");

	*type = element ? dtype_parse(element) : DT_NONE;
	if (*type == DT_NONE)
		return fail(r->err, element ? E_UNSUPPORTED : E_FORMAT,
		    "element type '%s' is not supported", element ? element : "");
	if (!text || !shape_parse(text, shape) || !shape_static(shape))
		return fail(r->err, E_FORMAT, "attribute 'shape' is '%s', expected sizes",
		    text ? text : "");
	for (int i = 0; i < shape->rank; i++)
		if (shape->dim[i].min < 0)
			return fail(
			    r->err, E_FORMAT, "attribute 'shape' is '%s', expected sizes", text);
	*bytes = shape_count(shape) < 0 ? -1 : dtype_bytes(*type, shape_count(shape));
	if (*bytes < 0)
		return fail(r->err, E_LIMIT,
		    "shape '%s' is larger than the limit of %" PRId64 " bytes", text,
		    LIMIT_TENSOR_BYTES);
	return OK;
}

static int const_blob(struct reader *r, const struct ir_layer *l, int64_t bytes, struct blob **out)
{
	int64_t offset, size, end;
	int rc;

	if ((rc = const_number(r, l, "offset", &offset)) != OK ||
	    (rc = const_number(r, l, "size", &size)) != OK)
		return rc;
	if (!bytes && size == 1) /* OpenVINO writes a byte for an empty constant */
		size = 0;
	if (size != bytes)
		return fail(r->err, E_FORMAT,
		    "attribute 'size' is %" PRId64 ", its type and shape ask for %" PRId64, size,
		    bytes);
	if (size && !r->bin && (rc = file_map(r->bin_path, &r->bin, r->err)) != OK)
		return rc;
	if (size && (add_i64(offset, size, &end) || (uint64_t)end > r->bin->size))
		return fail(r->err, E_FORMAT,
		    "bytes %" PRId64 " to %" PRId64 "+%" PRId64
		    " lie beyond the end of '%s' (%zu bytes)",
		    offset, offset, size, r->bin_path, r->bin->size);
	*out = size ? blob_mapped(r->bin, (size_t)offset, (size_t)size) : blob_copy(NULL, 0);
	return *out ? OK : fail_nomem(r->err);
}

static int make_const(struct reader *r, const struct ir_layer *l, struct node **out)
{
	struct shape shape;
	enum dtype type;
	int64_t bytes = 0, dims[MAX_RANK];
	struct blob *blob;
	int rc = const_shape(r, l, &type, &bytes, &shape);

	if (rc == OK)
		rc = const_blob(r, l, bytes, &blob);
	if (rc != OK)
		return rc;
	for (int i = 0; i < shape.rank; i++)
		dims[i] = shape.dim[i].min;
	*out = graph_const(r->graph, NULL, l->name, type, shape.rank, dims, blob);
	return *out ? OK : fail_nomem(r->err);
}

/* ---- nodes ---- */

static const struct attr_def *find_def(const struct op *op, const char *name)
{
	for (const struct attr_def *d = op->attrs; d->name; d++)
		if (!strcmp(d->name, name))
			return d;
	return NULL;
}

static int set_attrs(struct reader *r, const struct ir_layer *l, struct node *n)
{
	for (int i = 0; i < l->nattrs; i++) {
		const struct attr_def *def = find_def(n->op, l->attr[i].name);
		int rc = def ? attr_parse(n, def, l->attr[i].value, r->err) : OK;
		if (rc != OK)
			return rc;
		if (!def && !r->options->lenient)
			return fail(r->err, E_FORMAT, "unknown attribute '%s' of %s of %s",
			    l->attr[i].name, l->type, l->version);
		if (!def)
			log_say(&r->options->log, LOG_WARN,
			    "layer '%s': unknown attribute '%s' of %s of %s is left out", l->name,
			    l->attr[i].name, l->type, l->version);
	}
	for (const struct attr_def *d = n->op->attrs; d->name; d++)
		if (d->required && !layer_attr(l, d->name))
			return fail(
			    r->err, E_FORMAT, "attribute '%s' of %s is missing", d->name, l->type);
	return OK;
}

static int check_counts(struct reader *r, const struct ir_layer *l, const struct op *op)
{
	if (l->nin < op->min_in || l->nin > op->max_in)
		return fail(r->err, E_FORMAT, "%s has %d inputs, expected %d to %d", l->type,
		    l->nin, op->min_in, op->max_in);
	if (op->nout >= 0 && l->nout != op->nout)
		return fail(
		    r->err, E_FORMAT, "%s has %d outputs, expected %d", l->type, l->nout, op->nout);
	return OK;
}

static int add_name(struct reader *r, struct value *v, const char *name)
{
	if (!*name || map_has(&r->names, name))
		return OK;
	if (!map_put(&r->names, name, v) || !value_add_name(v, name))
		return fail_nomem(r->err);
	return OK;
}

static int set_names(struct reader *r, const struct ir_layer *l, struct node *n)
{
	for (int i = 0; i < l->nout; i++)
		for (int k = 0; k < l->out[i].nnames; k++)
			if (add_name(r, &n->out[i], l->out[i].names[k]) != OK)
				return r->err->status;
	for (const struct meta *m = l->meta; m; m = m->next)
		if (!node_add_meta(n, m->key, m->version, m->value))
			return fail_nomem(r->err);
	return OK;
}

static int read_bodies(struct reader *r, const struct ir_layer *l, struct node *n);

static int make_node(struct reader *r, const struct ir_layer *l, struct node **out)
{
	const struct op *op = layer_op(l);
	int rc = check_counts(r, l, op);

	if (rc != OK)
		return rc;
	if (op->id == OP_CONST) {
		rc = make_const(r, l, out);
	} else {
		*out = graph_add(r->graph, op, l->name, NULL, l->nin, l->nout);
		rc = *out ? set_attrs(r, l, *out) : fail_nomem(r->err);
	}
	if (rc == OK)
		rc = set_names(r, l, *out);
	return rc == OK && l->nbodies ? read_bodies(r, l, *out) : rc;
}

static int make_nodes(struct reader *r)
{
	for (int i = 0; i < r->doc.nlayers; i++) {
		const struct ir_layer *l = &r->doc.layer[i];
		int rc = make_node(r, l, &r->node[i]);
		if (rc != OK) {
			err_in(r->err, "layer '%s'", l->name);
			return rc;
		}
	}
	return OK;
}

/* ---- edges ---- */

static int find_port(const struct ir_port *p, int n, int64_t id)
{
	int64_t near = n ? id - p[0].id : 0; /* ids nearly always count up */

	if (near >= 0 && near < n && p[near].id == id)
		return (int)near;
	for (int i = 0; i < n; i++)
		if (p[i].id == id)
			return i;
	return -1;
}

static int connect(struct reader *r, const struct ir_edge *e)
{
	int from = find_layer(r, e->from_layer), to = find_layer(r, e->to_layer), out, in;
	const struct ir_layer *a, *b;

	if (from < 0 || to < 0)
		return fail(r->err, E_FORMAT,
		    "line %ld: edge names layer %" PRId64 ", which is not there", e->line,
		    from < 0 ? e->from_layer : e->to_layer);
	a = &r->doc.layer[from];
	b = &r->doc.layer[to];
	out = find_port(a->out, a->nout, e->from_port);
	in = find_port(b->in, b->nin, e->to_port);
	if (out < 0 || in < 0)
		return fail(r->err, E_FORMAT,
		    "line %ld: edge names %s port %" PRId64 " of layer '%s', which is not there",
		    e->line, out < 0 ? "output" : "input", out < 0 ? e->from_port : e->to_port,
		    out < 0 ? a->name : b->name);
	if (node_in(r->node[to], in))
		return fail(r->err, E_FORMAT,
		    "line %ld: input port %" PRId64 " of layer '%s' has two edges", e->line,
		    e->to_port, b->name);
	node_set_input(r->node[to], in, &r->node[from]->out[out]);
	return OK;
}

static int name_outputs(struct reader *r, const struct ir_layer *l, struct node *n)
{
	struct value *v = node_in(n, 0);
	for (int k = 0; k < l->noutput_names; k++)
		if (add_name(r, v, l->output_names[k]) != OK)
			return r->err->status;
	return OK;
}

static int connect_all(struct reader *r)
{
	for (int i = 0; i < r->doc.nedges; i++) {
		int rc = connect(r, &r->doc.edge[i]);
		if (rc != OK)
			return rc;
	}
	for (int i = 0; i < r->doc.nlayers; i++) {
		const struct ir_layer *l = &r->doc.layer[i];
		for (int k = 0; k < l->nin; k++)
			if (!node_in(r->node[i], k))
				return fail(r->err, E_FORMAT,
				    "layer '%s': nothing is connected to input port %" PRId64,
				    l->name, l->in[k].id);
		int rc = node_is(r->node[i], OP_RESULT) ? name_outputs(r, l, r->node[i]) : OK;
		if (rc != OK)
			return rc;
	}
	return OK;
}

static int check_ports(struct reader *r)
{
	for (int i = 0; i < r->doc.nlayers; i++) {
		int rc = ir_check_ports(&r->doc.layer[i], r->node[i], r->err);
		if (rc != OK)
			return rc;
	}
	return OK;
}

/* ---- bodies ---- */

/* Parameters and Results are marked with their places in the body's lists. */
static void mark_ends(struct graph *g)
{
	for (int i = 0; i < g->ninputs; i++)
		g->inputs[i]->mark = (uint32_t)i;
	for (int i = 0; i < g->noutputs; i++)
		g->outputs[i]->mark = (uint32_t)i;
}

/* Place of the Parameter or Result that has this layer id, -1 when it is none. */
static int find_end(struct reader *in, int64_t id, enum op_id kind)
{
	int layer = find_layer(in, id);
	return layer >= 0 && node_is(in->node[layer], kind) ? (int)in->node[layer]->mark : -1;
}

static int make_map(struct reader *r, struct reader *in, const struct ir_layer *l,
    const struct ir_map *from, struct port_map *m)
{
	bool out = from->kind == MAP_OUTPUT;

	*m = (struct port_map){.axis = from->axis,
	    .start = from->start,
	    .end = from->end,
	    .stride = from->stride,
	    .part_size = from->part_size};
	m->kind = from->kind;
	m->purpose = from->purpose;
	m->inner = find_end(in, from->layer, out ? OP_RESULT : OP_PARAMETER);
	if (m->inner < 0)
		return fail(r->err, E_FORMAT, "line %ld: no %s of the body is layer %" PRId64,
		    from->line, out ? "Result" : "Parameter", from->layer);
	m->outer = from->kind == MAP_BACK_EDGE ? find_end(in, from->port, OP_RESULT)
		   : out                       ? find_port(l->out, l->nout, from->port)
					       : find_port(l->in, l->nin, from->port);
	if (m->outer < 0 && (from->kind == MAP_BACK_EDGE || from->port != -1 || !from->purpose))
		return fail(r->err, E_FORMAT,
		    "line %ld: a port map names %" PRId64 ", which is not there", from->line,
		    from->port);
	return OK;
}

static int make_maps(struct reader *r, struct reader *in, const struct ir_layer *l,
    const struct ir_body *from, struct body *b)
{
	int rc = OK;

	b->map = arena_array(r->graph->arena, (size_t)from->nmaps + 1, sizeof *b->map);
	if (!b->map)
		return fail_nomem(r->err);
	bool *fed = arena_array(r->arena, (size_t)in->graph->ninputs + 1, sizeof *fed);
	bool *given = arena_array(r->arena, (size_t)l->nout + 1, sizeof *given);
	if (!fed || !given)
		return fail_nomem(r->err);
	mark_ends(in->graph);
	for (int i = 0; i < from->nmaps && rc == OK; i++) {
		struct port_map *m = &b->map[i];
		rc = make_map(r, in, l, &from->map[i], m);
		bool *once = m->kind == MAP_INPUT                     ? &fed[m->inner]
			     : m->kind == MAP_OUTPUT && m->outer >= 0 ? &given[m->outer]
								      : NULL;
		if (rc == OK && once && *once)
			rc = fail(r->err, E_FORMAT,
			    "line %ld: a port map names the same port twice", from->map[i].line);
		if (rc == OK && once)
			*once = true;
	}
	b->nmaps = rc == OK ? from->nmaps : 0;
	return rc;
}

/* What the ports inside declare is left to inference, which knows more from outside. */
static int read_body(struct reader *r, const struct ir_layer *l, int i, struct node *n)
{
	struct reader in = {.options = r->options,
	    .bin_path = r->bin_path,
	    .arena = r->arena,
	    .doc = l->body[i].doc,
	    .bin = r->bin,
	    .err = r->err};
	int rc;

	in.graph = n->body[i].graph = graph_new_body(r->graph, "");
	if (!in.graph)
		return fail_nomem(r->err);
	if ((rc = index_layers(&in)) == OK && (rc = check_layers(&in)) == OK &&
	    (rc = make_nodes(&in)) == OK && (rc = connect_all(&in)) == OK)
		rc = make_maps(r, &in, l, &l->body[i], &n->body[i]);
	r->bin = in.bin;
	map_free(&in.names);
	return rc;
}

static int read_bodies(struct reader *r, const struct ir_layer *l, struct node *n)
{
	int rc = OK;

	n->body = arena_array(r->graph->arena, (size_t)l->nbodies, sizeof *n->body);
	if (!n->body)
		return fail_nomem(r->err);
	n->nbodies = l->nbodies;
	for (int i = 0; i < l->nbodies && rc == OK; i++)
		rc = read_body(r, l, i, n);
	return rc;
}

/* ---- the whole ---- */

static int copy_meta(struct reader *r)
{
	struct meta **end = &r->graph->meta;

	for (const struct meta *m = r->doc.meta; m; m = m->next) {
		struct meta *copy = arena_alloc(r->graph->arena, sizeof *copy);
		if (!copy || !(copy->key = arena_str(r->graph->arena, m->key)) ||
		    !(copy->value = arena_str(r->graph->arena, m->value)))
			return fail_nomem(r->err);
		*end = copy;
		end = &copy->next;
	}
	return OK;
}

static int build(struct reader *r)
{
	int rc;

	if ((rc = index_layers(r)) != OK || (rc = check_layers(r)) != OK)
		return rc;
	if (!(r->graph = graph_new(r->doc.name)))
		return fail_nomem(r->err);
	if ((rc = make_nodes(r)) != OK || (rc = connect_all(r)) != OK ||
	    (rc = graph_sort(r->graph, r->err)) != OK ||
	    (rc = graph_infer(r->graph, r->err)) != OK || (rc = check_ports(r)) != OK)
		return rc;
	return copy_meta(r);
}

static int read_xml(struct reader *r, const struct file *f, const char *name)
{
	int rc = ir_xml_parse(f->data, f->size, r->arena, &r->doc, r->err);

	if (rc == OK)
		rc = build(r);
	if (rc != OK)
		err_in(r->err, "'%s'", name);
	return rc;
}

static int read_files(struct reader *r, const char *xml)
{
	struct file *f;
	int rc = file_map(xml, &f, r->err);

	if (rc != OK)
		return rc;
	rc = read_xml(r, f, xml);
	file_unref(f);
	return rc;
}

/* "x.bin" for "x.xml". */
static const char *default_bin(struct arena *a, const char *xml)
{
	size_t n = strlen(xml);
	if (n >= 4 && !strcasecmp(xml + n - 4, ".xml"))
		n -= 4;
	return arena_printf(a, "%.*s.bin", (int)n, xml);
}

/* Hands the graph over, or frees it, and what the reader has. */
static int finish(struct reader *r, int rc, struct graph **out)
{
	if (rc == OK)
		*out = r->graph;
	else
		graph_free(r->graph);
	map_free(&r->names);
	file_unref(r->bin);
	arena_free(r->arena);
	return rc;
}

int ir_read(const char *xml, const char *bin, const struct ir_read_options *o, struct graph **out,
    struct err *err)
{
	struct reader r = {.options = o, .arena = arena_new(), .err = err};
	int rc = OK;

	if (!r.arena || !(r.bin_path = bin ? bin : default_bin(r.arena, xml)))
		rc = fail_nomem(err);
	if (rc == OK)
		rc = read_files(&r, xml);
	return finish(&r, rc, out);
}

int ir_read_mapped(struct file *xml, struct file *bin, const char *name,
    const struct ir_read_options *o, struct graph **out, struct err *err)
{
	struct reader r = {
	    .options = o, .arena = arena_new(), .bin = file_ref(bin), .bin_path = name, .err = err};

	return finish(&r, r.arena ? read_xml(&r, xml, name) : fail_nomem(err), out);
}

/* Past white space, a byte order mark, declarations and comments. */
static const char *skip_prolog(const char *p, const char *end)
{
	if (end - p >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
		p += 3;
	for (;;) {
		const char *close = NULL;
		while (p < end && strchr(" \t\r\n", *p) && *p)
			p++;
		if (end - p >= 4 && !memcmp(p, "<?", 2))
			close = memmem(p, (size_t)(end - p), "?>", 2);
		else if (end - p >= 7 && !memcmp(p, "<!--", 4))
			close = memmem(p, (size_t)(end - p), "->", 2);
		if (!close)
			return p;
		p = close + 2;
	}
}

bool ir_sniff(const void *data, size_t size)
{
	const char *p = data, *end = p + size;

	p = skip_prolog(p, end);
	return end - p >= 5 &&
	       ((!memcmp(p, "<net", 4) && strchr(" \t\r\n>", p[4])) || !memcmp(p, "<!DOC", 5));
}
