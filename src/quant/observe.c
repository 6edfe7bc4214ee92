/* Reads values as they lie in memory: extremes, by channel or not, and histograms. */
#include <math.h>
#include <string.h>

#include "exec/seen.h"
#include "quant/observe.h"

/* The value as rows of elements side by side: all of it, each pixel's channels, or each channel's
 * pixels. */
struct rows {
	const float *x;
	int64_t n, size, step;
	int64_t channels; /* row r is of channel r % channels; 1 when channels lie side by side */
};

static struct rows rows_of(const struct exec_view *v, int64_t channels)
{
	struct rows r = {.x = v->t->data, .n = 1, .size = tensor_count(v->t), .channels = 1};
	if (v->channels_last) {
		r.size = v->t->dim[1];
		r.n = r.size ? tensor_count(v->t) / r.size : 0;
		r.step = v->ld;
		if (r.step == r.size && channels == 1) {
			r.size *= r.n;
			r.n = 1;
		}
	} else if (channels > 1) {
		r.n = v->t->dim[0] * channels;
		r.size = r.n ? r.size / r.n : 0;
		r.step = r.size;
		r.channels = channels;
	}
	return r;
}

static bool see_all(const struct rows *r, float *low, float *high)
{
	bool good = true;
	for (int64_t i = 0; i < r->n; i++)
		good &= seen_ends(r->x + i * r->step, r->size, low, high);
	return good;
}

static bool see_channels(const struct rows *r, float *low, float *high)
{
	bool good = true;
	for (int64_t i = 0; i < r->n; i++)
		good &= seen_ends(
		    r->x + i * r->step, r->size, &low[i % r->channels], &high[i % r->channels]);
	return good;
}

static bool see(const struct stats_site *s, const struct exec_view *v, float *low, float *high)
{
	if (v->ends && s->channels == 1) {
		*low = v->ends->low;
		*high = v->ends->high;
		return v->ends->finite;
	}
	struct rows r = rows_of(v, s->channels);
	return s->channels == 1 ? see_all(&r, low, high)
	       : r.channels > 1 ? see_channels(&r, low, high)
				: seen_columns(r.x, r.n, r.step, r.size, low, high);
}

static void count(const struct exec_view *v, uint64_t *bins)
{
	struct rows r = rows_of(v, 1);
	for (int64_t i = 0; i < r.n; i++)
		for (int64_t k = 0; k < r.size; k++) {
			uint32_t bits;
			memcpy(&bits, &r.x[i * r.step + k], sizeof bits);
			bins[bits >> 16]++;
		}
}

#define EXACT ((double)(INT64_C(1) << STATS_SHIFT))

/* A sample without elements says nothing; 0 is in every range. */
void observe_extremes(struct stats_channel *c, float low, float high)
{
	if (low > high)
		low = high = 0;
	low += 0.0f; /* no -0, which is not less than 0 and yet another byte */
	high += 0.0f;
	c->low = low < c->low ? low : c->low;
	c->high = high > c->high ? high : c->high;
	c->sum_low += (__int128)nearbyint(low * EXACT);
	c->sum_high += (__int128)nearbyint(high * EXACT);
}

int observe(struct stats_site *s, const struct exec_view *view, float *room, struct err *err)
{
	float *low = room, *high = room + s->channels;
	for (int64_t c = 0; c < s->channels; c++) {
		low[c] = INFINITY;
		high[c] = -INFINITY;
	}
	if (s->channels > 1 && (view->t->rank < 2 || view->t->dim[1] != s->channels))
		return fail(err, E_FORMAT, "'%s' has another number of channels", s->name);
	bool good = see(s, view, low, high);
	for (int64_t c = 0; c < s->channels && good; c++)
		good = !(low[c] < -STATS_LIMIT || high[c] > STATS_LIMIT);
	if (!good)
		return fail(err, E_FORMAT, "'%s' is not finite, or beyond 2^60", s->name);
	for (int64_t c = 0; c < s->channels; c++)
		observe_extremes(&s->channel[c], low[c], high[c]);
	if (s->bins)
		count(view, s->bins);
	return OK;
}
