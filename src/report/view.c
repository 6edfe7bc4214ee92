/* A drawn network as a file: an SVG with colours for light and dark, or a page to move about in. */
#include "report/view.h"

#include <stdio.h>
#include <string.h>

#include "report/picture.h"
#include "report/view_data.h" /* view_page: view.html */

/* The opening tag, then the style, then the rest. */
static void add_svg(struct text *t, const struct view *v)
{
	const char *end = memchr(v->svg, '>', v->size);
	size_t head = end ? (size_t)(end + 1 - v->svg) : 0;
	text_addn(t, v->svg, head);
	text_printf(t, "<style>%s</style>", picture_style);
	text_addn(t, v->svg + head, v->size - head);
}

void view_svg(struct text *t, const struct view *v)
{
	text_add(t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	add_svg(t, v);
}

static void add_escaped(struct text *t, const char *s)
{
	for (int n; *s; s += n ? n : 1) {
		n = utf8_length(s);
		if (*s == '<' || *s == '&')
			text_add(t, *s == '<' ? "&lt;" : "&amp;");
		else if (n)
			text_addn(t, s, (size_t)n);
		else
			text_add(t, "?");
	}
}

/* Adds what stands for the mark at p; the mark's length, 0 when it is none. */
static size_t add_mark(struct text *t, const struct view *v, const char *p)
{
	if (!strncmp(p, "@TITLE@", 7)) {
		add_escaped(t, v->title);
		return 7;
	}
	if (!strncmp(p, "@BOXES@", 7)) {
		text_printf(t, "%d", v->boxes);
		return 7;
	}
	if (!strncmp(p, "@SVG@", 5)) {
		add_svg(t, v);
		return 5;
	}
	return 0;
}

void view_html(struct text *t, const struct view *v)
{
	const char *from = (const char *)view_page;
	for (const char *p; (p = strchr(from, '@')) != NULL;) {
		text_addn(t, from, (size_t)(p - from));
		size_t n = add_mark(t, v, p);
		if (!n)
			text_add(t, "@");
		from = p + (n ? n : 1);
	}
	text_add(t, from);
}
