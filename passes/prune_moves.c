/* How layers that move elements tie the indices of their inputs and outputs: reshapes, concats,
 * splits, slices, transposes, pads. */
#include "passes/prune_units.h"
#include "passes/slices.h"

#define FEW 8 /* an outer axis of fewer is not what a reshape is split for */

/* ---- reshapes: blocks of axes with equal products -----------------------------------------------
 */

/* Axes [from, to) of a value. */
struct block {
	const struct value *v;
	int from, to;
};

static int wide_axes(const struct block *b, int *axis)
{
	int n = 0;
	for (int i = b->from; i < b->to; i++)
		if (b->v->info.shape.dim[i].min != 1)
			axis[n++] = i;
	return n;
}

static void fix_block(struct units *u, const struct block *b)
{
	for (int i = b->from; i < b->to; i++)
		unit_fix_axis(u, b->v, i);
}

/* One axis is the product of several: its indices go with those of one of these, the others are
 * fixed. Of several that are still free, the outer one unless it is short. -1: not yet. */
static int carrier(struct units *u, const struct block *many, const int *axis, int n)
{
	const struct dim *d = many->v->info.shape.dim;
	int only = -1, count = 0, best = -1;
	for (int i = 0; i < n; i++) {
		if (!unit_free_axis(u, many->v, axis[i]))
			continue;
		only = i;
		count++;
		if (best < 0 || (d[axis[best]].min < FEW && d[axis[i]].min > d[axis[best]].min))
			best = i;
	}
	if (count < 2)
		return count ? only : 0;
	return u->settling ? best : -1;
}

static void tie_product(struct units *u, const struct value *one, int axis,
    const struct block *many, const int *wide, int n)
{
	const struct dim *d = many->v->info.shape.dim;
	int at = carrier(u, many, wide, n);
	int64_t inner = 1;
	if (at < 0)
		return;
	for (int i = at + 1; i < n; i++)
		inner *= d[wide[i]].min;
	for (int i = 0; i < n; i++)
		if (i != at)
			unit_fix_axis(u, many->v, wide[i]);
	int64_t all = one->info.shape.dim[axis].min;
	for (int64_t j = 0; j < all; j++)
		unit_tie(u, one, axis, j, many->v, wide[at], j / inner % d[wide[at]].min);
}

static void tie_blocks(struct units *u, const struct block *a, const struct block *b)
{
	int x[MAX_RANK], y[MAX_RANK], n = wide_axes(a, x), m = wide_axes(b, y);
	if (n == 1 && m == 1)
		unit_tie_axis(u, a->v, x[0], b->v, y[0]);
	else if (n == 1 && m > 1)
		tie_product(u, a->v, x[0], b, y, m);
	else if (n > 1 && m == 1)
		tie_product(u, b->v, y[0], a, x, n);
	else if (n || m) {
		fix_block(u, a);
		fix_block(u, b);
	}
}

static bool all_known(const struct block *b)
{
	for (int i = b->from; i < b->to; i++)
		if (!dim_static(b->v->info.shape.dim[i]))
			return false;
	return true;
}

/* Extends both to the shortest blocks of equal product. False when they end first. */
static bool grow(struct block *a, struct block *b)
{
	const struct shape *s = &a->v->info.shape, *t = &b->v->info.shape;
	int64_t p = s->dim[a->to++].min, q = t->dim[b->to++].min;
	while (p != q) {
		struct block *less = p < q ? a : b;
		const struct shape *of = p < q ? s : t;
		if (less->to == of->rank || !dim_static(of->dim[less->to]))
			return false;
		*(p < q ? &p : &q) *= of->dim[less->to++].min;
	}
	return true;
}

/* Dims that are not known stand alone, and in the same order. */
static void tie_views(struct units *u, const struct value *a, const struct value *b)
{
	struct block x = {a, 0, 0}, y = {b, 0, 0};
	const struct shape *s = &a->info.shape, *t = &b->info.shape;
	while (x.to < s->rank && y.to < t->rank) {
		bool known = dim_static(s->dim[x.to]);
		if (known != dim_static(t->dim[y.to]))
			break;
		if (known) {
			if (!grow(&x, &y))
				break;
			tie_blocks(u, &x, &y);
		} else {
			x.to++;
			y.to++;
		}
		x.from = x.to;
		y.from = y.to;
	}
	x.to = s->rank;
	y.to = t->rank;
	if (!all_known(&x) || !all_known(&y) || wide_axes(&x, (int[MAX_RANK]){0}) ||
	    wide_axes(&y, (int[MAX_RANK]){0})) {
		fix_block(u, &x);
		fix_block(u, &y);
	}
}

static void view(struct units *u, const struct node *n)
{
	const struct value *x = node_in(n, 0), *out = &n->out[0];
	bool fixed = node_is(n, OP_RESHAPE) ? !value_const(node_in(n, 1)) : !node_in(n, 1);
	if (fixed || x->info.shape.rank < 0 || out->info.shape.rank < 0)
		unit_fix_node(u, n);
	else
		tie_views(u, x, out);
}

/* ---- the others --------------------------------------------------------------------------------
 */

/* All axes but one; *axis is made one of the rank. False, with all fixed, when it is none. */
static bool tie_others(
    struct units *u, const struct node *n, const struct value *a, const struct value *b, int axis)
{
	int rank = a->info.shape.rank;
	if (axis < 0 || axis >= rank || rank != b->info.shape.rank) {
		unit_fix_node(u, n);
		return false;
	}
	for (int i = 0; i < rank; i++)
		if (i != axis)
			unit_tie_axis(u, a, i, b, i);
	return true;
}

/* Indices [from, from + the part's size) of the whole are the part's. */
static void tie_part(
    struct units *u, const struct value *part, const struct value *whole, int axis, int64_t from)
{
	for (int64_t i = 0; i < part->info.shape.dim[axis].min; i++)
		unit_tie(u, part, axis, i, whole, axis, from + i);
}

static void concat(struct units *u, const struct node *n)
{
	const struct value *out = &n->out[0];
	int64_t from = 0, a = attr_i(n, "axis");
	int axis = (int)(a < 0 ? a + out->info.shape.rank : a);
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = node_in(n, i);
		if (!tie_others(u, n, v, out, axis))
			return;
		if (!dim_static(v->info.shape.dim[axis]) || !unit_has(u, out, axis)) {
			unit_fix_axis(u, out, axis);
			for (int k = 0; k < n->nin; k++)
				unit_fix_axis(u, node_in(n, k), axis);
			return;
		}
		tie_part(u, v, out, axis, from);
		from += v->info.shape.dim[axis].min;
	}
}

static void split(struct units *u, const struct node *n)
{
	const struct value *x = node_in(n, 0);
	int axis = const_axis(node_in(n, 1), x->info.shape.rank);
	int64_t from = 0;
	bool known = axis >= 0 && unit_has(u, x, axis) &&
		     (!node_in(n, 2) || value_const(node_in(n, 2)));
	for (int k = 0; known && k < n->nout; k++)
		known = n->out[k].info.shape.rank == x->info.shape.rank &&
			dim_static(n->out[k].info.shape.dim[axis]);
	if (!known) {
		unit_fix_node(u, n);
		return;
	}
	for (int k = 0; k < n->nout; k++) {
		tie_others(u, n, &n->out[k], x, axis);
		tie_part(u, &n->out[k], x, axis, from);
		from += n->out[k].info.shape.dim[axis].min;
	}
}

static void slice(struct units *u, const struct node *n)
{
	struct cut cut[MAX_RANK];
	const struct value *x = node_in(n, 0), *out = &n->out[0];
	if (!slice_cuts(n, cut) || !value_const(node_in(n, 2))) {
		unit_fix_node(u, n);
		return;
	}
	for (int i = 0; i < out->info.shape.rank; i++) {
		if (cut[i].whole)
			unit_tie_axis(u, x, i, out, i);
		else if (cut[i].step == 1 && unit_has(u, x, i))
			for (int64_t j = 0; j < cut[i].count; j++)
				unit_tie(u, out, i, j, x, i, cut[i].begin + j);
		else {
			unit_fix_axis(u, x, i);
			unit_fix_axis(u, out, i);
		}
	}
}

static void transpose(struct units *u, const struct node *n)
{
	int64_t order[MAX_RANK];
	int rank;
	if (!transpose_order(n, order, &rank)) {
		unit_fix_node(u, n);
		return;
	}
	for (int i = 0; i < rank; i++)
		unit_tie_axis(u, node_in(n, 0), (int)order[i], &n->out[0], i);
}

/* What is added around an axis belongs to nothing that is read. */
static void pad(struct units *u, const struct node *n)
{
	int64_t begin[MAX_RANK], end[MAX_RANK];
	const struct value *x = node_in(n, 0), *out = &n->out[0];
	int rank = out->info.shape.rank, nb, ne;
	if (rank < 0 || !const_ints(node_in(n, 1), begin, MAX_RANK, &nb) ||
	    !const_ints(node_in(n, 2), end, MAX_RANK, &ne) || nb != rank || ne != rank) {
		unit_fix_node(u, n);
		return;
	}
	for (int i = 0; i < rank; i++) {
		bool none = !begin[i] && !end[i];
		bool more = attr_is(n, "pad_mode", "constant") && begin[i] >= 0 && end[i] >= 0;
		if (none)
			unit_tie_axis(u, x, i, out, i);
		else if (more && unit_has(u, x, i) && unit_has(u, out, i))
			for (int64_t j = 0; j < x->info.shape.dim[i].min; j++)
				unit_tie(u, x, i, j, out, i, begin[i] + j);
		else {
			unit_fix_axis(u, x, i);
			unit_fix_axis(u, out, i);
		}
	}
}

static void shuffle(struct units *u, const struct node *n)
{
	const struct value *x = node_in(n, 0), *out = &n->out[0];
	int64_t a = attr_i(n, "axis"), groups = attr_i(n, "group");
	int axis = (int)(a < 0 ? a + x->info.shape.rank : a);
	if (!tie_others(u, n, x, out, axis))
		return;
	if (!unit_has(u, x, axis) || !unit_has(u, out, axis) || groups < 1)
		return;
	int64_t each = x->info.shape.dim[axis].min / groups;
	for (int64_t g = 0; g < groups; g++)
		for (int64_t i = 0; i < each; i++) {
			unit_tie(u, x, axis, g * each + i, out, axis, i * groups + g);
			unit_tie(u, x, axis, i, out, axis, i * groups + g);
		}
}

static void depth_to_space(struct units *u, const struct node *n)
{
	const struct value *x = node_in(n, 0), *out = &n->out[0];
	bool first = attr_is(n, "mode", "blocks_first");
	if (x->info.shape.rank < 3 || !unit_has(u, x, 1) || !unit_has(u, out, 1)) {
		unit_fix_node(u, n);
		return;
	}
	int64_t c = out->info.shape.dim[1].min, all = x->info.shape.dim[1].min;
	unit_tie_axis(u, x, 0, out, 0);
	for (int64_t i = 0; i < all; i++)
		unit_tie(u, x, 1, i, out, 1, first ? i % c : i / (all / c));
	for (int i = 2; i < x->info.shape.rank; i++) {
		unit_fix_axis(u, x, i);
		unit_fix_axis(u, out, i);
	}
}

/* Axes of the data around the one gathered from; q is the rank of the indices. */
static void gather_others(struct units *u, const struct node *n, int axis, int q)
{
	const struct value *x = node_in(n, 0), *out = &n->out[0];
	for (int i = 0; i < x->info.shape.rank; i++)
		if (i != axis)
			unit_tie_axis(u, x, i, out, i < axis ? i : i + q - 1);
	for (int i = 0; i < q; i++)
		unit_fix_axis(u, out, axis + i);
	unit_fix_value(u, node_in(n, 1));
}

/* Rows of a table stay: which are read depends on the data; constant indices are few and stay, too.
 */
static void gather(struct units *u, const struct node *n)
{
	const struct value *x = node_in(n, 0), *index = node_in(n, 1);
	int rank = x->info.shape.rank, axis = const_axis(node_in(n, 2), rank), q;
	q = index->info.shape.rank;
	bool batched = !node_is(n, OP_GATHER_1) && attr_i(n, "batch_dims");
	if (axis < 0 || q < 0 || batched || n->out[0].info.shape.rank != rank + q - 1) {
		unit_fix_node(u, n);
		return;
	}
	gather_others(u, n, axis, q);
	unit_fix_axis(u, x, axis);
}

static bool resized(const struct node *n, int axis)
{
	int64_t axes[MAX_RANK];
	int count, at = node_is(n, OP_INTERPOLATE_4) ? 3 : 2, rank = n->out[0].info.shape.rank;
	if (!node_in(n, at))
		return true;
	if (!const_ints(node_in(n, at), axes, MAX_RANK, &count))
		return true;
	for (int i = 0; i < count; i++)
		if ((axes[i] < 0 ? axes[i] + rank : axes[i]) == axis)
			return true;
	return false;
}

static void interpolate(struct units *u, const struct node *n)
{
	const struct value *x = node_in(n, 0), *out = &n->out[0];
	bool scales = attr_is(n, "shape_calculation_mode", "scales");
	if (x->info.shape.rank < 0 || x->info.shape.rank != out->info.shape.rank) {
		unit_fix_node(u, n);
		return;
	}
	for (int i = 0; i < x->info.shape.rank; i++) {
		struct dim d = x->info.shape.dim[i], e = out->info.shape.dim[i];
		bool same = dim_static(d) && dim_static(e) && d.min == e.min;
		if (!resized(n, i) || (same && scales && i < 2))
			unit_tie_axis(u, x, i, out, i);
		else {
			unit_fix_axis(u, x, i);
			unit_fix_axis(u, out, i);
		}
	}
}

static const struct rule {
	enum op_id id;
	void (*tie)(struct units *u, const struct node *n);
} rules[] = {{OP_RESHAPE, view}, {OP_SQUEEZE, view}, {OP_SQUEEZE_15, view}, {OP_UNSQUEEZE, view},
    {OP_CONCAT, concat}, {OP_SPLIT, split}, {OP_VARIADIC_SPLIT, split}, {OP_SLICE, slice},
    {OP_STRIDED_SLICE, slice}, {OP_TRANSPOSE, transpose}, {OP_PAD, pad}, {OP_PAD_1, pad},
    {OP_SHUFFLE_CHANNELS, shuffle}, {OP_DEPTH_TO_SPACE, depth_to_space}, {OP_GATHER, gather},
    {OP_GATHER_7, gather}, {OP_GATHER_1, gather}, {OP_INTERPOLATE, interpolate},
    {OP_INTERPOLATE_4, interpolate}};

bool ties_of_move(struct units *u, const struct node *n)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (node_is(n, rules[i].id)) {
			rules[i].tie(u, n);
			return true;
		}
	return false;
}
