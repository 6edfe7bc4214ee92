/* Attributes of nodes: access by name, and their spelling in an IR. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "graph/graph.h"
#include "graph/op.h"

static int attr_index(const struct op *op, const char *name)
{
	for (int i = 0; op->attrs[i].name; i++)
		if (!strcmp(op->attrs[i].name, name))
			return i;
	return -1;
}

struct attr *node_attr(const struct node *n, const char *name)
{
	int i = attr_index(n->op, name);
	assert(i >= 0);
	return &n->attr[i];
}

bool attr_has(const struct node *n, const char *name)
{
	return node_attr(n, name)->set;
}

int64_t attr_i(const struct node *n, const char *name)
{
	return node_attr(n, name)->i;
}

bool attr_bool(const struct node *n, const char *name)
{
	return node_attr(n, name)->i != 0;
}

double attr_f(const struct node *n, const char *name)
{
	return node_attr(n, name)->f;
}

const char *attr_s(const struct node *n, const char *name)
{
	const struct attr *a = node_attr(n, name);
	return a->set ? a->s : "";
}

bool attr_is(const struct node *n, const char *name, const char *text)
{
	return !strcmp(attr_s(n, name), text);
}

enum dtype attr_type(const struct node *n, const char *name)
{
	const struct attr *a = node_attr(n, name);
	return a->set ? a->type : DT_NONE;
}

int attr_ints(const struct node *n, const char *name, const int64_t **v)
{
	const struct attr *a = node_attr(n, name);
	*v = a->set ? a->list.i : NULL;
	return a->set ? a->list.n : 0;
}

int attr_floats(const struct node *n, const char *name, const double **v)
{
	const struct attr *a = node_attr(n, name);
	*v = a->set ? a->list.f : NULL;
	return a->set ? a->list.n : 0;
}

static struct attr *of_kind(struct node *n, const char *name, enum attr_kind kind)
{
	int i = attr_index(n->op, name);
	assert(i >= 0);
	assert(n->op->attrs[i].kind == kind);
	(void)kind;
	return &n->attr[i];
}

bool attr_set_i(struct node *n, const char *name, int64_t v)
{
	int i = attr_index(n->op, name);
	assert(i >= 0);
	assert(n->op->attrs[i].kind == ATTR_INT || n->op->attrs[i].kind == ATTR_BOOL);
	n->attr[i] = (struct attr){.set = true, .i = v};
	return true;
}

bool attr_set_f(struct node *n, const char *name, double v)
{
	*of_kind(n, name, ATTR_FLOAT) = (struct attr){.set = true, .f = v};
	return true;
}

bool attr_set_s(struct node *n, const char *name, const char *v)
{
	const char *copy = arena_str(n->graph->arena, v);
	if (copy)
		*of_kind(n, name, ATTR_STRING) = (struct attr){.set = true, .s = copy};
	return copy;
}

bool attr_set_type(struct node *n, const char *name, enum dtype v)
{
	*of_kind(n, name, ATTR_TYPE) = (struct attr){.set = true, .type = v};
	return true;
}

bool attr_set_shape(struct node *n, const char *name, const struct shape *v)
{
	struct shape *copy = arena_copy(n->graph->arena, v, sizeof *v);
	if (copy)
		*of_kind(n, name, ATTR_SHAPE) = (struct attr){.set = true, .shape = copy};
	return copy;
}

bool attr_set_ints(struct node *n, const char *name, int count, const int64_t *v)
{
	const int64_t *copy = arena_copy(n->graph->arena, v, (size_t)count * sizeof *v);
	if (copy)
		*of_kind(n, name, ATTR_INTS) = (struct attr){
		    .set = true, .list = {.n = count, .i = copy}};
	return copy;
}

/* The allowed word that text spells in any case, copied; NULL without memory, *found false when
 * there is none. */
static const char *parse_word(
    struct arena *a, const struct attr_def *def, const char *text, bool *found)
{
	size_t len = strlen(text);
	*found = true;
	if (!def->allowed)
		return arena_str(a, text);
	for (const char *w = def->allowed; w; w = strchr(w, '|') ? strchr(w, '|') + 1 : NULL)
		if (strcspn(w, "|") == len && !strncasecmp(w, text, len))
			return arena_strn(a, w, len);
	*found = false;
	return NULL;
}

/* Values of a comma-separated list; may stop beyond the limit. */
static int count_pieces(const char *text)
{
	int n = 1;
	if (!text[strspn(text, " \t\r\n")])
		return 0;
	for (const char *p = text; *p && n <= LIMIT_ATTR_VALUES; p++)
		n += *p == ',';
	return n;
}

static bool parse_piece(struct attr *a, enum attr_kind kind, int i, char *piece)
{
	if (kind == ATTR_INTS)
		return parse_i64(piece, (int64_t *)&a->list.i[i]);
	if (kind == ATTR_FLOATS)
		return parse_f64(piece, (double *)&a->list.f[i]);
	piece += strspn(piece, " \t\r\n");
	size_t n = strlen(piece);
	while (n && strchr(" \t\r\n", piece[n - 1]))
		n--;
	piece[n] = 0;
	a->list.s[i] = piece;
	return true;
}

static int parse_list(struct arena *arena, const struct attr_def *def, const char *text,
    struct attr *a, struct err *err)
{
	int n = count_pieces(text);
	if (n > LIMIT_ATTR_VALUES)
		return fail(err, E_LIMIT, "attribute '%s' has more than %d values", def->name,
		    LIMIT_ATTR_VALUES);
	char *copy = arena_str(arena, text);
	a->list.n = n;
	a->list.i = arena_array(arena, (size_t)n, sizeof(int64_t)); /* all kinds have this size */
	if (!copy || !a->list.i)
		return fail_nomem(err);
	for (int i = 0; i < n; i++) {
		char *piece = copy;
		copy += strcspn(copy, ",");
		*copy++ = 0;
		if (!parse_piece(a, def->kind, i, piece))
			return fail(err, E_FORMAT, "attribute '%s' has '%s' where a number belongs",
			    def->name, piece);
	}
	return OK;
}

static bool parse_bool(const char *text, int64_t *out)
{
	bool yes = !strcasecmp(text, "true") || !strcmp(text, "1");
	*out = yes;
	return yes || !strcasecmp(text, "false") || !strcmp(text, "0");
}

static int bad_value(const struct attr_def *def, const char *text, struct err *err)
{
	static const char *const expected[] = {[ATTR_INT] = "an integer",
	    [ATTR_BOOL] = "true or false",
	    [ATTR_FLOAT] = "a number",
	    [ATTR_TYPE] = "an element type",
	    [ATTR_SHAPE] = "a shape"};
	if (def->kind == ATTR_STRING)
		return fail(err, E_FORMAT, "attribute '%s' is '%.200s', expected one of %s",
		    def->name, text, def->allowed);
	return fail(err, E_FORMAT, "attribute '%s' is '%.200s', expected %s", def->name, text,
	    expected[def->kind]);
}

int attr_parse(struct node *n, const struct attr_def *def, const char *text, struct err *err)
{
	struct arena *arena = n->graph->arena;
	struct attr a = {.set = true};
	struct shape shape;
	bool ok = true;
	switch (def->kind) {
	case ATTR_INT:
		ok = parse_i64(text, &a.i);
		break;
	case ATTR_BOOL:
		ok = parse_bool(text, &a.i);
		break;
	case ATTR_FLOAT:
		ok = parse_f64(text, &a.f);
		break;
	case ATTR_STRING:
		a.s = parse_word(arena, def, text, &ok);
		if (ok && !a.s)
			return fail_nomem(err);
		break;
	case ATTR_TYPE:
		a.type = dtype_parse(text);
		ok = a.type != DT_NONE;
		break;
	case ATTR_SHAPE:
		ok = shape_parse(text, &shape);
		if (ok && !(a.shape = arena_copy(arena, &shape, sizeof shape)))
			return fail_nomem(err);
		break;
	default:
		if (parse_list(arena, def, text, &a, err))
			return err ? err->status : E_FORMAT;
	}
	if (!ok)
		return bad_value(def, text, err);
	n->attr[def - n->op->attrs] = a;
	return OK;
}

static void list_text(struct text *t, const struct attr_def *def, const struct attr *a)
{
	char buf[NUMBER_MAX];
	for (int i = 0; i < a->list.n; i++) {
		text_add(t, i ? ", " : "");
		if (def->kind == ATTR_INTS)
			text_printf(t, "%lld", (long long)a->list.i[i]);
		else
			text_add(t, def->kind == ATTR_FLOATS ? number_f64(buf, a->list.f[i])
							     : a->list.s[i]);
	}
}

void attr_text(struct text *t, const struct attr_def *def, const struct attr *a)
{
	char buf[NUMBER_MAX];
	switch (def->kind) {
	case ATTR_INT:
		text_printf(t, "%lld", (long long)a->i);
		break;
	case ATTR_BOOL:
		text_add(t, a->i ? "true" : "false");
		break;
	case ATTR_FLOAT:
		text_add(t, number_f64(buf, a->f));
		break;
	case ATTR_STRING:
		text_add(t, a->s);
		break;
	case ATTR_TYPE:
		text_add(t, dtype_name(a->type));
		break;
	case ATTR_SHAPE:
		shape_text(t, a->shape);
		break;
	default:
		list_text(t, def, a);
	}
}

static bool copy_list(struct arena *arena, enum attr_kind kind, struct attr *a)
{
	const char **s = arena_copy(arena, a->list.i, (size_t)a->list.n * sizeof(int64_t));
	if (!s)
		return false;
	for (int i = 0; kind == ATTR_STRINGS && i < a->list.n; i++)
		if (!(s[i] = arena_str(arena, s[i])))
			return false;
	a->list.s = s;
	return true;
}

static bool copy_attr(
    struct arena *arena, enum attr_kind kind, struct attr *dst, const struct attr *src)
{
	struct attr a = *src;
	bool ok = true;
	if (!a.set)
		ok = true;
	else if (kind == ATTR_STRING)
		ok = (a.s = arena_str(arena, a.s));
	else if (kind == ATTR_SHAPE)
		ok = (a.shape = arena_copy(arena, a.shape, sizeof *a.shape));
	else if (kind >= ATTR_INTS)
		ok = copy_list(arena, kind, &a);
	if (ok)
		*dst = a;
	return ok;
}

bool node_copy_attrs(struct node *dst, const struct node *src)
{
	const struct attr_def *from = src->op->attrs, *to = dst->op->attrs;
	for (int i = 0; from[i].name; i++) {
		int k = attr_index(dst->op, from[i].name);
		if (k < 0 || to[k].kind != from[i].kind)
			continue;
		if (!copy_attr(dst->graph->arena, to[k].kind, &dst->attr[k], &src->attr[i]))
			return false;
	}
	return true;
}
