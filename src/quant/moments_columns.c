/* Rows that were put by, some of their columns at a time, on the levels of quantizers. */
#include <assert.h>
#include <string.h>

#include "base/half.h"
#include "exec/seen.h"
#include "passes/rewrite.h"
#include "quant/moments.h"

#define CHUNK 64 /* rows whose sums are single precision */

/* The quantizer that v comes from, through layers that pass levels on. */
static const struct node *quantizer_of(const struct value *v)
{
	while (v && !node_is(v->node, OP_FAKE_QUANTIZE))
		v = passes_levels(v->node) ? node_in(v->node, 0) : NULL;
	return v ? v->node : NULL;
}

struct moments_rows moments_rows(
    const struct moments *m, const struct moments_layer *l, const struct node *n)
{
	const struct node *fq = n ? quantizer_of(node_in(n, 0)) : NULL;
	struct tensor low = fq ? value_tensor(node_in(fq, 1)) : (struct tensor){0};
	struct tensor high = fq ? value_tensor(node_in(fq, 2)) : (struct tensor){0};
	struct moments_rows r = {.l = l, .turns = m->turns, .low = low.data, .high = high.data};
	r.nranges = low.data ? tensor_count(&low) : 0;
	r.levels = fq ? (int)attr_i(fq, "levels") : 0;
	bool known = r.nranges && high.data && tensor_count(&high) == r.nranges &&
		     low.type == DT_F32 && high.type == DT_F32 && r.levels > 1 &&
		     (r.nranges == 1 || r.nranges == l->groups);
	for (int64_t t = 0; t < m->turns && known; t++)
		r.count += l->count[t];
	return r;
}

/* Part of a row from column `from` on. */
static void put_on_levels(
    const struct moments_rows *r, int64_t from, int64_t width, float *x, float *sum, float *sum_q)
{
	int64_t piece = r->nranges > 1 && width > r->l->k ? r->l->k : width;
	for (int64_t i = 0; i < width; i += piece) {
		int64_t k = r->nranges > 1 ? (from + i) / r->l->k : 0;
		struct seen_levels v = {.low = r->low[k], .high = r->high[k]};
		v.step = (v.high - v.low) / (float)(r->levels - 1);
		seen_levels(x + i, piece, &v, sum + i, sum_q + i);
	}
}

static void flush(float *part, int64_t width, double *sum)
{
	for (int64_t i = 0; i < width; i++)
		sum[i] += part[i];
	memset(part, 0, (size_t)width * sizeof *part);
}

void moments_columns(
    const struct moments_rows *r, int64_t from, int64_t width, float *x, double *sum, double *sum_q)
{
	const struct moments_layer *l = r->l;
	int64_t row = l->groups * l->k, n = 0;
	const double *scale = l->scale ? l->scale + from : NULL;
	float part[2][MOMENTS_MOST] = {{0}};
	assert(width <= MOMENTS_MOST);
	memset(sum, 0, (size_t)width * sizeof *sum);
	memset(sum_q, 0, (size_t)width * sizeof *sum_q);
	for (int64_t t = 0; t < r->turns; t++)
		for (int64_t i = 0; i < l->count[t]; i++, n++, x += width) {
			f16_to_f32_n(x, l->value + (t * l->each + i) * row + from, (size_t)width);
			for (int64_t k = 0; k < width && scale; k++)
				x[k] /= (float)scale[k];
			put_on_levels(r, from, width, x, part[0], part[1]);
			if (n % CHUNK == CHUNK - 1 || n == r->count - 1) {
				flush(part[0], width, sum);
				flush(part[1], width, sum_q);
			}
		}
}
