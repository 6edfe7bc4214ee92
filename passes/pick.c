/* Finds the layers that a user names. */
#include "passes/pick.h"

#include <stdlib.h>
#include <string.h>

#include "ops/op.h"

/* ---- names and expressions ---- */

static bool is_expression(const char *s)
{
	size_t n = strlen(s);
	return n > 2 && s[0] == '/' && s[n - 1] == '/';
}

int pattern_open(struct pattern *p, const char *text, struct err *err)
{
	*p = (struct pattern){.text = text};
	if (!is_expression(text))
		return OK;
	char *inside = strndup(text + 1, strlen(text) - 2);
	if (!inside)
		return fail_nomem(err);
	int bad = regcomp(&p->regex, inside, REG_EXTENDED | REG_NOSUB);
	free(inside);
	if (bad)
		return fail(err, E_USAGE, "'%s' is no regular expression", text);
	p->expression = true;
	return OK;
}

void pattern_close(struct pattern *p)
{
	if (p->expression)
		regfree(&p->regex);
	p->expression = false;
}

static bool matches(const struct pattern *p, const char *name)
{
	return p->expression ? !regexec(&p->regex, name, 0, NULL, 0) : !strcmp(p->text, name);
}

bool pattern_names(const struct pattern *p, const struct node *n)
{
	if (matches(p, n->name))
		return true;
	for (int o = 0; o < n->nout; o++)
		for (int j = 0; j < n->out[o].nnames; j++)
			if (matches(p, n->out[o].names[j]))
				return true;
	return false;
}

/* ---- all between two ---- */

/* Layers have names of their own, but for what the reader gave no name. */
static struct node *named(struct graph *g, const char *name)
{
	const struct pattern p = {.text = name};
	graph_each (g, n)
		if (!strcmp(n->name, name))
			return n;
	graph_each (g, n)
		if (pattern_names(&p, n))
			return n;
	return NULL;
}

enum { BEHIND = 1, BEFORE = 2 };

/* Marks what from leads to and what leads to `to`: a layer with both marks is between. */
static void mark_between(struct graph *g, struct node *from, struct node *to)
{
	graph_each (g, n)
		n->mark = n == from ? BEHIND : 0;
	graph_each (g, n)
		for (int k = 0; k < n->nin; k++)
			if (node_in(n, k))
				n->mark |= node_in(n, k)->node->mark & BEHIND;
	to->mark |= BEFORE;
	for (struct node *n = g->last; n; n = n->prev)
		for (int k = 0; k < n->nin && n->mark & BEFORE; k++)
			if (node_in(n, k))
				node_in(n, k)->node->mark |= BEFORE;
}

/* Both ends may hold "..", so that each place where it stands is tried. */
static int between(struct graph *g, const char *text, struct arena *a, struct err *err)
{
	for (const char *at = strstr(text, ".."); at; at = strstr(at + 1, "..")) {
		char *first = arena_strn(a, text, (size_t)(at - text));
		if (!first)
			return fail_nomem(err);
		struct node *from = named(g, first), *to = named(g, at + 2);
		if (!from || !to)
			continue;
		mark_between(g, from, to);
		if (to->mark == (BEHIND | BEFORE))
			return OK;
		return fail(err, E_USAGE, "'%s' does not lead to '%s'", first, at + 2);
	}
	return fail(err, E_USAGE, "'%s' names no two layers", text);
}

/* ---- picking ---- */

enum reading { BY_NAME, BY_TYPE, BY_EXPRESSION, BY_PATH };

static enum reading reading_of(struct graph *g, const char *text)
{
	if (named(g, text))
		return BY_NAME;
	graph_each (g, n)
		if (!strcasecmp(n->op->type, text))
			return BY_TYPE;
	return !is_expression(text) && strstr(text, "..") ? BY_PATH : BY_EXPRESSION;
}

static bool picks(const struct node *n, enum reading how, const struct pattern *p)
{
	if (how == BY_TYPE)
		return !strcasecmp(n->op->type, p->text);
	if (how == BY_PATH)
		return n->mark == (BEHIND | BEFORE);
	return how == BY_NAME ? !strcmp(n->name, p->text) || pattern_names(p, n)
			      : p->expression && pattern_names(p, n);
}

int pick_layers(
    struct graph *g, const char *text, struct arena *arena, struct picked *out, struct err *err)
{
	enum reading how = reading_of(g, text);
	struct pattern p = {.text = text};
	int status = how == BY_EXPRESSION ? pattern_open(&p, text, err) : OK;
	if (!status && how == BY_PATH)
		status = between(g, text, arena, err);
	*out = (struct picked){.text = text};
	if (!status) {
		out->node = arena_array(arena, (size_t)g->nnodes + 1, sizeof *out->node);
		status = out->node ? OK : fail_nomem(err);
	}
	if (!status)
		graph_each (g, n)
			if (picks(n, how, &p))
				out->node[out->n++] = n;
	pattern_close(&p);
	if (!status && !out->n)
		status = fail(err, E_USAGE,
		    is_expression(text) ? "'%s' matches no layer"
					: "'%s' is no layer's name or type",
		    text);
	return status;
}
