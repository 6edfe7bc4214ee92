/* Writes names and values as XML attribute text. */
#include "formats/ir_text.h"

#include <inttypes.h>
#include <string.h>

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\t':
		return "&#9;";
	case '\n':
		return "&#10;";
	case '\r':
		return "&#13;";
	default:
		return NULL;
	}
}

static void escape(struct text *t, const char *s)
{
	const char *from = s;

	while (*s) {
		int n = utf8_length(s);
		const char *word = n ? entity(*s) : "\xef\xbf\xbd";
		if (!word) {
			s += n;
			continue;
		}
		text_addn(t, from, (size_t)(s - from));
		text_add(t, word);
		from = ++s;
	}
	text_addn(t, from, (size_t)(s - from));
}

void xml_attr(struct text *t, const char *name, const char *value)
{
	text_add(t, " ");
	text_add(t, name);
	text_add(t, "=\"");
	escape(t, value);
	text_add(t, "\"");
}

void xml_attr_int(struct text *t, const char *name, int64_t value)
{
	text_printf(t, " %s=\"%" PRId64 "\"", name, value);
}

bool xml_is_name(const char *s, size_t n)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

	if (!n || !memchr(first, s[0], sizeof first - 1))
		return false;
	for (size_t i = 1; i < n; i++)
		if (!memchr(first, s[i], sizeof first - 1) && !memchr("0123456789.-", s[i], 12))
			return false;
	return true;
}

void ir_names_text(struct text *t, const char *const *name, int n)
{
	for (int i = 0; i < n; i++) {
		if (i)
			text_add(t, ",");
		for (const char *s = name[i]; *s;) {
			size_t len = strcspn(s, ",");
			text_addn(t, s, len);
			s += len;
			if (*s) {
				text_add(t, "\\,");
				s++;
			}
		}
	}
}
