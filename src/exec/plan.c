/* Makes plans: places of buffers in one workspace; keeps those of the last few shapes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/pages.h"
#include "exec/dynamic.h"
#include "exec/memplan.h"
#include "exec/plan.h"

/* ---- memory ---- */

/* The system would promise more memory than there is and end us when we use it. */
static int take_workspace(struct plan *p, struct err *err)
{
	int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	if (pages > 0 && page > 0 && p->bytes / (size_t)page >= (size_t)pages)
		return fail(err, E_LIMIT, "the workspace would take %zu bytes, the machine has %zu",
		    p->bytes, (size_t)pages * (size_t)page);
	p->workspace = pages_alloc_work(p->bytes);
	return p->workspace ? OK : fail_nomem(err);
}

static bool needs_room(const struct buffer *b)
{
	return b->kind == BUFFER_WORK && b->first >= 0;
}

static int share(struct plan *p, struct memplan_item *items, struct err *err)
{
	int n = 0;
	for (uint32_t b = 0; b < p->nbuffers; b++)
		if (needs_room(&p->buffer[b]))
			items[n++] = (struct memplan_item){.size = p->buffer[b].size,
			    .first = p->buffer[b].first,
			    .last = p->buffer[b].last};
	int status = memplan(items, n, &p->bytes, err);
	if (status == OK)
		status = take_workspace(p, err);
	n = 0;
	for (uint32_t b = 0; b < p->nbuffers && status == OK; b++)
		if (needs_room(&p->buffer[b]))
			p->base[b] = (char *)p->workspace + items[n++].offset;
	return status;
}

int plan_place(struct plan *p, struct err *err)
{
	struct memplan_item *items = calloc((size_t)p->nbuffers + 1, sizeof *items);
	p->base = calloc((size_t)p->nbuffers + 1, sizeof *p->base);
	int status = items && p->base ? share(p, items, err) : fail_nomem(err);
	for (uint32_t b = 0; b < p->nbuffers && status == OK; b++)
		if (p->buffer[b].kind == BUFFER_FIXED)
			p->base[b] = (void *)p->buffer[b].at;
		else if (p->buffer[b].kind == BUFFER_WORK && !needs_room(&p->buffer[b]))
			p->base[b] = p->workspace; /* nothing is read or written there */
	free(items);
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
	p->seen = calloc(nvalues, sizeof *p->seen);
	p->left = calloc(nvalues, sizeof *p->left);
	p->in = calloc((size_t)e->max_in + 1, sizeof *p->in);
	p->spot = calloc(nvalues, sizeof *p->spot);
	p->out = calloc((size_t)e->graph->noutputs + 1, sizeof *p->out);
	if (!p->key || !p->arena || !p->value || !p->known || !p->dynamic || !p->seen || !p->left ||
	    !p->in || !p->spot || !p->out)
		return fail_nomem(err);
	key_fill(e, in, p->key);
	return OK;
}

int plan_alloc(struct exec *e, const struct tensor *in, struct plan **out, struct err *err)
{
	struct plan *p = calloc(1, sizeof *p);
	int status = p ? allocate(e, p, in, err) : fail_nomem(err);
	if (status < 0)
		plan_free(e, p);
	else
		*out = p;
	return status;
}

static int plan_new(struct exec *e, const struct tensor *in, struct plan **out, struct err *err)
{
	struct plan *p;
	int status = plan_alloc(e, in, &p, err);
	if (status < 0)
		return status;
	status = plan_infer(e, p, in, err);
	if (status == OK)
		status = plan_lower(e, p, err);
	if (status == OK)
		status = plan_place(p, err);
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
	free(p->seen);
	free(p->left);
	free(p->call);
	free(p->workspace);
	free(p->in);
	free(p->spot);
	free(p->out);
	free(p->buffer);
	free(p->base);
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

int plan_make(struct exec *e, const struct tensor *in, struct plan **out, struct err *err)
{
	if (e->graph->compiled)
		return compiled_plan(e, in, out, err);
	pthread_mutex_lock(&e->net->lock);
	int status = plan_new(e, in, out, err);
	pthread_mutex_unlock(&e->net->lock);
	return status;
}

/* Its place among those that are kept; behind the last one when it is not there. */
static int find(const struct exec *e, const struct tensor *in)
{
	int at = 0;
	while (at < PLAN_CACHE && e->plan[at] && !key_is(e, e->plan[at], in))
		at++;
	return at;
}

struct plan *plan_kept(const struct exec *e, const struct tensor *in)
{
	int at = find(e, in);
	return at < PLAN_CACHE ? e->plan[at] : NULL;
}

int plan_get(struct exec *e, const struct tensor *in, struct plan **out, struct err *err)
{
	struct plan *p = NULL;
	int at = find(e, in);
	if (at < PLAN_CACHE && e->plan[at]) {
		p = e->plan[at];
	} else {
		int status = plan_make(e, in, &p, err);
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
