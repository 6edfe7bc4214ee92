/* Runs samples and sums up what layers read, as it is and on the levels of their quantizers. */
#include "quant/moments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/threads.h"
#include "exec/exec.h"
#include "exec/gram.h"
#include "passes/quantize.h"
#include "passes/rewrite.h"
#include "quant/rows.h"

#define FEW 32       /* a layer of so few inputs is known from a quarter of the rows */
#define CAPACITY 128 /* rows gathered before their products are summed up */

struct taker {
	struct moments *m;
	const struct moments_options *o;
	const struct samples *samples;
	struct moments_layer **site; /* by value id: the layers that read it */
	float *row;                  /* the longest */
	int64_t per_sample;          /* rows of a layer */
	struct exec *e;
	struct pool *pool;
	struct tensor *in, *out;
	struct err *err;
	int status; /* of tasks */
};

int moments_width(const struct moments_layer *l, int block)
{
	int64_t left = l->k - (int64_t)block * l->block;
	return (int)(left < l->block ? left : l->block);
}

void moments_free(struct moments *m)
{
	if (!m)
		return;
	for (int i = 0; i < m->nlayers; i++) {
		struct moments_layer *l = &m->layer[i];
		for (int64_t b = 0; l->second && b < l->groups * l->nblocks; b++)
			free(l->second[b]);
		free(l->buffer);
		free(l->mean);
	}
	arena_free(m->arena);
	free(m);
}

/* ---- the layers ---- */

/* The quantizer that v comes from, through layers that pass levels on. */
static const struct node *quantizer_of(const struct value *v)
{
	while (v && !node_is(v->node, OP_FAKE_QUANTIZE))
		v = passes_levels(v->node) ? node_in(v->node, 0) : NULL;
	return v ? v->node : NULL;
}

static bool few_bits_layer(const struct node *n)
{
	if (n->nin != 2 || !node_in(n, 1) || !node_is(node_in(n, 1)->node, OP_MULTIPLY))
		return false;
	const struct node *wide = node_in(node_in(n, 1)->node, 0)->node;
	return node_is(wide, OP_CONVERT) && node_is(node_in(wide, 0)->node, OP_CONST) &&
	       (node_is(n, OP_CONVOLUTION) || node_is(n, OP_GROUP_CONVOLUTION) ||
		   node_is(n, OP_MATMUL));
}

static bool set_range(struct moments_layer *l, const struct node *q)
{
	const struct node *fq = quantizer_of(node_in(q, 0));
	struct tensor low = fq ? value_tensor(node_in(fq, 1)) : (struct tensor){0};
	struct tensor high = fq ? value_tensor(node_in(fq, 2)) : (struct tensor){0};
	int64_t n = low.data ? tensor_count(&low) : 0, levels = fq ? attr_i(fq, "levels") : 0;
	if (!n || !high.data || tensor_count(&high) != n || low.type != DT_F32 || levels < 2)
		return false;
	if (n > 1 && n != l->groups)
		return false;
	l->lows = low.data;
	l->highs = high.data;
	l->ranges = n;
	l->levels = (int)levels;
	return true;
}

/* Blocks of whole kernels, so that what belongs together stays together. */
static void cut(struct moments_layer *l, const struct node *n)
{
	const struct shape *w = &node_in(n, 1)->info.shape;
	int64_t unit = 1, count = (l->k + MOMENTS_BLOCK - 1) / MOMENTS_BLOCK;
	for (int d = node_is(n, OP_GROUP_CONVOLUTION) ? 3 : 2; d < w->rank; d++)
		unit *= w->dim[d].min;
	if (node_is(n, OP_MATMUL) || unit > MOMENTS_BLOCK)
		unit = 1;
	int64_t units = l->k / unit;
	l->block = (int)((units + count - 1) / count * unit);
	l->nblocks = (int)((l->k + l->block - 1) / l->block);
}

/* Within the limit of memory, else second stays NULL. */
static int new_second(struct moments *m, struct moments_layer *l, size_t limit, struct err *err)
{
	size_t n = (size_t)l->groups * (size_t)l->nblocks, bytes = 0;
	for (int b = 0; b < l->nblocks; b++)
		bytes += (size_t)l->groups * 4 * (size_t)moments_width(l, b) *
			 (size_t)moments_width(l, b);
	bytes += 4 * CAPACITY * (size_t)(l->groups * l->k);
	if (bytes > limit - m->bytes)
		return OK;
	m->bytes += bytes;
	l->second = arena_array(m->arena, n, sizeof *l->second);
	l->buffer = malloc(4 * CAPACITY * (size_t)(l->groups * l->k));
	if (!l->second || !l->buffer)
		return fail_nomem(err);
	memset(l->second, 0, n * sizeof *l->second);
	for (size_t i = 0; i < n; i++) {
		size_t w = (size_t)moments_width(l, (int)(i % (size_t)l->nblocks));
		l->second[i] = calloc(w * w, sizeof **l->second);
		if (!l->second[i])
			return fail_nomem(err);
	}
	return OK;
}

static int add_layer(struct taker *t, const struct node *n, const struct node *q)
{
	struct moments_layer *l = &t->m->layer[t->m->nlayers];
	*l = (struct moments_layer){.name = arena_str(t->m->arena, n->name), .node = n};
	rows_sizes(n, &l->groups, &l->k);
	if (!l->name)
		return fail_nomem(t->err);
	if (l->k < 1 || l->k > INT32_MAX || !set_range(l, q))
		return OK;
	t->m->nlayers++;
	cut(l, n);
	l->mean = calloc(2 * (size_t)(l->groups * l->k), sizeof *l->mean);
	if (!l->mean)
		return fail_nomem(t->err);
	l->mean_q = l->mean + l->groups * l->k;
	l->next = t->site[node_in(n, 0)->id];
	t->site[node_in(n, 0)->id] = l;
	return new_second(t->m, l, t->o->bytes, t->err);
}

static int find_layers(struct taker *t, const struct graph *g, const struct graph *q)
{
	int64_t longest = 0;
	int status = OK;
	t->m->layer = arena_array(t->m->arena, (size_t)q->nnodes + 1, sizeof *t->m->layer);
	if (!t->m->layer)
		return fail_nomem(t->err);
	graph_each (q, n) {
		const struct node *was = few_bits_layer(n) ? graph_find_node(g, n->name) : NULL;
		if (was && was->op == n->op && !status)
			status = add_layer(t, was, n);
	}
	for (int i = 0; i < t->m->nlayers; i++) {
		struct moments_layer *l = &t->m->layer[i];
		longest = l->groups * l->k > longest ? l->groups * l->k : longest;
	}
	t->row = malloc((size_t)longest * sizeof *t->row + 1);
	return status ? status : t->row ? OK : fail_nomem(t->err);
}

/* ---- sums ---- */

static void flush(struct taker *t, struct moments_layer *l, struct err *err)
{
	const float *x = l->buffer;
	int status = OK;
	for (int64_t g = 0; g < l->groups && !status && l->second; g++)
		for (int b = 0; b < l->nblocks && !status; b++) {
			int w = moments_width(l, b);
			status = gram_add(x, l->filled, w, l->second[g * l->nblocks + b], err);
			x += (size_t)CAPACITY * (size_t)w;
		}
	l->filled = 0;
	if (status)
		__atomic_store_n(&t->status, status, __ATOMIC_RELAXED);
}

static void flush_task(void *ctx, int task, int worker)
{
	struct taker *t = ctx;
	struct err err = {0};
	(void)worker;
	flush(t, &t->m->layer[task], &err);
}

static int flush_all(struct taker *t)
{
	pool_run(t->pool, t->m->nlayers, flush_task, t);
	return t->status ? fail_nomem(t->err) : OK;
}

/* Levels of a range; the step's inverse is 0 where the ends meet. */
struct levels {
	float low, high, step, inverse;
};

static struct levels levels_of(const struct moments_layer *l, int64_t group)
{
	int64_t r = l->ranges > 1 ? group : 0;
	struct levels v = {.low = l->lows[r], .high = l->highs[r]};
	v.step = (v.high - v.low) / (float)(l->levels - 1);
	v.inverse = v.step > 0 ? 1 / v.step : 0;
	return v;
}

/* Adding and taking away 1.5 * 2^23 rounds what is below 2^22 to nearest. */
static float on_level(struct levels v, float x)
{
	x = x < v.low ? v.low : x > v.high ? v.high : x;
	return ((x - v.low) * v.inverse + 12582912.0f - 12582912.0f) * v.step + v.low;
}

static void add_row(struct moments_layer *l, const float *row)
{
	double *mean = l->mean, *mean_q = l->mean_q;
	float *to = l->buffer;
	for (int64_t g = 0; g < l->groups; g++) {
		struct levels v = levels_of(l, g);
		for (int b = 0; b < l->nblocks; b++) {
			int w = moments_width(l, b);
			for (int i = 0; i < w; i++, row++) {
				float q = on_level(v, *row);
				*mean++ += *row;
				*mean_q++ += q;
				if (to)
					to[l->filled * w + i] = q;
			}
			to = to ? to + (size_t)CAPACITY * (size_t)w : NULL;
		}
	}
	l->filled += l->second != NULL;
	l->rows++;
}

/* Rows spread over the tensor, one in each of as many parts. */
static int take_rows(struct taker *t, struct moments_layer *l, const struct tensor *x)
{
	struct rows r;
	uint64_t seed = (uint64_t)t->m->samples;
	int status = rows_open(&r, l->node, x, t->err);
	if (status)
		return status;
	int64_t want = r.k <= FEW ? (t->per_sample + 3) / 4 : t->per_sample;
	int64_t n = r.count < want ? r.count : want;
	for (int64_t i = 0; i < n; i++) {
		double at = ((double)i + rng_f32(&seed)) * (double)r.count / (double)n;
		rows_take(&r, (int64_t)at < r.count ? (int64_t)at : r.count - 1, t->row);
		if (l->second && l->filled == CAPACITY)
			flush(t, l, t->err);
		add_row(l, t->row);
	}
	return t->status;
}

static bool tapped(void *user, const struct value *v)
{
	const struct taker *t = user;
	return t->site[v->id] != NULL;
}

static int tap(void *user, const struct value *v, const struct tensor *x, struct err *err)
{
	struct taker *t = user;
	int status = OK;
	t->err = err;
	for (struct moments_layer *l = t->site[v->id]; l && !status; l = l->next)
		status = take_rows(t, l, x);
	return status;
}

/* ---- the run ---- */

static bool unreadable(int status)
{
	return status == E_IO || status == E_FORMAT || status == E_LIMIT || status == E_UNSUPPORTED;
}

/* Samples that cannot be read have been spoken of when ranges were collected. */
static int run_sample(struct taker *t, const struct graph *g, int64_t i, struct err *err)
{
	int64_t label;
	int status = t->samples->get(t->samples->user, i, t->in, &label, err);
	if (unreadable(status)) {
		err_clear(err);
		return OK;
	}
	status = status ? status : exec_run(t->e, t->in, t->out, err);
	t->m->samples += !status;
	for (int k = 0; k < g->ninputs; k++)
		tensor_free(&t->in[k]);
	return status;
}

static int run_samples(struct taker *t, const struct graph *g, int64_t all, struct err *err)
{
	int64_t n = t->o->samples < all ? t->o->samples : all;
	int status = OK;
	t->per_sample = (t->o->rows + n - 1) / n;
	int64_t between = t->per_sample < CAPACITY ? CAPACITY / t->per_sample : 1;
	for (int64_t i = 0; i < n && !status; i++) {
		int64_t at = i * all / n;
		status = run_sample(t, g, t->o->index ? t->o->index[at] : at, err);
		t->err = err;
		if (!status && ((i + 1) % between == 0 || i + 1 == n))
			status = flush_all(t);
	}
	return status;
}

static int open_exec(struct taker *t, const struct graph *g, struct err *err)
{
	t->in = calloc((size_t)g->ninputs + 1, sizeof *t->in);
	t->out = calloc((size_t)g->noutputs + 1, sizeof *t->out);
	if (!t->in || !t->out)
		return fail_nomem(err);
	int status = pool_new(t->o->threads, &t->pool, err);
	struct exec_options eo = {
	    .pool = t->pool, .log = t->o->log, .tap = tap, .tapped = tapped, .user = t};
	return status ? status : exec_new((struct graph *)g, &eo, &t->e, err);
}

int moments_collect(const struct graph *g, const struct graph *q, const struct moments_options *o,
    const struct samples *samples, struct moments **out, struct err *err)
{
	struct taker t = {.o = o, .samples = samples, .err = err};
	t.m = calloc(1, sizeof *t.m);
	t.site = calloc((size_t)g->nvalues + 1, sizeof *t.site);
	bool ok = t.m && t.site && (t.m->arena = arena_new());
	int status = ok ? find_layers(&t, g, q) : fail_nomem(err);
	status = status ? status : open_exec(&t, g, err);
	int64_t all = samples->count < o->of ? samples->count : o->of;
	status = status ? status : run_samples(&t, g, all, err);
	exec_free(t.e);
	pool_free(t.pool);
	free(t.site);
	free(t.row);
	free(t.in);
	free(t.out);
	if (status)
		moments_free(t.m);
	else
		*out = t.m;
	return status;
}
