/* Building and rewriting a graph: nodes in a list, inputs linked into their values' uses. */
#include "graph/graph.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op.h"

static struct graph *graph_make(struct arena *a, struct graph *outer, const char *name)
{
	struct graph *g = arena_alloc(a, sizeof *g);
	if (!g)
		return NULL;
	g->arena = a;
	g->outer = outer;
	g->name = arena_str(a, name ? name : "");
	return g->name ? g : NULL;
}

struct graph *graph_new(const char *name)
{
	struct arena *a = arena_new();
	struct graph *g = a ? graph_make(a, NULL, name) : NULL;
	if (!g)
		arena_free(a);
	return g;
}

struct graph *graph_new_body(struct graph *outer, const char *name)
{
	return graph_make(outer->arena, outer, name);
}

static void drop_blobs(struct graph *g);

static void node_drop_blobs(struct node *n)
{
	blob_unref(n->data);
	n->data = NULL;
	for (int i = 0; i < n->nbodies; i++)
		if (n->body[i].graph)
			drop_blobs(n->body[i].graph);
}

static void drop_blobs(struct graph *g)
{
	if (g->compiled)
		g->release(g->compiled);
	graph_each (g, n)
		node_drop_blobs(n);
}

void graph_free(struct graph *g)
{
	if (!g)
		return;
	drop_blobs(g);
	if (!g->outer)
		arena_free(g->arena);
}

/* Room for one more element in an arena array that grows at powers of two. */
static void *array_grow(struct arena *a, void *array, int n, size_t size)
{
	if (n & (n - 1))
		return array;
	void *more = arena_array(a, n ? 2 * (size_t)n : 1, size);
	if (more && n)
		memcpy(more, array, (size_t)n * size);
	return more;
}

static bool push_node(struct graph *g, struct node ***list, int *n, struct node *node)
{
	struct node **more = array_grow(g->arena, *list, *n, sizeof *more);
	if (!more)
		return false;
	*list = more;
	more[(*n)++] = node;
	return true;
}

static void drop_node(struct node **list, int *n, const struct node *node)
{
	int k = 0;
	for (int i = 0; i < *n; i++)
		if (list[i] != node)
			list[k++] = list[i];
	*n = k;
}

static bool is_type(const struct node *n, const char *type)
{
	return !strcmp(n->op->type, type);
}

static void use_link(struct use *u, struct value *v)
{
	u->value = v;
	u->next = NULL;
	u->link = NULL;
	if (!v)
		return;
	u->next = v->uses;
	u->link = &v->uses;
	if (v->uses)
		v->uses->link = &u->next;
	v->uses = u;
	v->nuses++;
}

static void use_unlink(struct use *u)
{
	if (!u->value)
		return;
	*u->link = u->next;
	if (u->next)
		u->next->link = u->link;
	u->value->nuses--;
	u->value = NULL;
}

static bool set_defaults(struct node *n)
{
	const struct attr_def *def = n->op->attrs;
	for (int i = 0; def[i].name; i++) {
		if (!def[i].initial)
			continue;
		struct err e = {0};
		int rc = attr_parse(n, &def[i], def[i].initial, &e);
		assert(rc == OK || rc == E_NOMEM);
		if (rc)
			return false;
	}
	return true;
}

static struct node *node_make(
    struct graph *g, const struct op *op, const char *name, int nin, int nout)
{
	int nattr = 0;
	while (op->attrs[nattr].name)
		nattr++;
	struct node *n = arena_alloc(g->arena, sizeof *n);
	if (!n)
		return NULL;
	n->op = op;
	n->graph = g;
	n->nin = nin;
	n->nout = nout;
	n->name = arena_str(g->arena, name ? name : "");
	n->in = arena_array(g->arena, (size_t)nin, sizeof *n->in);
	n->out = arena_array(g->arena, (size_t)nout, sizeof *n->out);
	n->attr = arena_array(g->arena, (size_t)nattr, sizeof *n->attr);
	if (!n->name || !n->in || !n->out || !n->attr || !set_defaults(n))
		return NULL;
	for (int i = 0; i < nin; i++)
		n->in[i] = (struct use){.node = n, .index = i};
	for (int i = 0; i < nout; i++) {
		n->out[i].node = n;
		n->out[i].port = i;
		n->out[i].info.shape = shape_unknown();
	}
	return n;
}

/* Enters n into the list before at (at the end when NULL). */
static void list_insert(struct graph *g, struct node *n, struct node *at)
{
	n->next = at;
	n->prev = at ? at->prev : g->last;
	*(n->prev ? &n->prev->next : &g->first) = n;
	*(at ? &at->prev : &g->last) = n;
	g->nnodes++;
}

static struct node *insert(struct graph *g, struct node *before, const struct op *op,
    const char *name, struct value *const *in, int nin, int nout)
{
	struct node *n = node_make(g, op, name, nin, nout);
	if (!n)
		return NULL;
	if (is_type(n, "Parameter") && !push_node(g, &g->inputs, &g->ninputs, n))
		return NULL;
	if (is_type(n, "Result") && !push_node(g, &g->outputs, &g->noutputs, n))
		return NULL;
	for (int i = 0; i < nin; i++)
		use_link(&n->in[i], in ? in[i] : NULL);
	list_insert(g, n, before);
	return n;
}

struct node *graph_add(struct graph *g, const struct op *op, const char *name,
    struct value *const *in, int nin, int nout)
{
	return insert(g, NULL, op, name, in, nin, nout);
}

struct node *graph_insert_before(struct node *at, const struct op *op, const char *name,
    struct value *const *in, int nin, int nout)
{
	return insert(at->graph, at, op, name, in, nin, nout);
}

struct node *graph_insert_after(struct node *at, const struct op *op, const char *name,
    struct value *const *in, int nin, int nout)
{
	return insert(at->graph, at->next, op, name, in, nin, nout);
}

static void list_take(struct graph *g, struct node *n)
{
	*(n->prev ? &n->prev->next : &g->first) = n->next;
	*(n->next ? &n->next->prev : &g->last) = n->prev;
	g->nnodes--;
}

void graph_move(struct node *n, struct node *at)
{
	assert(!is_type(n, "Parameter") && !is_type(n, "Result"));
	list_take(n->graph, n);
	n->graph = at->graph;
	list_insert(at->graph, n, at);
	for (int i = 0; i < n->nbodies; i++)
		n->body[i].graph->outer = at->graph;
}

void graph_remove(struct node *n)
{
	struct graph *g = n->graph;
	for (int i = 0; i < n->nout; i++)
		assert(!n->out[i].uses);
	for (int i = 0; i < n->nin; i++)
		use_unlink(&n->in[i]);
	list_take(g, n);
	if (is_type(n, "Parameter"))
		drop_node(g->inputs, &g->ninputs, n);
	if (is_type(n, "Result"))
		drop_node(g->outputs, &g->noutputs, n);
	node_drop_blobs(n);
}

static void move_names(struct value *old, struct value *new)
{
	for (int i = 0; i < old->nnames; i++)
		if (!value_add_name(new, old->names[i]))
			return; /* a lost alias does not break the graph */
	old->nnames = 0;
}

void graph_replace(struct value *old, struct value *new)
{
	if (old == new)
		return;
	value_each_use (old, u) {
		if (u->node == new->node)
			continue;
		use_unlink(u);
		use_link(u, new);
	}
	move_names(old, new);
}

void graph_replace_node(struct node *old, struct node *new)
{
	for (int i = 0; i < old->nout && i < new->nout; i++)
		graph_replace(&old->out[i], &new->out[i]);
	struct meta **end = &new->meta;
	while (*end)
		end = &(*end)->next;
	*end = old->meta;
	old->meta = NULL;
	graph_remove(old);
}

void node_set_input(struct node *n, int index, struct value *v)
{
	assert(index < n->nin);
	use_unlink(&n->in[index]);
	use_link(&n->in[index], v);
}

bool node_resize_inputs(struct node *n, int nin)
{
	struct use *in = arena_array(n->graph->arena, (size_t)nin, sizeof *in);
	if (!in)
		return false;
	for (int i = 0; i < nin; i++)
		in[i] = (struct use){.node = n, .index = i};
	for (int i = 0; i < n->nin; i++) {
		struct value *v = n->in[i].value;
		use_unlink(&n->in[i]);
		if (i < nin)
			use_link(&in[i], v);
	}
	n->in = in;
	n->nin = nin;
	return true;
}

bool value_add_name(struct value *v, const char *name)
{
	struct arena *a = v->node->graph->arena;
	for (int i = 0; i < v->nnames; i++)
		if (!strcmp(v->names[i], name))
			return true;
	const char **more = array_grow(a, v->names, v->nnames, sizeof *more);
	const char *copy = arena_str(a, name);
	if (!more || !copy)
		return false;
	v->names = more;
	v->names[v->nnames++] = copy;
	return true;
}

uint32_t graph_symbols(struct graph *g, uint32_t n)
{
	while (g->outer)
		g = g->outer;
	if (n > UINT32_MAX - g->nsymbols)
		return 0;
	g->nsymbols += n;
	return g->nsymbols - n + 1;
}

uint32_t graph_symbol(struct graph *g)
{
	return graph_symbols(g, 1);
}

void graph_number(struct graph *g)
{
	g->nvalues = 0;
	graph_each (g, n)
		for (int i = 0; i < n->nout; i++)
			n->out[i].id = g->nvalues++;
}

bool node_add_meta(struct node *n, const char *key, const char *version, const char *value)
{
	struct arena *a = n->graph->arena;
	struct meta *m = arena_alloc(a, sizeof *m), **end = &n->meta;
	if (!m)
		return false;
	m->key = arena_str(a, key);
	m->value = arena_str(a, value);
	m->version = version ? arena_str(a, version) : NULL;
	if (!m->key || !m->value || (version && !m->version))
		return false;
	while (*end)
		end = &(*end)->next;
	*end = m;
	return true;
}

const struct meta *node_meta(const struct node *n, const char *key)
{
	const struct meta *m = n->meta;
	while (m && strcmp(m->key, key))
		m = m->next;
	return m;
}
