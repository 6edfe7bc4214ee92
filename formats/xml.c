/* Reads XML in one pass over a copy of it, in which names, values and text end where they stand.
 * Loading a library for it takes longer than this does for most networks. */
#include "formats/xml.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"

#define MAX_ATTRS 256 /* of one element; each is compared with those before it */
#define MAX_DEPTH 256

/* ---- bytes ---- */

enum { SPACE = 1, FIRST = 2, INNER = 4, ENDS_VALUE = 8, ENDS_TEXT = 16, ENDS = 24 };

/* Of a name the first byte is FIRST, the others are INNER. Values and text run up to a byte that
 * ENDS_ them, or is more than it seems. */
static const uint8_t class_of[256] = {
    [0 ... 8] = ENDS,
    ['\t'] = SPACE | ENDS_VALUE,
    ['\n'] = SPACE | ENDS_VALUE,
    ['\v'] = ENDS,
    ['\f'] = ENDS,
    ['\r'] = SPACE | ENDS,
    [14 ... 31] = ENDS,
    [' '] = SPACE,
    ['"'] = ENDS_VALUE,
    ['\''] = ENDS_VALUE,
    ['&'] = ENDS,
    ['<'] = ENDS,
    ['-'] = INNER,
    ['.'] = INNER,
    ['0' ... '9'] = INNER,
    [':'] = FIRST | INNER,
    ['A' ... 'Z'] = FIRST | INNER,
    ['_'] = FIRST | INNER,
    ['a' ... 'z'] = FIRST | INNER,
    [0x80 ... 0xff] = ENDS,
};

static bool is(const char *p, int classes)
{
	return class_of[(uint8_t)*p] & classes;
}

/* An element that is not closed yet. */
struct open {
	struct xml_element e; /* first: what the children's list has */
	struct open *parent;
	struct xml_element **last; /* where the next child goes */
	char *text, *text_end;     /* since the last tag */
	struct arena_mark before;
};

struct parser {
	const struct xml_handler *handler;
	void *user;
	const char *data; /* as it was given: lines are counted there */
	char *copy, *p;   /* the copy ends with a zero byte, and has no other */
	const char *counted;
	long line;           /* at counted */
	struct arena *arena; /* of open elements and of the tree under way */
	struct open *inner;  /* what it was opened in is its parent */
	struct open *tree;   /* the element that is to come whole, or NULL */
	struct open *skip;   /* what is in this one is left out, or NULL */
	int depth;           /* of the next element */
	struct xml_attr attr[MAX_ATTRS];
	struct err *err;
};

static long line_at(struct parser *x)
{
	const char *to = x->data + (x->p - x->copy);
	for (const char *p; (p = memchr(x->counted, '\n', (size_t)(to - x->counted)));) {
		x->counted = p + 1;
		x->line++;
	}
	x->counted = to;
	return x->line;
}

static int malformed(struct parser *x, const char *what)
{
	return fail(x->err, E_FORMAT, "line %ld: %s", line_at(x), what);
}

static void skip_space(struct parser *x)
{
	while (is(x->p, SPACE))
		x->p++;
}

static bool starts(const char *p, const char *with)
{
	return !strncmp(p, with, strlen(with));
}

/* ---- references ---- */

static bool is_character(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0xd800) ||
	       (c >= 0xe000 && c < 0xfffe) || (c >= 0x10000 && c < 0x110000);
}

/* In UTF-8, which is shorter than any reference. */
static char *put_character(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	*to++ = (char)(0xff00 >> (more + 1) | c >> 6 * more);
	while (more--)
		*to++ = (char)(0x80 | (c >> 6 * more & 0x3f));
	return to;
}

/* Of "38;" or "x26;"; past it, or NULL. */
static char *number(char *p, uint32_t *c)
{
	uint32_t base = *p == 'x' ? 16 : 10;
	char *first = p += base == 16;
	for (*c = 0; *p != ';' && *c < 0x110000; p++) {
		uint32_t letter = (uint32_t)(*p | 0x20) - 'a', digit = (uint32_t)*p - '0';
		digit = digit <= 9 ? digit : letter < 6 ? letter + 10 : base;
		if (digit >= base)
			return NULL;
		*c = *c * base + digit;
	}
	return p > first && *p == ';' && is_character(*c) ? p + 1 : NULL;
}

/* What "&...;" at x->p stands for. */
static int take_reference(struct parser *x, char **to)
{
	static const struct {
		const char *name;
		uint32_t c;
	} known[] = {{"lt;", '<'}, {"gt;", '>'}, {"amp;", '&'}, {"quot;", '"'}, {"apos;", '\''}};
	uint32_t c = 0;
	char *after = x->p[1] == '#' ? number(x->p + 2, &c) : NULL;

	for (size_t i = 0; i < sizeof known / sizeof *known && !after; i++)
		if (starts(x->p + 1, known[i].name)) {
			after = x->p + 1 + strlen(known[i].name);
			c = known[i].c;
		}
	if (!after)
		return malformed(x, "a reference to what is not declared");
	*to = put_character(*to, c);
	x->p = after;
	return OK;
}

/* ---- values and text ---- */

/* One character that is not ASCII, or not taken as it is. */
static int take_character(struct parser *x, char **to, bool value)
{
	int n = utf8_length(x->p);

	if (*x->p == '&')
		return take_reference(x, to);
	if (value && *x->p == '<')
		return malformed(x, "an attribute's value has a '<'");
	if (!*x->p)
		return malformed(x, "the text ends early");
	if (!n)
		return malformed(x, "a byte that is no character of UTF-8");
	if (*x->p == '\r') {
		x->p += x->p[1] == '\n';
		*x->p = '\n';
	}
	if (value && is(x->p, SPACE))
		*x->p = ' ';
	while (n--)
		*(*to)++ = *x->p++;
	return OK;
}

/* Up to the byte end, to the place *to, which is not behind x->p and goes on. */
static int take_until(struct parser *x, char end, char **to)
{
	int stop = end == '<' ? ENDS_TEXT : ENDS_VALUE;

	for (;;) {
		char *from = x->p;
		while (!is(x->p, stop))
			x->p++;
		if (*to != from)
			memmove(*to, from, (size_t)(x->p - from));
		*to += x->p - from;
		if (*x->p == end)
			return OK;
		int rc = take_character(x, to, end != '<');
		if (rc != OK)
			return rc;
	}
}

static int take_text(struct parser *x)
{
	struct open *o = x->inner;
	char *from = x->p;

	skip_space(x);
	if (*x->p == '<' && !o->text) /* nothing but space */
		return OK;
	x->p = from;
	if (!o->text)
		o->text = o->text_end = from;
	return take_until(x, '<', &o->text_end);
}

static const char data_mark[] = "<![CDATA[";

static int take_data(struct parser *x)
{
	struct open *o = x->inner;
	char *from = x->p + strlen(data_mark), *end = strstr(from, "]]>");

	if (!o || !end)
		return malformed(x, "character data in no element, or without end");
	if (!o->text)
		o->text = o->text_end = from;
	for (int n; from < end; from += n) {
		x->p = from;
		if (!(n = utf8_length(from)))
			return malformed(x, "a byte that is no character of UTF-8");
		memmove(o->text_end, from, (size_t)n);
		o->text_end += n;
	}
	x->p = end + 3;
	return OK;
}

/* ---- tags ---- */

/* Past a character of a name, or where it was. */
static char *past_letter(char *p, int class)
{
	return is(p, class) ? p + 1 : (uint8_t)*p >= 0x80 ? p + utf8_length(p) : p;
}

/* Not ended yet. */
static int take_name(struct parser *x, char **name)
{
	char *next = past_letter(x->p, FIRST);

	*name = x->p;
	if (next == x->p)
		return malformed(x, "a name is expected");
	while (next != x->p) {
		x->p = next;
		next = past_letter(x->p, INNER);
	}
	return OK;
}

static int take_value(struct parser *x, const char **value)
{
	char quote = *x->p, *to = ++x->p;
	int rc;

	if (quote != '"' && quote != '\'')
		return malformed(x, "an attribute's value has no quotes");
	*value = to;
	if ((rc = take_until(x, quote, &to)) != OK)
		return rc;
	*to = 0;
	x->p++;
	return OK;
}

static int take_attr(struct parser *x, struct xml_attr *a)
{
	char *name, *end;
	int rc = take_name(x, &name);

	if (rc != OK)
		return rc;
	end = x->p;
	skip_space(x);
	if (*x->p++ != '=')
		return malformed(x, "an attribute has no value");
	skip_space(x);
	*end = 0;
	a->name = name;
	return take_value(x, &a->value);
}

static int check_new(struct parser *x, int n)
{
	if (n == MAX_ATTRS)
		return fail(x->err, E_LIMIT, "line %ld: an element has more than %d attributes",
		    line_at(x), MAX_ATTRS);
	for (int i = 0; i < n - 1; i++)
		if (*x->attr[i].name == *x->attr[n - 1].name &&
		    !strcmp(x->attr[i].name, x->attr[n - 1].name))
			return fail(x->err, E_FORMAT, "line %ld: attribute '%s' is there twice",
			    line_at(x), x->attr[i].name);
	return OK;
}

/* Into x->attr, up to what ends the tag. */
static int take_attrs(struct parser *x, int *n)
{
	int rc = OK;

	for (*n = 0; rc == OK; rc = check_new(x, *n)) {
		bool apart = is(x->p, SPACE);
		skip_space(x);
		if (*x->p == '>' || *x->p == '/')
			return OK;
		if (!apart)
			return malformed(x, "attributes are not apart");
		rc = take_attr(x, &x->attr[*n]);
		if (rc != OK)
			return rc;
		++*n;
	}
	return rc;
}

/* The first of a tree, or one of those around trees. */
static int open_outer(struct parser *x, struct open *o)
{
	enum xml_inside inside = XML_EACH;
	int rc = x->handler->open(x->user, &o->e, x->depth, &inside);

	x->tree = inside == XML_WHOLE ? o : NULL;
	x->skip = inside == XML_SKIP ? o : NULL;
	return rc;
}

static int open_element(struct parser *x, struct open *o)
{
	int rc = OK;

	o->last = &o->e.children;
	o->parent = x->inner;
	x->inner = o;
	if (o->parent)
		o->parent->text = NULL;
	if (x->tree) {
		*o->parent->last = &o->e;
		o->parent->last = &o->e.next;
	} else if (!x->skip) {
		rc = open_outer(x, o);
	}
	x->depth++;
	return rc;
}

static int close_element(struct parser *x)
{
	struct open *o = x->inner;
	int rc = OK;

	x->inner = o->parent;
	x->depth--;
	if (o->text && !o->e.children) {
		*o->text_end = 0;
		o->e.text = o->text;
	}
	if (x->tree == o)
		rc = x->handler->whole(x->user, &o->e, x->depth);
	x->tree = x->tree == o ? NULL : x->tree;
	x->skip = x->skip == o ? NULL : x->skip;
	if (!x->tree)
		arena_reset(x->arena, o->before);
	return rc;
}

static int take_start(struct parser *x)
{
	struct arena_mark before = arena_mark(x->arena);
	struct open *o = arena_alloc(x->arena, sizeof *o);
	char *name, *end;
	int rc;

	if (!o)
		return fail_nomem(x->err);
	if (x->depth == MAX_DEPTH)
		return fail(x->err, E_LIMIT, "line %ld: elements nest deeper than %d", line_at(x),
		    MAX_DEPTH);
	o->before = before;
	o->e = (struct xml_element){.text = "", .line = line_at(x)};
	x->p++;
	rc = take_name(x, &name);
	end = x->p;
	if (rc != OK || (rc = take_attrs(x, &o->e.nattrs)) != OK)
		return rc;
	bool empty = *x->p == '/';
	x->p += empty;
	if (*x->p++ != '>')
		return malformed(x, "a tag has no '>'");
	*end = 0;
	o->e.name = name;
	o->e.attr = arena_copy(x->arena, x->attr, (size_t)o->e.nattrs * sizeof *x->attr);
	if (!o->e.attr)
		return fail_nomem(x->err);
	rc = open_element(x, o);
	return rc == OK && empty ? close_element(x) : rc;
}

static int take_end(struct parser *x)
{
	size_t n = x->inner ? strlen(x->inner->e.name) : 0;

	if (!x->inner || strncmp(x->p + 2, x->inner->e.name, n) ||
	    past_letter(x->p + 2 + n, INNER) != x->p + 2 + n)
		return malformed(x, "the end of an element that is not open");
	x->p += 2 + n;
	skip_space(x);
	if (*x->p++ != '>')
		return malformed(x, "a tag has no '>'");
	return close_element(x);
}

/* ---- the whole ---- */

/* Past what begins here and ends with these bytes. */
static int skip_past(struct parser *x, const char *end)
{
	char *p = strstr(x->p + 2, end);

	if (!p)
		return malformed(x, "the text ends early");
	x->p = p + strlen(end);
	return OK;
}

/* <!--...-->, in which there is no other "--" */
static int skip_comment(struct parser *x)
{
	char *p = strstr(x->p + 4, "--");

	if (!p || p[2] != '>')
		return malformed(x, "a comment has no end, or '--' in it");
	x->p = p + 3;
	return OK;
}

static int take_mark(struct parser *x)
{
	if (x->p[1] == '/')
		return take_end(x);
	if (x->p[1] == '?')
		return skip_past(x, "?>");
	if (x->p[1] != '!')
		return take_start(x);
	if (starts(x->p, "<!--"))
		return skip_comment(x);
	if (starts(x->p, data_mark))
		return take_data(x);
	if (starts(x->p, "<!DOCTYPE"))
		return malformed(x, "a document type declaration is not allowed");
	return malformed(x, "an unknown declaration");
}

/* Comments and the like around the root element. */
static int skip_outside(struct parser *x, bool *more)
{
	int rc = OK;

	do {
		skip_space(x);
		*more = *x->p == '<' && (x->p[1] == '!' || x->p[1] == '?');
	} while (*more && (rc = take_mark(x)) == OK);
	*more = *x->p;
	return rc;
}

static int parse(struct parser *x)
{
	bool more;
	int rc;

	x->p += starts(x->p, "\xef\xbb\xbf") ? 3 : 0;
	rc = skip_outside(x, &more);
	if (rc == OK && *x->p != '<')
		return malformed(x, "no element");
	rc = rc == OK ? take_start(x) : rc;
	while (x->inner && rc == OK)
		rc = *x->p == '<' ? take_mark(x) : take_text(x);
	rc = rc == OK ? skip_outside(x, &more) : rc;
	return rc == OK && more ? malformed(x, "text behind the root element") : rc;
}

int xml_read(struct arena *a, const void *data, size_t size, const struct xml_handler *h,
    void *user, struct err *err)
{
	struct parser x = {.handler = h, .user = user, .data = data, .err = err};

	x.counted = data;
	x.line = 1;
	x.copy = x.p = arena_strn(a, data, size);
	x.arena = arena_new();
	int rc = !x.copy || !x.arena     ? fail_nomem(err)
		 : memchr(data, 0, size) ? fail(err, E_FORMAT, "XML holds zero bytes")
					 : parse(&x);
	arena_free(x.arena);
	return rc;
}
