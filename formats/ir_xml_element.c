/* Elements of the XML of an IR: what they are called, their attributes. */
#include "formats/ir_xml_element.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"

bool element_is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && !strcmp((const char *)n->name, name);
}

const xmlNode *element_child(const xmlNode *n, const char *name)
{
	for (n = n->children; n; n = n->next)
		if (element_is(n, name))
			return n;
	return NULL;
}

int element_count(const xmlNode *n, const char *name)
{
	int count = 0;
	for (n = n ? n->children : NULL; n; n = n->next)
		count += element_is(n, name);
	return count;
}

const char *element_attr(const xmlNode *n, const char *name)
{
	for (const xmlAttr *a = n->properties; a; a = a->next)
		if (!strcmp((const char *)a->name, name))
			return a->children && a->children->content
				   ? (const char *)a->children->content
				   : "";
	return NULL;
}

int element_bad(struct xml *x, const xmlNode *n, const char *what)
{
	return fail(
	    x->err, E_FORMAT, "line %ld: <%s> %s", element_line(n), (const char *)n->name, what);
}

int element_text(
    struct xml *x, const xmlNode *n, const char *name, const char *fallback, const char **out)
{
	const char *s = element_attr(n, name);

	*out = fallback;
	if (!s && !fallback)
		return fail(x->err, E_FORMAT, "line %ld: <%s> has no attribute '%s'",
		    element_line(n), (const char *)n->name, name);
	if (!s)
		return OK;
	if (strlen(s) > LIMIT_NAME && strcmp(name, "names"))
		return fail(x->err, E_LIMIT, "line %ld: attribute '%s' is longer than %d bytes",
		    element_line(n), name, LIMIT_NAME);
	*out = arena_str(x->arena, s);
	return *out ? OK : fail_nomem(x->err);
}

int element_int(struct xml *x, const xmlNode *n, const char *name, int64_t *out)
{
	const char *s = element_attr(n, name);

	if (!s || !parse_i64(s, out) || *out < 0)
		return fail(x->err, E_FORMAT, "line %ld: <%s> needs a number as attribute '%s'",
		    element_line(n), (const char *)n->name, name);
	return OK;
}

int element_signed(struct xml *x, const xmlNode *n, const char *name, int64_t initial, int64_t *out)
{
	const char *s = element_attr(n, name);

	*out = initial;
	if (s && !parse_i64(s, out))
		return fail(x->err, E_FORMAT, "line %ld: attribute '%s' is no number",
		    element_line(n), name);
	return OK;
}

struct meta *xml_add_meta(struct xml *x, struct meta ***end)
{
	struct meta *m = arena_alloc(x->arena, sizeof *m);
	if (m) {
		**end = m;
		*end = &m->next;
	}
	return m;
}
