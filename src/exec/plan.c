/* Makes plans: calls in order, lifetimes, one workspace; keeps those of the last few shapes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec/memplan.h"
#include "exec/plan.h"

/* ---- calls ---- */

static bool is_known(const struct plan *p, const struct node *n)
{
	return n->nout && p->known[n->out[0].id];
}

static bool is_dynamic(const struct plan *p, const struct node *n)
{
	return n->nout && p->dynamic[n->out[0].id];
}

static int make_call(struct exec *e, struct plan *p, struct call *c, struct err *err)
{
	const struct node *n = c->step->node;
	c->run = run_nothing;
	if (c->step->kind == STEP_FOLDED || is_known(p, n))
		return OK;
	if (is_dynamic(p, n)) {
		c->run = run_dynamic;
		return dynamic_constants(e, n, err);
	}
	return plan_kernel(e, p, c, err);
}

/* With a tap every step is a call, so that its values are seen in order. What a dynamic step had
 * absorbed runs by itself. */
static int fill_calls(struct exec *e, struct plan *p, const int *last, struct err *err)
{
	int status = OK;
	for (int i = 0; i < e->nsteps && status == OK; i++) {
		const struct step *s = &e->step[i];
		struct call *c = &p->call[p->ncalls];
		if (s->kind == STEP_ABSORBED && !is_dynamic(p, s->node))
			continue;
		if (last[i] > i)
			continue; /* done by the last of its segment */
		c->step = s;
		c->run = run_segment;
		status = last[i] == i ? segment_get(e, last, i, &c->segment, err)
				      : make_call(e, p, c, err);
		if (status < 0)
			err_in(err, "node '%s'", s->node->name);
		p->ncalls += c->run != run_nothing || e->o.tap;
	}
	return status;
}

static int make_calls(struct exec *e, struct plan *p, struct err *err)
{
	int *last = calloc((size_t)e->nsteps + 1, sizeof *last);
	p->call = calloc((size_t)e->nsteps + 1, sizeof *p->call);
	int status = OK;
	if (last && p->call) {
		segment_ends(e, p, last);
		status = fill_calls(e, p, last, err);
	} else {
		status = fail_nomem(err);
	}
	free(last);
	return status;
}

/* ---- lifetimes ---- */

/* Items: one for each value that needs room, then one for each call's scratch, then one for each
 * output that is an input and must be copied. */
struct layout {
	struct exec *e;
	struct plan *p;
	uint32_t *root; /* by value id: the value whose bytes it shares, itself most often */
	int *item;      /* by value id: of a root that lives in the workspace, else -1 */
	struct memplan_item *items;
	int nitems;
};

static int add_item(struct layout *l, size_t size, int first, int last)
{
	l->items[l->nitems] = (struct memplan_item){.size = size, .first = first, .last = last};
	return l->nitems++;
}

static void use(struct layout *l, const struct value *v, int at)
{
	int k = v ? l->item[l->root[v->id]] : -1;
	if (k >= 0 && l->items[k].last < at)
		l->items[k].last = at;
}

static void place_call(struct layout *l, int at)
{
	struct call *c = &l->p->call[at];
	const struct node *n = c->step->node, *end = c->step->end;
	for (int k = 0; k < n->nin; k++)
		use(l, n->in[k].value, at);
	for (int k = 0; c->segment && segment_input(c->segment, k); k++)
		use(l, segment_input(c->segment, k), at);
	if (c->run == run_alias) {
		l->root[end->out[0].id] = l->root[node_in(n, 0)->id];
		return;
	}
	for (int k = 0; k < end->nout; k++) {
		uint32_t id = end->out[k].id;
		if (!l->p->value[id].data && !l->p->dynamic[id])
			l->item[id] = add_item(l, tensor_bytes(&l->p->value[id]), at, at);
	}
	if (c->scratch_bytes)
		add_item(l, c->scratch_bytes, at, at);
}

/* An output that is an input, perhaps under another shape. */
static bool needs_copy(const struct layout *l, const struct value *v)
{
	return l->item[l->root[v->id]] < 0 && !l->p->value[v->id].data && !l->p->dynamic[v->id];
}

static void place_outputs(struct layout *l)
{
	struct plan *p = l->p;
	for (int k = 0; k < l->e->graph->noutputs; k++) {
		const struct value *v = node_in(l->e->graph->outputs[k], 0);
		use(l, v, p->ncalls);
		if (needs_copy(l, v))
			add_item(l, tensor_bytes(&p->value[v->id]), p->ncalls, p->ncalls);
	}
}

/* Addresses, in the order in which the items were made. */
static void set_addresses(struct layout *l)
{
	struct plan *p = l->p;
	char *base = p->workspace;
	int next = 0;
	for (int at = 0; at < p->ncalls; at++) {
		struct call *c = &p->call[at];
		if (c->run == run_alias)
			continue;
		for (int k = 0; k < c->step->end->nout; k++) {
			uint32_t id = c->step->end->out[k].id;
			if (l->item[id] >= 0)
				p->value[id].data = base + l->items[next++].offset;
		}
		if (c->scratch_bytes)
			c->scratch = (float *)(base + l->items[next++].offset);
	}
	for (int k = 0; k < l->e->graph->noutputs; k++) {
		const struct value *v = node_in(l->e->graph->outputs[k], 0);
		if (needs_copy(l, v))
			p->copy[k] = base + l->items[next++].offset;
	}
}

/* The system would promise more memory than there is and end us when we use it. */
static int take_workspace(struct plan *p, struct err *err)
{
	int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	if (pages > 0 && page > 0 && p->bytes / (size_t)page >= (size_t)pages)
		return fail(err, E_LIMIT, "the workspace would take %zu bytes, the machine has %zu",
		    p->bytes, (size_t)pages * (size_t)page);
	p->workspace = aligned_alloc(MEMPLAN_ALIGN, p->bytes ? p->bytes : MEMPLAN_ALIGN);
	return p->workspace ? OK : fail_nomem(err);
}

static int lay_out(struct layout *l, struct err *err)
{
	struct plan *p = l->p;
	for (uint32_t id = 0; id < l->e->graph->nvalues; id++) {
		l->root[id] = id;
		l->item[id] = -1;
	}
	for (int at = 0; at < p->ncalls; at++)
		place_call(l, at);
	place_outputs(l);
	int status = memplan(l->items, l->nitems, &p->bytes, err);
	if (status == OK)
		status = take_workspace(p, err);
	if (status == OK)
		set_addresses(l);
	return status;
}

static int make_workspace(struct exec *e, struct plan *p, struct err *err)
{
	size_t nvalues = e->graph->nvalues + 1;
	size_t nitems = nvalues + (size_t)p->ncalls + (size_t)e->graph->noutputs;
	struct layout l = {.e = e,
	    .p = p,
	    .root = calloc(nvalues, sizeof *l.root),
	    .item = calloc(nvalues, sizeof *l.item),
	    .items = calloc(nitems, sizeof *l.items)};
	int status = l.root && l.item && l.items ? lay_out(&l, err) : fail_nomem(err);
	free(l.root);
	free(l.item);
	free(l.items);
	return status;
}

/* ---- making and keeping ---- */

static int key_size(const struct exec *e, const struct tensor *in)
{
	int n = 0;
	for (int k = 0; k < e->graph->ninputs; k++)
		n += 1 + in[k].rank;
	return n;
}

static void key_fill(const struct exec *e, const struct tensor *in, int64_t *key)
{
	for (int k = 0; k < e->graph->ninputs; k++) {
		*key++ = in[k].rank;
		memcpy(key, in[k].dim, (size_t)in[k].rank * sizeof *key);
		key += in[k].rank;
	}
}

static bool key_is(const struct exec *e, const struct plan *p, const struct tensor *in)
{
	const int64_t *key = p->key;
	if (p->nkey != key_size(e, in))
		return false;
	for (int k = 0; k < e->graph->ninputs; k++) {
		size_t rank = (size_t)in[k].rank;
		if (*key++ != in[k].rank || memcmp(key, in[k].dim, rank * sizeof *key))
			return false;
		key += rank;
	}
	return true;
}

static int allocate(struct exec *e, struct plan *p, const struct tensor *in, struct err *err)
{
	size_t nvalues = e->graph->nvalues + 1;
	p->nkey = key_size(e, in);
	p->key = calloc((size_t)p->nkey + 1, sizeof *p->key);
	p->arena = arena_new();
	p->value = calloc(nvalues, sizeof *p->value);
	p->known = calloc(nvalues, sizeof *p->known);
	p->dynamic = calloc(nvalues, sizeof *p->dynamic);
	p->left = calloc(nvalues, sizeof *p->left);
	p->in = calloc((size_t)e->max_in + 1, sizeof *p->in);
	p->copy = calloc((size_t)e->graph->noutputs + 1, sizeof *p->copy);
	if (!p->key || !p->arena || !p->value || !p->known || !p->dynamic || !p->left || !p->in ||
	    !p->copy)
		return fail_nomem(err);
	key_fill(e, in, p->key);
	return OK;
}

static int plan_new(struct exec *e, const struct tensor *in, struct plan **out, struct err *err)
{
	struct plan *p = calloc(1, sizeof *p);
	if (!p)
		return fail_nomem(err);
	int status = allocate(e, p, in, err);
	if (status == OK)
		status = plan_infer(e, p, in, err);
	if (status == OK)
		status = make_calls(e, p, err);
	if (status == OK)
		status = make_workspace(e, p, err);
	if (status < 0) {
		plan_free(e, p);
		return status;
	}
	*out = p;
	return OK;
}

void plan_free(struct exec *e, struct plan *p)
{
	if (!p)
		return;
	dynamic_reset(e, p);
	for (uint32_t id = 0; p->known && id < e->graph->nvalues; id++)
		if (p->known[id])
			tensor_free(&p->value[id]);
	arena_free(p->arena);
	free(p->key);
	free(p->value);
	free(p->known);
	free(p->dynamic);
	free(p->left);
	free(p->call);
	free(p->workspace);
	free(p->in);
	free(p->copy);
	free(p);
}

/* Plans of large inputs go sooner. */
static void drop_large(struct exec *e)
{
	size_t sum = 0;
	for (int i = 1; i < PLAN_CACHE && e->plan[i]; i++) {
		sum += e->plan[i]->bytes;
		if (sum <= PLAN_BYTES)
			continue;
		for (; i < PLAN_CACHE; i++) {
			plan_free(e, e->plan[i]);
			e->plan[i] = NULL;
		}
	}
}

int plan_get(struct exec *e, const struct tensor *in, struct plan **out, struct err *err)
{
	struct plan *p = NULL;
	int at = 0;
	while (at < PLAN_CACHE && e->plan[at] && !key_is(e, e->plan[at], in))
		at++;
	if (at < PLAN_CACHE && e->plan[at]) {
		p = e->plan[at];
	} else {
		int status = plan_new(e, in, &p, err);
		if (status < 0)
			return status;
		if (at == PLAN_CACHE)
			plan_free(e, e->plan[--at]);
	}
	memmove(&e->plan[1], &e->plan[0], (size_t)at * sizeof *e->plan);
	e->plan[0] = *out = p;
	drop_large(e);
	return OK;
}
