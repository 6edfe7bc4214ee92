/* Rows of what layers read, put by while samples run. */
#include "quant/moments.h"

#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/pages.h"
#include "base/rng.h"
#include "ops/op.h"
#include "quant/rows.h"

#define FEW 32            /* a layer of so few inputs is known from a quarter of the rows */
#define ENOUGH 128        /* rows for products */
#define LEAST 32          /* rows for means */
#define F16_MOST 65504.0f /* the largest FP16 */
#define BLOCK 16          /* floats at a time */

int moments_width(const struct moments_layer *l, int block)
{
	int64_t left = l->k - (int64_t)block * l->block;
	return (int)(left < l->block ? left : l->block);
}

void moments_free(struct moments *m)
{
	if (!m)
		return;
	for (int i = 0; i < m->nlayers; i++)
		free(m->layer[i].value);
	arena_free(m->arena);
	free(m->site);
	free(m);
}

/* ---- the layers ---- */

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

static int add_layer(struct moments *m, const struct node *n, struct err *err)
{
	struct moments_layer *l = &m->layer[m->nlayers];
	*l = (struct moments_layer){.name = arena_str(m->arena, n->name), .node = n};
	rows_sizes(n, &l->groups, &l->k);
	if (!l->name)
		return fail_nomem(err);
	if (l->k < 1 || l->k > INT32_MAX)
		return OK;
	m->nlayers++;
	cut(l, n);
	m->longest = l->groups * l->k > m->longest ? l->groups * l->k : m->longest;
	l->next = m->site[node_in(n, 0)->id];
	m->site[node_in(n, 0)->id] = l;
	return OK;
}

static bool has_rows(const struct node *n)
{
	return node_is(n, OP_CONVOLUTION) || node_is(n, OP_GROUP_CONVOLUTION) ||
	       (node_is(n, OP_MATMUL) && !attr_bool(n, "transpose_a"));
}

static int find_layers(struct moments *m, const struct placement *p, struct err *err)
{
	const struct graph *g = p->graph;
	bool *weights = calloc((size_t)g->nnodes + 1, sizeof *weights);
	uint32_t number = 0;
	int status = weights ? OK : fail_nomem(err);
	m->site = calloc((size_t)g->nvalues + 1, sizeof *m->site);
	m->layer = arena_array(m->arena, (size_t)p->ngroups + 1, sizeof *m->layer);
	if (!m->site || !m->layer)
		status = fail_nomem(err);
	for (int i = 0; i < p->ngroups && !status; i++)
		weights[p->group[i].node] = p->group[i].weights;
	for (const struct node *n = g->first; n && !status; n = n->next)
		if (weights[number++] && has_rows(n))
			status = add_layer(m, n, err);
	free(weights);
	return status;
}

static int64_t each_of(const struct moments *m, int64_t rows)
{
	return (rows + m->turns - 1) / m->turns;
}

/* Memory for the rows of each layer: the same number of all of them. */
static int new_rows(struct moments *m, const struct moments_options *o, struct err *err)
{
	size_t sum = 1, left = o->bytes;
	for (int i = 0; i < m->nlayers; i++)
		sum += 2 * (size_t)(m->layer[i].groups * m->layer[i].k);
	int64_t fit = (int64_t)(o->bytes / sum), rows = fit < o->rows ? fit : o->rows;
	rows = rows > ENOUGH ? rows : ENOUGH;
	for (int i = 0; i < m->nlayers; i++) {
		struct moments_layer *l = &m->layer[i];
		size_t row = 2 * (size_t)(l->groups * l->k);
		l->each = each_of(m, l->k <= FEW ? rows / 4 : rows);
		l->products = row * (size_t)(l->each * m->turns) <= left;
		if (!l->products)
			l->each = each_of(m, LEAST);
		size_t bytes = row * (size_t)(l->each * m->turns);
		left -= bytes < left ? bytes : left;
		l->value = pages_alloc(bytes);
		l->count = arena_array(m->arena, (size_t)m->turns, sizeof *l->count);
		if (!l->value || !l->count)
			return fail_nomem(err);
		memset(l->count, 0, (size_t)m->turns * sizeof *l->count);
	}
	return OK;
}

int moments_new(const struct placement *p, const struct moments_options *o, struct moments **out,
    struct err *err)
{
	struct moments *m = calloc(1, sizeof *m);
	if (!m)
		return fail_nomem(err);
	m->of = o->of;
	m->turns = o->samples < o->of ? o->samples : o->of;
	m->arena = arena_new();
	int status = m->arena ? find_layers(m, p, err) : fail_nomem(err);
	status = status ? status : new_rows(m, o, err);
	if (status)
		moments_free(m);
	else
		*out = m;
	return status;
}

/* ---- rows of a sample ---- */

bool moments_tapped(const struct moments *m, const struct value *v)
{
	return m->site[v->id] != NULL;
}

void moments_smooth(struct moments *m, const struct smooth *s)
{
	for (int i = 0; i < s->n; i++)
		for (struct moments_layer *l = m->site[s->site[i].id]; l; l = l->next)
			if (smooth_feeds(s, &s->site[i], l->name))
				l->scale = s->site[i].scale;
}

int64_t moments_turn(const struct moments *m, int64_t i)
{
	int64_t turn = (i * m->turns + m->of - 1) / m->of;
	return turn < m->turns && turn * m->of / m->turns == i ? turn : -1;
}

static inline float within(float x)
{
	float most = x > F16_MOST ? F16_MOST : x;
	return most < -F16_MOST ? -F16_MOST : most;
}

static inline void within_block(float *x)
{
	for (int k = 0; k < BLOCK; k++)
		x[k] = within(x[k]);
}

static void put_by(float *row, int64_t n, uint16_t *to)
{
	int64_t k = 0;
	for (; k + BLOCK <= n; k += BLOCK)
		within_block(row + k);
	for (; k < n; k++)
		row[k] = within(row[k]);
	f32_to_f16_n(to, row, (size_t)n);
}

/* Rows spread over the tensor, one in each of as many parts. */
static int take_rows(struct moments_layer *l, int64_t turn, const struct exec_view *view,
    float *room, struct err *err)
{
	struct rows r;
	uint64_t seed = (uint64_t)turn;
	int64_t row = l->groups * l->k;
	uint16_t *to = l->value + turn * l->each * row;
	int status = rows_open(&r, l->node, view, err);
	if (status)
		return status;
	int64_t n = r.count < l->each ? r.count : l->each;
	for (int64_t i = 0; i < n; i++, to += row) {
		double at = ((double)i + rng_f32(&seed)) * (double)r.count / (double)n;
		rows_take(&r, (int64_t)at < r.count ? (int64_t)at : r.count - 1, room);
		put_by(room, row, to);
	}
	l->count[turn] = n;
	return OK;
}

int moments_take(struct moments *m, int64_t turn, const struct value *v,
    const struct exec_view *view, float *room, struct err *err)
{
	int status = OK;
	for (struct moments_layer *l = m->site[v->id]; l && !status; l = l->next)
		status = take_rows(l, turn, view, room, err);
	return status;
}
