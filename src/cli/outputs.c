/* What is asked before the work, not behind it: that nothing read is replaced by what is written,
 * that each output has a place, and that options go together. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/options.h"
#include "formats/ir.h"

static bool row_ends(const struct option_row *r)
{
	return !r->name && r->kind != OPT_SECTION;
}

static const void *value_of(const struct program *p, const struct option_row *r)
{
	return (const char *)p->values + r->at;
}

/* ---- what is read ---- */

/* The model, or the weights beside an IR. */
static void spare(const char *path)
{
	char *bin = ir_bin_path(path);
	output_spare(path);
	if (bin)
		output_spare(bin);
	free(bin);
}

/* FILE of [NAME=]FILE may be behind any '='. */
static void spare_word(const char *word)
{
	for (const char *equals; word; word = equals ? equals + 1 : NULL) {
		spare(word);
		equals = strchr(word, '=');
	}
}

/* Rows say by the name of their value what is a file to read. */
static bool is_input(const struct option_row *r)
{
	return (r->kind == OPT_STRING || r->kind == OPT_LIST) && r->value &&
	       (!strcmp(r->value, "FILE") || !strcmp(r->value, "[NAME=]FILE"));
}

static void spare_list(const struct list *l)
{
	for (int i = 0; i < l->n; i++)
		spare_word(l->v[i]);
}

static void spare_inputs(const struct program *p)
{
	if (p->operands)
		spare_list(p->operands);
	for (const struct option_row *r = p->rows; !row_ends(r); r++)
		if (is_input(r) && r->kind == OPT_LIST)
			spare_list(value_of(p, r));
		else if (is_input(r))
			spare_word(*(const char *const *)value_of(p, r));
}

void tool_depends(void *unused, const char *path)
{
	(void)unused;
	output_spare(path);
}

/* ---- what is written ---- */

/* The file that the option says to write, or NULL. */
static const char *output_of(const struct program *p, const struct option_row *r)
{
	const char *path = r->kind == OPT_OUTPUT ? *(const char *const *)value_of(p, r) : NULL;
	return path && strcmp(path, "-") != 0 ? path : NULL;
}

/* The option above `before` that writes this file, or NULL. */
static const struct option_row *writer_of(
    const struct program *p, const char *path, const struct option_row *before)
{
	for (const struct option_row *r = p->rows; r != before && !row_ends(r); r++)
		if (output_of(p, r) && output_is_same(output_of(p, r), path))
			return r;
	return NULL;
}

int tool_check_output(const struct program *p, const char *path, struct err *err)
{
	const struct option_row *r = writer_of(p, path, NULL);
	if (r)
		return fail(err, E_USAGE, "'%s' is written already, and so --%s cannot be '%s'",
		    path, r->name, output_of(p, r));
	return output_check(path, err);
}

static int check_outputs(const struct program *p, struct err *err)
{
	int status = OK;
	for (const struct option_row *r = p->rows; !row_ends(r) && !status; r++) {
		const char *path = output_of(p, r);
		const struct option_row *other = path ? writer_of(p, path, r) : NULL;
		if (other)
			return fail(err, E_USAGE, "options '--%s' and '--%s' both write '%.200s'",
			    other->name, r->name, path);
		status = path ? output_check(path, err) : OK;
	}
	return status;
}

/* ---- what goes together ---- */

static bool any_given(const struct program *p, const char *names)
{
	size_t n;
	for (; *names; names += n + (names[n] == '|')) {
		n = strcspn(names, "|");
		for (const struct option_row *r = p->rows; !row_ends(r); r++)
			if (r->name && strlen(r->name) == n && !strncmp(r->name, names, n) &&
			    option_given(p, r))
				return true;
	}
	return false;
}

static int wants(const struct option_row *r, const char *names, struct err *err)
{
	struct text t = {0};
	for (size_t n; *names; names += n + (names[n] == '|')) {
		n = strcspn(names, "|");
		const char *rest = names[n] ? names + n + 1 : "";
		text_printf(&t, "--%.*s%s", (int)n, names,
		    !names[n]           ? ""
		    : strchr(rest, '|') ? ", "
					: " or ");
	}
	fail(err, E_USAGE, "--%s goes with %s", r->name, t.data ? t.data : names);
	text_free(&t);
	return E_USAGE;
}

static int check_needs(const struct program *p, struct err *err)
{
	for (const struct option_need *n = p->needs; n && n->option; n++)
		for (const struct option_row *r = p->rows; !row_ends(r); r++)
			if (r->name && !strcmp(r->name, n->option) && option_given(p, r) &&
			    !any_given(p, n->one_of))
				return wants(r, n->one_of, err);
	return OK;
}

int tool_check(const struct program *p, struct err *err)
{
	int status = check_needs(p, err);
	spare_inputs(p);
	return status ? status : check_outputs(p, err);
}
