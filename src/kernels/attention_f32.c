/* Attention in FP32: keys and values of a head are packed, then for each block of queries come a
 * product, SoftMax, and a product. */
#include <math.h>
#include <string.h>

#include "kernels/attention_f32.h"
#include "kernels/nhwc_ways.h"

#define QUERIES 48 /* whose scores stay in the cache, with the keys */

static const struct igemm_f32 *tile_of(const struct attention_f32 *a)
{
	return &igemm_f32_rows[a->tile];
}

static size_t round_up(size_t n)
{
	return (n + 15) / 16 * 16;
}

/* Floats from one query's scores to the next one's. */
static size_t score_row(const struct attention_f32 *a)
{
	return round_up((size_t)a->n);
}

void attention_f32_plan(struct attention_f32 *a, int threads)
{
	a->tile = igemm_f32_pick();
	a->rows = a->m < QUERIES ? a->m : QUERIES;
	/* Parts of a head pack its keys and values again. */
	a->blocks = threads > 1 && a->heads < 2 * threads ? nhwc_pieces(2 * threads, a->heads) : 1;
	int most = nhwc_pieces(a->m, a->rows);
	a->blocks = a->blocks < most ? a->blocks : most;
	a->keys = round_up(igemm_f32_packed(tile_of(a), (size_t)a->k, a->n));
	a->values = round_up(igemm_f32_packed(tile_of(a), (size_t)a->n, a->width));
	a->worker = a->keys + a->values + (size_t)a->rows * score_row(a);
	a->scratch = a->worker * sizeof(float) * (size_t)threads;
}

/* Element of operand t that a head begins with. */
static int64_t head_at(const struct attention_f32 *a, int t, int head)
{
	int64_t index = 0;
	for (int d = a->nbatch - 1; d >= 0; d--) {
		index += head % a->dim[d] * a->step[t][d];
		head /= a->dim[d];
	}
	return index;
}

struct attention_run {
	const struct attention_f32 *a;
	const struct span_f32 *span;
	transpose_fn *transpose;
	const float *q, *k, *v;
	const void *mask;
	float *out, *scratch;
};

/* ---- packing: panels [depth][columns], the last one half as wide where that is enough ---- */

static int wide_of(int nr, int have)
{
	return have <= nr / 2 ? nr / 2 : nr;
}

static void pack_keys(const struct attention_run *r, const float *k, int keys, float *to)
{
	const struct attention_f32 *a = r->a;
	int nr = tile_of(a)->nr;
	for (int j = 0; j < keys; j += nr) {
		/* of all keys, so that a panel's width does not depend on how many are seen */
		int have = a->n - j < nr ? a->n - j : nr, wide = wide_of(nr, have);
		if (have < wide)
			memset(to, 0, (size_t)a->k * (size_t)wide * sizeof *to);
		r->transpose(have, a->k, k + j * a->row[ATTENTION_K], (size_t)a->row[ATTENTION_K],
		    to, (size_t)wide);
		to += (size_t)a->k * (size_t)wide;
	}
}

static void pack_values(const struct attention_run *r, const float *v, int keys, float *to)
{
	const struct attention_f32 *a = r->a;
	int nr = tile_of(a)->nr;
	for (int j = 0; j < a->width; j += nr) {
		int have = a->width - j < nr ? a->width - j : nr, wide = wide_of(nr, have);
		const float *from = v + j;
		float *line = to;
		for (int i = 0; i < keys; i++, line += wide, from += a->row[ATTENTION_V]) {
			memcpy(line, from, (size_t)have * sizeof *line);
			memset(line + have, 0, (size_t)(wide - have) * sizeof *line);
		}
		to += (size_t)a->n * (size_t)wide;
	}
}

/* ---- a block of queries ---- */

/* rows rows from *from on, ld apart, times cols columns of panels of so much depth, all of which
 * the panels have to give. */
static void product(const struct attention_run *r, int rows, const float *from, int64_t ld,
    const float *panels, int depth, int all, int cols, float *to, int64_t ld_to)
{
	const struct igemm_f32 *tile = tile_of(r->a);
	const float *row[QUERIES];
	int tiles = nhwc_pieces(rows, tile->mr), nr = tile->nr;
	struct igemm_f32_args q = {
	    .taps = 1, .k = depth, .ldc = (size_t)ld_to, .lo = -INFINITY, .hi = INFINITY};
	for (int i = 0; i < rows; i++)
		row[i] = from + i * ld;
	for (int j = 0; j < cols; j += nr) {
		int n = cols - j < nr ? cols - j : nr;
		q.b = panels + (size_t)j * (size_t)all;
		for (int t = 0; t < tiles; t++) {
			int i = nhwc_part(rows, t, tiles);
			q.rows = row + i;
			q.c = to + i * ld_to + j;
			tile->run(&q, nhwc_part(rows, t + 1, tiles) - i, n);
		}
	}
}

/* The weights of query i of a head, from its scores, yet to be divided by their sum, which is
 * returned; those up to number seen are read. */
static float weigh(const struct attention_run *r, int head, int i, int seen, float *score)
{
	const struct attention_f32 *a = r->a;
	int n = a->causal && i + 1 < a->n ? i + 1 : a->n;
	const float *add = NULL;
	float scale = a->scale, sum;
	int64_t at = 0;
	if (a->mask != MASK_NONE)
		at = head_at(a, ATTENTION_MASK, head) + (int64_t)i * a->mask_row;
	if (a->mask == MASK_ADD)
		add = (const float *)r->mask + at;
	if (a->mask == MASK_KEEP || (add && !a->mask_col)) {
		r->span->op[SPAN_MUL](score, &scale, 0, n, 0, 0);
		scale = 1;
	}
	if (add && !a->mask_col) {
		r->span->op[SPAN_ADD](score, add, 0, n, 0, 0);
		add = NULL;
	}
	for (int j = 0; a->mask == MASK_KEEP && j < n; j++)
		if (!((const uint8_t *)r->mask)[at + j * a->mask_col])
			score[j] = -INFINITY;
	sum = r->span->weigh(score, add, n, scale);
	for (int j = n; j < seen; j++)
		score[j] = 0;
	return sum;
}

/* Keys that queries up to number end - 1 see. */
static int keys_seen(const struct attention_f32 *a, int end)
{
	return a->causal && end < a->n ? end : a->n;
}

/* As wide as the last panel that is needed: a product writes all of its columns. */
static int whole_panels(const struct attention_f32 *a, int keys)
{
	int nr = tile_of(a)->nr, n = nhwc_pieces(keys, nr) * nr;
	return n < a->n ? n : a->n;
}

static void block_task(void *ctx, int task, int worker)
{
	const struct attention_run *r = ctx;
	const struct attention_f32 *a = r->a;
	int head = task / a->blocks, part = task % a->blocks;
	int first = nhwc_part(a->m, part, a->blocks), last = nhwc_part(a->m, part + 1, a->blocks);
	float *keys = r->scratch + (size_t)worker * a->worker, *values = keys + a->keys;
	float *score = values + a->values;
	int64_t ld = (int64_t)score_row(a), out_row = a->row[ATTENTION_OUT];
	const float *q = r->q + head_at(a, ATTENTION_Q, head);
	float *out = r->out + head_at(a, ATTENTION_OUT, head), share[QUERIES];
	pack_keys(r, r->k + head_at(a, ATTENTION_K, head), keys_seen(a, last), keys);
	pack_values(r, r->v + head_at(a, ATTENTION_V, head), keys_seen(a, last), values);
	for (int i = first; i < last; i += a->rows) {
		int end = last - i < a->rows ? last : i + a->rows, seen = keys_seen(a, end);
		product(r, end - i, q + i * a->row[ATTENTION_Q], a->row[ATTENTION_Q], keys, a->k,
		    a->k, whole_panels(a, seen), score, ld);
		for (int p = i; p < end; p++)
			share[p - i] = 1 / weigh(r, head, p, seen, score + (p - i) * ld);
		product(r, end - i, score, ld, values, seen, a->n, a->width, out + i * out_row,
		    out_row);
		for (int p = i; p < end; p++)
			r->span->op[SPAN_MUL](out + p * out_row, &share[p - i], 0, a->width, 0, 0);
	}
}

void attention_f32_run(const struct attention_f32 *a, struct pool *pool, const float *q,
    const float *k, const float *v, const void *mask, float *out, float *scratch)
{
	struct attention_run r = {a, &span_f32_rows[span_f32_pick()],
	    transpose_rows[transpose_pick()].b32, q, k, v, mask, out, scratch};
	pool_run(pool, a->heads * a->blocks, block_task, &r);
}
