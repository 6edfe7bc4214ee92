/* Another batch for a whole model: through Reshapes that have the old one in their target. */
#include <string.h>

#include "base/checked.h"
#include "ops/edit.h"

/* The change, and the shapes from before it, by value id. */
struct rebatch {
	int64_t old, now; /* old -1: not fixed before */
	struct shape *was;
	struct err *err;
};

static int set_inputs(struct rebatch *b, struct graph *g, const int *axis)
{
	for (int k = 0; k < g->ninputs; k++) {
		struct shape s = *node_attr(g->inputs[k], "shape")->shape;
		if (axis[k] < 0)
			continue;
		if (axis[k] >= s.rank)
			return fail(b->err, E_USAGE, "input '%s' has no dim %d to be the batch",
			    value_name(&g->inputs[k]->out[0]), axis[k]);
		if (dim_static(s.dim[axis[k]]))
			b->old = s.dim[axis[k]].min;
		s.dim[axis[k]] = dim_of(b->now);
		if (!attr_set_shape(g->inputs[k], "shape", &s))
			return fail_nomem(b->err);
	}
	return OK;
}

/* ---- what keeps the order of elements ----------------------------------------------------------
 */

/* n of the old batch in the new one; false when it is no multiple. */
static bool scaled(const struct rebatch *b, int64_t n, int64_t *out)
{
	return b->old > 0 && n % b->old == 0 && !mul_i64(n / b->old, b->now, out);
}

/* The one dim of s that has grown with the batch; -1 when it is another or not the only one. */
static int batch_dim(const struct rebatch *b, const struct shape *was, const struct shape *s)
{
	int at = -1;
	for (int i = 0; i < s->rank; i++) {
		int64_t n;
		if (s->dim[i].min == was->dim[i].min)
			continue;
		if (at >= 0 || !scaled(b, was->dim[i].min, &n) || n != s->dim[i].min)
			return -1;
		at = i;
	}
	return at;
}

static int64_t before(const struct shape *s, int axis)
{
	struct shape lead = *s;
	lead.rank = axis;
	return shape_count(&lead);
}

/* Dim i of out is the old batch alone, taken out of dim from of in. */
static bool is_batch(
    const struct rebatch *b, const struct shape *in, int from, const struct shape *out, int i)
{
	return i < out->rank && out->dim[i].min == b->old && before(out, i) >= before(in, from) &&
	       before(out, i + 1) <= before(in, from + 1);
}

/* The dim of out in which the batch, dim from of in, goes on: the batch alone, or the dim that has
 * as many rows before it, so that every sample keeps its elements. A batch between rows and
 * features joins the rows. -1 when there is no such dim. */
static int batch_place(
    const struct rebatch *b, const struct shape *in, int from, const struct shape *out)
{
	int64_t n, rows = before(in, from);
	for (int k = -1; k < out->rank; k++)
		if (is_batch(b, in, from, out, k < 0 ? from : k))
			return k < 0 ? from : k;
	for (int k = -1; k < out->rank; k++) {
		int i = k < 0 ? from : k; /* the same place is the likeliest */
		if (i >= out->rank || rows != before(out, i) || !scaled(b, out->dim[i].min, &n))
			continue;
		bool features = rows > 1 && i == out->rank - 1 && in->rank - 1 > from;
		return features && scaled(b, out->dim[i - 1].min, &n) ? i - 1 : i;
	}
	return -1;
}

/* ---- Reshape ----------------------------------------------------------------------------------
 */

static const struct dim *target_of(const struct node *n, int *count)
{
	const struct info *to = &node_in(n, 1)->info;
	int64_t c = shape_count(&to->shape);
	*count = (int)c;
	return to->elems && c > 0 && c <= MAX_RANK ? to->elems : NULL;
}

/* The output's shape with the new batch; false when no dim of it is seen to be the batch. */
static bool wanted_shape(
    const struct rebatch *b, const struct node *n, struct shape *want, int *place)
{
	const struct value *x = node_in(n, 0);
	const struct shape *in = &b->was[x->id], *out = &b->was[n->out[0].id];
	int64_t size;
	if (!shape_static(in) || !shape_static(out) || !shape_static(&x->info.shape) ||
	    in->rank != x->info.shape.rank)
		return false;
	int from = batch_dim(b, in, &x->info.shape);
	*place = from < 0 ? -1 : batch_place(b, in, from, out);
	if (*place < 0 || !scaled(b, out->dim[*place].min, &size))
		return false;
	*want = *out;
	want->dim[*place] = dim_of(size);
	return true;
}

/* A new target: 0 for a batch that stays in its place, so that any other one goes through too. */
static int set_target(struct rebatch *b, struct node *n, const struct shape *want, int place)
{
	int64_t dims[MAX_RANK];
	const struct shape *in = &node_in(n, 0)->info.shape;
	bool copies = place < in->rank && in->dim[place].min == want->dim[place].min;
	for (int i = 0; i < want->rank; i++) {
		dims[i] = want->dim[i].min;
		copies &= dims[i] != 0;
	}
	if (copies)
		dims[place] = 0;
	const char *name = arena_printf(n->graph->arena, "%s/batch", n->name);
	struct node *k = name ? graph_const_i64(n->graph, n, name, want->rank, dims) : NULL;
	if (!k || !attr_set_i(n, "special_zero", copies))
		return fail_nomem(b->err);
	if (node_infer(k, b->err))
		return b->err->status;
	node_set_input(n, 1, &k->out[0]);
	return OK;
}

/* Where the sizes come from, in words. */
static int fail_pinned(const struct rebatch *b, const struct node *n, int64_t size)
{
	const struct node *from = node_in(n, 1)->node;
	struct text t = {0};
	int count;
	const struct dim *e = target_of(n, &count);
	struct shape s = {.rank = e ? count : -1};
	for (int i = 0; i < s.rank; i++)
		s.dim[i] = dim_static(e[i]) && e[i].min >= 0 ? e[i] : dim_any();
	shape_text(&t, &s);
	fail(b->err, E_USAGE,
	    "batch %lld does not go through: the %s '%s' pins it at %lld by its target [%s], %s "
	    "'%s'",
	    (long long)b->now, n->op->type, n->name, (long long)size, t.data ? t.data : "",
	    node_is(from, OP_CONST) ? "the constant" : "computed by", from->name);
	text_free(&t);
	return b->err->status;
}

/* A target that begins with another fixed size than the batch that comes in swallows it. */
static bool swallows(const struct rebatch *b, const struct node *n, int64_t *size)
{
	const struct shape *in = &node_in(n, 0)->info.shape;
	int count;
	const struct dim *t = target_of(n, &count);
	if (!t || !dim_static(t[0]) || in->rank < 1)
		return false;
	*size = t[0].min;
	return dim_static(in->dim[0]) && in->dim[0].min == b->now && *size > 0 && *size != b->now &&
	       (b->old < 0 || *size == b->old);
}

static bool is_fixed(const struct node *n)
{
	int count;
	const struct dim *t = target_of(n, &count);
	for (int i = 0; t && i < count; i++)
		if (!dim_static(t[i]))
			return false;
	return t;
}

static int infer_reshape_node(struct rebatch *b, struct node *n)
{
	struct shape want;
	int64_t size;
	int place, r = node_infer(n, b->err);
	bool fixed = is_fixed(n), found = wanted_shape(b, n, &want, &place);
	if (r == E_NOMEM)
		return r;
	if (fixed && found && (r || !shape_equal(&want, &n->out[0].info.shape))) {
		err_clear(b->err);
		r = set_target(b, n, &want, place);
		r = r ? r : node_infer(n, b->err);
	}
	if (swallows(b, n, &size))
		return fail_pinned(b, n, size);
	return r && r != E_NOMEM && b->old > 0 && fixed ? fail_pinned(b, n, b->old) : r;
}

/* ---- Concat -----------------------------------------------------------------------------------
 */

/* One constant sample joined to one sample of data is joined to each sample of several. */
static int repeat_sample(struct rebatch *b, struct node *n, int k, int at)
{
	const struct shape *s = &node_in(n, k)->info.shape;
	int64_t dims[MAX_RANK];
	for (int i = 0; i < s->rank; i++)
		dims[i] = i == at ? b->now : s->dim[i].min;
	const char *name = arena_printf(n->graph->arena, "%s/batch%d", n->name, k);
	struct node *to = name ? graph_const_i64(n->graph, n, name, s->rank, dims) : NULL;
	struct value *in[] = {node_in(n, k), to ? &to->out[0] : NULL};
	struct node *all = to ? graph_insert_before(n, op_row(OP_BROADCAST), name, in, 2, 1) : NULL;
	if (!all)
		return fail_nomem(b->err);
	node_set_input(n, k, &all->out[0]);
	return node_infer(to, b->err) ? b->err->status : node_infer(all, b->err);
}

static int infer_concat_node(struct rebatch *b, struct node *n)
{
	int at = -1, r = OK;
	for (int k = 0; k < n->nin && at < 0; k++) {
		const struct value *v = node_in(n, k);
		const struct shape *was = &b->was[v->id];
		if (v->node->mark && shape_static(was) && shape_static(&v->info.shape) &&
		    was->rank == v->info.shape.rank)
			at = batch_dim(b, was, &v->info.shape);
	}
	for (int k = 0; k < n->nin && at >= 0 && !r; k++) {
		const struct value *v = node_in(n, k);
		const struct shape *s = &v->info.shape;
		int64_t axis = attr_i(n, "axis");
		if (!v->node->mark && shape_static(s) && at < s->rank && s->dim[at].min == 1 &&
		    (axis < 0 ? axis + s->rank : axis) != at)
			r = repeat_sample(b, n, k, at);
	}
	return r ? r : node_infer(n, b->err);
}

/* ---- all nodes --------------------------------------------------------------------------------
 */

static bool is_fed(const struct node *n)
{
	for (int i = 0; i < n->nin; i++)
		if (node_in(n, i) && node_in(n, i)->node->mark)
			return true;
	return node_is(n, OP_PARAMETER);
}

static int infer_all(struct rebatch *b, struct graph *g)
{
	int r = OK;
	graph_each (g, n) {
		n->mark = is_fed(n);
		if (n->mark && node_is(n, OP_RESHAPE) && b->old != b->now)
			r = infer_reshape_node(b, n);
		else if (n->mark && node_is(n, OP_CONCAT) && b->old == 1)
			r = infer_concat_node(b, n);
		else
			r = node_infer(n, b->err);
		if (r)
			break;
	}
	return r && r != E_NOMEM && r != E_USAGE
		   ? err_in(b->err, "batch %lld does not go through", (long long)b->now)
		   : r;
}

int edit_batch(struct graph *g, const int *axis, int64_t batch, struct err *err)
{
	struct rebatch b = {.old = -1, .now = batch, .err = err};
	struct arena *a = arena_new();
	graph_number(g);
	b.was = a ? arena_array(a, (size_t)g->nvalues + 1, sizeof *b.was) : NULL;
	int r = b.was ? OK : fail_nomem(err);
	if (!r) {
		graph_each (g, n)
			for (int k = 0; k < n->nout; k++)
				b.was[n->out[k].id] = n->out[k].info.shape;
		r = set_inputs(&b, g, axis);
	}
	if (!r)
		r = infer_all(&b, g);
	arena_free(a);
	return r;
}
