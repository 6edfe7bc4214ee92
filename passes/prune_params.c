/* What layers say of sizes, after units went: shapes of reshapes, bounds of slices, lengths of
 * splits, pads, numbers of groups. */
#include <stdlib.h>
#include <string.h>

#include "passes/prune.h"
#include "passes/slices.h"

struct cutter {
	struct units *u;
	const bool *gone;
	struct err *err;
};

/* How many of indices [from, to) stay. */
static int64_t kept(
    const struct cutter *c, const struct value *v, int axis, int64_t from, int64_t to)
{
	int64_t n = 0;
	for (int64_t i = from; i < to; i++)
		n += !unit_has(c->u, v, axis) || !c->gone[unit_at(c->u, v, axis, i)];
	return n;
}

static int64_t kept_all(const struct cutter *c, const struct value *v, int axis)
{
	return kept(c, v, axis, 0, v->info.shape.dim[axis].min);
}

static bool shrinks(const struct cutter *c, const struct value *v, int axis)
{
	return unit_has(c->u, v, axis) && kept_all(c, v, axis) != v->info.shape.dim[axis].min;
}

/* Input i of n becomes a constant of its type with these values. */
static int set_ints(const struct cutter *c, struct node *n, int i, const int64_t *x, int count)
{
	const struct value *old = node_in(n, i);
	struct tensor t;
	int64_t dims[1] = {count};
	if (tensor_alloc(&t, old->info.type, old->info.shape.rank, dims, c->err))
		return c->err->status;
	for (int k = 0; k < count; k++)
		tensor_set_i64(&t, k, x[k]);
	struct blob *b = blob_copy(t.data, tensor_bytes(&t));
	tensor_free(&t);
	struct node *k = b ? graph_const(n->graph, n, old->node->name, old->info.type,
				 old->info.shape.rank, dims, b)
			   : NULL;
	if (!k)
		return fail_nomem(c->err);
	node_set_input(n, i, &k->out[0]);
	remove_dead(old->node);
	return node_infer(k, c->err);
}

static int reshape(const struct cutter *c, struct node *n)
{
	int64_t dims[MAX_RANK];
	int rank;
	bool changed = false, zero = attr_bool(n, "special_zero");
	const struct value *out = &n->out[0];
	if (!value_const(node_in(n, 1)) || !const_ints(node_in(n, 1), dims, MAX_RANK, &rank))
		return OK;
	for (int i = 0; i < rank && i < out->info.shape.rank; i++)
		if (shrinks(c, out, i) && dims[i] > 0) {
			dims[i] = kept_all(c, out, i);
			changed = true;
		} else if (zero && !dims[i] && shrinks(c, out, i) &&
			   !shrinks(c, node_in(n, 0), i)) {
			dims[i] = kept_all(c, out, i);
			changed = true;
		}
	return changed ? set_ints(c, n, 1, dims, rank) : OK;
}

/* The place in the lists of begins and ends where an axis is; -1: nowhere. */
static int slice_entry(const struct node *n, int axis, int count)
{
	int64_t axes[MAX_RANK];
	int listed, rank = n->out[0].info.shape.rank;
	if (!node_is(n, OP_SLICE) || !node_in(n, 4))
		return axis < count ? axis : -1;
	if (!const_ints(node_in(n, 4), axes, MAX_RANK, &listed))
		return -1;
	for (int i = 0; i < listed; i++)
		if ((axes[i] < 0 ? axes[i] + rank : axes[i]) == axis)
			return i;
	return -1;
}

static int slice(const struct cutter *c, struct node *n)
{
	struct cut cut[MAX_RANK];
	int64_t begin[MAX_RANK], end[MAX_RANK];
	const struct value *x = node_in(n, 0);
	int count, ends;
	bool changed = false;
	if (!slice_cuts(n, cut) || !const_ints(node_in(n, 1), begin, MAX_RANK, &count) ||
	    !const_ints(node_in(n, 2), end, MAX_RANK, &ends) || ends != count)
		return OK;
	for (int i = 0; i < x->info.shape.rank; i++) {
		int at = slice_entry(n, i, count);
		if (at < 0 || !shrinks(c, x, i))
			continue;
		begin[at] = kept(c, x, i, 0, cut[i].begin);
		end[at] = begin[at] + kept_all(c, &n->out[0], i);
		changed = true;
	}
	if (!changed)
		return OK;
	int e = set_ints(c, n, 1, begin, count);
	return e ? e : set_ints(c, n, 2, end, count);
}

/* A split into parts that are no longer equal says their lengths. */
static int uneven(const struct cutter *c, struct node *n, const int64_t *length)
{
	struct node *k = graph_const_i64(
	    n->graph, n, name_with(n, n->name, "/lengths"), n->nout, length);
	struct value *in[] = {node_in(n, 0), node_in(n, 1), k ? &k->out[0] : NULL};
	struct node *s = k ? graph_insert_before(
				 n, op_row(OP_VARIADIC_SPLIT), n->name, in, 3, n->nout)
			   : NULL;
	if (!s || node_infer(k, c->err))
		return fail_nomem(c->err);
	for (int i = 0; i < n->nout; i++) { /* its readers still ask for labels */
		s->out[i].id = n->out[i].id;
		s->out[i].info = n->out[i].info;
	}
	graph_replace_node(n, s);
	return OK;
}

static int split(const struct cutter *c, struct node *n)
{
	const struct value *x = node_in(n, 0);
	int axis = const_axis(node_in(n, 1), x->info.shape.rank);
	if (axis < 0 || !shrinks(c, x, axis))
		return OK;
	int64_t *length = calloc(n->nout + 1, sizeof *length);
	bool even = true;
	if (!length)
		return fail_nomem(c->err);
	for (int k = 0; k < n->nout; k++) {
		length[k] = kept_all(c, &n->out[k], axis);
		even = even && length[k] == length[0];
	}
	int e = node_is(n, OP_VARIADIC_SPLIT) ? set_ints(c, n, 2, length, n->nout)
		: even                        ? OK
					      : uneven(c, n, length);
	free(length);
	return e;
}

static int pad(const struct cutter *c, struct node *n)
{
	int64_t begin[MAX_RANK], end[MAX_RANK];
	const struct value *x = node_in(n, 0), *out = &n->out[0];
	int nb, ne;
	bool changed = false;
	if (!const_ints(node_in(n, 1), begin, MAX_RANK, &nb) ||
	    !const_ints(node_in(n, 2), end, MAX_RANK, &ne))
		return OK;
	for (int i = 0; i < out->info.shape.rank && i < nb && i < ne; i++) {
		if (!shrinks(c, out, i) || (!begin[i] && !end[i]))
			continue;
		int64_t size = x->info.shape.dim[i].min, first = begin[i];
		begin[i] = kept(c, out, i, 0, first);
		end[i] = kept(c, out, i, first + size, first + size + end[i]);
		changed = true;
	}
	if (!changed)
		return OK;
	int e = set_ints(c, n, 1, begin, nb);
	return e ? e : set_ints(c, n, 2, end, ne);
}

static int group_norm(const struct cutter *c, struct node *n)
{
	const struct value *x = node_in(n, 0);
	int64_t groups = attr_i(n, "num_groups");
	if (!shrinks(c, x, 1))
		return OK;
	int64_t left = kept_all(c, x, 1) * groups / x->info.shape.dim[1].min;
	return attr_set_i(n, "num_groups", left) ? OK : fail_nomem(c->err);
}

static const struct rewrite {
	enum op_id id;
	int (*run)(const struct cutter *c, struct node *n);
} rewrites[] = {{OP_RESHAPE, reshape}, {OP_SLICE, slice}, {OP_STRIDED_SLICE, slice},
    {OP_SPLIT, split}, {OP_VARIADIC_SPLIT, split}, {OP_PAD, pad}, {OP_PAD_1, pad},
    {OP_GROUP_NORM, group_norm}};

int prune_parameters(struct units *u, const bool *gone, struct err *err)
{
	struct err own = {0};
	struct cutter c = {u, gone, err ? err : &own};
	int e = OK;
	graph_each (u->graph, n) {
		n->mark = node_is(n, OP_CONST); /* what the constants made here are not */
		for (size_t i = 0; !e && i < sizeof rewrites / sizeof *rewrites; i++)
			if (node_is(n, rewrites[i].id)) {
				e = rewrites[i].run(&c, n);
				if (e)
					err_in(c.err, "node '%s'", n->name);
				break;
			}
	}
	err_clear(&own);
	return e;
}
