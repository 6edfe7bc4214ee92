/* Sums over the rows that were put by, on the levels of quantizers. */
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "exec/gram.h"
#include "passes/rewrite.h"
#include "quant/moments.h"

#define CHUNK 128 /* rows summed up together */

/* The quantizer that v comes from, through layers that pass levels on. */
static const struct node *quantizer_of(const struct value *v)
{
	while (v && !node_is(v->node, OP_FAKE_QUANTIZE))
		v = passes_levels(v->node) ? node_in(v->node, 0) : NULL;
	return v ? v->node : NULL;
}

/* Of the input of a layer of q: the ends of one range, or of one for each group. */
struct levels {
	const float *low, *high;
	int64_t n;
	int levels;
};

static bool levels_of(const struct moments_layer *l, const struct node *n, struct levels *out)
{
	const struct node *fq = n ? quantizer_of(node_in(n, 0)) : NULL;
	struct tensor low = fq ? value_tensor(node_in(fq, 1)) : (struct tensor){0};
	struct tensor high = fq ? value_tensor(node_in(fq, 2)) : (struct tensor){0};
	*out = (struct levels){.low = low.data, .high = high.data};
	out->n = low.data ? tensor_count(&low) : 0;
	out->levels = fq ? (int)attr_i(fq, "levels") : 0;
	return out->n && high.data && tensor_count(&high) == out->n && low.type == DT_F32 &&
	       high.type == DT_F32 && out->levels > 1 && (out->n == 1 || out->n == l->groups);
}

/* Adding and taking away 1.5 * 2^23 rounds what is below 2^22 to nearest. */
static float on_level(float x, float low, float high, float step, float inverse)
{
	x = x < low ? low : x > high ? high : x;
	return ((x - low) * inverse + 12582912.0f - 12582912.0f) * step + low;
}

struct sums {
	const struct moments_layer *l;
	struct levels levels;
	struct moments_sums *to;
	float *x, *part; /* [CHUNK][groups][k]; a block of it */
	int64_t filled;
};

static void add_row(struct sums *s, const uint16_t *value)
{
	int64_t row = s->l->groups * s->l->k;
	float *x = s->x + s->filled++ * row;
	const struct levels *v = &s->levels;
	f16_to_f32_n(x, value, (size_t)row);
	for (int64_t k = 0; k < row; k++) {
		int64_t r = v->n > 1 ? k / s->l->k : 0;
		float low = v->low[r], high = v->high[r];
		float step = (high - low) / (float)(v->levels - 1);
		float q = on_level(x[k], low, high, step, step > 0 ? 1 / step : 0);
		s->to->mean[k] += x[k];
		s->to->mean_q[k] += q;
		x[k] = q;
	}
	s->to->rows++;
}

static int flush(struct sums *s, struct err *err)
{
	const struct moments_layer *l = s->l;
	const float *x = s->x;
	int status = OK;
	for (int64_t g = 0; g < l->groups && s->to->second; g++)
		for (int b = 0; b < l->nblocks && !status; b++) {
			int w = moments_width(l, b);
			for (int64_t i = 0; i < s->filled; i++)
				memcpy(s->part + i * w, x + i * l->groups * l->k,
				    (size_t)w * sizeof *x);
			status = gram_add(
			    s->part, (int)s->filled, w, s->to->second[g * l->nblocks + b], err);
			x += w;
		}
	s->filled = 0;
	return status;
}

static int add_rows(const struct moments *m, struct sums *s, struct err *err)
{
	const struct moments_layer *l = s->l;
	int status = OK;
	for (int64_t t = 0; t < m->turns && !status; t++)
		for (int64_t i = 0; i < l->count[t] && !status; i++) {
			add_row(s, l->value + (t * l->each + i) * l->groups * l->k);
			if (s->filled == CHUNK)
				status = flush(s, err);
		}
	return status ? status : flush(s, err);
}

static int new_sums(
    const struct moments_layer *l, bool second, struct moments_sums *s, struct err *err)
{
	size_t row = (size_t)(l->groups * l->k);
	int64_t n = l->groups * l->nblocks;
	s->mean = calloc(row, sizeof *s->mean);
	s->mean_q = calloc(row, sizeof *s->mean_q);
	s->second = second ? calloc((size_t)n + 1, sizeof *s->second) : NULL;
	s->nblocks = s->second ? n : 0;
	bool ok = s->mean && s->mean_q && (s->second || !second);
	for (int64_t i = 0; i < s->nblocks && ok; i++) {
		size_t w = (size_t)moments_width(l, (int)(i % l->nblocks));
		s->second[i] = calloc(w * w, sizeof **s->second);
		ok = s->second[i] != NULL;
	}
	return ok ? OK : fail_nomem(err);
}

int moments_sum(const struct moments *m, const struct moments_layer *l, const struct node *n,
    bool second, struct moments_sums *out, struct err *err)
{
	struct sums s = {.l = l, .to = out};
	*out = (struct moments_sums){0};
	if (!levels_of(l, n, &s.levels))
		return OK;
	int status = new_sums(l, second && l->products, out, err);
	s.x = malloc(CHUNK * (size_t)(l->groups * l->k) * sizeof *s.x);
	s.part = malloc(CHUNK * (size_t)l->block * sizeof *s.part);
	if (!s.x || !s.part)
		status = fail_nomem(err);
	status = status ? status : add_rows(m, &s, err);
	free(s.x);
	free(s.part);
	return status;
}

void moments_sums_free(struct moments_sums *s)
{
	for (int64_t i = 0; i < s->nblocks; i++)
		free(s->second[i]);
	free(s->second);
	free(s->mean);
	free(s->mean_q);
	*s = (struct moments_sums){0};
}
