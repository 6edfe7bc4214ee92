/* Writes the rt_info of a net: pairs of "folder/key" and value as nested elements. */
#include "formats/ir_info.h"

#include <string.h>

#include "formats/ir_text.h"
#include "version.h"

struct info_writer {
	struct text *text;
	struct arena *arena;
};

static void indent(struct text *t, int depth)
{
	for (int i = 0; i < depth; i++)
		text_add(t, "\t");
}

/* One word of a key as an element's opening: <word or, when it is no XML name, <info name="word" */
static void open_word(struct info_writer *w, const char *s, size_t n)
{
	if (xml_is_name(s, n)) {
		text_add(w->text, "<");
		text_addn(w->text, s, n);
	} else {
		char *copy = arena_strn(w->arena, s, n);
		text_add(w->text, "<info");
		xml_attr(w->text, "name", copy ? copy : "");
		w->text->failed |= !copy;
	}
}

static void close_word(struct info_writer *w, const char *s, size_t n, int depth)
{
	indent(w->text, depth);
	text_add(w->text, "</");
	text_addn(w->text, xml_is_name(s, n) ? s : "info", xml_is_name(s, n) ? n : 4);
	text_add(w->text, ">\n");
}

/* Folders that two keys "a/b/c" share. */
static size_t shared_folder(const char *a, const char *b)
{
	size_t n = 0;
	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i] == '/')
			n = i + 1;
	return n;
}

/* Closes the folders of key from the end down to the first keep bytes. */
static void close_folders(struct info_writer *w, const char *key, size_t keep, int *depth)
{
	const char *end = strrchr(key, '/');

	while (end && end >= key + keep) {
		const char *start = end;
		while (start > key && start[-1] != '/')
			start--;
		close_word(w, start, (size_t)(end - start), --*depth);
		end = start > key ? start - 1 : NULL;
	}
}

/* Pairs in a row as nested elements: "nncf/version" = "3" is <nncf><version value="3"/></nncf>.
 * before is the key written last, "" at first. */
static void write_pair(
    struct info_writer *w, const char *before, const char *key, const char *value, int *depth)
{
	size_t keep = shared_folder(before, key);
	const char *s = key + keep, *end;

	close_folders(w, before, keep, depth);
	for (; (end = strchr(s, '/')); s = end + 1) {
		indent(w->text, (*depth)++);
		open_word(w, s, (size_t)(end - s));
		text_add(w->text, ">\n");
	}
	indent(w->text, *depth);
	open_word(w, s, strlen(s));
	xml_attr(w->text, "value", value ? value : "");
	text_add(w->text, " />\n");
}

/* What an earlier writer said of itself and its options does not hold for this file. */
static bool stale(const char *key)
{
	static const char *const word[] = {
	    "mo_version", "MO_version", "Runtime_version", "OpenVINO Runtime"};
	static const char folder[] = "conversion_parameters/";

	for (size_t i = 0; i < sizeof word / sizeof *word; i++)
		if (!strcmp(key, word[i]))
			return true;
	return !strncmp(key, folder, sizeof folder - 1);
}

void ir_write_info(
    struct text *t, struct arena *arena, const struct meta *parameters, const struct meta *info)
{
	struct info_writer writer = {t, arena}, *w = &writer;
	const char *before = "";
	int depth = 2;

	text_add(w->text, "\t<rt_info>\n");
	write_pair(w, before, "mo_version", MO_VERSION, &depth);
	for (const struct meta *m = parameters; m; m = m->next) {
		const char *key = arena_printf(w->arena, "conversion_parameters/%s", m->key);
		w->text->failed |= !key;
		write_pair(w, before, key ? key : "", m->value, &depth);
		before = key ? key : "";
	}
	for (const struct meta *m = info; m; m = m->next) {
		if (stale(m->key))
			continue;
		write_pair(w, before, m->key, m->value, &depth);
		before = m->key;
	}
	close_folders(w, before, 0, &depth);
	text_add(w->text, "\t</rt_info>\n");
}
