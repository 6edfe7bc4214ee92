/* Reading a graph from text: one statement a line, each node inferred as it is made. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/map.h"
#include "base/rng.h"
#include "graph/op.h"
#include "graph/print.h"

#define CONST_BYTES (64 << 20) /* of one constant spelled in text */

struct list {
	void **item;
	int n;
};

struct scan {
	const char *p;
	struct graph *g;
	struct arena *a;            /* dies with the scan */
	struct map named, numbered; /* labels given; "name.k" where none was */
	const struct op *(*find)(const char *type, int opset);
	int (*infer)(struct node *n, struct err *err);
	struct err *err;
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

static void skip(struct scan *s, const char *what)
{
	s->p += strspn(s->p, what);
	if (*s->p == '#' && strchr(what, '\n')) {
		s->p += strcspn(s->p, "\n");
		skip(s, what);
	}
}

#define IN_LINE " \t\r"
#define ANYWHERE " \t\r\n"

static bool take(struct scan *s, char c, const char *space)
{
	skip(s, space);
	if (*s->p != c)
		return false;
	s->p++;
	return true;
}

static int expected(struct scan *s, const char *what)
{
	int n = (int)strcspn(s->p, "\n");
	return fail(s->err, E_FORMAT, "expected %s before '%.*s'", what, n < 40 ? n : 40, s->p);
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "…" with \" \\ \n \xHH; NULL with the error set. */
static char *quoted(struct scan *s)
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
		expected(s, "the end of a quoted name");
	else if (!copy)
		fail_nomem(s->err);
	return copy;
}

static char *run(struct scan *s, size_t n)
{
	char *w = arena_strn(s->a, s->p, n);
	s->p += n;
	if (!w)
		fail_nomem(s->err);
	return w;
}

static char *word(struct scan *s, const char *what)
{
	if (*s->p == '"')
		return quoted(s);
	size_t n = strspn(s->p, "0123456789_./-"
				"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (n)
		return run(s, n);
	expected(s, what);
	return NULL;
}

#define STATUS(s) ((s)->err->status)

static int scan_names(struct scan *s, struct statement *st)
{
	/* "a, b = …": a statement without "=" has no names, which only the text further on tells */
	const char *start = s->p;
	do {
		skip(s, IN_LINE);
		char *name = word(s, "a name or an operator");
		if (!name)
			return STATUS(s);
		if (!list_push(s->a, &st->names, name))
			return fail_nomem(s->err);
	} while (take(s, ',', IN_LINE));
	if (take(s, '=', IN_LINE))
		return OK;
	st->names.n = 0;
	s->p = start;
	return OK;
}

static int scan_op(struct scan *s, struct statement *st)
{
	skip(s, IN_LINE);
	char *type = word(s, "an operator");
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
	if (!take(s, '(', IN_LINE))
		return OK;
	if (take(s, ')', ANYWHERE))
		return OK;
	do {
		skip(s, ANYWHERE);
		bool bare = *s->p != '"';
		char *name = word(s, "an input's name");
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
	} while (take(s, ',', ANYWHERE));
	return take(s, ')', ANYWHERE) ? OK : expected(s, "')'");
}

static int scan_attrs(struct scan *s, struct statement *st)
{
	if (!take(s, '{', IN_LINE))
		return OK;
	while (!take(s, '}', ANYWHERE)) {
		char *key = word(s, "an attribute");
		if (!key)
			return STATUS(s);
		if (!take(s, '=', IN_LINE))
			return expected(s, "'='");
		char *value = *s->p == '"' ? quoted(s) : run(s, strcspn(s->p, " \t\r\n}"));
		if (!value)
			return STATUS(s);
		if (!list_push(s->a, &st->keys, key) || !list_push(s->a, &st->values, value))
			return fail_nomem(s->err);
	}
	return OK;
}

static int scan_type(struct scan *s, struct info *out)
{
	skip(s, IN_LINE);
	char *type = run(s, strspn(s->p, "abcdefghijklmnopqrstuvwxyz0123456789"));
	if (!type)
		return STATUS(s);
	out->type = dtype_parse(type);
	if (out->type == DT_NONE && strcmp(type, "undefined"))
		return fail(s->err, E_FORMAT, "'%.100s' is no element type", type);
	char *shape = *s->p == '[' ? run(s, strcspn(s->p, "]\n")) : NULL;
	if (!shape && STATUS(s) == E_NOMEM)
		return E_NOMEM;
	if (!shape || *s->p != ']')
		return expected(s, "a shape in brackets");
	s->p++;
	if (!shape_parse(shape + 1, &out->shape))
		return fail(s->err, E_FORMAT, "'%.100s]' is no shape", shape);
	return OK;
}

static int scan_types(struct scan *s, struct statement *st)
{
	if (!take(s, ':', IN_LINE))
		return OK;
	do {
		struct info *info = arena_alloc(s->a, sizeof *info);
		if (!info || !list_push(s->a, &st->types, info))
			return fail_nomem(s->err);
		int rc = scan_type(s, info);
		if (rc)
			return rc;
	} while (take(s, ',', IN_LINE));
	return OK;
}

/* The upper half of u64, which the other parsers do not reach. */
static bool parse_u64(const char *s, uint64_t *out)
{
	uint64_t v = 0;
	for (const char *p = s; *p; p++)
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	*out = v;
	return *s;
}

/* Bytes written for one element are put at place i. */
static int scan_element(struct scan *s, struct tensor *t, int64_t i)
{
	int64_t v;
	uint64_t u;
	double d;
	skip(s, IN_LINE);
	char *number = run(s, strcspn(s->p, " \t\r\n#)"));
	if (!number)
		return STATUS(s);
	if (!dtype_is_float(t->type) && parse_i64(number, &v))
		tensor_set_i64(t, i, v);
	else if (t->type == DT_U64 && parse_u64(number, &u))
		tensor_set_i64(t, i, (int64_t)u);
	else if (parse_f64(number, &d))
		tensor_set_f64(t, i, d);
	else
		return fail(s->err, E_FORMAT, "'%.100s' is no number", number);
	return OK;
}

static void fill_random(struct tensor *t, int64_t count, uint64_t seed)
{
	for (int64_t i = 0; i < count; i++) {
		if (dtype_is_float(t->type))
			tensor_set_f64(t, i, 2 * (double)rng_f32(&seed) - 1);
		else if (t->type == DT_BOOL)
			tensor_set_i64(t, i, (int64_t)(rng_next(&seed) % 2));
		else
			tensor_set_i64(t, i, (int64_t)(rng_next(&seed) % 10));
	}
}

static int scan_random(struct scan *s, struct tensor *t, int64_t count)
{
	int64_t seed;
	char *number = run(s, strcspn(s->p, ")\n"));
	if (!number)
		return STATUS(s);
	if (!parse_i64(number, &seed) || !take(s, ')', IN_LINE))
		return fail(s->err, E_FORMAT, "'%.100s' is no seed", number);
	fill_random(t, count, (uint64_t)seed);
	return OK;
}

static bool starts(struct scan *s, const char *prefix)
{
	size_t n = strlen(prefix);
	if (strncmp(s->p, prefix, n))
		return false;
	s->p += n;
	return true;
}

/* One element for fill(…), else all of them. */
static int scan_content(struct scan *s, struct tensor *t, int64_t count, bool *fill)
{
	int rc = OK;
	skip(s, IN_LINE);
	*fill = starts(s, "fill(");
	if (*fill) {
		rc = scan_element(s, t, 0);
		return rc ? rc : take(s, ')', IN_LINE) ? OK : expected(s, "')'");
	}
	if (starts(s, "random("))
		return scan_random(s, t, count);
	if (starts(s, "hash("))
		return fail(s->err, E_UNSUPPORTED, "a constant printed as a hash cannot be read");
	for (int64_t i = 0; i < count && !rc; i++)
		rc = scan_element(s, t, i);
	return rc;
}

static int make_const(struct scan *s, const struct info *info, struct blob **out)
{
	int64_t count = shape_count(&info->shape), bytes = dtype_bytes(info->type, count);
	if (info->type == DT_NONE || bytes < 0)
		return fail(s->err, E_FORMAT, "a constant needs a type and a fixed shape");
	if (bytes > CONST_BYTES)
		return fail(s->err, E_LIMIT, "a constant of %lld bytes in text", (long long)bytes);
	struct tensor t;
	bool fill;
	int rc = tensor_alloc(&t, info->type, 1, &count, s->err);
	if (rc)
		return rc;
	if (!(rc = scan_content(s, &t, count, &fill))) {
		if (fill && dtype_bits(t.type) >= 8)
			*out = blob_fill(t.data, (size_t)dtype_bits(t.type) / 8, count);
		else
			*out = blob_copy(t.data, (size_t)bytes);
		if (!*out)
			rc = fail_nomem(s->err);
	}
	tensor_free(&t);
	return rc;
}

static int scan_const(struct scan *s, struct node *n)
{
	struct info *info = &n->out[0].info;
	int rc = scan_type(s, info);
	return rc ? rc : make_const(s, info, &n->data);
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
	skip(s, IN_LINE);
	if (!rc && *s->p && *s->p != '\n' && *s->p != '#')
		rc = expected(s, "the end of the line");
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
	while (!rc && (skip(&s, ANYWHERE), *s.p)) {
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
