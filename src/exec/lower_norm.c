/* SoftMax along any dim, MVN and means along the innermost ones as calls of the row kernels. */
#include <limits.h>

#include "exec/lower.h"

/* Do all dims from axis on but those in mask have size 1? n: elements of those in mask. */
static bool is_innermost(const struct tensor *t, uint32_t mask, int64_t *n)
{
	bool inside = false;
	*n = 1;
	for (int d = 0; d < t->rank; d++) {
		if (mask >> d & 1) {
			inside = true;
			*n *= t->dim[d];
		} else if (inside && t->dim[d] != 1) {
			return false;
		}
	}
	return *n > 0 && *n < INT_MAX / 64;
}

/* SoftMax along another dim than the innermost one: how far its elements lie apart. */
static bool is_column(const struct tensor *t, uint32_t mask, int64_t *n, int64_t *apart)
{
	int axis = __builtin_ctz(mask);
	*n = t->dim[axis];
	*apart = 1;
	for (int d = axis + 1; d < t->rank; d++)
		*apart *= t->dim[d];
	return *n > 0 && *n < INT_MAX / 64 && *apart > 0 && *apart < INT_MAX / 64;
}

static bool softmax_axes(const struct lower *l, const struct node *n, uint32_t *mask)
{
	int64_t axis = attr_i(n, "axis"), rank = lower_dims(l, &n->out[0])->rank;
	axis += axis < 0 ? rank : 0;
	*mask = axis >= 0 && axis < rank ? 1u << axis : 0;
	return *mask != 0;
}

/* Those that the second input holds. */
static bool given_axes(const struct lower *l, const struct node *n, uint32_t *mask)
{
	struct tensor axes = l->e->c->t[node_in(n, 1)->id];
	int64_t rank = lower_dims(l, node_in(n, 0))->rank;
	*mask = 0;
	for (int64_t i = 0; axes.type != DT_NONE && axes.data && i < tensor_count(&axes); i++) {
		int64_t axis = tensor_i64(&axes, i);
		axis += axis < 0 ? rank : 0;
		if (axis < 0 || axis >= rank)
			return false;
		*mask |= 1u << axis;
	}
	return *mask != 0;
}

/* Is v a constant with one value for each element of a row, or one for all? */
static bool is_row(const struct lower *l, const struct value *v, int64_t n, const struct tensor *y)
{
	const struct tensor *t = lower_dims(l, v);
	int64_t seen = 1;
	if (!lower_constant(l, v) || t->type != DT_F32 || t->rank > y->rank || tensor_count(t) != n)
		return false;
	for (int d = 1; d <= t->rank && seen < n; d++) {
		if (t->dim[t->rank - d] != y->dim[y->rank - d])
			return false;
		seen *= t->dim[t->rank - d];
	}
	return true;
}

/* The Multiply or Add of a row behind, whose constant *row becomes; or NULL. */
static const struct node *row_behind(
    struct lower *l, const struct node *end, enum op_id id, int64_t n, const struct value **row)
{
	const struct value *x = &end->out[0];
	const struct node *f = follower(l, x);
	if (!f || !node_is(f, id) || !attr_is(f, "auto_broadcast", "numpy"))
		return NULL;
	const struct value *v = node_in(f, node_in(f, 0) == x);
	if (!is_row(l, v, n, lower_dims(l, x)))
		return NULL;
	*row = v;
	l->absorbed[l->e->maker[f->out[0].id]] = true;
	return f;
}

static int row_ref(struct lower *l, const struct value *v, struct ref *out)
{
	struct spot s = {0};
	int status = v ? spot_need(l, v, ROW_MAJOR, &s) : OK;
	*out = s.ref;
	return status;
}

static int norm_call(struct lower *l, const struct node *n, struct norm_f32 *k,
    const struct node *end, const struct value *gamma, const struct value *beta)
{
	struct spot x, y;
	struct ref g, b;
	int status = spot_need(l, node_in(n, 0), ROW_MAJOR, &x);
	if (status == OK)
		status = row_ref(l, gamma, &g);
	if (status == OK)
		status = row_ref(l, beta, &b);
	if (status == OK)
		status = spot_make(l, &end->out[0], ROW_MAJOR, true, &y);
	struct call *c = status == OK ? call_add(l, CALL_NORM, n) : NULL;
	if (!c)
		return status == OK ? fail_nomem(l->err) : status;
	c->norm.k = *k;
	c->norm.gamma = g;
	c->norm.beta = b;
	call_operands(l, c, x, (struct spot){0}, y);
	return OK;
}

int lower_norm(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node, *end = n, *f;
	const struct value *gamma = NULL, *beta = NULL;
	bool mvn = node_is(n, OP_MVN), mean = node_is(n, OP_REDUCE_MEAN);
	struct norm_f32 k = {.kind = mvn ? NORM_MVN : mean ? NORM_MEAN : NORM_SOFTMAX, .apart = 1};
	uint32_t mask;
	int64_t cols;
	if (!mvn && !mean && !node_is(n, OP_SOFTMAX) && !node_is(n, OP_SOFTMAX_1))
		return OK;
	const struct tensor *t = lower_dims(l, node_in(n, 0));
	if (t->type != DT_F32 ||
	    !(mvn || mean ? given_axes(l, n, &mask) : softmax_axes(l, n, &mask)) ||
	    !(is_innermost(t, mask, &cols) ||
		(k.kind == NORM_SOFTMAX && is_column(t, mask, &cols, &k.apart))))
		return OK;
	*done = true;
	k.n = (int)cols;
	k.rows = tensor_count(t) / cols;
	if (mvn) {
		k.variance = attr_bool(n, "normalize_variance");
		k.eps = (float)attr_f(n, "eps");
		k.inside_sqrt = attr_is(n, "eps_mode", "INSIDE_SQRT") ||
				attr_is(n, "eps_mode", "inside_sqrt");
		if ((f = row_behind(l, end, OP_MULTIPLY, cols, &gamma)))
			end = f;
		if ((f = row_behind(l, end, OP_ADD, cols, &beta)))
			end = f;
	}
	return norm_call(l, n, &k, end, gamma, beta);
}
