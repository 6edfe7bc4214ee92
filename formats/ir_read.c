/* Reads OpenVINO IR: the layers of the XML become nodes, the edges inputs, and what the ports
 * declare must agree with inference. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "formats/ir_ports.h"
#include "formats/ir_reader.h"
#include "graph/op.h"
#include "ops/op.h"

/* ---- layers ---- */

static int by_id(const void *a, const void *b)
{
	const struct ir_layer *x = *(struct ir_layer *const *)a, *y = *(struct ir_layer *const *)b;
	return x->id < y->id ? -1 : x->id > y->id;
}

int ir_index_layers(struct ir_reader *r)
{
	int n = r->doc.nlayers;

	r->by_id = arena_array(r->arena, (size_t)n + 1, sizeof *r->by_id);
	r->op = arena_array(r->arena, (size_t)n + 1, sizeof *r->op);
	r->node = arena_array(r->arena, (size_t)n + 1, sizeof *r->node);
	if (!r->by_id || !r->op || !r->node)
		return fail_nomem(r->err);
	bool sorted = true;
	for (int i = 0; i < n; i++) {
		r->by_id[i] = &r->doc.layer[i];
		sorted &= !i || r->by_id[i - 1]->id < r->by_id[i]->id;
	}
	if (sorted)
		return OK;
	qsort(r->by_id, (size_t)n, sizeof *r->by_id, by_id);
	for (int i = 1; i < n; i++)
		if (r->by_id[i]->id == r->by_id[i - 1]->id)
			return fail(r->err, E_FORMAT,
			    "line %ld: layer id %" PRId64 " is used twice", r->by_id[i]->line,
			    r->by_id[i]->id);
	return OK;
}

int ir_find_layer(struct ir_reader *r, int64_t id)
{
	struct ir_layer key = {.id = id}, *want = &key, **found;

	if (!r->doc.nlayers)
		return -1;
	found = bsearch(&want, r->by_id, (size_t)r->doc.nlayers, sizeof *r->by_id, by_id);
	return found ? (int)(*found - r->doc.layer) : -1;
}

int ir_add_name(struct ir_reader *r, struct value *v, const char *name)
{
	if (!*name || map_has(&r->names, name))
		return OK;
	if (!map_put(&r->names, name, v) || !value_add_name(v, name))
		return fail_nomem(r->err);
	return OK;
}

/* ---- edges ---- */

int ir_find_port(const struct ir_port *p, int n, int64_t id)
{
	int64_t near = n ? id - p[0].id : 0; /* ids nearly always count up */

	if (near >= 0 && near < n && p[near].id == id)
		return (int)near;
	for (int i = 0; i < n; i++)
		if (p[i].id == id)
			return i;
	return -1;
}

static int connect_edge(struct ir_reader *r, const struct ir_edge *e)
{
	int from = ir_find_layer(r, e->from_layer), to = ir_find_layer(r, e->to_layer), out, in;
	const struct ir_layer *a, *b;

	if (from < 0 || to < 0)
		return fail(r->err, E_FORMAT,
		    "line %ld: edge names layer %" PRId64 ", which is not there", e->line,
		    from < 0 ? e->from_layer : e->to_layer);
	a = &r->doc.layer[from];
	b = &r->doc.layer[to];
	out = ir_find_port(a->out, a->nout, e->from_port);
	in = ir_find_port(b->in, b->nin, e->to_port);
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

static int name_outputs(struct ir_reader *r, const struct ir_layer *l, struct node *n)
{
	struct value *v = node_in(n, 0);
	for (int k = 0; k < l->noutput_names; k++)
		if (ir_add_name(r, v, l->output_names[k]) != OK)
			return r->err->status;
	return OK;
}

int ir_connect(struct ir_reader *r)
{
	for (int i = 0; i < r->doc.nedges; i++) {
		int rc = connect_edge(r, &r->doc.edge[i]);
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

static int check_ports(struct ir_reader *r)
{
	for (int i = 0; i < r->doc.nlayers; i++) {
		int rc = ir_check_ports(&r->doc.layer[i], r->node[i], r->err);
		if (rc != OK)
			return rc;
	}
	return OK;
}

/* ---- the whole ---- */

static int copy_meta(struct ir_reader *r)
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

static int build(struct ir_reader *r)
{
	int rc;

	if ((rc = ir_index_layers(r)) != OK || (rc = ir_check_layers(r)) != OK)
		return rc;
	if (!(r->graph = graph_new(r->doc.name)))
		return fail_nomem(r->err);
	if ((rc = ir_make_nodes(r)) != OK || (rc = ir_connect(r)) != OK ||
	    (rc = graph_sort(r->graph, r->err)) != OK ||
	    (rc = graph_infer(r->graph, r->err)) != OK || (rc = check_ports(r)) != OK)
		return rc;
	return copy_meta(r);
}

static int read_xml(struct ir_reader *r, const struct file *f, const char *name)
{
	int rc = ir_xml_parse(f->data, f->size, r->arena, &r->doc, r->err);

	if (rc == OK)
		rc = build(r);
	if (rc != OK)
		err_in(r->err, "'%s'", name);
	return rc;
}

static int read_files(struct ir_reader *r, const char *xml)
{
	struct file *f;
	int rc = file_map(xml, &f, r->err);

	if (rc != OK)
		return rc;
	rc = read_xml(r, f, xml);
	file_unref(f);
	return rc;
}

char *ir_bin_path(const char *xml)
{
	size_t n = strlen(xml);
	char *bin = malloc(n + sizeof ".bin");

	if (!bin)
		return NULL;
	if (n >= 4 && !strcasecmp(xml + n - 4, ".xml"))
		n -= 4;
	memcpy(bin, xml, n);
	memcpy(bin + n, ".bin", sizeof ".bin");
	return bin;
}

/* Hands the graph over, or frees it, and what the reader has. */
static int finish(struct ir_reader *r, int rc, struct graph **out)
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
	struct ir_reader r = {.options = o, .arena = arena_new(), .err = err};
	char *own = bin ? NULL : ir_bin_path(xml);
	int rc;

	r.bin_path = bin ? bin : own;
	rc = r.arena && r.bin_path ? read_files(&r, xml) : fail_nomem(err);
	rc = finish(&r, rc, out);
	free(own);
	return rc;
}

int ir_read_mapped(struct file *xml, struct file *bin, const char *name,
    const struct ir_read_options *o, struct graph **out, struct err *err)
{
	struct ir_reader r = {
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
