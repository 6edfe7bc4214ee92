/* Weights in 8 bits, worked out once for all quantized clones of a network. */
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/threads.h"
#include "passes/quantize.h"
#include "passes/rewrite.h"

/* Of a layer: what its weights became, and of which constant they are. */
struct entry {
	struct blob *of;
	int most;
	struct blob *q, *scale;
};

struct weight_levels {
	pthread_mutex_t lock;
	struct arena *arena;
	struct map map; /* by the layer's name */
};

struct weight_levels *weight_levels_new(void)
{
	struct weight_levels *s = calloc(1, sizeof *s);
	struct arena *a = s ? arena_new() : NULL;
	if (!a) {
		free(s);
		return NULL;
	}
	s->arena = a;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void weight_levels_free(struct weight_levels *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->map.n; i++) {
		struct entry *e = s->map.entry[i].value;
		blob_unref(e->of);
		blob_unref(e->q);
		blob_unref(e->scale);
	}
	map_free(&s->map);
	pthread_mutex_destroy(&s->lock);
	arena_free(s->arena);
	free(s);
}

/* The layer's, with references for the caller; false when there are none of this constant. */
static bool find(struct weight_levels *s, const struct node *n, int most, const struct blob *of,
    struct blob **q, struct blob **scale)
{
	pthread_mutex_lock(&s->lock);
	const struct entry *e = map_get(&s->map, n->name);
	bool there = e && e->of == of && e->most == most;
	if (there) {
		*q = blob_ref(e->q);
		*scale = blob_ref(e->scale);
	}
	pthread_mutex_unlock(&s->lock);
	return there;
}

/* Keeps references of its own. A layer of another network by the same name is not kept. */
static bool keep(struct weight_levels *s, const struct node *n, int most, struct blob *of,
    struct blob *q, struct blob *scale)
{
	pthread_mutex_lock(&s->lock);
	bool ok = true;
	if (!map_has(&s->map, n->name)) {
		struct entry *e = arena_alloc(s->arena, sizeof *e);
		const char *name = arena_str(s->arena, n->name);
		ok = e && name && map_put(&s->map, name, e);
		if (ok)
			*e = (struct entry){blob_ref(of), most, blob_ref(q), blob_ref(scale)};
	}
	pthread_mutex_unlock(&s->lock);
	return ok;
}

int weight_levels_get(struct weight_levels *s, const struct node *n, int most, struct blob **q,
    struct blob **scale, struct err *err)
{
	struct blob *of = quantizable_blob(n);
	if (s && find(s, n, most, of, q, scale))
		return OK;
	int status = quantize_levels(n, most, q, scale, err);
	if (status || !s || keep(s, n, most, of, *q, *scale))
		return status;
	blob_unref(*q);
	blob_unref(*scale);
	return fail_nomem(err);
}

/* ---- those of a whole network ---- */

struct fill {
	struct weight_levels *s;
	struct missing {
		const struct node *node;
		int most;
		struct err err;
	} * layer;
	int n;
};

static bool is_missing(struct weight_levels *s, const struct node *n, int most)
{
	struct blob *q, *scale;
	if (!find(s, n, most, quantizable_blob(n), &q, &scale))
		return true;
	blob_unref(q);
	blob_unref(scale);
	return false;
}

static void find_missing(struct fill *f, const struct placement *p)
{
	const struct quant_group *g = p->group, *end = g + p->ngroups;
	uint32_t number = 0;
	for (const struct node *n = p->graph->first; n; n = n->next, number++)
		for (; g < end && g->node == number; g++)
			if (g->weights && is_missing(f->s, n, g->most))
				f->layer[f->n++] = (struct missing){.node = n, .most = g->most};
}

static void fill_one(void *ctx, int task, int worker)
{
	struct fill *f = ctx;
	struct missing *m = &f->layer[task];
	struct blob *q, *scale;
	(void)worker;
	if (weight_levels_get(f->s, m->node, m->most, &q, &scale, &m->err))
		return;
	blob_unref(q);
	blob_unref(scale);
}

/* The error of the first layer that failed. */
static int run(struct fill *f, int threads, struct err *err)
{
	struct pool *pool = NULL;
	int status = pool_new(threads, &pool, err);
	if (status)
		return status;
	pool_run(pool, f->n, fill_one, f);
	pool_free(pool);
	for (int i = 0; i < f->n; i++)
		if (f->layer[i].err.status && !status) {
			*err = f->layer[i].err;
			status = err->status;
		} else {
			err_clear(&f->layer[i].err);
		}
	return status;
}

int weight_levels_fill(
    struct weight_levels *s, const struct placement *p, int threads, struct err *err)
{
	struct fill f = {.s = s, .layer = calloc((size_t)p->ngroups + 1, sizeof *f.layer)};
	if (!f.layer)
		return fail_nomem(err);
	find_missing(&f, p);
	int status = f.n ? run(&f, threads, err) : OK;
	free(f.layer);
	return status;
}
