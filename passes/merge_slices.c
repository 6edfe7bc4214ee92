/* Slices are joined: one after the other becomes one, those that cover a tensor along an axis one
 * split. Exact: elements are only moved. */
#include <string.h>

#include "base/limits.h"
#include "passes/slices.h"

/* ---- a slice of a slice ------------------------------------------------------------------------
 */

/* The Slice of x by these cuts, before at. */
static struct node *add_slice(
    struct pass_ctx *c, struct node *at, struct value *x, const struct cut *cut)
{
	int64_t list[4][MAX_RANK];
	static const char *const suffix[] = {"/begin", "/end", "/step", "/axes"};
	struct value *in[5] = {x};
	int n = 0;
	for (int i = 0; i < x->info.shape.rank; i++) {
		if (cut[i].whole)
			continue;
		list[0][n] = cut[i].begin;
		list[1][n] = cut[i].begin + (cut[i].count - 1) * cut[i].step + 1;
		list[2][n] = cut[i].step;
		list[3][n++] = i;
	}
	for (int k = 0; k < 4; k++) {
		struct node *v = add_ints(c, at, name_with(at, at->name, suffix[k]), n, list[k]);
		if (!v)
			return NULL;
		in[1 + k] = &v->out[0];
	}
	struct node *made = graph_insert_before(at, op_row(OP_SLICE), at->name, in, 5, 1);
	if (!made)
		fail_nomem(c->err);
	return made && !node_infer(made, c->err) ? made : NULL;
}

static int merge_chain(struct pass_ctx *c, struct node *n)
{
	struct cut cut[MAX_RANK], inner[MAX_RANK];
	if (!slice_cuts(n, cut))
		return 0;
	struct node *p = node_in(n, 0)->node;
	if (p->nout != 1 || p->out[0].nuses != 1 || !slice_cuts(p, inner))
		return 0;
	struct value *x = slice_source(&n->out[0], cut);
	bool any = false;
	for (int i = 0; i < x->info.shape.rank; i++)
		any = any || !cut[i].whole;
	struct node *made = any ? add_slice(c, n, x, cut) : NULL;
	if (!made)
		return any ? c->err->status : 0;
	take_over(&made->out[0], &n->out[0]);
	return 1;
}

/* ---- slices side by side -----------------------------------------------------------------------
 */

/* The only axis that n cuts, in steps of 1; -1 when there is none such. */
static int cut_axis(const struct node *n, struct cut *one)
{
	struct cut cut[MAX_RANK];
	int axis = -1;
	if (!slice_cuts(n, cut))
		return -1;
	for (int i = 0; i < n->out[0].info.shape.rank; i++) {
		if (cut[i].whole)
			continue;
		if (axis >= 0 || cut[i].step != 1)
			return -1;
		axis = i;
	}
	if (axis >= 0)
		*one = cut[axis];
	return axis;
}

/* The reader of v that cuts it along axis from begin on, the first of them in order. */
static struct node *part_from(const struct value *v, int axis, int64_t begin, int64_t *count)
{
	struct node *found = NULL;
	value_each_use (v, u) {
		struct cut cut;
		if (u->index || cut_axis(u->node, &cut) != axis || cut.begin != begin)
			continue;
		if (!found || cut.count < *count) {
			found = u->node;
			*count = cut.count;
		}
	}
	return found;
}

/* Readers of v that cover it along axis without a gap: their number, 0 when there are none. */
static int cover(const struct value *v, int axis, struct node **part, int64_t *length, int max)
{
	int64_t at = 0, all = v->info.shape.dim[axis].min;
	int n = 0;
	while (at < all && n < max) {
		part[n] = part_from(v, axis, at, &length[n]);
		if (!part[n])
			return 0;
		at += length[n++];
	}
	return at == all && n > 1 ? n : 0;
}

static int split(
    struct pass_ctx *c, struct value *v, int axis, struct node **part, const int64_t *length, int n)
{
	struct node *at = v->node->next;
	int64_t along = axis;
	const char *name = part[0]->name;
	struct node *k = add_ints(c, at, name_with(at, name, "/axis"), -1, &along);
	struct node *l = k ? add_ints(c, at, name_with(at, name, "/lengths"), n, length) : NULL;
	if (!l)
		return c->err->status;
	struct value *in[] = {v, &k->out[0], &l->out[0]};
	struct node *made = graph_insert_before(at, op_row(OP_VARIADIC_SPLIT), name, in, 3, n);
	if (!made)
		return fail_nomem(c->err);
	int e = node_infer(made, c->err);
	for (int i = 0; !e && i < n; i++) {
		graph_replace(&part[i]->out[0], &made->out[i]);
		graph_remove(part[i]);
	}
	return e ? e : 1;
}

static int merge_beside(struct pass_ctx *c, struct value *v)
{
	const struct shape *s = &v->info.shape;
	int max = v->nuses < LIMIT_PORTS ? v->nuses : LIMIT_PORTS;
	if (max < 2 || max > 64 || s->rank < 1)
		return 0;
	struct node **part = arena_array(c->scratch, max, sizeof *part);
	int64_t *length = arena_array(c->scratch, max, sizeof *length);
	if (!part || !length)
		return fail_nomem(c->err);
	for (int axis = 0; axis < s->rank; axis++) {
		int n = dim_static(s->dim[axis]) ? cover(v, axis, part, length, max) : 0;
		if (n)
			return split(c, v, axis, part, length, n);
	}
	return 0;
}

/* Splits first: a chain may begin at one of their outputs. */
static int merge_slices(struct pass_ctx *c)
{
	int done = 0;
	for (struct node *n = c->graph->last, *before; n; n = before) {
		before = n->prev;
		struct arena_mark mark = arena_mark(c->scratch);
		for (int k = 0; k < n->nout; k++) {
			int r = merge_beside(c, &n->out[k]);
			if (r < 0)
				return err_in(c->err, "node '%s'", n->name);
			done += r;
		}
		arena_reset(c->scratch, mark);
	}
	int chains = each_node(c, merge_chain);
	return chains < 0 ? chains : done + chains;
}

const struct pass pass_merge_slices = {
    .name = "merge-slices",
    .about = "join Slices of Slices, and Slices that cover a tensor into one split",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = merge_slices,
};
