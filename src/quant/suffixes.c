/* Evaluates variants of one network from where they differ on, with what comes before kept for as
 * many of them at a time as the cache holds. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "ops/op.h"
#include "quant/suffix.h"

/* Variants that go together, and the base's values that they begin with. */
struct window {
	const struct suffixes *s;
	const struct evaluation *v;
	int from, n, max;
	struct suffix *suffix;
	struct value **slot; /* distinct values of the base */
	int nslots;
	int64_t bytes; /* of the slots for all runs */
	struct kept kept;
	struct answer *answer;
};

/* Bytes that a value takes in one run; an open batch is 1. -1: not known. */
static int64_t value_bytes(const struct value *v)
{
	const struct shape *s = &v->info.shape;
	int64_t n = 1;
	for (int i = 0; i < s->rank; i++) {
		if (!dim_static(s->dim[i]) && i)
			return -1;
		if (dim_static(s->dim[i]) && mul_i64(n, s->dim[i].min, &n))
			return -1;
	}
	return s->rank < 0 ? -1 : dtype_bytes(v->info.type, n);
}

static int find_slot(const struct window *w, const struct value *v)
{
	for (int i = 0; i < w->nslots; i++)
		if (w->slot[i] == v)
			return i;
	return -1;
}

/* What the cache must hold more for this suffix; -1: it cannot. */
static int64_t more_bytes(const struct window *w, const struct suffix *f)
{
	int64_t sum = 0, runs = deal_runs(w->v->deal);
	for (int i = 0; i < f->n && !f->whole; i++) {
		const struct value *v = graph_find_value(w->s->base, f->name[i]);
		int64_t bytes = v ? value_bytes(v) : -1;
		if (bytes < 0 || mul_i64(bytes, runs, &bytes))
			return -1;
		if (find_slot(w, v) < 0)
			sum += bytes;
	}
	return sum <= w->s->cache_bytes ? sum : -1;
}

static int make_suffix(struct window *w, int i, struct suffix *f, struct err *err)
{
	struct graph *g = NULL;
	int r = w->s->make(w->s->user, i, &g, err);
	return r ? r : suffix_new(f, w->s->base, g, i, err);
}

/* A variant that the cache cannot hold begins with the network's inputs. */
static int make_whole(struct window *w, int i, struct suffix *f, struct err *err)
{
	suffix_free(f);
	f->whole = true;
	return w->s->make(w->s->user, i, &f->g, err);
}

static int add_slots(struct window *w, const struct suffix *f, struct err *err)
{
	for (int i = 0; i < f->n && !f->whole; i++) {
		struct value *v = graph_find_value(w->s->base, f->name[i]);
		struct value **slot = w->slot;
		if (find_slot(w, v) >= 0)
			continue;
		slot = reallocarray(slot, (size_t)w->nslots + 1, sizeof(struct value *));
		if (!slot)
			return fail_nomem(err);
		w->slot = slot;
		w->slot[w->nslots++] = v;
	}
	return OK;
}

/* Takes variants from w->from on while the cache holds what they begin with. */
static int gather(struct window *w, struct err *err)
{
	int r = OK;
	while (w->n < w->max && !r) {
		struct suffix *f = &w->suffix[w->n];
		r = make_suffix(w, w->from + w->n, f, err);
		if (r)
			break;
		int64_t more = more_bytes(w, f);
		if (more < 0) {
			r = make_whole(w, w->from + w->n, f, err);
			more = 0;
		}
		if (!r && w->n && w->bytes + more > w->s->cache_bytes) {
			suffix_free(f);
			break;
		}
		w->n++;
		w->bytes += more;
		r = r ? r : add_slots(w, f, err);
	}
	return r;
}

/* The base with a Result more for each slot, behind its own. */
static int base_with_slots(struct window *w, struct graph **out, struct err *err)
{
	struct graph *g = *out = graph_clone(w->s->base);
	if (!g)
		return fail_nomem(err);
	for (int i = 0; i < w->nslots; i++) {
		const struct value *slot = w->slot[i]; /* its last name is a cut's */
		struct value *v = graph_find_value(g, slot->names[slot->nnames - 1]);
		struct node *result = v ? graph_add(g, op_row(OP_RESULT), v->node->name, &v, 1, 0)
					: NULL;
		if (!result)
			return fail_nomem(err);
	}
	return OK;
}

static int run_base(struct window *w, struct err *err)
{
	struct graph *g = NULL;
	struct evaluation v = *w->v;
	if (!w->nslots)
		return OK;
	int r = base_with_slots(w, &g, err);
	v.keep = &w->kept;
	v.want = NULL;
	v.compare = false;
	r = r ? r : evaluate(g, &v, w->answer, err);
	graph_free(g);
	return r;
}

/* What a suffix reads, by run: borrowed from what is kept. */
static int lend(const struct window *w, const struct suffix *f, struct kept *in, struct err *err)
{
	*in = (struct kept){.runs = w->kept.runs, .width = f->n};
	in->t = calloc((size_t)(in->runs * f->n) + 1, sizeof *in->t);
	if (!in->t)
		return fail_nomem(err);
	for (int i = 0; i < f->n; i++) {
		int slot = find_slot(w, graph_find_value(w->s->base, f->name[i]));
		for (int64_t run = 0; run < in->runs; run++)
			in->t[run * f->n + i] =
			    w->kept.t[run * w->kept.width + w->s->base->noutputs + slot];
	}
	return OK;
}

static int run_suffix(struct window *w, int i, struct err *err)
{
	struct suffix *f = &w->suffix[i];
	struct evaluation v = *w->v;
	struct kept in = {0};
	v.keep = NULL;
	v.bound = (struct bound){0};
	v.in = f->whole ? NULL : &in;
	int r = f->whole ? OK : lend(w, f, &in, err);
	r = r ? r : evaluate(f->g, &v, w->answer, err);
	r = r ? r : w->s->take(w->s->user, w->from + i, w->answer, err);
	free(in.t);
	return r;
}

static void window_clear(struct window *w)
{
	for (int i = 0; i < w->max; i++)
		suffix_free(&w->suffix[i]);
	kept_free(&w->kept);
	free(w->slot);
	w->slot = NULL;
	w->nslots = w->n = 0;
	w->bytes = 0;
}

int suffixes_evaluate(const struct suffixes *s, const struct evaluation *v, struct err *err)
{
	struct window w = {.s = s, .v = v};
	w.suffix = calloc((size_t)s->n + 1, sizeof *w.suffix);
	w.answer = calloc((size_t)v->deal->n + 1, sizeof *w.answer);
	int r = w.suffix && w.answer ? OK : fail_nomem(err);
	for (int next; w.from < s->n && !r; w.from = next) {
		w.max = s->n - w.from;
		r = gather(&w, err);
		next = w.from + w.n;
		r = r ? r : run_base(&w, err);
		for (int i = 0; i < w.n && !r; i++)
			r = run_suffix(&w, i, err);
		window_clear(&w);
	}
	free(w.suffix);
	free(w.answer);
	return r;
}
