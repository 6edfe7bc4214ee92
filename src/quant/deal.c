/* Samples dealt out to a network, run by run. */
#include <stdlib.h>
#include <string.h>

#include "quant/evaluate.h"

static int deal_alloc(struct deal *d, int64_t n, struct err *err)
{
	*d = (struct deal){.n = n, .batch = 1};
	d->index = calloc((size_t)n + 1, sizeof *d->index);
	d->label = calloc((size_t)n + 1, sizeof *d->label);
	d->unreadable = calloc((size_t)n + 1, sizeof *d->unreadable);
	if (d->index && d->label && d->unreadable)
		return OK;
	deal_free(d);
	return fail_nomem(err);
}

int deal_new(struct deal *d, const struct samples *s, int64_t from, int64_t n,
    const struct graph *g, struct err *err)
{
	int64_t have = s->count - from;
	*d = (struct deal){0};
	if (have < 1 || n < 1)
		return fail(err, E_USAGE, "there are no samples to evaluate");
	n = n < have ? n : have;
	int r = deal_alloc(d, n, err);
	if (r)
		return r;
	d->samples = s;
	for (int64_t i = 0; i < n; i++)
		d->index[i] = from + (int64_t)((double)i * (double)have / (double)n);
	const struct shape *in = g->ninputs ? &g->inputs[0]->out[0].info.shape : NULL;
	if (in && in->rank > 0 && dim_static(in->dim[0]))
		d->batch = in->dim[0].min;
	if (d->batch > 0)
		return OK;
	deal_free(d);
	return fail(err, E_USAGE, "the network's batch is 0");
}

int deal_subset(struct deal *d, const struct deal *all, const bool *pick, struct err *err)
{
	int64_t n = 0;
	for (int64_t i = 0; i < all->n; i++)
		n += pick[i];
	int r = deal_alloc(d, n, err);
	if (r)
		return r;
	d->samples = all->samples;
	d->batch = all->batch;
	n = 0;
	for (int64_t i = 0; i < all->n; i++)
		if (pick[i]) {
			d->label[n] = all->label[i];
			d->index[n++] = all->index[i];
		}
	return OK;
}

void deal_free(struct deal *d)
{
	free(d->index);
	free(d->label);
	free(d->unreadable);
	*d = (struct deal){0};
}

int64_t deal_runs(const struct deal *d)
{
	return (d->n + d->batch - 1) / d->batch;
}

void kept_free(struct kept *k)
{
	for (int64_t i = 0; k->t && i < k->runs * k->width; i++)
		tensor_free(&k->t[i]);
	free(k->t);
	*k = (struct kept){0};
}
