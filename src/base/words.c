/* The little language of mo's options. */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/words.h"

static bool is_closed(const char *s)
{
	int depth = 0;
	for (; *s; s++) {
		depth += *s == '[' || *s == '(';
		depth -= *s == ']' || *s == ')';
	}
	return depth <= 0;
}

/* The end of the item that begins at s: a comma outside of brackets, or the end. */
static const char *item_end(const char *s)
{
	int depth = 0;
	for (; *s && (depth > 0 || *s != ','); s++) {
		depth += *s == '[' || *s == '(';
		depth -= *s == ']' || *s == ')';
	}
	return s;
}

static char *trim(char *s)
{
	size_t n;
	s += strspn(s, " \t");
	for (n = strlen(s); n && strchr(" \t", s[n - 1]);)
		s[--n] = 0;
	return s;
}

/* Takes "[…]" or "(…)" off the end of s: what is inside, or NULL. */
static char *take_brackets(char *s)
{
	size_t n = strlen(s);
	char close = n ? s[n - 1] : 0;
	if (close != ']' && close != ')')
		return NULL;
	char *open = strrchr(s, close == ']' ? '[' : '(');
	if (!open)
		return NULL;
	s[n - 1] = 0;
	*open = 0;
	return open + 1;
}

static int parse_item(char *s, struct word *w, struct err *err)
{
	char *arrow = strstr(s, "->");
	/* An arrow inside of brackets belongs to them: "x(nhwc->nchw)". */
	if (arrow && strcspn(s, "[(") > (size_t)(arrow - s)) {
		*arrow = 0;
		w->value = trim(arrow + 2);
		char *inside = take_brackets((char *)w->value);
		w->value = inside ? inside : w->value;
	} else {
		w->value = take_brackets(s);
	}
	w->name = trim(s);
	return *w->name || w->value ? OK : fail(err, E_USAGE, "an empty item in the list");
}

int words_split(struct arena *a, const char *text, struct word **out, int *n, struct err *err)
{
	int items = 1;
	*n = 0;
	if (!is_closed(text))
		return fail(err, E_USAGE, "a bracket is not closed");
	for (const char *s = item_end(text); *s; s = item_end(s + 1))
		items++;
	*out = arena_array(a, items, sizeof **out);
	if (!*out)
		return fail_nomem(err);
	for (const char *s = text;; s++) {
		const char *end = item_end(s);
		char *item = arena_strn(a, s, end - s);
		if (!item)
			return fail_nomem(err);
		int r = parse_item(trim(item), &(*out)[(*n)++], err);
		if (r)
			return r;
		s = end;
		if (!*s)
			return OK;
	}
}

int words_numbers(struct arena *a, const char *text, double **out, int *n, struct err *err)
{
	char *copy = arena_str(a, text), *save = NULL;
	*out = arena_array(a, strlen(text) + 1, sizeof **out);
	*n = 0;
	if (!copy || !*out)
		return fail_nomem(err);
	for (char *w = strtok_r(copy, ", \t", &save); w; w = strtok_r(NULL, ", \t", &save)) {
		double *v = &(*out)[(*n)++];
		if (!strcasecmp(w, "true") || !strcasecmp(w, "false"))
			*v = !strcasecmp(w, "true");
		else if (!parse_f64(w, v))
			return fail(err, E_USAGE, "'%s' is no number", w);
	}
	return *n ? OK : fail(err, E_USAGE, "a list of numbers is empty");
}
