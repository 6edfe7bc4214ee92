/* Reads XML through libxml2's events: its trees and its reader take several times as long. */
#include "formats/xml.h"

#include <libxml/parser.h>
#include <libxml/SAX2.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "base/arena.h"
#include "base/library.h"
#include "base/text.h"

#if LIBXML_VERSION >= 21200
typedef const xmlError *xml_error;
#else
typedef xmlErrorPtr xml_error;
#endif

/* ---- libxml2 ---- */

/* It comes with libraries of its own that take longer to load than a compiled network takes to run:
 * only those who read XML pay for it. */
static struct {
	__typeof__(xmlCtxtReadIO) *read;
	__typeof__(xmlFreeDoc) *free_doc;
	__typeof__(xmlFreeParserCtxt) *free_parser;
	__typeof__(xmlInitParser) *init;
	__typeof__(xmlNewParserCtxt) *new_parser;
	__typeof__(xmlSAX2GetLineNumber) *line;
	__typeof__(xmlSetGenericErrorFunc) *set_generic_error;
	__typeof__(xmlStopParser) *stop;
	__typeof__(__xmlGenericError) *generic_error;
	__typeof__(__xmlGenericErrorContext) *generic_error_context;
} lib;

static const struct library_function lib_functions[] = {
    {"xmlCtxtReadIO", &lib.read},
    {"xmlFreeDoc", &lib.free_doc},
    {"xmlFreeParserCtxt", &lib.free_parser},
    {"xmlInitParser", &lib.init},
    {"xmlNewParserCtxt", &lib.new_parser},
    {"xmlSAX2GetLineNumber", &lib.line},
    {"xmlSetGenericErrorFunc", &lib.set_generic_error},
    {"xmlStopParser", &lib.stop},
    {"__xmlGenericError", &lib.generic_error},
    {"__xmlGenericErrorContext", &lib.generic_error_context},
    {NULL, NULL},
};
static pthread_once_t lib_once = PTHREAD_ONCE_INIT;
static struct err lib_error;

static void load_lib(void)
{
	if (library_load("libxml2.so.2", lib_functions, &lib_error) == OK)
		lib.init();
}

/* ---- trees ---- */

/* An element that is not closed yet. */
struct open {
	struct xml_element e; /* first: what the children's list has */
	struct open *parent;
	struct xml_element **last; /* where the next child goes */
};

struct parser {
	const struct xml_handler *handler;
	void *user;
	xmlParserCtxtPtr parser;
	const char *data, *end; /* not given to libxml2 yet */
	struct arena *arena;    /* of the tree under way */
	struct arena_mark empty;
	struct open *inner; /* what it was opened in is its parent; NULL: no tree */
	struct text text;   /* since the last tag of the tree */
	int depth;          /* of the next element */
	int skip;           /* elements deeper than this are left out */
	int status;
	struct err *err;
};

static void set_status(struct parser *x, int status)
{
	if (status == OK || x->status != OK)
		return;
	x->status = status;
	lib.stop(x->parser);
}

/* libxml2 leaves "&" as "&#38;" in values, for one who looks for entities once more. */
static char *copy_value(struct arena *a, const xmlChar *from, const xmlChar *end)
{
	size_t n = (size_t)(end - from);
	char *s = arena_strn(a, (const char *)from, n);
	char *to = s ? memchr(s, '&', n) : NULL;

	for (const char *p = to; p && *p; p++) {
		*to++ = *p;
		if (!strncmp(p, "&#38;", 5))
			p += 4;
	}
	if (to)
		*to = 0;
	return s;
}

/* Five pointers of libxml2's are an attribute: name, prefix, namespace, value and its end. Names
 * are in its dictionary, and stay as long as the parser. */
static bool copy_attrs(struct arena *a, const xmlChar **from, struct xml_element *e)
{
	e->attr = arena_array(a, (size_t)e->nattrs, sizeof *e->attr);
	for (int i = 0; e->attr && i < e->nattrs; i++, from += 5) {
		struct xml_attr *to = &e->attr[i];
		to->name = (const char *)from[0];
		to->value = copy_value(a, from[3], from[4]);
		if (!to->value)
			return false;
	}
	return e->attr;
}

static struct open *new_element(struct parser *x, const xmlChar *name, int n, const xmlChar **attrs)
{
	struct open *o = arena_alloc(x->arena, sizeof *o);

	if (!o)
		return NULL;
	o->e = (struct xml_element){
	    .name = (const char *)name, .text = "", .nattrs = n, .line = lib.line(x->parser)};
	o->last = &o->e.children;
	return copy_attrs(x->arena, attrs, &o->e) ? o : NULL;
}

static void add_child(struct parser *x, struct open *o)
{
	o->parent = x->inner;
	if (x->inner) {
		*x->inner->last = &o->e;
		x->inner->last = &o->e.next;
	}
	x->inner = o;
}

/* The first of a tree, or one of those around trees. */
static void open_outer(struct parser *x, struct open *o, int depth)
{
	enum xml_inside inside = XML_EACH;

	set_status(x, x->handler->open(x->user, &o->e, depth, &inside));
	if (inside == XML_WHOLE) {
		add_child(x, o);
		return;
	}
	arena_reset(x->arena, x->empty);
	if (inside == XML_SKIP)
		x->skip = depth;
}

static void close_inner(struct parser *x)
{
	struct open *o = x->inner;

	if (!o->e.children && x->text.len)
		o->e.text = arena_strn(x->arena, x->text.data, x->text.len);
	if (!o->e.text || x->text.failed)
		set_status(x, fail_nomem(x->err));
	x->inner = o->parent;
	if (x->inner || x->status != OK)
		return;
	set_status(x, x->handler->whole(x->user, &o->e, x->depth));
	arena_reset(x->arena, x->empty);
}

/* ---- events ---- */

static void on_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
    int nspaces, const xmlChar **spaces, int nattrs, int ndefaults, const xmlChar **attrs)
{
	struct parser *x = user;
	int depth = x->depth++;
	struct open *o;

	(void)prefix, (void)uri, (void)nspaces, (void)spaces, (void)ndefaults;
	if (x->status != OK || depth > x->skip)
		return;
	x->text.len = 0;
	if (!(o = new_element(x, name, nattrs, attrs)))
		set_status(x, fail_nomem(x->err));
	else if (x->inner)
		add_child(x, o);
	else
		open_outer(x, o, depth);
}

static void on_end(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct parser *x = user;

	(void)name, (void)prefix, (void)uri;
	x->depth--;
	if (x->depth == x->skip)
		x->skip = INT_MAX;
	if (x->status == OK && x->inner)
		close_inner(x);
	x->text.len = 0;
}

static void on_text(void *user, const xmlChar *s, int n)
{
	struct parser *x = user;

	if (x->inner && !x->inner->e.children)
		text_addn(&x->text, (const char *)s, (size_t)n);
}

/* Comes before what the declaration declares. */
static void on_doctype(
    void *user, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	struct parser *x = user;

	(void)name, (void)external, (void)system;
	if (x->status == OK)
		set_status(x, fail(x->err, E_FORMAT, "a document type declaration is not allowed"));
}

static void on_error(void *user, xml_error e)
{
	struct parser *x = user;
	const char *what = e->message ? e->message : "?";

	if (x->status != OK || e->level < XML_ERR_ERROR)
		return;
	x->status = e->code == XML_ERR_NO_MEMORY
			? fail_nomem(x->err)
			: fail(x->err, E_FORMAT, "line %d: %.*s", lib.line(x->parser),
			      (int)strcspn(what, "\n"), what);
}

static const xmlSAXHandler events = {
    .initialized = XML_SAX2_MAGIC,
    .startElementNs = on_start,
    .endElementNs = on_end,
    .characters = on_text,
    .ignorableWhitespace = on_text,
    .cdataBlock = on_text,
    .internalSubset = on_doctype,
    .serror = on_error,
};

/* ---- the whole ---- */

/* The next bytes, a few at a time, so that libxml2 has no copy of them all. */
static int give(void *user, char *buf, int n)
{
	struct parser *x = user;
	int have = x->end - x->data < n ? (int)(x->end - x->data) : n;

	memcpy(buf, x->data, (size_t)have);
	x->data += have;
	return have;
}

/* What bytes mean is not for the document to say: they have been looked at already. */
static int parse(struct parser *x)
{
	x->empty = arena_mark(x->arena);
	x->skip = INT_MAX;
	*x->parser->sax = events;
	x->parser->userData = x;
	lib.free_doc(lib.read(
	    x->parser, give, NULL, x, NULL, "UTF-8", XML_PARSE_NONET | XML_PARSE_IGNORE_ENC));
	/* libxml2 gives up without a word only when it has no memory for one */
	if (x->status == OK && (!x->parser->wellFormed || x->depth))
		x->status = fail_nomem(x->err);
	return x->status;
}

/* libxml2 writes what it has no parser for, such as a failure to make one, to stderr. */
static void say_nothing(void *user, const char *fmt, ...)
{
	(void)user;
	(void)fmt;
}

static int parse_quietly(struct parser *x)
{
	xmlGenericErrorFunc say = *lib.generic_error();
	void *to = *lib.generic_error_context();

	lib.set_generic_error(NULL, say_nothing);
	x->arena = arena_new();
	x->parser = x->arena ? lib.new_parser() : NULL;
	int rc = x->parser ? parse(x) : fail_nomem(x->err);
	if (x->parser)
		lib.free_parser(x->parser);
	lib.set_generic_error(to, say);
	arena_free(x->arena);
	text_free(&x->text);
	return rc;
}

int xml_read(
    const void *data, size_t size, const struct xml_handler *h, void *user, struct err *err)
{
	struct parser x = {.handler = h, .user = user, .data = data, .err = err};

	x.end = x.data + size;
	pthread_once(&lib_once, load_lib);
	return lib_error.status ? fail(err, lib_error.status, "%s", lib_error.text)
				: parse_quietly(&x);
}
