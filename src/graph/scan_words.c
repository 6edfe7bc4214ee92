/* The words of a graph's text. */
#include "graph/scan.h"

#include <string.h>

void scan_skip(struct scan *s, const char *space)
{
	s->p += strspn(s->p, space);
	if (*s->p == '#' && strchr(space, '\n')) {
		s->p += strcspn(s->p, "\n");
		scan_skip(s, space);
	}
}

bool scan_take(struct scan *s, char c, const char *space)
{
	scan_skip(s, space);
	if (*s->p != c)
		return false;
	s->p++;
	return true;
}

int scan_expected(struct scan *s, const char *what)
{
	int n = (int)strcspn(s->p, "\n");
	return fail(s->err, E_FORMAT, "expected %s before '%.*s'", what, n < 40 ? n : 40, s->p);
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *scan_quoted(struct scan *s)
{
	struct text t = {0};
	bool ok = true;
	text_add(&t, "");
	for (s->p++; ok && *s->p && *s->p != '"' && *s->p != '\n'; s->p++) {
		char c = *s->p;
		if (c == '\\') {
			c = *++s->p;
			if (c == 'n') {
				c = '\n';
			} else if (c == 'x') {
				int hi = hex(s->p[1]), lo = hi < 0 ? -1 : hex(s->p[2]);
				ok = lo >= 0 && (c = (char)(hi * 16 + lo));
				s->p += ok ? 2 : 0;
			} else {
				ok = c == '"' || c == '\\';
			}
		}
		if (!ok)
			break; /* the text may end here */
		text_addn(&t, &c, 1);
	}
	ok = ok && *s->p == '"' && ++s->p;
	char *copy = ok && !t.failed ? arena_strn(s->a, t.data, t.len) : NULL;
	text_free(&t);
	if (!ok)
		scan_expected(s, "the end of a quoted name");
	else if (!copy)
		fail_nomem(s->err);
	return copy;
}

char *scan_run(struct scan *s, size_t n)
{
	char *w = arena_strn(s->a, s->p, n);
	s->p += n;
	if (!w)
		fail_nomem(s->err);
	return w;
}

char *scan_word(struct scan *s, const char *what)
{
	if (*s->p == '"')
		return scan_quoted(s);
	size_t n = strspn(s->p, "0123456789_./-"
				"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (n)
		return scan_run(s, n);
	scan_expected(s, what);
	return NULL;
}
