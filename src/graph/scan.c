/* Reading a graph from text: one statement a line, each node inferred as it is made. */
#include "graph/scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "graph/print.h"

struct list {
	void **item;
	int n;
};

/* One line, taken apart. */
struct statement {
	struct list names;  /* char * */
	struct list inputs; /* struct value *, NULL for _ */
	struct list keys, values;
	struct list types; /* struct info * */
	const struct op *op;
	bool is_const;
};

static bool list_push(struct arena *a, struct list *l, void *item)
{
	if (!(l->n & (l->n - 1))) {
		void **more = arena_array(a, l->n ? 2 * (size_t)l->n : 1, sizeof *more);
		if (!more)
			return false;
		if (l->n)
			memcpy(more, l->item, (size_t)l->n * sizeof *more);
		l->item = more;
	}
	l->item[l->n++] = item;
	return true;
}

static int scan_names(struct scan *s, struct statement *st)
{
	/* "a, b = …": a statement without "=" has no names, which only the text further on tells */
	const char *start = s->p;
	do {
		scan_skip(s, IN_LINE);
		char *name = scan_word(s, "a name or an operator");
		if (!name)
			return STATUS(s);
		if (!list_push(s->a, &st->names, name))
			return fail_nomem(s->err);
	} while (scan_take(s, ',', IN_LINE));
	if (scan_take(s, '=', IN_LINE))
		return OK;
	st->names.n = 0;
	s->p = start;
	return OK;
}

static int scan_op(struct scan *s, struct statement *st)
{
	scan_skip(s, IN_LINE);
	char *type = scan_word(s, "an operator");
	if (!type)
		return STATUS(s);
	char *dash = strrchr(type, '-');
	int64_t opset = 1;
	st->is_const = !strcmp(type, "Const");
	if (!st->is_const && (!dash || !parse_i64(dash + 1, &opset) || opset < 1 || opset > 99))
		return fail(s->err, E_FORMAT, "'%.100s' is no operator with an opset", type);
	if (dash)
		*dash = 0;
	if (!(st->op = s->find(type, (int)opset)))
		return fail(
		    s->err, E_UNSUPPORTED, "no operator '%.100s' in opset %d", type, (int)opset);
	return OK;
}

static int scan_inputs(struct scan *s, struct statement *st)
{
	if (!scan_take(s, '(', IN_LINE))
		return OK;
	if (scan_take(s, ')', ANYWHERE))
		return OK;
	do {
		scan_skip(s, ANYWHERE);
		bool bare = *s->p != '"';
		char *name = scan_word(s, "an input's name");
		if (!name)
			return STATUS(s);
		bool absent = bare && !strcmp(name, "_");
		struct value *v = absent ? NULL : map_get(&s->named, name);
		if (!absent && !v && !(v = map_get(&s->numbered, name)))
			return fail(s->err, E_FORMAT, "'%.200s' is not defined", name);
		if (st->inputs.n == LIMIT_PORTS)
			return fail(s->err, E_LIMIT, "more than %d inputs", LIMIT_PORTS);
		if (!list_push(s->a, &st->inputs, v))
			return fail_nomem(s->err);
	} while (scan_take(s, ',', ANYWHERE));
	return scan_take(s, ')', ANYWHERE) ? OK : scan_expected(s, "')'");
}

static int scan_attrs(struct scan *s, struct statement *st)
{
	if (!scan_take(s, '{', IN_LINE))
		return OK;
	while (!scan_take(s, '}', ANYWHERE)) {
		char *key = scan_word(s, "an attribute");
		if (!key)
			return STATUS(s);
		if (!scan_take(s, '=', IN_LINE))
			return scan_expected(s, "'='");
		char *value = *s->p == '"' ? scan_quoted(s)
					   : scan_run(s, strcspn(s->p, " \t\r\n}"));
		if (!value)
			return STATUS(s);
		if (!list_push(s->a, &st->keys, key) || !list_push(s->a, &st->values, value))
			return fail_nomem(s->err);
	}
	return OK;
}

static int scan_types(struct scan *s, struct statement *st)
{
	if (!scan_take(s, ':', IN_LINE))
		return OK;
	do {
		struct info *info = arena_alloc(s->a, sizeof *info);
		if (!info || !list_push(s->a, &st->types, info))
			return fail_nomem(s->err);
		int rc = scan_type(s, info);
		if (rc)
			return rc;
	} while (scan_take(s, ',', IN_LINE));
	return OK;
}

static int set_attrs(struct scan *s, struct node *n, const struct statement *st)
{
	for (int i = 0; i < st->keys.n; i++) {
		const struct attr_def *def = n->op->attrs;
		while (def->name && strcmp(def->name, st->keys.item[i]))
			def++;
		if (!def->name)
			return fail(s->err, E_FORMAT, "%s has no attribute '%.100s'", n->op->type,
			    (char *)st->keys.item[i]);
		int rc = attr_parse(n, def, st->values.item[i], s->err);
		if (rc)
			return rc;
	}
	return OK;
}

static int check_types(struct scan *s, const struct node *n, const struct statement *st)
{
	for (int i = 0; i < st->types.n && i < n->nout; i++) {
		const struct info *want = st->types.item[i], *got = &n->out[i].info;
		if (want->type == got->type && shape_equal(&want->shape, &got->shape))
			continue;
		struct text t = {0};
		shape_text(&t, &got->shape);
		fail(s->err, E_FORMAT, "output %d is %s[%.200s], not what the text says", i,
		    dtype_name(got->type), t.data ? t.data : "");
		text_free(&t);
		return E_FORMAT;
	}
	return OK;
}

/* Without an infer the text is believed. */
static int infer_node(struct scan *s, struct node *n, const struct statement *st)
{
	if (st->types.n && st->types.n != n->nout)
		return fail(s->err, E_FORMAT, "%d types for %d outputs", st->types.n, n->nout);
	if (!s->infer) {
		for (int i = 0; i < st->types.n; i++)
			n->out[i].info = *(const struct info *)st->types.item[i];
		return OK;
	}
	int rc = s->infer(n, s->err);
	return rc ? rc : check_types(s, n, st);
}

static int define(struct scan *s, struct node *n, const struct statement *st)
{
	for (int i = 0; i < st->names.n && i < n->nout; i++) {
		const char *name = st->names.item[i];
		if (map_has(&s->named, name))
			return fail(s->err, E_FORMAT, "'%.200s' is defined twice", name);
		if (!map_put(&s->named, name, &n->out[i]))
			return fail_nomem(s->err);
	}
	for (int i = st->names.n; i < n->nout && st->names.n; i++) {
		char *name = arena_printf(s->a, "%s.%d", (char *)st->names.item[0], i);
		if (!name || !map_put(&s->numbered, name, &n->out[i]))
			return fail_nomem(s->err);
	}
	return OK;
}

static int make_node(struct scan *s, const struct statement *st)
{
	const struct op *op = st->op;
	int nout = op->nout >= 0 ? op->nout : st->types.n ? st->types.n : st->names.n;
	if (nout > LIMIT_PORTS || s->g->nnodes >= LIMIT_NODES)
		return fail(s->err, E_LIMIT, "too many outputs or nodes");
	if (st->names.n > (nout ? nout : 1))
		return fail(s->err, E_FORMAT, "%d names for %d outputs", st->names.n, nout);
	struct node *n = graph_add(s->g, op, st->names.n ? st->names.item[0] : "",
	    (struct value *const *)st->inputs.item, st->inputs.n, nout);
	if (!n)
		return fail_nomem(s->err);
	int rc = st->is_const ? scan_const(s, n) : set_attrs(s, n, st);
	if (!rc)
		rc = infer_node(s, n, st);
	return rc ? rc : define(s, n, st);
}

static int scan_statement(struct scan *s)
{
	struct statement st = {0};
	int rc = scan_names(s, &st);
	if (!rc)
		rc = scan_op(s, &st);
	if (!rc && !st.is_const) {
		if ((rc = scan_inputs(s, &st)) || (rc = scan_attrs(s, &st)) ||
		    (rc = scan_types(s, &st)))
			return rc;
	}
	if (!rc)
		rc = make_node(s, &st);
	scan_skip(s, IN_LINE);
	if (!rc && *s->p && *s->p != '\n' && *s->p != '#')
		rc = scan_expected(s, "the end of the line");
	return rc;
}

static int line_of(const char *text, const char *p)
{
	int line = 1;
	for (; text < p; text++)
		line += *text == '\n';
	return line;
}

int graph_scan(const char *text, const struct op *(*find)(const char *type, int opset),
    int (*infer)(struct node *n, struct err *err), struct graph **out, struct err *err)
{
	struct err own = {0};
	struct scan s = {.p = text, .find = find, .infer = infer, .err = err ? err : &own};
	int rc = OK;
	s.g = graph_new("");
	s.a = arena_new();
	if (!s.g || !s.a)
		rc = fail_nomem(s.err);
	while (!rc && (scan_skip(&s, ANYWHERE), *s.p)) {
		const char *start = s.p;
		rc = scan_statement(&s);
		if (rc)
			err_in(s.err, "line %d", line_of(text, start));
	}
	map_free(&s.named);
	map_free(&s.numbered);
	arena_free(s.a);
	if (rc)
		graph_free(s.g);
	else
		*out = s.g;
	err_clear(&own);
	return rc;
}
