/* Sizes, layout and frozen values of a model's inputs. */
#include <string.h>

#include "ops/edit.h"

int edit_shape(struct graph *g, int k, const struct shape *s, struct err *err)
{
	struct node *p = g->inputs[k];
	const struct shape *old = &p->out[0].info.shape;
	if (s->rank >= 0 && old->rank >= 0 && s->rank != old->rank)
		return fail(err, E_USAGE, "input '%s' has %d dims, not %d", value_name(&p->out[0]),
		    old->rank, s->rank);
	return attr_set_shape(p, "shape", s) ? OK : fail_nomem(err);
}

/* order[i]: where letter i of from stands in to. */
static bool layout_order(const char *from, const char *to, int64_t *order)
{
	size_t n = strlen(from);
	if (strlen(to) != n || n > MAX_RANK)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *at = strchr(to, from[i]);
		if (!at || strchr(from, from[i]) != from + i)
			return false;
		order[i] = at - to;
	}
	return true;
}

int edit_layout(struct graph *g, int k, const char *from, const char *to, struct err *err)
{
	struct node *p = g->inputs[k];
	struct value *v = &p->out[0];
	struct shape s = *node_attr(p, "shape")->shape, t = s;
	int64_t order[MAX_RANK];
	int n = strlen(from);
	if (!layout_order(from, to, order))
		return fail(err, E_USAGE, "'%s' is no permutation of layout '%s'", to, from);
	if (s.rank != n)
		return fail(err, E_USAGE, "layout '%s' does not fit the %d dims of input '%s'",
		    from, s.rank, value_name(v));
	if (!strcmp(from, to))
		return OK;
	for (int i = 0; i < n; i++)
		t.dim[order[i]] = s.dim[i];
	const char *name = arena_printf(g->arena, "%s/layout", p->name);
	if (!name || !attr_set_shape(p, "shape", &t))
		return fail_nomem(err);
	struct node *perm = graph_const_i64(g, p->next, name, n, order);
	struct node *move = perm ? graph_insert_after(perm, op_row(OP_TRANSPOSE), name, NULL, 2, 1)
				 : NULL;
	if (!move)
		return fail_nomem(err);
	/* The tensor's name stays with the Parameter: that is what users feed. */
	while (v->uses)
		node_set_input(v->uses->node, v->uses->index, &move->out[0]);
	node_set_input(move, 0, v);
	node_set_input(move, 1, &perm->out[0]);
	return OK;
}

int edit_freeze(struct graph *g, int k, int n, const double *v, struct err *err)
{
	struct node *p = g->inputs[k];
	struct value *in = &p->out[0];
	const struct shape *s = node_attr(p, "shape")->shape;
	enum dtype type = attr_type(p, "element_type");
	struct tensor t = {0};
	int64_t dim[MAX_RANK];
	if (!shape_static(s))
		return fail(
		    err, E_USAGE, "input '%s' has no fixed shape to be frozen in", value_name(in));
	for (int i = 0; i < s->rank; i++)
		dim[i] = s->dim[i].min;
	int r = tensor_alloc(&t, type, s->rank, dim, err);
	if (r)
		return r;
	int64_t count = tensor_count(&t);
	if (n != 1 && n != count)
		r = fail(err, E_USAGE, "input '%s' has %lld elements, %d values are given",
		    value_name(in), (long long)count, n);
	for (int64_t i = 0; i < count && !r; i++)
		tensor_set_f64(&t, i, v[n == 1 ? 0 : i]);
	struct blob *b = r ? NULL : blob_copy(t.data, tensor_bytes(&t));
	tensor_free(&t);
	if (r)
		return r;
	struct node *c = b ? graph_const(g, p, p->name, type, s->rank, dim, b) : NULL;
	if (!c)
		return fail_nomem(err);
	graph_replace(in, &c->out[0]);
	graph_remove(p);
	return OK;
}
