/* The layers and constants that translators make. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "formats/onnx_translate.h"

void tr_fail(struct tr *t, int status, const char *fmt, ...)
{
	char text[sizeof t->err->text];
	va_list ap;
	if (t->status != OK)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	t->status = fail(t->err, status, "%s", text);
}

static void *check_mem(struct tr *t, void *p)
{
	if (!p)
		tr_fail(t, E_NOMEM, "out of memory");
	return p;
}

struct value *tr_in(struct tr *t, int k)
{
	if (tr_given(t, k))
		return t->in[k];
	if (k < t->nin && t->in_list[k])
		tr_fail(t, E_UNSUPPORTED, "input %d is a sequence", k);
	tr_fail(t, E_FORMAT, "input %d is missing", k);
	return NULL;
}

bool tr_given(const struct tr *t, int k)
{
	return k < t->nin && t->in[k];
}

bool tr_wants(const struct tr *t, int k)
{
	return k < t->nout && *t->node->output[k];
}

void tr_out(struct tr *t, int k, struct value *v)
{
	if (t->status == OK && k < t->nout)
		t->out[k] = v;
}

enum dtype tr_dtype(const struct value *v)
{
	return v ? v->info.type : DT_NONE;
}

int tr_rank(struct tr *t, const struct value *v)
{
	if (v && v->info.shape.rank >= 0)
		return v->info.shape.rank;
	if (v)
		tr_fail(t, E_UNSUPPORTED, "the rank of '%s' is not known", value_name(v));
	return 0;
}

int64_t tr_dim(const struct value *v, int axis)
{
	if (!v || axis < 0 || axis >= v->info.shape.rank || !dim_static(v->info.shape.dim[axis]))
		return -1;
	return v->info.shape.dim[axis].min;
}

int tr_axis(struct tr *t, int64_t axis, int rank)
{
	if (axis < -rank || axis >= rank)
		tr_fail(
		    t, E_FORMAT, "axis %lld is out of range for rank %d", (long long)axis, rank);
	return t->status != OK ? 0 : (int)(axis < 0 ? axis + rank : axis);
}

/* The content of a constant of at most max elements; weights are not looked at. */
static struct tensor small_constant(const struct value *v, int max)
{
	int64_t n = v ? shape_count(&v->info.shape) : -1;
	return n >= 0 && n <= max && value_const(v) ? value_tensor(v) : (struct tensor){0};
}

int tr_known(const struct value *v, int64_t *out, int max)
{
	struct tensor c = small_constant(v, max);
	int64_t n = v ? shape_count(&v->info.shape) : -1;
	if (!v || v->info.shape.rank > 1 || n < 0 || n > max)
		return -1;
	if (c.type != DT_NONE && (dtype_is_int(c.type) || c.type == DT_BOOL)) {
		for (int64_t i = 0; i < n; i++)
			out[i] = tensor_i64(&c, i);
		return (int)n;
	}
	if (n && !v->info.elems)
		return -1;
	for (int64_t i = 0; i < n; i++) {
		if (!dim_static(v->info.elems[i]))
			return -1;
		out[i] = v->info.elems[i].min;
	}
	return (int)n;
}

bool tr_known_number(const struct value *v, double *out)
{
	struct tensor c = small_constant(v, 1);
	if (c.type == DT_NONE || tensor_count(&c) != 1)
		return false;
	*out = tensor_f64(&c, 0);
	return true;
}

/* "conv1/Reshape", then "conv1/Reshape_1": the name of a helper layer. */
static const char *helper_name(struct tr *t, const char *type)
{
	int n = 0;
	for (const struct node *k = t->mark ? t->mark->next : t->graph->first; k; k = k->next)
		n += !strcmp(k->op->type, type);
	return n ? arena_printf(t->scope->im->arena, "%s/%s_%d", t->name, type, n)
		 : arena_printf(t->scope->im->arena, "%s/%s", t->name, type);
}

struct node *tr_new_n(struct tr *t, enum op_id id, int nout, struct value *const *in, int nin)
{
	for (int i = 0; i < nin; i++)
		if (!in[i])
			tr_fail(t, E_FORMAT, "an input is missing");
	if (t->status != OK)
		return NULL;
	const char *name = check_mem(t, (void *)helper_name(t, op_row(id)->type));
	return name ? check_mem(t, graph_add(t->graph, op_row(id), name, in, nin, nout)) : NULL;
}

static void check_set(struct tr *t, bool ok)
{
	if (!ok)
		tr_fail(t, E_NOMEM, "out of memory");
}

void tr_set_i(struct tr *t, struct node *n, const char *name, int64_t v)
{
	if (n)
		check_set(t, attr_set_i(n, name, v));
}

void tr_set_f(struct tr *t, struct node *n, const char *name, double v)
{
	if (n)
		check_set(t, attr_set_f(n, name, v));
}

void tr_set_s(struct tr *t, struct node *n, const char *name, const char *v)
{
	if (n)
		check_set(t, attr_set_s(n, name, v));
}

void tr_set_type(struct tr *t, struct node *n, const char *name, enum dtype v)
{
	if (n)
		check_set(t, attr_set_type(n, name, v));
}

void tr_set_ints(struct tr *t, struct node *n, const char *name, int count, const int64_t *v)
{
	if (n)
		check_set(t, attr_set_ints(n, name, count, v));
}

void tr_set_text(struct tr *t, struct node *n, const char *name, const char *text)
{
	const struct attr_def *d = n ? n->op->attrs : NULL;
	while (d && d->name && strcmp(d->name, name))
		d++;
	if (d && t->status == OK)
		t->status = attr_parse(n, d, text, t->err);
}

struct value *tr_end(struct tr *t, struct node *n)
{
	if (!n || t->status != OK)
		return NULL;
	struct err why = {0};
	int status = node_infer(n, &why);
	if (status != OK)
		tr_fail(t, status, "%s", why.text);
	err_clear(&why);
	return status == OK ? &n->out[0] : NULL;
}

struct value *tr_port(struct value *v, int k)
{
	return v ? &v->node->out[k] : NULL;
}

struct value *tr_constant(struct tr *t, const char *name, const struct onnx_const *c)
{
	if (t->status != OK || !c->data) {
		blob_unref(c->data);
		tr_fail(t, E_NOMEM, "out of memory");
		return NULL;
	}
	if (!name)
		name = check_mem(t, (void *)helper_name(t, "Const"));
	struct node *n = graph_const(t->graph, NULL, name, c->type, c->rank, c->dim, c->data);
	return check_mem(t, n) ? tr_end(t, n) : NULL;
}

struct value *tr_i64(struct tr *t, int n, const int64_t *v)
{
	struct onnx_const c = {.type = DT_I64, .rank = n < 0 ? 0 : 1, .dim = {n}};
	if (t->status != OK)
		return NULL;
	c.data = blob_copy(v, (size_t)(n < 0 ? 1 : n) * sizeof *v);
	return tr_constant(t, NULL, &c);
}

struct value *tr_i64_1(struct tr *t, int64_t v)
{
	return tr_i64(t, 1, &v);
}

struct value *tr_scalar_i64(struct tr *t, int64_t v)
{
	return tr_i64(t, -1, &v);
}

struct value *tr_number(struct tr *t, enum dtype type, double v)
{
	_Alignas(16) char bytes[16] = {0};
	struct tensor one = {.type = type, .data = bytes};
	struct onnx_const c = {.type = type};
	if (t->status != OK)
		return NULL;
	if (type == DT_NONE) {
		tr_fail(t, E_UNSUPPORTED, "an input's element type is not known");
		return NULL;
	}
	tensor_set_f64(&one, 0, v);
	c.data = blob_copy(bytes, tensor_bytes(&one));
	return tr_constant(t, NULL, &c);
}

struct value *tr_number_of(struct tr *t, const struct value *like, double v)
{
	return like ? tr_number(t, like->info.type, v) : NULL;
}

struct value *tr_range(struct tr *t, int from, int to)
{
	int64_t v[MAX_RANK];
	int n = 0;
	for (int i = from; i < to && n < MAX_RANK; i++)
		v[n++] = i;
	return tr_i64(t, n, v);
}
