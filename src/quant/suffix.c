/* Where a variant of a network begins to differ from its base, and the cut there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "ops/edit.h"
#include "ops/op.h"
#include "quant/suffix.h"

/* By value id of the variant: the base's value of the same content, or NULL. */
struct same {
	struct map base; /* nodes by name; NULL: a name of several */
	struct value **value;
	bool *moves; /* by value id: depends on the inputs */
};

static bool same_attrs(const struct node *a, const struct node *b)
{
	bool same = true;
	for (int i = 0; same && a->op->attrs && a->op->attrs[i].name; i++) {
		struct text x = {0}, y = {0};
		same = a->attr[i].set == b->attr[i].set;
		if (same && a->attr[i].set) {
			attr_text(&x, &a->op->attrs[i], &a->attr[i]);
			attr_text(&y, &b->op->attrs[i], &b->attr[i]);
			same = !x.failed && !y.failed &&
			       !strcmp(x.data ? x.data : "", y.data ? y.data : "");
		}
		text_free(&x);
		text_free(&y);
	}
	return same;
}

static bool same_blob(struct blob *a, struct blob *b)
{
	if (a == b)
		return true;
	if (!a || !b || blob_size(a) != blob_size(b))
		return false;
	const void *x = blob_data(a), *y = blob_data(b);
	return x && y && !memcmp(x, y, blob_size(a));
}

/* Does the base's node give what the variant's does, its inputs being known already? */
static bool same_node(const struct same *s, const struct node *n, const struct node *b)
{
	if (n->op->flags & OPF_RANDOM || n->op != b->op || n->nin != b->nin || n->nout != b->nout ||
	    n->nbodies || b->nbodies)
		return false;
	for (int k = 0; k < n->nin; k++) {
		const struct value *v = node_in(n, k);
		if ((v ? s->value[v->id] : NULL) != node_in(b, k))
			return false;
	}
	return same_blob(n->data, b->data) && same_attrs(n, b);
}

static int index_base(struct same *s, struct graph *base, struct err *err)
{
	graph_each (base, n)
		if (!map_put(&s->base, n->name, map_has(&s->base, n->name) ? NULL : n))
			return fail_nomem(err);
	return OK;
}

static void compare(struct same *s, const struct graph *variant)
{
	graph_each (variant, n) {
		struct node *b = map_get(&s->base, n->name);
		bool same = b && same_node(s, n, b), moves = node_is(n, OP_PARAMETER);
		for (int k = 0; k < n->nin; k++)
			moves = moves || (node_in(n, k) && s->moves[node_in(n, k)->id]);
		for (int k = 0; k < n->nout; k++) {
			s->value[n->out[k].id] = same ? &b->out[k] : NULL;
			s->moves[n->out[k].id] = moves;
		}
	}
}

/* Is a value, the same in both, read by something of the variant that the base does not have? */
static bool crosses(const struct same *s, const struct value *v)
{
	if (!s->value[v->id] || !s->moves[v->id])
		return false;
	value_each_use (v, u) {
		const struct node *n = u->node;
		if (node_is(n, OP_RESULT) || (n->nout && !s->value[n->out[0].id]))
			return true;
	}
	return false;
}

/* Names the values where the cut goes, in both networks. */
static int name_cuts(struct suffix *f, const struct same *s, int tag, struct err *err)
{
	struct graph *g = f->g;
	f->name = arena_array(g->arena, g->nvalues, sizeof *f->name);
	if (!f->name)
		return fail_nomem(err);
	graph_each (g, n)
		for (int k = 0; k < n->nout; k++) {
			struct value *v = &n->out[k];
			if (!crosses(s, v))
				continue;
			const char *name = arena_printf(g->arena, " cut %d.%d", tag, f->n);
			if (!name || !value_add_name(v, name) ||
			    !value_add_name(s->value[v->id], name))
				return fail_nomem(err);
			f->name[f->n++] = name;
			f->whole = f->whole || node_is(n, OP_PARAMETER);
		}
	f->whole = f->whole || !f->n;
	return OK;
}

static int cut(struct suffix *f, struct err *err)
{
	int r = f->whole ? OK : edit_cut(f->g, f->name, f->n, NULL, 0, err);
	return r || f->whole ? r : graph_infer(f->g, err);
}

int suffix_new(
    struct suffix *f, struct graph *base, struct graph *variant, int tag, struct err *err)
{
	struct same s = {0};
	*f = (struct suffix){.g = variant};
	graph_number(variant);
	s.value = calloc((size_t)variant->nvalues + 1, sizeof *s.value);
	s.moves = calloc((size_t)variant->nvalues + 1, sizeof *s.moves);
	int r = s.value && s.moves ? index_base(&s, base, err) : fail_nomem(err);
	if (!r) {
		compare(&s, variant);
		r = name_cuts(f, &s, tag, err);
	}
	free(s.value);
	free(s.moves);
	map_free(&s.base);
	r = r ? r : cut(f, err);
	if (r)
		suffix_free(f);
	return r;
}

void suffix_free(struct suffix *f)
{
	graph_free(f->g);
	*f = (struct suffix){0};
}
