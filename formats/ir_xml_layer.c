/* Layers and edges of the XML of an IR: their ports, attributes and names. */
#include "formats/ir_xml_element.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"

#define MAX_EDGES (4 * LIMIT_NODES)
#define MAX_NAMES 4096 /* tensor names of one port */

/* Splits "a,b\,c" into names. */
static int read_names(
    struct xml *x, const struct xml_element *n, const char *attr, const char ***names, int *count)
{
	const char *text = element_attr(n, attr);
	char *copy, *to;
	size_t pieces = 1;

	*count = 0;
	if (!text || !*text)
		return OK;
	for (const char *s = text; *s; s++)
		pieces += *s == ',';
	if (pieces > MAX_NAMES)
		return fail(x->err, E_LIMIT, "line %ld: attribute '%s' has more than %d names",
		    n->line, attr, MAX_NAMES);
	*names = arena_array(x->arena, pieces, sizeof **names);
	copy = to = arena_str(x->arena, text);
	if (!*names || !copy)
		return fail_nomem(x->err);
	(*names)[(*count)++] = copy;
	for (const char *s = text; *s; s++) {
		if (s[0] == '\\' && s[1] == ',') {
			*to++ = *++s;
		} else if (*s == ',') {
			*to++ = 0;
			(*names)[(*count)++] = to;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
	return OK;
}

static int read_dims(struct xml *x, const struct xml_element *n, struct ir_port *p)
{
	int count = element_count(n, "dim");

	if (count > MAX_RANK)
		return fail(x->err, E_LIMIT, "line %ld: <port> has more than %d dimensions",
		    n->line, MAX_RANK);
	p->dim = arena_array(x->arena, (size_t)count, sizeof *p->dim);
	if (!p->dim)
		return fail_nomem(x->err);
	for (const struct xml_element *c = n->children; c; c = c->next) {
		int64_t *dim = &p->dim[p->ndims];
		if (!element_is(c, "dim"))
			continue;
		if (!parse_i64(c->text, dim) || *dim < -1)
			return element_bad(x, c, "holds no size");
		p->ndims++;
	}
	return OK;
}

static int read_port(struct xml *x, const struct xml_element *n, struct ir_port *p)
{
	int rc = element_int(x, n, "id", &p->id);

	if (rc == OK && element_attr(n, "precision"))
		rc = element_text(x, n, "precision", NULL, &p->precision);
	if (rc == OK)
		rc = read_names(x, n, "names", &p->names, &p->nnames);
	return rc == OK ? read_dims(x, n, p) : rc;
}

static int read_ports(
    struct xml *x, const struct xml_element *n, struct ir_port **ports, int *count)
{
	int total = element_count(n, "port");

	if (total > LIMIT_PORTS)
		return fail(x->err, E_LIMIT, "line %ld: <%s> has more than %d ports", n->line,
		    n->name, LIMIT_PORTS);
	*ports = arena_array(x->arena, (size_t)total, sizeof **ports);
	if (!*ports)
		return fail_nomem(x->err);
	for (n = n ? n->children : NULL; n; n = n->next) {
		int rc = element_is(n, "port") ? read_port(x, n, &(*ports)[(*count)++]) : OK;
		if (rc != OK)
			return rc;
	}
	return OK;
}

static int read_data(struct xml *x, const struct xml_element *n, struct ir_layer *l)
{
	int count = n ? n->nattrs : 0;

	l->attr = arena_array(x->arena, (size_t)count, sizeof *l->attr);
	if (!l->attr)
		return fail_nomem(x->err);
	for (int i = 0; i < count; i++) {
		const char *value = arena_str(x->arena, n->attr[i].value);
		if (!value)
			return fail_nomem(x->err);
		l->attr[l->nattrs++] = (struct ir_pair){n->attr[i].name, value};
	}
	return OK;
}

/* <attribute name version value/>, or the older <name version value/>. */
static int read_layer_meta(struct xml *x, const struct xml_element *n, struct ir_layer *l)
{
	struct meta **end = &l->meta;

	for (n = n ? n->children : NULL; n; n = n->next) {
		struct meta *m;
		int rc;
		if (!(m = xml_add_meta(x, &end)))
			return fail_nomem(x->err);
		m->key = n->name;
		rc = element_is(n, "attribute") ? element_text(x, n, "name", NULL, &m->key) : OK;
		if (rc == OK)
			rc = element_text(x, n, "version", "0", &m->version);
		if (rc == OK)
			rc = element_text(x, n, "value", "", &m->value);
		if (rc != OK)
			return rc;
	}
	return OK;
}

/* Room for one more in an array that lives in the arena. */
static void *one_more(struct xml *x, void *array, int n, int *cap, size_t size)
{
	void *more;

	if (n < *cap)
		return array;
	*cap = *cap ? 2 * *cap : 64;
	more = arena_array(x->arena, (size_t)*cap, size);
	if (more && n)
		memcpy(more, array, (size_t)n * size);
	return more;
}

int xml_read_layer(struct xml *x, const struct xml_element *n)
{
	struct ir_doc *d = x->doc;
	struct ir_layer *l;
	int rc;

	if (x->layers++ == LIMIT_NODES)
		return fail(x->err, E_LIMIT, "network has more than %d layers", LIMIT_NODES);
	d->layer = one_more(x, d->layer, d->nlayers, &d->layers_cap, sizeof *d->layer);
	if (!d->layer)
		return fail_nomem(x->err);
	l = &d->layer[d->nlayers++];
	l->line = n->line;
	if ((rc = element_int(x, n, "id", &l->id)) != OK ||
	    (rc = element_text(x, n, "name", NULL, &l->name)) != OK ||
	    (rc = element_text(x, n, "type", NULL, &l->type)) != OK ||
	    (rc = element_text(x, n, "version", NULL, &l->version)) != OK ||
	    (rc = read_names(x, n, "output_names", &l->output_names, &l->noutput_names)) != OK ||
	    (rc = read_data(x, element_child(n, "data"), l)) != OK ||
	    (rc = read_layer_meta(x, element_child(n, "rt_info"), l)) != OK ||
	    (rc = read_ports(x, element_child(n, "input"), &l->in, &l->nin)) != OK ||
	    (rc = read_ports(x, element_child(n, "output"), &l->out, &l->nout)) != OK)
		return rc;
	return xml_read_bodies(x, n, l);
}

int xml_read_edge(struct xml *x, const struct xml_element *n)
{
	struct ir_doc *d = x->doc;
	struct ir_edge *e;
	int rc;

	if (d->nedges == MAX_EDGES)
		return fail(x->err, E_LIMIT, "network has more than %d edges", MAX_EDGES);
	d->edge = one_more(x, d->edge, d->nedges, &d->edges_cap, sizeof *d->edge);
	if (!d->edge)
		return fail_nomem(x->err);
	e = &d->edge[d->nedges++];
	e->line = n->line;
	if ((rc = element_int(x, n, "from-layer", &e->from_layer)) != OK ||
	    (rc = element_int(x, n, "from-port", &e->from_port)) != OK ||
	    (rc = element_int(x, n, "to-layer", &e->to_layer)) != OK)
		return rc;
	return element_int(x, n, "to-port", &e->to_port);
}
