/* Shared steps of rewriting: reading constants, adding nodes, moving names. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "passes/rewrite.h"

#define NUMBER_ELEMS (1 << 16)
#define NUMBER_PART 512 /* bytes looked at in one go */
#define DEAD_DEPTH 32   /* a longer chain is left to dead-code */

struct node *only_use(const struct value *v)
{
	return v->nuses == 1 ? v->uses->node : NULL;
}

bool is_output(const struct value *v)
{
	value_each_use (v, u)
		if (node_is(u->node, OP_RESULT))
			return true;
	return false;
}

bool can_replace(const struct value *old, const struct value *v)
{
	return !is_output(old) || !(node_is(v->node, OP_PARAMETER) || is_output(v));
}

bool same_shapes(const struct shape *a, const struct shape *b)
{
	if (a->rank < 0 || a->rank != b->rank)
		return false;
	for (int i = 0; i < a->rank; i++) {
		struct dim p = a->dim[i], q = b->dim[i];
		bool same = dim_static(p) && dim_static(q) ? p.min == q.min
							   : p.symbol && p.symbol == q.symbol;
		if (!same)
			return false;
	}
	return true;
}

bool same_reshaped(const struct shape *a, const struct shape *b)
{
	int unknown = 0;
	if (a->rank < 0 || a->rank != b->rank)
		return false;
	if (same_shapes(a, b))
		return true;
	for (int i = 0; i < a->rank; i++) {
		struct dim p = a->dim[i], q = b->dim[i];
		if (dim_static(p) != dim_static(q) || (dim_static(p) && (p.min != q.min || !p.min)))
			return false;
		unknown += !dim_static(p);
	}
	return unknown == 1;
}

bool reshape_pattern(const struct shape *in, const struct shape *out, int64_t *dims)
{
	int open = 0;
	for (int i = 0; i < out->rank; i++) {
		struct dim d = out->dim[i], from = i < in->rank ? in->dim[i] : dim_any();
		bool copied = dim_static(d) ? from.min == d.min && from.max == d.max
					    : d.symbol && d.symbol == from.symbol;
		if (d.max == 0)
			return false;
		dims[i] = dim_static(d) ? d.min : copied ? 0 : -1;
		open += dims[i] < 0;
	}
	return out->rank > 0 && open <= 1;
}

int const_open(const struct value *v, struct const_view *out, struct err *err)
{
	const struct blob *b = value_const(v)->data;
	const struct shape *s = &v->info.shape;
	const void *direct = blob_direct(b);
	int64_t dims[MAX_RANK];
	for (int i = 0; i < s->rank; i++)
		dims[i] = s->dim[i].min;
	*out = (struct const_view){.t = {.type = v->info.type, .rank = s->rank}};
	if (direct && (uintptr_t)direct % 8 == 0) {
		memcpy(out->t.dim, dims, s->rank * sizeof *dims);
		out->t.data = (void *)direct;
		return OK;
	}
	int e = tensor_reserve(&out->t, v->info.type, s->rank, dims, err);
	if (e)
		return e;
	out->owned = true;
	size_t size = tensor_bytes(&out->t);
	e = size ? blob_read(b, 0, out->t.data, size, err) : OK;
	if (e)
		const_close(out);
	return e;
}

void const_close(struct const_view *w)
{
	if (w->owned)
		tensor_free(&w->t);
	*w = (struct const_view){0};
}

static int64_t const_count(const struct value *v)
{
	return v && value_const(v) ? shape_count(&v->info.shape) : -1;
}

static bool fill_number(const struct value *v, double *x)
{
	const void *element;
	size_t size;
	if (!blob_is_fill(value_const(v)->data, &element, &size) || dtype_bits(v->info.type) < 8)
		return false;
	int64_t buffer = 0;
	memcpy(&buffer, element, size < sizeof buffer ? size : sizeof buffer);
	struct tensor t = {.type = v->info.type, .data = &buffer};
	*x = tensor_f64(&t, 0);
	return true;
}

/* All elements, of elem whole bytes, have the same bits. Few constants need a second part read. */
static bool same_bits(const struct value *v, void *first, size_t elem)
{
	const struct blob *b = value_const(v)->data;
	size_t size = blob_size(b), step;
	char part[NUMBER_PART];
	for (size_t off = 0; off < size; off += step) {
		step = size - off < sizeof part ? size - off : sizeof part;
		if (blob_read(b, off, part, step, NULL))
			return false;
		if (!off)
			memcpy(first, part, elem);
		for (size_t i = 0; i < step; i += elem)
			if (memcmp(part + i, first, elem) != 0)
				return false;
	}
	return true;
}

bool const_number(const struct value *v, double *x)
{
	int64_t n = const_count(v), first = 0;
	if (n < 1)
		return false;
	if (fill_number(v, x))
		return true;
	struct tensor t = {.type = v->info.type, .data = &first};
	int bits = dtype_bits(t.type);
	if (n > NUMBER_ELEMS || bits < 1 || bits > 64 || (bits < 8 && n > 1) ||
	    !same_bits(v, &first, bits < 8 ? 1 : bits / 8))
		return false;
	*x = tensor_f64(&t, 0);
	return true;
}

bool const_scalar(const struct value *v, const struct value *other, double *x)
{
	return v && value_const(v) && shape_count(&v->info.shape) == 1 &&
	       v->info.shape.rank <= other->info.shape.rank && const_number(v, x) && isfinite(*x);
}

int const_axis(const struct value *v, int rank)
{
	int64_t axis;
	int n;
	if (!v || !const_ints(v, &axis, 1, &n) || n != 1)
		return -1;
	axis = axis < 0 ? axis + rank : axis;
	return axis < 0 || axis >= rank ? -1 : (int)axis;
}

bool is_view(const struct node *n)
{
	return node_is(n, OP_RESHAPE) || node_is(n, OP_SQUEEZE) || node_is(n, OP_SQUEEZE_15) ||
	       node_is(n, OP_UNSQUEEZE);
}

bool view_pattern(const struct shape *s, int64_t *dims)
{
	int unknown = 0;
	for (int i = 0; i < s->rank; i++) {
		dims[i] = dim_static(s->dim[i]) ? s->dim[i].min : -1;
		if (!dims[i])
			return false;
		unknown += dims[i] < 0;
	}
	return s->rank > 0 && unknown <= 1;
}

bool const_ints(const struct value *v, int64_t *x, int max, int *n)
{
	struct const_view w;
	int64_t count = const_count(v);
	if (count < 0 || count > max || !dtype_is_int(v->info.type) || const_open(v, &w, NULL))
		return false;
	for (int64_t i = 0; i < count; i++)
		x[i] = tensor_i64(&w.t, i);
	const_close(&w);
	*n = count;
	return true;
}

/* Does a constant of these dims only vary along axis of a value of that rank? */
static bool along_axis(const struct shape *s, int rank, int axis, int64_t channels)
{
	if (s->rank > rank)
		return false;
	for (int i = 0; i < s->rank; i++) {
		int at = i + rank - s->rank;
		if (s->dim[i].min != 1 && (at != axis || s->dim[i].min != channels))
			return false;
	}
	return true;
}

bool const_channels(const struct value *v, int rank, int axis, int64_t channels, double *x)
{
	struct const_view w;
	int64_t n = const_count(v);
	double same;
	if (n < 1 || !dtype_is_float(v->info.type) || v->info.shape.rank > rank)
		return false;
	bool fits = along_axis(&v->info.shape, rank, axis, channels);
	if (n == 1 && fits && const_number(v, &same)) {
		for (int64_t i = 0; i < channels; i++)
			x[i] = same;
		return isfinite(same);
	}
	if (!fits || n != channels || const_open(v, &w, NULL))
		return false;
	bool finite = true;
	for (int64_t i = 0; i < channels; i++) {
		x[i] = tensor_f64(&w.t, i);
		finite = finite && isfinite(x[i]);
	}
	const_close(&w);
	return finite;
}

bool transpose_order(const struct node *n, int64_t *order, int *rank)
{
	if (!node_is(n, OP_TRANSPOSE) || !const_ints(node_in(n, 1), order, MAX_RANK, rank))
		return false;
	if (*rank == 0) {
		*rank = n->out[0].info.shape.rank;
		for (int i = 0; i < *rank; i++)
			order[i] = *rank - 1 - i;
	}
	return *rank > 0;
}

bool moves_only(const struct node *n)
{
	return n->op->flags & OPF_MOVES && !node_is(n, OP_CONCAT) && !node_is(n, OP_PAD) &&
	       !node_is(n, OP_PAD_1) && !node_is(n, OP_SPACE_TO_BATCH);
}

int const_input(const struct node *n)
{
	for (int i = 1; i >= 0; i--)
		if (node_in(n, i) && value_const(node_in(n, i)))
			return value_const(node_in(n, 1 - i)) ? -1 : i;
	return -1;
}

struct node *add_channels(struct node *at, const char *name, enum dtype type, int rank, int axis,
    int64_t channels, const double *x)
{
	struct tensor t;
	int64_t dims[MAX_RANK];
	for (int i = 0; i < rank; i++)
		dims[i] = i == axis ? channels : 1;
	if (tensor_alloc(&t, type, rank, dims, NULL))
		return NULL;
	for (int64_t i = 0; i < channels; i++)
		tensor_set_f64(&t, i, x[i]);
	struct blob *b = blob_copy(t.data, tensor_bytes(&t));
	tensor_free(&t);
	return b ? graph_const(at->graph, at, name, type, rank, dims, b) : NULL;
}

struct node *add_ints(
    struct pass_ctx *c, struct node *at, const char *name, int n, const int64_t *x)
{
	struct node *k = name ? graph_const_i64(at->graph, at, name, n, x) : NULL;
	if (!k) {
		fail_nomem(c->err);
		return NULL;
	}
	return node_infer(k, c->err) ? NULL : k;
}

struct node *add_before(struct pass_ctx *c, struct node *at, enum op_id id, const char *name,
    struct value *a, struct value *b)
{
	struct value *in[2] = {a, b};
	struct node *n = name ? graph_insert_before(at, op_row(id), name, in, b ? 2 : 1, 1) : NULL;
	if (!n) {
		fail_nomem(c->err);
		return NULL;
	}
	return node_infer(n, c->err) ? NULL : n;
}

struct value *add_view(
    struct pass_ctx *c, struct node *at, struct value *v, int rank, const int64_t *dims)
{
	struct node *k = add_ints(c, at, name_with(at, at->name, "/shape"), rank, dims);
	struct value *in[2] = {v, k ? &k->out[0] : NULL};
	const char *name = k ? name_with(at, at->name, "/view") : NULL;
	struct node *n = name ? graph_insert_before(at, op_row(OP_RESHAPE), name, in, 2, 1) : NULL;
	if (!k)
		return NULL;
	if (!n || !attr_set_i(n, "special_zero", false)) {
		fail_nomem(c->err);
		return NULL;
	}
	return node_infer(n, c->err) ? NULL : &n->out[0];
}

void take_over(struct value *v, struct value *old)
{
	v->nnames = 0;
	v->node->name = old->node->name;
	graph_replace(old, v);
}

int put_in_place(struct pass_ctx *c, struct node *made, struct node *n)
{
	int e = node_infer(made, c->err);
	if (e)
		return e;
	take_over(&made->out[0], &n->out[0]);
	return 1;
}

static bool removable(const struct node *n)
{
	if (node_is(n, OP_PARAMETER) || n->op->flags & OPF_SINK)
		return false;
	for (int i = 0; i < n->nout; i++)
		if (n->out[i].nuses)
			return false;
	return true;
}

/* A node that was removed here has no graph: its readers may both name it. */
static void remove_from(struct node *n, int depth)
{
	struct node *source[8];
	int count = 0;
	if (!n->graph || !removable(n))
		return;
	for (int i = 0; depth > 0 && i < n->nin && count < 8; i++)
		if (node_in(n, i))
			source[count++] = node_in(n, i)->node;
	graph_remove(n);
	n->graph = NULL;
	for (int i = 0; i < count; i++)
		remove_from(source[i], depth - 1);
}

void remove_dead(struct node *n)
{
	remove_from(n, DEAD_DEPTH);
}

const char *name_with(struct node *n, const char *name, const char *suffix)
{
	return arena_printf(n->graph->arena, "%s%s", name, suffix);
}

int each_node(struct pass_ctx *c, int (*fn)(struct pass_ctx *c, struct node *n))
{
	int done = 0;
	graph_each (c->graph, n) {
		struct arena_mark mark = arena_mark(c->scratch);
		int r = fn(c, n);
		arena_reset(c->scratch, mark);
		if (r < 0)
			return err_in(c->err, "node '%s'", n->name);
		if (r)
			remove_dead(n);
		done += r;
	}
	return done;
}
