/* Sizes that the network computes for itself: read by one Gather from the first ShapeOf that has
 * them, and not computed at all where a Reshape can say 0 or -1. */
#include <string.h>

#include "passes/rewrite.h"

#define DYING 64 /* nodes that one rewrite looks at */

/* The first ShapeOf with an element of this symbol. */
struct source {
	uint32_t symbol;
	struct node *shape;
};

struct sources {
	struct source *slot; /* open addressing */
	uint32_t mask;
};

static struct source *source_at(const struct sources *s, uint32_t symbol)
{
	uint32_t i = symbol * UINT32_C(0x9e3779b1) & s->mask;
	while (s->slot[i].symbol && s->slot[i].symbol != symbol)
		i = (i + 1) & s->mask;
	return &s->slot[i];
}

static bool is_shape_of(const struct node *n)
{
	return node_is(n, OP_SHAPE_OF) || node_is(n, OP_SHAPE_OF_1);
}

/* Content of an integer list or number with at least one element; NULL when nothing is known. */
static const struct dim *content(const struct value *v, int *n)
{
	int64_t count = shape_count(&v->info.shape);
	enum dtype t = v->info.type;
	if (!v->info.elems || v->info.shape.rank > 1 || count < 1 || count > LIMIT_ELEMS ||
	    (t != DT_I64 && t != DT_I32))
		return NULL;
	*n = (int)count;
	return v->info.elems;
}

static int collect(struct pass_ctx *c, struct sources *s)
{
	uint32_t size = 64, symbols = 0, at = 0;
	int n;
	graph_each (c->graph, k) {
		k->mark = at++;
		if (is_shape_of(k) && content(&k->out[0], &n))
			symbols += (uint32_t)n;
	}
	while (size < symbols * 2)
		size *= 2;
	*s = (struct sources){arena_array(c->scratch, size, sizeof *s->slot), size - 1};
	if (!s->slot)
		return fail_nomem(c->err);
	graph_each (c->graph, k) {
		const struct dim *e = is_shape_of(k) ? content(&k->out[0], &n) : NULL;
		for (int i = 0; e && i < n; i++) {
			struct source *to = e[i].symbol ? source_at(s, e[i].symbol) : NULL;
			if (to && !to->symbol)
				*to = (struct source){e[i].symbol, k};
		}
	}
	return OK;
}

/* ---- what a rewrite saves ---------------------------------------------------------------------
 */

/* Nodes other than Const that go when the root does. */
struct dying {
	struct node *node[DYING];
	int n;
};

static bool dies(const struct dying *d, const struct node *n)
{
	for (int i = 0; i < d->n; i++)
		if (d->node[i] == n)
			return true;
	return false;
}

/* Takes n and what it is computed from out of those that die. */
static void keep_alive(struct dying *d, const struct node *n)
{
	for (int i = 0; i < d->n; i++)
		if (d->node[i] == n) {
			d->node[i] = d->node[--d->n];
			for (int k = 0; k < n->nin; k++)
				if (node_in(n, k))
					keep_alive(d, node_in(n, k)->node);
			return;
		}
}

static bool only_feeds(const struct dying *d, const struct node *n)
{
	for (int k = 0; k < n->nout; k++)
		value_each_use (&n->out[k], u)
			if (!dies(d, u->node))
				return false;
	return true;
}

static void find_dying(struct dying *d, struct node *root)
{
	d->node[0] = root;
	d->n = 1;
	for (int i = 0; i < d->n; i++)
		for (int k = 0; k < d->node[i]->nin && d->n < DYING; k++) {
			struct value *v = node_in(d->node[i], k);
			if (v && !node_is(v->node, OP_CONST) && !node_is(v->node, OP_PARAMETER) &&
			    !dies(d, v->node) && only_feeds(d, v->node))
				d->node[d->n++] = v->node;
		}
}

/* ---- content read anew ------------------------------------------------------------------------
 */

/* Neighbouring elements that come from one ShapeOf, or constants. */
struct part {
	struct node *shape; /* NULL: constants */
	int n;
	int64_t index[LIMIT_ELEMS]; /* or the constants */
};

struct recipe {
	struct part part[8];
	int n;
};

static bool same_size(struct dim a, struct dim b)
{
	return dim_static(a) && dim_static(b) ? a.min == b.min : a.symbol && a.symbol == b.symbol;
}

/* The place of e in the content of a ShapeOf, near the last one; -1 when it is not there. */
static int64_t index_in(const struct node *shape, struct dim e, int64_t last)
{
	int n = 0;
	const struct dim *all = content(&shape->out[0], &n);
	if (last + 1 < n && same_size(all[last + 1], e))
		return last + 1;
	for (int i = 0; all && i < n; i++)
		if (same_size(all[i], e))
			return i;
	return -1;
}

static struct part *new_part(struct recipe *r, struct node *shape)
{
	if (r->n == 8)
		return NULL;
	r->part[r->n] = (struct part){.shape = shape};
	return &r->part[r->n++];
}

static bool add_element(
    struct recipe *r, const struct sources *s, const struct node *root, struct dim e)
{
	struct part *p = r->n ? &r->part[r->n - 1] : NULL;
	int64_t at = p && p->shape ? index_in(p->shape, e, p->index[p->n - 1]) : -1;
	if (at < 0 && dim_static(e)) {
		p = p && !p->shape ? p : new_part(r, NULL);
		at = e.min;
	} else if (at < 0) {
		struct source *from = e.symbol ? source_at(s, e.symbol) : NULL;
		if (!from || !from->symbol || !from->shape->graph ||
		    from->shape->mark >= root->mark)
			return false;
		p = new_part(r, from->shape);
		at = index_in(from->shape, e, -1);
	}
	if (p)
		p->index[p->n++] = at;
	return p;
}

/* Constants before a run may be in its ShapeOf too: [64, h] of [b, 64, h]. */
static void join_constants(struct recipe *r)
{
	for (int i = 0; i + 1 < r->n; i++) {
		struct part *a = &r->part[i], *b = &r->part[i + 1];
		int64_t at[LIMIT_ELEMS];
		bool all = !a->shape && b->shape && a->n + b->n <= LIMIT_ELEMS;
		for (int k = 0; all && k < a->n; k++) {
			at[k] = index_in(b->shape, dim_of(a->index[k]), k ? at[k - 1] : -1);
			all = at[k] >= 0;
		}
		if (!all)
			continue;
		memcpy(at + a->n, b->index, (size_t)b->n * sizeof *at);
		b->n += a->n;
		memcpy(b->index, at, (size_t)b->n * sizeof *at);
		memmove(a, b, (size_t)(r->n - i - 1) * sizeof *a);
		r->n--;
		i = i > 1 ? i - 2 : -1;
	}
}

/* All elements from one ShapeOf, the first one or another. */
static bool one_source(struct recipe *r)
{
	struct part all;
	for (int k = 0; k < r->n; k++) {
		bool found = r->part[k].shape != NULL;
		all = (struct part){.shape = r->part[k].shape};
		for (int i = 0; i < r->n && found; i++)
			for (int j = 0; j < r->part[i].n && found; j++) {
				const struct part *p = &r->part[i];
				struct dim e = p->shape ? p->shape->out[0].info.elems[p->index[j]]
							: dim_of(p->index[j]);
				int64_t at = index_in(
				    all.shape, e, all.n ? all.index[all.n - 1] : -1);
				found = at >= 0;
				all.index[all.n++] = at;
			}
		if (!found)
			continue;
		*r = (struct recipe){.n = 1, .part = {all}};
		return true;
	}
	return false;
}

static bool is_whole(const struct part *p, const struct value *root)
{
	if (!p->shape || root->info.shape.rank != 1 ||
	    shape_count(&p->shape->out[0].info.shape) != p->n)
		return false;
	for (int i = 0; i < p->n; i++)
		if (p->index[i] != i)
			return false;
	return true;
}

/* A Gather of the same elements that stays in any case. */
static bool is_there(const struct part *p, const struct value *root, const struct dying *d)
{
	value_each_use (&p->shape->out[0], u) {
		int64_t at[LIMIT_ELEMS];
		int n;
		if (!node_is(u->node, OP_GATHER) || u->index || u->node->mark >= root->node->mark ||
		    dies(d, u->node) || !const_ints(node_in(u->node, 1), at, LIMIT_ELEMS, &n) ||
		    n != p->n || memcmp(at, p->index, (size_t)n * sizeof *at))
			continue;
		if (u->node->out[0].info.shape.rank == root->info.shape.rank)
			return true;
	}
	return false;
}

/* Nodes that the recipe takes; those that it needs are taken out of the dying. */
static int cost_of(const struct recipe *r, const struct value *root, struct dying *d)
{
	int cost = r->n > 1;
	for (int i = 0; i < r->n; i++) {
		const struct part *p = &r->part[i];
		if (!p->shape)
			continue;
		keep_alive(d, p->shape);
		cost += p->shape->out[0].info.type != root->info.type;
		cost += !is_whole(p, root) && !is_there(p, root, d);
	}
	return cost;
}

static struct value *make_part(
    struct pass_ctx *c, struct node *at, const struct part *p, const char *name)
{
	struct value *root = &at->out[0], *v;
	int n = root->info.shape.rank ? p->n : -1;
	if (!p->shape) {
		struct node *k = add_ints(c, at, name, n, p->index);
		v = k ? &k->out[0] : NULL;
	} else if (is_whole(p, root)) {
		v = &p->shape->out[0];
	} else {
		static const int64_t zero;
		struct node *index = add_ints(c, at, name_with(at, name, "/index"), n, p->index);
		struct node *axis = index ? add_ints(c, at, name_with(at, name, "/axis"), -1, &zero)
					  : NULL;
		struct value *in[] = {
		    &p->shape->out[0], index ? &index->out[0] : NULL, axis ? &axis->out[0] : NULL};
		struct node *g = axis ? graph_insert_before(at, op_row(OP_GATHER), name, in, 3, 1)
				      : NULL;
		if (axis && !g)
			fail_nomem(c->err);
		v = g && !node_infer(g, c->err) ? &g->out[0] : NULL;
	}
	if (!v || v->info.type == root->info.type)
		return v;
	struct node *to = graph_insert_before(
	    at, op_row(OP_CONVERT), name, (struct value *[]){v}, 1, 1);
	if (!to || !attr_set_type(to, "destination_type", root->info.type)) {
		fail_nomem(c->err);
		return NULL;
	}
	return node_infer(to, c->err) ? NULL : &to->out[0];
}

static int build(struct pass_ctx *c, struct node *n, const struct recipe *r)
{
	struct value *in[8];
	for (int i = 0; i < r->n; i++) {
		const char *name = r->n == 1 ? n->name
					     : arena_printf(n->graph->arena, "%s/%d", n->name, i);
		in[i] = name ? make_part(c, n, &r->part[i], name) : NULL;
		if (!in[i])
			return name ? c->err->status : fail_nomem(c->err);
	}
	if (r->n == 1 && is_shape_of(in[0]->node)) {
		graph_replace(&n->out[0], in[0]);
		return 1;
	}
	if (r->n > 1) {
		struct node *all = graph_insert_before(n, op_row(OP_CONCAT), n->name, in, r->n, 1);
		if (!all || !attr_set_i(all, "axis", 0))
			return fail_nomem(c->err);
		if (node_infer(all, c->err))
			return c->err->status;
		in[0] = &all->out[0];
	}
	take_over(in[0], &n->out[0]);
	return 1;
}

static int read_anew(struct pass_ctx *c, const struct sources *s, struct node *n)
{
	struct recipe r = {.n = 0};
	struct dying d;
	int count, symbols = 0;
	const struct dim *e = n->nout == 1 ? content(&n->out[0], &count) : NULL;
	if (!e || node_is(n, OP_CONST) || is_output(&n->out[0]))
		return 0;
	for (int i = 0; i < count; i++) {
		symbols += !dim_static(e[i]);
		if (!add_element(&r, s, n, e[i]))
			return 0;
	}
	if (!symbols)
		return 0;
	if (!one_source(&r))
		join_constants(&r);
	find_dying(&d, n);
	int cost = cost_of(&r, &n->out[0], &d);
	if (cost >= d.n)
		return 0;
	return build(c, n, &r);
}

/* ---- Reshape ----------------------------------------------------------------------------------
 */

/* A computed target becomes a constant one. */
static int fix_target(struct pass_ctx *c, struct node *n)
{
	int64_t dims[MAX_RANK];
	const struct shape *out = &n->out[0].info.shape;
	if (!node_is(n, OP_RESHAPE) || value_const(node_in(n, 1)) ||
	    !reshape_pattern(&node_in(n, 0)->info.shape, out, dims))
		return 0;
	struct node *k = add_ints(c, n, name_with(n, n->name, "/shape"), out->rank, dims);
	struct node *old = node_in(n, 1)->node;
	if (!k)
		return c->err->status;
	if (!attr_set_i(n, "special_zero", true))
		return fail_nomem(c->err);
	node_set_input(n, 1, &k->out[0]);
	remove_dead(old);
	return 1;
}

static int simplify_shapes(struct pass_ctx *c)
{
	struct sources s;
	int done = 0;
	if (collect(c, &s))
		return c->err->status;
	graph_each (c->graph, n) {
		int r = fix_target(c, n);
		if (!r)
			r = read_anew(c, &s, n);
		if (r < 0)
			return err_in(c->err, "node '%s'", n->name);
		if (r)
			remove_dead(n);
		done += r;
	}
	return done;
}

const struct pass pass_simplify_shapes = {
    .name = "simplify-shapes",
    .about = "read sizes once, say 0 or -1 in Reshape instead of computing them",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER,
    .run = simplify_shapes,
};
