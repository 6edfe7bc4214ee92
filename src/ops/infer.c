/* Type and shape inference of nodes and graphs, and what a row's infer may ask. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ops/op.h"

/* Larger constants are not evaluated for inference when they are deferred or misaligned. */
#define EAGER_BYTES (64 << 10)

const struct dim *infer_elems(const struct infer *s, int k, int *n)
{
	if (!infer_has(s, k) || !s->in[k].elems)
		return NULL;
	int64_t count = shape_count(&s->in[k].shape);
	if (count < 0 || count > LIMIT_ELEMS)
		return NULL;
	*n = (int)count;
	return s->in[k].elems;
}

int infer_ints(const struct infer *s, int k, int64_t *v, int max)
{
	if (!infer_has(s, k))
		return -1;
	int n = 0;
	const struct dim *elems = infer_elems(s, k, &n);
	const struct tensor *t = s->in[k].tensor;
	if (elems) {
		for (int i = 0; i < n; i++) {
			if (i == max || !dim_static(elems[i]))
				return -1;
			v[i] = elems[i].min;
		}
		return n;
	}
	if (!t || dtype_is_float(t->type) || tensor_count(t) > max)
		return -1;
	n = (int)tensor_count(t);
	for (int i = 0; i < n; i++)
		v[i] = tensor_i64(t, i);
	return n;
}

bool infer_int(const struct infer *s, int k, int64_t *v)
{
	return infer_ints(s, k, v, 1) == 1;
}

int infer_axis(struct infer *s, int64_t axis, int rank)
{
	if (axis < -rank || axis >= rank) {
		infer_fail(s, "axis %lld is out of range for rank %d", (long long)axis, rank);
		return -1;
	}
	return (int)(axis < 0 ? axis + rank : axis);
}

void infer_set_elems(struct infer *s, int k, int n, const struct dim *elems)
{
	/* Room for the most there can be: the shape, which may be set later, tells the count. */
	struct dim *d = NULL;
	if (s->arena && n <= LIMIT_ELEMS)
		d = arena_array(s->arena, LIMIT_ELEMS, sizeof *d);
	if (d && n)
		memcpy(d, elems, (size_t)n * sizeof *d);
	s->out[k].elems = d;
}

int infer_fail(struct infer *s, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return fail(s->err, E_FORMAT, "%s", text);
}

const struct dim *tensor_elems(const struct tensor *t, struct arena *a)
{
	if (t->type == DT_NONE || dtype_is_float(t->type) || t->rank > 1)
		return NULL;
	int64_t n = tensor_count(t);
	struct dim *d = n > LIMIT_ELEMS ? NULL : arena_array(a, (size_t)n, sizeof *d);
	for (int64_t i = 0; d && i < n; i++)
		d[i] = dim_of(tensor_i64(t, i));
	return d;
}

static int check_arity(const struct node *n, struct err *err)
{
	const struct op *op = n->op;
	if (n->nin < op->min_in || n->nin > op->max_in)
		return fail(err, E_FORMAT, "%s has %d inputs, expected %s%d", op->type, n->nin,
		    op->min_in == op->max_in ? ""
		    : n->nin < op->min_in    ? "at least "
					     : "at most ",
		    n->nin < op->min_in ? op->min_in : op->max_in);
	if (op->nout >= 0 && n->nout != op->nout)
		return fail(
		    err, E_FORMAT, "%s has %d outputs, expected %d", op->type, n->nout, op->nout);
	for (int i = 0; i < op->min_in; i++)
		if (!n->in[i].value)
			return fail(err, E_FORMAT, "input %d of %s is absent", i, op->type);
	return OK;
}

/* Inputs beyond min_in may be absent; required attributes may not. */
static int check_node(const struct node *n, struct err *err)
{
	int rc = check_arity(n, err);
	for (int i = 0; n->op->attrs[i].name && !rc; i++)
		if (n->op->attrs[i].required && !n->attr[i].set)
			rc = fail(err, E_FORMAT, "attribute '%s' of %s is missing",
			    n->op->attrs[i].name, n->op->type);
	return rc;
}

/* The whole content of a constant where it is at hand: large ones are neither computed nor moved to
 * an aligned place for inference. */
static bool known_tensor(const struct value *v, struct tensor *t)
{
	const struct node *c = value_const(v);
	const void *p = c ? blob_direct(c->data) : NULL;
	if (!c || ((!p || (uintptr_t)p % 8) && blob_size(c->data) > EAGER_BYTES))
		return false;
	*t = value_tensor(v);
	return t->type != DT_NONE;
}

static void describe(const struct node *n, struct infer_in *in, struct tensor *content)
{
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = n->in[i].value;
		in[i] = (struct infer_in){.shape = shape_unknown()};
		if (!v)
			continue;
		in[i].type = v->info.type;
		in[i].shape = v->info.shape;
		in[i].elems = v->info.elems;
		if (known_tensor(v, &content[i]))
			in[i].tensor = &content[i];
	}
}

static int check_const(const struct node *n, struct err *err)
{
	const struct info *info = &n->out[0].info;
	int64_t count = shape_count(&info->shape), bytes = dtype_bytes(info->type, count);
	if (!n->data || count < 0 || bytes < 0)
		return fail(err, E_FORMAT, "the constant has no content");
	if ((uint64_t)bytes != blob_size(n->data))
		return fail(err, E_FORMAT, "the constant has %zu bytes, its shape takes %lld",
		    blob_size(n->data), (long long)bytes);
	return OK;
}

/* What a constant's bytes say. */
static int finish_const(struct node *n, struct info *out, struct arena *scratch, struct err *err)
{
	struct tensor t;
	int rc = check_const(n, err);
	out->elems = NULL;
	if (!rc && out->shape.rank <= 1 && shape_count(&out->shape) <= LIMIT_ELEMS &&
	    known_tensor(&n->out[0], &t))
		out->elems = tensor_elems(&t, scratch);
	return rc;
}

static int check_info(const struct info *info, int port, struct err *err)
{
	for (int i = 0; i < info->shape.rank; i++)
		if (info->shape.dim[i].min < 0 || info->shape.dim[i].max < info->shape.dim[i].min)
			return fail(
			    err, E_FORMAT, "dimension %d of output %d would be negative", i, port);
	return OK;
}

/* Content that the type cannot hold would wrap when it is computed: then nothing is known. */
static bool type_holds(enum dtype type, const struct dim *elems, int64_t n)
{
	bool wide = type == DT_F32 || type == DT_F64; /* whole numbers, see convert.c */
	int bits = wide ? 63 : dtype_is_signed(type) ? dtype_bits(type) - 1 : dtype_bits(type);
	int64_t max = type == DT_BOOL ? 1 : bits > 62 ? INT64_MAX : (INT64_C(1) << bits) - 1;
	int64_t min = wide || dtype_is_signed(type) ? -max - 1 : 0;
	for (int64_t i = 0; i < n; i++)
		if (elems[i].min < min || (elems[i].max > max && elems[i].max != DIM_INF))
			return false;
	return dtype_is_int(type) || type == DT_BOOL || type == DT_F32 || type == DT_F64;
}

#define NAMED_ELEMS 8 /* elements of a value's content that get symbols of their own */

static bool is_open(struct dim d)
{
	return !dim_static(d) && !d.symbol;
}

/* The first of v's own symbols; 0 without more. */
static uint32_t own_symbols(struct value *v)
{
	if (!v->symbols)
		v->symbols = graph_symbols(v->node->graph, MAX_RANK + NAMED_ELEMS);
	return v->symbols;
}

/* A size that nothing is known of is still equal to itself: it gets v's own symbol, so that
 * whatever follows from it is seen to be the same. In bodies a value has as many sizes as turns. */
static void name_sizes(struct value *v, struct shape *s)
{
	for (int i = 0; i < s->rank && !v->node->graph->outer; i++)
		if (is_open(s->dim[i]) && own_symbols(v))
			s->dim[i].symbol = v->symbols + (uint32_t)i;
}

/* The same for content; elems is scratch memory. */
static void name_elems(struct value *v, struct dim *elems, int64_t n)
{
	for (int64_t i = 0; i < n && n <= NAMED_ELEMS && !v->node->graph->outer; i++)
		if (is_open(elems[i]) && own_symbols(v))
			elems[i].symbol = v->symbols + MAX_RANK + (uint32_t)i;
}

/* Takes what was inferred over; content moves to the graph's arena unless it is there already. */
static int keep_info(struct value *v, struct info info, struct err *err)
{
	struct arena *a = v->node->graph->arena;
	int64_t n = shape_count(&info.shape), old = shape_count(&v->info.shape);
	struct dim named[LIMIT_ELEMS];
	name_sizes(v, &info.shape);
	if (n < 0 || n > LIMIT_ELEMS || info.shape.rank > 1)
		info.elems = NULL;
	if (info.elems && type_holds(info.type, info.elems, n)) {
		size_t size = (size_t)n * sizeof *info.elems;
		if (size)
			memcpy(named, info.elems, size);
		name_elems(v, named, n);
		info.elems = named;
		if (v->info.elems && n == old && !memcmp(v->info.elems, info.elems, size))
			info.elems = v->info.elems;
		else if (!(info.elems = arena_copy(a, info.elems, size)))
			return fail_nomem(err);
	} else {
		info.elems = NULL;
	}
	v->info = info;
	return OK;
}

static int finish(struct node *n, struct info *out, struct arena *scratch, struct err *err)
{
	int rc = node_is(n, OP_CONST) ? finish_const(n, out, scratch, err) : OK;
	for (int i = 0; i < n->nout && !rc; i++)
		if (!(rc = check_info(&out[i], i, err)))
			rc = keep_info(&n->out[i], out[i], err);
	return rc;
}

static int run_infer(struct node *n, struct arena *scratch, struct err *err)
{
	size_t nin = (size_t)n->nin, nout = (size_t)n->nout;
	struct infer_in *in = arena_array(scratch, nin, sizeof *in);
	struct tensor *content = arena_array(scratch, nin, sizeof *content);
	struct info *out = arena_array(scratch, nout, sizeof *out);
	if (!in || !content || !out)
		return fail_nomem(err);
	describe(n, in, content);
	for (size_t i = 0; i < nout; i++)
		out[i].shape = shape_unknown();
	struct infer s = {.node = n,
	    .nin = n->nin,
	    .nout = n->nout,
	    .in = in,
	    .out = out,
	    .arena = scratch,
	    .symbols = n->graph,
	    .err = err};
	int rc = n->op->infer(&s);
	return rc ? rc : finish(n, out, scratch, err);
}

static int infer_in_scratch(struct node *n, struct arena *scratch, struct err *err)
{
	struct arena_mark m = arena_mark(scratch);
	int rc = check_node(n, err);
	if (!rc) /* infers the bodies too, once they know what goes in */
		rc = run_infer(n, scratch, err);
	arena_reset(scratch, m);
	if (rc)
		err_in(err, "node '%s'", n->name);
	return rc;
}

int node_infer(struct node *n, struct err *err)
{
	struct arena *scratch = arena_new();
	int rc = scratch ? infer_in_scratch(n, scratch, err) : fail_nomem(err);
	arena_free(scratch);
	return rc;
}

int graph_infer(struct graph *g, struct err *err)
{
	struct arena *scratch = arena_new();
	int rc = scratch ? OK : fail_nomem(err);
	for (struct node *n = g->first; n && !rc; n = n->next)
		rc = infer_in_scratch(n, scratch, err);
	arena_free(scratch);
	return rc;
}
