/* Reads XML through expat's events, and builds trees of the elements that are wanted whole. */
#include "formats/xml.h"

#include <expat.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/library.h"
#include "base/limits.h"
#include "base/text.h"

#define FUNCTIONS(F)                      \
	F(XML_ErrorString)                \
	F(XML_GetCurrentByteIndex)        \
	F(XML_GetCurrentLineNumber)       \
	F(XML_GetErrorCode)               \
	F(XML_Parse)                      \
	F(XML_ParserCreate_MM)            \
	F(XML_ParserFree)                 \
	F(XML_SetCharacterDataHandler)    \
	F(XML_SetElementHandler)          \
	F(XML_SetStartDoctypeDeclHandler) \
	F(XML_SetUserData)                \
	F(XML_StopParser)
LIBRARY(libexpat, "libexpat.so.1", FUNCTIONS);

#define NAMES 128

/* An element that is not closed yet. */
struct open {
	struct xml_element e; /* first: what the children's list has */
	struct open *parent;
	struct xml_element **last; /* where the next child goes */
};

struct parser {
	const struct xml_handler *handler;
	void *user;
	XML_Parser expat;
	const char *data, *counted; /* lines are counted up to here */
	long line;                  /* at counted */
	struct arena *names;        /* the caller's */
	const char *name[NAMES];    /* some of those in it, for copy_name */
	struct arena *arena;        /* of the tree under way */
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
	lib.XML_StopParser(x->expat, XML_FALSE);
}

/* As expat counts, which takes a fifth of its time when each element asks. */
static long line_here(struct parser *x)
{
	const char *to = x->data + lib.XML_GetCurrentByteIndex(x->expat);

	for (const char *p; (p = memchr(x->counted, '\n', (size_t)(to - x->counted)));) {
		x->counted = p + 1;
		x->line++;
	}
	x->counted = to;
	return x->line;
}

/* ---- elements ---- */

static int count_attrs(const char **attrs)
{
	int n = 0;

	while (attrs[2 * n] && n <= LIMIT_XML_ATTRS)
		n++;
	return n;
}

/* Documents have few names, again and again. */
static const char *copy_name(struct parser *x, const char *s)
{
	size_t n = 0;
	uint32_t hash = 0;
	const char **known;

	for (; s[n]; n++)
		hash = hash * 9 + (uint8_t)s[n];
	known = &x->name[hash % NAMES];
	if (!*known || strcmp(*known, s))
		*known = arena_strn(x->names, s, n);
	return *known;
}

/* Names and values come in pairs. */
static bool copy_attrs(struct parser *x, const char **from, struct xml_element *e)
{
	e->attr = arena_array(x->arena, (size_t)e->nattrs, sizeof *e->attr);
	for (int i = 0; e->attr && i < e->nattrs; i++, from += 2) {
		e->attr[i].name = copy_name(x, from[0]);
		e->attr[i].value = arena_str(x->arena, from[1]);
		if (!e->attr[i].name || !e->attr[i].value)
			return false;
	}
	return e->attr;
}

static struct open *new_element(struct parser *x, const char *name, const char **attrs)
{
	struct open *o = arena_alloc(x->arena, sizeof *o);

	if (!o)
		return NULL;
	o->e = (struct xml_element){.name = copy_name(x, name),
	    .text = "",
	    .nattrs = count_attrs(attrs),
	    .line = line_here(x)};
	o->last = &o->e.children;
	return o->e.name && copy_attrs(x, attrs, &o->e) ? o : NULL;
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
static int open_outer(struct parser *x, struct open *o, int depth)
{
	enum xml_inside inside = XML_EACH;
	int rc = x->handler->open(x->user, &o->e, depth, &inside);

	if (inside == XML_WHOLE) {
		add_child(x, o);
		return rc;
	}
	arena_reset(x->arena, x->empty);
	if (inside == XML_SKIP)
		x->skip = depth;
	return rc;
}

static int open_element(struct parser *x, const char *name, const char **attrs, int depth)
{
	struct open *o;

	if (depth == LIMIT_XML_DEPTH)
		return fail(x->err, E_LIMIT, "line %ld: elements nest deeper than %d", line_here(x),
		    LIMIT_XML_DEPTH);
	if (count_attrs(attrs) > LIMIT_XML_ATTRS)
		return fail(x->err, E_LIMIT, "line %ld: an element has more than %d attributes",
		    line_here(x), LIMIT_XML_ATTRS);
	if (!(o = new_element(x, name, attrs)))
		return fail_nomem(x->err);
	if (!x->inner)
		return open_outer(x, o, depth);
	add_child(x, o);
	return OK;
}

static int close_inner(struct parser *x)
{
	struct open *o = x->inner;
	int rc;

	if (!o->e.children && x->text.len)
		o->e.text = arena_strn(x->arena, x->text.data, x->text.len);
	if (!o->e.text || x->text.failed)
		return fail_nomem(x->err);
	x->inner = o->parent;
	if (x->inner)
		return OK;
	rc = x->handler->whole(x->user, &o->e, x->depth);
	arena_reset(x->arena, x->empty);
	return rc;
}

/* ---- events ---- */

static void on_start(void *user, const char *name, const char **attrs)
{
	struct parser *x = user;
	int depth = x->depth++;

	x->text.len = 0;
	if (x->status == OK && depth <= x->skip)
		set_status(x, open_element(x, name, attrs, depth));
}

static void on_end(void *user, const char *name)
{
	struct parser *x = user;

	(void)name;
	x->depth--;
	if (x->depth == x->skip)
		x->skip = INT_MAX;
	if (x->status == OK && x->inner)
		set_status(x, close_inner(x));
	x->text.len = 0;
}

static void on_text(void *user, const char *s, int n)
{
	struct parser *x = user;

	if (x->inner && !x->inner->e.children)
		text_addn(&x->text, s, (size_t)n);
}

/* Comes before what the declaration declares. */
static void on_doctype(
    void *user, const char *name, const char *system, const char *public, int internal)
{
	struct parser *x = user;

	(void)name, (void)system, (void)public, (void)internal;
	set_status(x, fail(x->err, E_FORMAT, "line %ld: a document type declaration is not allowed",
			  line_here(x)));
}

/* ---- the whole ---- */

static int parse(struct parser *x, int size)
{
	x->empty = arena_mark(x->arena);
	lib.XML_SetUserData(x->expat, x);
	lib.XML_SetElementHandler(x->expat, on_start, on_end);
	lib.XML_SetCharacterDataHandler(x->expat, on_text);
	lib.XML_SetStartDoctypeDeclHandler(x->expat, on_doctype);
	if (lib.XML_Parse(x->expat, x->data, size, XML_TRUE) == XML_STATUS_OK || x->status != OK)
		return x->status;
	enum XML_Error e = lib.XML_GetErrorCode(x->expat);
	if (e == XML_ERROR_NO_MEMORY)
		return fail_nomem(x->err);
	return fail(x->err, E_FORMAT, "line %lu: %s", lib.XML_GetCurrentLineNumber(x->expat),
	    lib.XML_ErrorString(e));
}

int xml_read(struct arena *a, const void *data, size_t size, const struct xml_handler *h,
    void *user, struct err *err)
{
	static const XML_Memory_Handling_Suite memory = {malloc, realloc, free};
	struct parser x = {.handler = h, .user = user, .names = a, .skip = INT_MAX, .err = err};

	if (size > INT_MAX)
		return fail(err, E_LIMIT, "XML is larger than %d bytes", INT_MAX);
	int rc = library_load(&libexpat, err);
	if (rc)
		return rc;
	x.data = x.counted = data;
	x.line = 1;
	x.arena = arena_new();
	x.expat = x.arena ? lib.XML_ParserCreate_MM("UTF-8", &memory, NULL) : NULL;
	rc = x.expat ? parse(&x, (int)size) : fail_nomem(err);
	if (x.expat)
		lib.XML_ParserFree(x.expat);
	arena_free(x.arena);
	text_free(&x.text);
	return rc;
}
