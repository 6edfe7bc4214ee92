/* Looks over XML before libxml2 does, whose time grows with the square of an element's attributes.
 */
#include "formats/ir_tags.h"

#include <string.h>

#define MAX_ATTRS 1000 /* of one element */

/* Past the comment, declaration or character data that starts at p, or NULL when an element's tag
 * does. */
static const char *skip_other(const char *p, const char *end)
{
	static const char *const pair[][2] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};

	if (end - p < 2 || (p[1] != '!' && p[1] != '?'))
		return NULL;
	for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
		size_t n = strlen(pair[i][0]), k = strlen(pair[i][1]);
		const char *close;
		if ((size_t)(end - p) < n || memcmp(p, pair[i][0], n))
			continue;
		close = memmem(p + n, (size_t)(end - p) - n, pair[i][1], k);
		return close ? close + k : end;
	}
	return NULL;
}

/* Past the tag at p; NULL when it has too many attributes. No tag goes on behind the next '<',
 * which libxml2 does not take in values, and an attribute is four bytes at least. */
static const char *skip_tag(const char *p, const char *end)
{
	const char *next = memchr(p + 1, '<', (size_t)(end - p) - 1);
	char quote = 0;
	int count = 0;

	if ((next ? next : end) - p <= 4 * MAX_ATTRS)
		return next ? next : end;
	for (; p < end && (quote || *p != '>'); p++) {
		if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == '=' && ++count > MAX_ATTRS)
			return NULL;
	}
	return p;
}

int ir_check_tags(const void *data, size_t size, struct err *err)
{
	const char *p = data, *end = p + size;

	if (memchr(p, 0, size))
		return fail(err, E_FORMAT, "XML holds zero bytes");
	while (p < end && (p = memchr(p, '<', (size_t)(end - p)))) {
		const char *other = skip_other(p, end);
		p = other ? other : skip_tag(p, end);
		if (!p)
			return fail(
			    err, E_LIMIT, "an element has more than %d attributes", MAX_ATTRS);
	}
	return OK;
}
