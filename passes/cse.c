/* Common subexpressions: nodes of one kind, attributes and inputs are computed once, and equal
 * constants are kept once. */
#include <stdlib.h>
#include <string.h>

#include "passes/rewrite.h"

#define CHUNK 4096    /* bytes compared at a time: a multiple of 64 */
#define PREFIX 256    /* bytes of a constant that its hash covers: a multiple of 64 */
#define CANDIDATES 64 /* of equal hash that are compared: bounds the work on odd models */

/* Chains by hash, in the order of the nodes: no answer depends on an address. */
struct table {
	uint32_t mask;
	struct entry {
		struct node *node;
		uint64_t hash;
		int next; /* index + 1 of the next in the chain */
	} * entry;
	int *first, *last; /* index + 1 by bucket */
	int n;
};

static uint64_t mix(uint64_t h, uint64_t x)
{
	h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint64_t mix_bytes(uint64_t h, const void *data, size_t n)
{
	const unsigned char *p = data;
	for (size_t i = 0; i < n; i++)
		h = mix(h, p[i]);
	return mix(h, n);
}

static uint64_t hash_const(const struct node *n)
{
	unsigned char start[PREFIX];
	size_t size = blob_size(n->data), part = size < PREFIX ? size : PREFIX;
	const struct shape *s = &n->out[0].info.shape;
	uint64_t h = mix(n->out[0].info.type, s->rank);
	for (int i = 0; i < s->rank; i++)
		h = mix(h, s->dim[i].min);
	if (part && blob_read(n->data, 0, start, part, NULL))
		return h;
	return mix_bytes(h, start, part);
}

/* Inputs are hashed by the place of their nodes (mark, given in order), which is the same
 * everywhere. */
static uint64_t hash_node(const struct node *n)
{
	uint64_t h = mix(n->op->id, n->nout);
	for (int i = 0; i < n->nin; i++)
		h = mix(h, node_in(n, i) ? mix(node_in(n, i)->node->mark, node_in(n, i)->port) : 0);
	return h;
}

static bool same_fill(const struct blob *a, const struct blob *b)
{
	const void *x, *y;
	size_t n, m;
	return blob_is_fill(a, &x, &n) && blob_is_fill(b, &y, &m) && n == m && !memcmp(x, y, n);
}

static bool same_data(const struct blob *a, const struct blob *b)
{
	unsigned char x[CHUNK], y[CHUNK];
	size_t size = blob_size(a);
	if (a == b)
		return true;
	if (size != blob_size(b))
		return false;
	if (same_fill(a, b))
		return true;
	for (size_t off = 0; off < size; off += CHUNK) {
		size_t part = size - off < CHUNK ? size - off : CHUNK;
		if (blob_read(a, off, x, part, NULL) || blob_read(b, off, y, part, NULL) ||
		    memcmp(x, y, part))
			return false;
	}
	return true;
}

static bool same_attr(const struct attr_def *d, const struct attr *a, const struct attr *b)
{
	struct text x = {0}, y = {0};
	if (a->set != b->set)
		return false;
	if (!a->set)
		return true;
	attr_text(&x, d, a);
	attr_text(&y, d, b);
	bool same = !x.failed && !y.failed && x.len == y.len &&
		    (!x.len || !memcmp(x.data, y.data, x.len));
	text_free(&x);
	text_free(&y);
	return same;
}

static bool same_node(const struct node *a, const struct node *b)
{
	if (a->op != b->op || a->nin != b->nin || a->nout != b->nout || a->nbodies || b->nbodies)
		return false;
	if (node_is(a, OP_CONST)) {
		const struct info *x = &a->out[0].info, *y = &b->out[0].info;
		return x->type == y->type && shape_equal(&x->shape, &y->shape) &&
		       same_data(a->data, b->data);
	}
	for (int i = 0; i < a->nin; i++)
		if (node_in(a, i) != node_in(b, i))
			return false;
	for (int i = 0; a->op->attrs[i].name; i++)
		if (!same_attr(&a->op->attrs[i], &a->attr[i], &b->attr[i]))
			return false;
	return true;
}

static bool table_open(struct table *t, struct pass_ctx *c)
{
	uint32_t size = 64;
	while (size < (uint32_t)c->graph->nnodes)
		size *= 2;
	*t = (struct table){.mask = size - 1};
	t->entry = arena_array(c->scratch, c->graph->nnodes + 1, sizeof *t->entry);
	t->first = arena_array(c->scratch, size, sizeof *t->first);
	t->last = arena_array(c->scratch, size, sizeof *t->last);
	return t->entry && t->first && t->last;
}

/* The earlier node that gives what n gives; n is entered when there is none. */
static struct node *table_find(struct table *t, struct node *n)
{
	uint64_t h = node_is(n, OP_CONST) ? hash_const(n) : hash_node(n);
	uint32_t bucket = (h ^ h >> 32) & t->mask;
	int tries = 0;
	for (int i = t->first[bucket]; i && tries < CANDIDATES; i = t->entry[i - 1].next) {
		struct entry *e = &t->entry[i - 1];
		tries += e->hash == h;
		if (e->hash == h && same_node(e->node, n))
			return e->node;
	}
	t->entry[t->n++] = (struct entry){n, h, 0};
	if (t->last[bucket])
		t->entry[t->last[bucket] - 1].next = t->n;
	else
		t->first[bucket] = t->n;
	t->last[bucket] = t->n;
	return NULL;
}

static bool may_merge(const struct node *n)
{
	if (node_is(n, OP_PARAMETER) || n->nbodies || n->op->flags & (OPF_RANDOM | OPF_SINK))
		return false;
	return !node_meta(n, "decompression");
}

static bool merge(struct node *n, struct node *same)
{
	for (int k = 0; k < n->nout; k++)
		if (!can_replace(&n->out[k], &same->out[k]))
			return false;
	for (int k = 0; k < n->nout; k++)
		graph_replace(&n->out[k], &same->out[k]);
	return true;
}

static int cse(struct pass_ctx *c)
{
	struct table t;
	int done = 0;
	uint32_t place = 0;
	if (!table_open(&t, c))
		return fail_nomem(c->err);
	graph_each (c->graph, n) {
		n->mark = ++place;
		struct node *same = may_merge(n) ? table_find(&t, n) : NULL;
		if (!same || !merge(n, same))
			continue;
		graph_remove(n);
		done++;
	}
	return done;
}

const struct pass pass_cse = {
    .name = "cse",
    .about = "compute equal nodes once and keep equal constants once",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = cse,
};
