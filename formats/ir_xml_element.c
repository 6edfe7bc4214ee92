/* Elements of the XML of an IR: what they are called, their attributes. */
#include "formats/ir_xml_element.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"

/* strcmp for words that nearly always differ in the first byte, or are the same. */
static bool is_word(const char *a, const char *b)
{
	return *a == *b && !strcmp(a, b);
}

bool element_is(const struct xml_element *n, const char *name)
{
	return is_word(n->name, name);
}

const struct xml_element *element_child(const struct xml_element *n, const char *name)
{
	for (n = n->children; n; n = n->next)
		if (element_is(n, name))
			return n;
	return NULL;
}

int element_count(const struct xml_element *n, const char *name)
{
	int count = 0;
	for (n = n ? n->children : NULL; n; n = n->next)
		count += element_is(n, name);
	return count;
}

const char *element_attr(const struct xml_element *n, const char *name)
{
	for (int i = 0; i < n->nattrs; i++)
		if (is_word(n->attr[i].name, name))
			return n->attr[i].value;
	return NULL;
}

int element_bad(struct xml *x, const struct xml_element *n, const char *what)
{
	return fail(x->err, E_FORMAT, "line %ld: <%s> %s", n->line, n->name, what);
}

int element_text(struct xml *x, const struct xml_element *n, const char *name, const char *fallback,
    const char **out)
{
	const char *s = element_attr(n, name);

	*out = fallback;
	if (!s && !fallback)
		return fail(x->err, E_FORMAT, "line %ld: <%s> has no attribute '%s'", n->line,
		    n->name, name);
	if (!s)
		return OK;
	size_t len = strlen(s);
	if (len > LIMIT_NAME)
		return fail(x->err, E_LIMIT, "line %ld: attribute '%s' is longer than %d bytes",
		    n->line, name, LIMIT_NAME);
	*out = arena_strn(x->arena, s, len);
	return *out ? OK : fail_nomem(x->err);
}

int element_int(struct xml *x, const struct xml_element *n, const char *name, int64_t *out)
{
	const char *s = element_attr(n, name);

	if (!s || !parse_i64(s, out) || *out < 0)
		return fail(x->err, E_FORMAT, "line %ld: <%s> needs a number as attribute '%s'",
		    n->line, n->name, name);
	return OK;
}

int element_signed(
    struct xml *x, const struct xml_element *n, const char *name, int64_t initial, int64_t *out)
{
	const char *s = element_attr(n, name);

	*out = initial;
	if (s && !parse_i64(s, out))
		return fail(
		    x->err, E_FORMAT, "line %ld: attribute '%s' is no number", n->line, name);
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
