/* Reads the XML of an IR layer by layer, so that memory follows the network and not the markup. */
#include "formats/ir_xml.h"

#include <inttypes.h>
#include <libxml/xmlreader.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "base/library.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/ir_tags.h"

#define MAX_EDGES (4 * LIMIT_NODES)
#define MAX_NAMES 4096 /* tensor names of one port */

#if LIBXML_VERSION >= 21200
typedef const xmlError *xml_error;
#else
typedef xmlErrorPtr xml_error;
#endif

/* libxml2 comes with libraries of its own that take longer to load than a compiled network takes
 * to run: only those who read an IR pay for it. */
static struct {
	__typeof__(xmlFreeTextReader) *free_reader;
	__typeof__(xmlGetLineNo) *line;
	__typeof__(xmlReaderForMemory) *reader_for_memory;
	__typeof__(xmlSetGenericErrorFunc) *set_generic_error;
	__typeof__(xmlTextReaderConstLocalName) *name;
	__typeof__(xmlTextReaderCurrentNode) *node;
	__typeof__(xmlTextReaderDepth) *depth;
	__typeof__(xmlTextReaderExpand) *expand;
	__typeof__(xmlTextReaderGetParserLineNumber) *parser_line;
	__typeof__(xmlTextReaderNext) *next;
	__typeof__(xmlTextReaderNodeType) *type;
	__typeof__(xmlTextReaderRead) *read;
	__typeof__(xmlTextReaderSetStructuredErrorHandler) *set_handler;
	__typeof__(__xmlGenericError) *generic_error;
	__typeof__(__xmlGenericErrorContext) *generic_error_context;
} lib;

static const struct library_function lib_functions[] = {
    {"xmlFreeTextReader", &lib.free_reader},
    {"xmlGetLineNo", &lib.line},
    {"xmlReaderForMemory", &lib.reader_for_memory},
    {"xmlSetGenericErrorFunc", &lib.set_generic_error},
    {"xmlTextReaderConstLocalName", &lib.name},
    {"xmlTextReaderCurrentNode", &lib.node},
    {"xmlTextReaderDepth", &lib.depth},
    {"xmlTextReaderExpand", &lib.expand},
    {"xmlTextReaderGetParserLineNumber", &lib.parser_line},
    {"xmlTextReaderNext", &lib.next},
    {"xmlTextReaderNodeType", &lib.type},
    {"xmlTextReaderRead", &lib.read},
    {"xmlTextReaderSetStructuredErrorHandler", &lib.set_handler},
    {"__xmlGenericError", &lib.generic_error},
    {"__xmlGenericErrorContext", &lib.generic_error_context},
    {NULL, NULL},
};
static pthread_once_t lib_once = PTHREAD_ONCE_INIT;
static struct err lib_error;

static void load_lib(void)
{
	library_load("libxml2.so.2", lib_functions, &lib_error);
}

struct xml {
	xmlTextReaderPtr reader;
	struct arena *arena;
	struct ir_doc *doc;
	struct meta **meta_end;
	struct err *err;
	char problem[512]; /* the first thing that libxml2 found wrong */
	bool nomem;
	int depth;  /* of bodies in bodies */
	int layers; /* of all bodies together */
};

static void note_problem(void *user, xml_error e)
{
	struct xml *x = user;
	size_t n = e->message ? strcspn(e->message, "\n") : 0;

	x->nomem |= e->code == XML_ERR_NO_MEMORY;
	if (*x->problem || e->level < XML_ERR_ERROR)
		return;
	if (n > sizeof x->problem - 1)
		n = sizeof x->problem - 1;
	memcpy(x->problem, n ? e->message : "?", n ? n : 1);
	x->problem[n ? n : 1] = 0;
}

static bool is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && !strcmp((const char *)n->name, name);
}

static const xmlNode *child(const xmlNode *n, const char *name)
{
	for (n = n->children; n; n = n->next)
		if (is(n, name))
			return n;
	return NULL;
}

static int count_children(const xmlNode *n, const char *name)
{
	int count = 0;
	for (n = n ? n->children : NULL; n; n = n->next)
		count += is(n, name);
	return count;
}

/* The text of an attribute in place, or NULL when there is none. */
static const char *raw_attr(const xmlNode *n, const char *name)
{
	for (const xmlAttr *a = n->properties; a; a = a->next)
		if (!strcmp((const char *)a->name, name))
			return a->children && a->children->content
				   ? (const char *)a->children->content
				   : "";
	return NULL;
}

static int bad(struct xml *x, const xmlNode *n, const char *what)
{
	return fail(
	    x->err, E_FORMAT, "line %ld: <%s> %s", lib.line(n), (const char *)n->name, what);
}

/* Copies an attribute into the arena; without it *out is the fallback, and an error when that is
 * NULL. */
static int text_attr(
    struct xml *x, const xmlNode *n, const char *name, const char *fallback, const char **out)
{
	const char *s = raw_attr(n, name);

	*out = fallback;
	if (!s && !fallback)
		return fail(x->err, E_FORMAT, "line %ld: <%s> has no attribute '%s'", lib.line(n),
		    (const char *)n->name, name);
	if (!s)
		return OK;
	if (strlen(s) > LIMIT_NAME && strcmp(name, "names"))
		return fail(x->err, E_LIMIT, "line %ld: attribute '%s' is longer than %d bytes",
		    lib.line(n), name, LIMIT_NAME);
	*out = arena_str(x->arena, s);
	return *out ? OK : fail_nomem(x->err);
}

static int int_attr(struct xml *x, const xmlNode *n, const char *name, int64_t *out)
{
	const char *s = raw_attr(n, name);

	if (!s || !parse_i64(s, out) || *out < 0)
		return fail(x->err, E_FORMAT, "line %ld: <%s> needs a number as attribute '%s'",
		    lib.line(n), (const char *)n->name, name);
	return OK;
}

/* Splits "a,b\,c" into names. */
static int read_names(
    struct xml *x, const xmlNode *n, const char *attr, const char ***names, int *count)
{
	const char *text;
	char *copy, *to;
	size_t pieces = 1;
	int rc = text_attr(x, n, attr, "", &text);

	*count = 0;
	if (rc != OK || !*text)
		return rc;
	for (const char *s = text; *s; s++)
		pieces += *s == ',';
	if (pieces > MAX_NAMES)
		return fail(x->err, E_LIMIT, "line %ld: attribute '%s' has more than %d names",
		    lib.line(n), attr, MAX_NAMES);
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

static int read_dims(struct xml *x, const xmlNode *n, struct ir_port *p)
{
	int count = count_children(n, "dim");

	if (count > MAX_RANK)
		return fail(x->err, E_LIMIT, "line %ld: <port> has more than %d dimensions",
		    lib.line(n), MAX_RANK);
	p->dim = arena_array(x->arena, (size_t)count, sizeof *p->dim);
	if (!p->dim)
		return fail_nomem(x->err);
	for (const xmlNode *c = n->children; c; c = c->next) {
		const xmlNode *t = c->children;
		int64_t *dim = &p->dim[p->ndims];
		if (!is(c, "dim"))
			continue;
		if (!t || !t->content || !parse_i64((const char *)t->content, dim) || *dim < -1)
			return bad(x, c, "holds no size");
		p->ndims++;
	}
	return OK;
}

static int read_port(struct xml *x, const xmlNode *n, struct ir_port *p)
{
	int rc = int_attr(x, n, "id", &p->id);

	if (rc == OK && raw_attr(n, "precision"))
		rc = text_attr(x, n, "precision", NULL, &p->precision);
	if (rc == OK)
		rc = read_names(x, n, "names", &p->names, &p->nnames);
	return rc == OK ? read_dims(x, n, p) : rc;
}

static int read_ports(struct xml *x, const xmlNode *n, struct ir_port **ports, int *count)
{
	int total = count_children(n, "port");

	if (total > LIMIT_PORTS)
		return fail(x->err, E_LIMIT, "line %ld: <%s> has more than %d ports", lib.line(n),
		    (const char *)n->name, LIMIT_PORTS);
	*ports = arena_array(x->arena, (size_t)total, sizeof **ports);
	if (!*ports)
		return fail_nomem(x->err);
	for (n = n ? n->children : NULL; n; n = n->next) {
		int rc = is(n, "port") ? read_port(x, n, &(*ports)[(*count)++]) : OK;
		if (rc != OK)
			return rc;
	}
	return OK;
}

static int read_data(struct xml *x, const xmlNode *n, struct ir_layer *l)
{
	int count = 0;

	for (const xmlAttr *a = n ? n->properties : NULL; a; a = a->next)
		count++;
	l->attr = arena_array(x->arena, (size_t)count, sizeof *l->attr);
	if (!l->attr)
		return fail_nomem(x->err);
	for (const xmlAttr *a = n ? n->properties : NULL; a; a = a->next) {
		struct ir_pair *p = &l->attr[l->nattrs++];
		const char *value = a->children ? (const char *)a->children->content : NULL;
		p->name = arena_str(x->arena, (const char *)a->name);
		p->value = arena_str(x->arena, value ? value : "");
		if (!p->name || !p->value)
			return fail_nomem(x->err);
	}
	return OK;
}

static struct meta *add_meta(struct xml *x, struct meta ***end)
{
	struct meta *m = arena_alloc(x->arena, sizeof *m);
	if (m) {
		**end = m;
		*end = &m->next;
	}
	return m;
}

/* <attribute name version value/>, or the older <name version value/>. */
static int read_layer_meta(struct xml *x, const xmlNode *n, struct ir_layer *l)
{
	struct meta **end = &l->meta;

	for (n = n ? n->children : NULL; n; n = n->next) {
		struct meta *m;
		const char *name = (const char *)n->name;
		int rc;
		if (n->type != XML_ELEMENT_NODE)
			continue;
		if (!(m = add_meta(x, &end)))
			return fail_nomem(x->err);
		if (is(n, "attribute"))
			rc = text_attr(x, n, "name", NULL, &m->key);
		else
			rc = (m->key = arena_str(x->arena, name)) ? OK : fail_nomem(x->err);
		if (rc == OK)
			rc = text_attr(x, n, "version", "0", &m->version);
		if (rc == OK)
			rc = text_attr(x, n, "value", "", &m->value);
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

static int read_bodies(struct xml *x, const xmlNode *n, struct ir_layer *l);

static int read_layer(struct xml *x, const xmlNode *n)
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
	l->line = lib.line(n);
	if ((rc = int_attr(x, n, "id", &l->id)) != OK ||
	    (rc = text_attr(x, n, "name", NULL, &l->name)) != OK ||
	    (rc = text_attr(x, n, "type", NULL, &l->type)) != OK ||
	    (rc = text_attr(x, n, "version", NULL, &l->version)) != OK ||
	    (rc = read_names(x, n, "output_names", &l->output_names, &l->noutput_names)) != OK ||
	    (rc = read_data(x, child(n, "data"), l)) != OK ||
	    (rc = read_layer_meta(x, child(n, "rt_info"), l)) != OK ||
	    (rc = read_ports(x, child(n, "input"), &l->in, &l->nin)) != OK ||
	    (rc = read_ports(x, child(n, "output"), &l->out, &l->nout)) != OK)
		return rc;
	return read_bodies(x, n, l);
}

static int read_edge(struct xml *x, const xmlNode *n)
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
	e->line = lib.line(n);
	if ((rc = int_attr(x, n, "from-layer", &e->from_layer)) != OK ||
	    (rc = int_attr(x, n, "from-port", &e->from_port)) != OK ||
	    (rc = int_attr(x, n, "to-layer", &e->to_layer)) != OK)
		return rc;
	return int_attr(x, n, "to-port", &e->to_port);
}

/* ---- bodies ---- */

/* A number that may be negative; initial when it is not given. */
static int signed_attr(
    struct xml *x, const xmlNode *n, const char *name, int64_t initial, int64_t *out)
{
	const char *s = raw_attr(n, name);

	*out = initial;
	if (s && !parse_i64(s, out))
		return fail(
		    x->err, E_FORMAT, "line %ld: attribute '%s' is no number", lib.line(n), name);
	return OK;
}

static int read_purpose(struct xml *x, const xmlNode *n, struct ir_map *m)
{
	const char *s = raw_attr(n, "purpose");

	m->purpose = PURPOSE_NONE;
	if (!s || !*s)
		return OK;
	if (!strcmp(s, "current_iteration"))
		m->purpose = PURPOSE_CURRENT_ITERATION;
	else if (!strcmp(s, "execution_condition"))
		m->purpose = PURPOSE_EXECUTION_CONDITION;
	else
		return bad(x, n, "has an unknown purpose");
	return OK;
}

static int read_map(struct xml *x, const xmlNode *n, struct ir_map *m)
{
	int rc;

	m->line = lib.line(n);
	m->axis = -1;
	if (is(n, "edge")) {
		m->kind = MAP_BACK_EDGE;
		rc = int_attr(x, n, "from-layer", &m->port);
		return rc == OK ? int_attr(x, n, "to-layer", &m->layer) : rc;
	}
	m->kind = is(n, "input") ? MAP_INPUT : MAP_OUTPUT;
	if ((rc = signed_attr(x, n, "external_port_id", -1, &m->port)) != OK ||
	    (rc = int_attr(x, n, "internal_layer_id", &m->layer)) != OK ||
	    (rc = signed_attr(x, n, "axis", -1, &m->axis)) != OK ||
	    (rc = signed_attr(x, n, "start", 0, &m->start)) != OK ||
	    (rc = signed_attr(x, n, "end", -1, &m->end)) != OK ||
	    (rc = signed_attr(x, n, "stride", 1, &m->stride)) != OK ||
	    (rc = signed_attr(x, n, "part_size", 1, &m->part_size)) != OK)
		return rc;
	return read_purpose(x, n, m);
}

static int read_maps(struct xml *x, const xmlNode *maps, const xmlNode *edges, struct ir_body *b)
{
	int total = count_children(maps, "input") + count_children(maps, "output") +
		    count_children(edges, "edge");
	int rc = OK;

	if (total > 3 * LIMIT_PORTS)
		return fail(
		    x->err, E_LIMIT, "a port map has more than %d entries", 3 * LIMIT_PORTS);
	b->map = arena_array(x->arena, (size_t)total + 1, sizeof *b->map);
	if (!b->map)
		return fail_nomem(x->err);
	for (const xmlNode *n = maps ? maps->children : NULL; n && rc == OK; n = n->next)
		if (is(n, "input") || is(n, "output"))
			rc = read_map(x, n, &b->map[b->nmaps++]);
	for (const xmlNode *n = edges ? edges->children : NULL; n && rc == OK; n = n->next)
		if (is(n, "edge"))
			rc = read_map(x, n, &b->map[b->nmaps++]);
	return rc;
}

static int read_inside(struct xml *x, const xmlNode *n)
{
	const xmlNode *layers = child(n, "layers"), *edges = child(n, "edges");
	int rc = OK;

	for (n = layers ? layers->children : NULL; n && rc == OK; n = n->next)
		if (is(n, "layer"))
			rc = read_layer(x, n);
	for (n = edges ? edges->children : NULL; n && rc == OK; n = n->next)
		if (is(n, "edge"))
			rc = read_edge(x, n);
	return rc;
}

static int read_body(
    struct xml *x, const xmlNode *layer, const char *element, const char *maps, struct ir_body *b)
{
	const xmlNode *n = child(layer, element);
	struct ir_doc *outer = x->doc;
	int rc;

	if (!n)
		return fail(
		    x->err, E_FORMAT, "line %ld: <layer> has no <%s>", lib.line(layer), element);
	if (x->depth == LIMIT_BODIES)
		return fail(x->err, E_LIMIT, "line %ld: bodies nest deeper than %d", lib.line(n),
		    LIMIT_BODIES);
	rc = read_maps(x, child(layer, maps), child(layer, "back_edges"), b);
	if (rc != OK)
		return rc;
	x->doc = &b->doc;
	x->depth++;
	rc = read_inside(x, n);
	x->depth--;
	x->doc = outer;
	return rc;
}

static int read_bodies(struct xml *x, const xmlNode *n, struct ir_layer *l)
{
	bool branches = child(n, "then_body") || child(n, "else_body");

	if (!branches && !child(n, "body"))
		return OK;
	l->nbodies = branches ? 2 : 1;
	l->body = arena_array(x->arena, (size_t)l->nbodies, sizeof *l->body);
	if (!l->body)
		return fail_nomem(x->err);
	if (!branches)
		return read_body(x, n, "body", "port_map", &l->body[0]);
	int rc = read_body(x, n, "then_body", "then_port_map", &l->body[0]);
	return rc == OK ? read_body(x, n, "else_body", "else_port_map", &l->body[1]) : rc;
}

/* Pairs below an element as "folder/key" and value. */
static int read_info(struct xml *x, const xmlNode *n, const char *folder, int depth)
{
	int rc = OK;

	if (depth > LIMIT_DEPTH)
		return fail(x->err, E_LIMIT, "line %ld: elements nest deeper than %d", lib.line(n),
		    LIMIT_DEPTH);
	for (n = n->children; n && rc == OK; n = n->next) {
		const char *value, *key, *name;
		struct meta *m;
		if (n->type != XML_ELEMENT_NODE)
			continue;
		value = raw_attr(n, "value");
		name = is(n, "info") && raw_attr(n, "name") ? raw_attr(n, "name")
							    : (const char *)n->name;
		key = arena_printf(x->arena, "%s%s%s", folder, *folder ? "/" : "", name);
		if (!key)
			return fail_nomem(x->err);
		if (value) {
			if (!(m = add_meta(x, &x->meta_end)))
				return fail_nomem(x->err);
			m->key = key;
			rc = text_attr(x, n, "value", "", &m->value);
		}
		if (rc == OK)
			rc = read_info(x, n, key, depth + 1);
	}
	return rc;
}

static int read_net(struct xml *x, const xmlNode *n)
{
	int64_t version;
	int rc;

	if (!is(n, "net"))
		return fail(x->err, E_FORMAT, "root element is <%s>, expected <net>",
		    (const char *)n->name);
	rc = int_attr(x, n, "version", &version);
	if (rc != OK)
		return rc;
	if (version != 10 && version != 11)
		return fail(x->err, E_UNSUPPORTED,
		    "IR version %" PRId64 " is not read, only 10 and 11", version);
	x->doc->version = (int)version;
	return text_attr(x, n, "name", "", &x->doc->name);
}

enum place { OUTSIDE, LAYERS, EDGES };

/* One element at this depth; *skip: its inside is done with. */
static int read_element(struct xml *x, int depth, enum place *place, bool *skip)
{
	const char *name = (const char *)lib.name(x->reader);
	bool whole = depth == 2 || (depth == 1 && !strcmp(name, "rt_info"));
	const xmlNode *n = whole ? lib.expand(x->reader) : lib.node(x->reader);

	*skip = whole;
	if (!n)
		return fail_nomem(x->err); /* unless libxml2 has said why */
	if (depth == 0)
		return read_net(x, n);
	if (depth == 1) {
		*place = is(n, "layers") ? LAYERS : is(n, "edges") ? EDGES : OUTSIDE;
		*skip |= *place == OUTSIDE;
		return is(n, "rt_info") ? read_info(x, n, "", 0) : OK;
	}
	if (*place == LAYERS && is(n, "layer"))
		return read_layer(x, n);
	if (*place == EDGES && is(n, "edge"))
		return read_edge(x, n);
	return bad(x, n, "does not belong here");
}

static int read_all(struct xml *x)
{
	enum place place = OUTSIDE;
	int more = lib.read(x->reader), rc = OK;

	while (more == 1 && rc == OK) {
		int type = lib.type(x->reader);
		bool skip = false;
		if (type == XML_READER_TYPE_DOCUMENT_TYPE)
			return fail(x->err, E_FORMAT, "a document type declaration is not allowed");
		if (type == XML_READER_TYPE_ELEMENT)
			rc = read_element(x, lib.depth(x->reader), &place, &skip);
		if (rc != OK)
			break;
		more = skip ? lib.next(x->reader) : lib.read(x->reader);
	}
	/* libxml2 gives up without a word only when it has no memory for one */
	if (x->nomem || (more < 0 && !*x->problem))
		return fail_nomem(x->err);
	if (*x->problem)
		return fail(
		    x->err, E_FORMAT, "line %d: %s", lib.parser_line(x->reader), x->problem);
	return rc;
}

/* libxml2 writes what it cannot hand to a reader, such as a failure to make one, to stderr. */
static void say_nothing(void *user, const char *fmt, ...)
{
	(void)user;
	(void)fmt;
}

static int parse_quietly(struct xml *x, const void *data, size_t size)
{
	xmlGenericErrorFunc say = *lib.generic_error();
	void *user = *lib.generic_error_context();
	int rc;

	lib.set_generic_error(NULL, say_nothing);
	x->reader = lib.reader_for_memory(data, (int)size, NULL, "UTF-8", XML_PARSE_NONET);
	if (x->reader) {
		lib.set_handler(x->reader, note_problem, x);
		rc = read_all(x);
		lib.free_reader(x->reader);
	} else {
		rc = fail_nomem(x->err);
	}
	lib.set_generic_error(user, say);
	return rc;
}

int ir_xml_parse(
    const void *data, size_t size, struct arena *arena, struct ir_doc *out, struct err *err)
{
	struct xml x = {.arena = arena, .doc = out, .err = err};

	*out = (struct ir_doc){0};
	x.meta_end = &out->meta;
	if (size > LIMIT_XML_BYTES || size > INT_MAX)
		return fail(err, E_LIMIT, "XML is larger than the limit of %" PRId64 " bytes",
		    LIMIT_XML_BYTES);
	pthread_once(&lib_once, load_lib);
	if (lib_error.status)
		return fail(err, lib_error.status, "%s", lib_error.text);
	int rc = ir_check_tags(data, size, err);
	return rc == OK ? parse_quietly(&x, data, size) : rc;
}
