/* Layers of an IR become nodes: operator, attributes, constants, names. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "formats/ir_reader.h"
#include "graph/op.h"
#include "ops/op.h"

/* ---- operators ---- */

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
static const char *unsupported(const struct ir_layer *l, const struct op *op)
{
	if (op && l->nbodies != bodies_of(op))
		return "its bodies are not those of such a layer";
	if (op)
		return NULL;
	return op_known(l->type) ? "the layer is known, but not of this opset" : "unknown layer";
}

int ir_check_layers(struct ir_reader *r)
{
	const struct ir_layer *first = NULL;
	int count = 0;

	for (int i = 0; i < r->doc.nlayers; i++) {
		const struct ir_layer *l = &r->doc.layer[i];
		const char *why = unsupported(l, r->op[i] = layer_op(l));
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
	    r->doc.nlayers, first->name, first->type, first->version,
	    unsupported(first, layer_op(first)));
}

static const char *layer_attr(const struct ir_layer *l, const char *name)
{
	for (int i = 0; i < l->nattrs; i++)
		if (!strcmp(l->attr[i].name, name))
			return l->attr[i].value;
	return NULL;
}

/* ---- constants ---- */

static int const_number(
    struct ir_reader *r, const struct ir_layer *l, const char *name, int64_t *out)
{
	const char *s = layer_attr(l, name);
	if (!s || !parse_i64(s, out) || *out < 0)
		return fail(r->err, E_FORMAT, "attribute '%s' is '%s', expected a number of bytes",
		    name, s ? s : "");
	return OK;
}

static int const_shape(struct ir_reader *r, const struct ir_layer *l, enum dtype *type,
    int64_t *bytes, struct shape *shape)
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

static int const_blob(
    struct ir_reader *r, const struct ir_layer *l, int64_t bytes, struct blob **out)
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

static int make_const(struct ir_reader *r, const struct ir_layer *l, struct node **out)
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

static int set_attrs(struct ir_reader *r, const struct ir_layer *l, struct node *n)
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

static int check_counts(struct ir_reader *r, const struct ir_layer *l, const struct op *op)
{
	if (l->nin < op->min_in || l->nin > op->max_in)
		return fail(r->err, E_FORMAT, "%s has %d inputs, expected %d to %d", l->type,
		    l->nin, op->min_in, op->max_in);
	if (op->nout >= 0 && l->nout != op->nout)
		return fail(
		    r->err, E_FORMAT, "%s has %d outputs, expected %d", l->type, l->nout, op->nout);
	return OK;
}

static int set_names(struct ir_reader *r, const struct ir_layer *l, struct node *n)
{
	for (int i = 0; i < l->nout; i++)
		for (int k = 0; k < l->out[i].nnames; k++)
			if (ir_add_name(r, &n->out[i], l->out[i].names[k]) != OK)
				return r->err->status;
	for (const struct meta *m = l->meta; m; m = m->next)
		if (!node_add_meta(n, m->key, m->version, m->value))
			return fail_nomem(r->err);
	return OK;
}

static int make_node(
    struct ir_reader *r, const struct ir_layer *l, const struct op *op, struct node **out)
{
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
	return rc == OK && l->nbodies ? ir_read_bodies(r, l, *out) : rc;
}

int ir_make_nodes(struct ir_reader *r)
{
	for (int i = 0; i < r->doc.nlayers; i++) {
		const struct ir_layer *l = &r->doc.layer[i];
		int rc = make_node(r, l, r->op[i], &r->node[i]);
		if (rc != OK) {
			err_in(r->err, "layer '%s'", l->name);
			return rc;
		}
	}
	return OK;
}
