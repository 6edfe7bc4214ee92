/* A deep copy of a graph that shares only the constants' bytes. */
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"
#include "graph/op.h"

/* Which new node stands for an old one: sorted by the old one's address, so that the source stays
 * untouched and may be cloned from several threads. */
struct pair {
	const struct node *old;
	struct node *new;
};

static int by_old(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct pair *)a)->old;
	uintptr_t y = (uintptr_t)((const struct pair *)b)->old;
	return (x > y) - (x < y);
}

static struct node *find_new(const struct pair *pair, int n, const struct node *old)
{
	struct pair key = {old, NULL};
	const struct pair *p = bsearch(&key, pair, (size_t)n, sizeof *pair, by_old);
	return p ? p->new : NULL;
}

static bool clone_info(struct arena *a, struct info *dst, const struct info *src)
{
	*dst = *src;
	int64_t n = shape_count(&src->shape);
	if (!src->elems)
		return true;
	dst->elems = n < 0 ? NULL : arena_copy(a, src->elems, (size_t)n * sizeof *src->elems);
	return dst->elems;
}

static bool clone_value(struct arena *a, struct value *dst, const struct value *src)
{
	if (!clone_info(a, &dst->info, &src->info))
		return false;
	dst->id = src->id;
	dst->symbols = src->symbols;
	for (int i = 0; i < src->nnames; i++)
		if (!value_add_name(dst, src->names[i]))
			return false;
	return true;
}

static bool clone_meta(struct arena *a, struct meta **dst, const struct meta *src)
{
	for (; src; src = src->next, dst = &(*dst)->next) {
		struct meta *m = *dst = arena_alloc(a, sizeof *m);
		if (!m)
			return false;
		m->key = arena_str(a, src->key);
		m->value = arena_str(a, src->value);
		m->version = src->version ? arena_str(a, src->version) : NULL;
		if (!m->key || !m->value || (src->version && !m->version))
			return false;
	}
	return true;
}

static bool clone_into(struct graph *dst, const struct graph *src);

static bool clone_bodies(struct node *dst, const struct node *src)
{
	struct arena *a = dst->graph->arena;
	if (!src->nbodies)
		return true;
	dst->body = arena_array(a, (size_t)src->nbodies, sizeof *dst->body);
	if (!dst->body)
		return false;
	for (int i = 0; i < src->nbodies; i++) {
		const struct body *from = &src->body[i];
		struct body *to = &dst->body[i];
		to->nmaps = from->nmaps;
		to->map = arena_copy(a, from->map, (size_t)from->nmaps * sizeof *from->map);
		to->graph = graph_new_body(dst->graph, from->graph->name);
		if (!to->map || !to->graph)
			return false;
		dst->nbodies = i + 1;
		if (!clone_into(to->graph, from->graph))
			return false;
	}
	return true;
}

static struct node *clone_node(struct graph *g, const struct node *src)
{
	struct node *n = graph_add(g, src->op, src->name, NULL, src->nin, src->nout);
	if (!n || !node_copy_attrs(n, src) || !clone_meta(g->arena, &n->meta, src->meta))
		return NULL;
	for (int i = 0; i < n->nout; i++)
		if (!clone_value(g->arena, &n->out[i], &src->out[i]))
			return NULL;
	n->data = src->data ? blob_ref(src->data) : NULL;
	return clone_bodies(n, src) ? n : NULL;
}

static void link_inputs(const struct graph *src, const struct pair *pair, int n)
{
	graph_each (src, old) {
		struct node *new = find_new(pair, n, old);
		for (int i = 0; i < old->nin; i++) {
			const struct value *v = old->in[i].value;
			struct node *from = v ? find_new(pair, n, v->node) : NULL;
			if (from)
				node_set_input(new, i, &from->out[v->port]);
		}
	}
}

static bool clone_into(struct graph *dst, const struct graph *src)
{
	struct pair *pair = calloc((size_t)src->nnodes + 1, sizeof *pair);
	int n = 0;
	bool ok = pair && clone_meta(dst->arena, &dst->meta, src->meta);
	for (const struct node *old = src->first; old && ok; old = old->next) {
		pair[n] = (struct pair){old, clone_node(dst, old)};
		ok = pair[n++].new != NULL;
	}
	if (ok) {
		qsort(pair, (size_t)n, sizeof *pair, by_old);
		link_inputs(src, pair, n);
		/* the edges keep their own order, which need not be that of the nodes */
		for (int i = 0; i < src->ninputs; i++)
			dst->inputs[i] = find_new(pair, n, src->inputs[i]);
		for (int i = 0; i < src->noutputs; i++)
			dst->outputs[i] = find_new(pair, n, src->outputs[i]);
		dst->nvalues = src->nvalues;
		dst->nsymbols = src->nsymbols;
	}
	free(pair);
	return ok;
}

struct graph *graph_clone(const struct graph *g)
{
	struct graph *copy = graph_new(g->name);
	if (copy && !clone_into(copy, g)) {
		graph_free(copy);
		return NULL;
	}
	return copy;
}
