/* Takes units out of a network: constants lose the indices that go. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "passes/prune.h"

/* No axis loses its last index: the first one of it stays. */
static void leave_one(struct units *u, bool *gone, const struct value *v, int axis)
{
	if (!unit_has(u, v, axis))
		return;
	for (int64_t i = 0; i < v->info.shape.dim[axis].min; i++)
		if (!gone[unit_at(u, v, axis, i)])
			return;
	gone[unit_at(u, v, axis, 0)] = false;
}

/* What of each axis of a constant stays. */
struct keep {
	int rank;
	int64_t size[MAX_RANK], count[MAX_RANK];
	int64_t *index[MAX_RANK];
	int64_t chunk; /* elements that lie side by side from axis last on */
	int last;
};

static void keep_free(struct keep *k)
{
	for (int i = 0; i < k->rank; i++)
		free(k->index[i]);
}

/* *changed when something of v goes. */
static int keep_of(struct units *u, const bool *gone, const struct value *v, struct keep *k,
    bool *changed, struct err *err)
{
	*k = (struct keep){.rank = v->info.shape.rank, .chunk = 1};
	*changed = false;
	for (int i = 0; i < k->rank; i++) {
		k->size[i] = v->info.shape.dim[i].min;
		k->index[i] = calloc(k->size[i] + 1, sizeof *k->index[i]);
		if (!k->index[i])
			return fail_nomem(err);
		for (int64_t j = 0; j < k->size[i]; j++)
			if (!unit_has(u, v, i) || !gone[unit_at(u, v, i, j)])
				k->index[i][k->count[i]++] = j;
		*changed = *changed || k->count[i] != k->size[i];
	}
	k->last = k->rank;
	while (k->last > 0 && k->count[k->last - 1] == k->size[k->last - 1])
		k->chunk *= k->size[--k->last];
	return OK;
}

/* Where elements go one after the other. */
struct copy {
	const struct keep *k;
	const struct tensor *from;
	struct tensor *to;
	int64_t at;
};

static void copy_chunk(struct copy *c, int64_t from)
{
	int64_t n = c->k->chunk, size = dtype_bits(c->from->type) / 8;
	if (dtype_bits(c->from->type) % 8 == 0)
		memcpy((char *)c->to->data + c->at * size, (char *)c->from->data + from * size,
		    n * size);
	else
		for (int64_t i = 0; i < n; i++)
			tensor_set_i64(c->to, c->at + i, tensor_i64(c->from, from + i));
	c->at += n;
}

static void copy_axis(struct copy *c, int axis, int64_t from)
{
	if (axis == c->k->last) {
		copy_chunk(c, from * c->k->chunk);
		return;
	}
	for (int64_t i = 0; i < c->k->count[axis]; i++) {
		int64_t next = from * c->k->size[axis] + c->k->index[axis][i];
		copy_axis(c, axis + 1, next);
	}
}

static int cut_blob(const struct value *v, const struct keep *k, struct blob **out, struct err *err)
{
	struct const_view w;
	struct tensor t;
	int e = const_open(v, &w, err);
	if (e)
		return e;
	e = tensor_alloc(&t, v->info.type, k->rank, k->count, err);
	if (!e) {
		struct copy c = {k, &w.t, &t, 0};
		copy_axis(&c, 0, 0);
		*out = blob_copy(t.data, tensor_bytes(&t));
		e = *out ? OK : fail_nomem(err);
		tensor_free(&t);
	}
	const_close(&w);
	return e;
}

/* A new constant in the place of n; it has no id, and thus no labels. */
static int cut_const(struct units *u, const bool *gone, struct node *n, struct err *err)
{
	struct keep k;
	bool changed;
	struct blob *b = NULL;
	int e = keep_of(u, gone, &n->out[0], &k, &changed, err);
	if (!e && changed)
		e = cut_blob(&n->out[0], &k, &b, err);
	if (!e && changed) {
		struct node *c = graph_const(
		    n->graph, n, n->name, n->out[0].info.type, k.rank, k.count, b);
		if (c) {
			graph_replace(&n->out[0], &c->out[0]);
			graph_remove(n);
			e = node_infer(c, err);
		} else
			e = fail_nomem(err);
	}
	keep_free(&k);
	return e;
}

int prune_cut(struct units *u, bool *gone, struct err *err)
{
	for (int32_t i = 0; i < u->nlabels; i++)
		gone[i] = gone[i] && u->parent[i] == i && !u->fixed[i];
	graph_each (u->graph, n)
		for (int k = 0; k < n->nout; k++)
			for (int a = 0; a < n->out[k].info.shape.rank; a++)
				leave_one(u, gone, &n->out[k], a);
	int e = prune_parameters(u, gone, err);
	/* Constants that the parameters brought stand before their readers and have no labels. */
	for (struct node *n = u->graph->first, *next; !e && n; n = next) {
		next = n->next;
		if (node_is(n, OP_CONST) && n->mark)
			e = cut_const(u, gone, n, err);
	}
	return e;
}
