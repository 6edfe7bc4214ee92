/* Reads values as they lie in memory: extremes, by channel or not, and histograms. */
#include <math.h>
#include <string.h>

#include "quant/observe.h"

#define LANES 16

struct ends {
	float low[LANES], high[LANES];
	float bad[LANES]; /* 0 as long as all is finite */
};

static void widen(struct ends *e, const float *x, int64_t n)
{
	int64_t i = 0;
	for (; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++) {
			float v = x[i + k];
			e->low[k] = v < e->low[k] ? v : e->low[k];
			e->high[k] = v > e->high[k] ? v : e->high[k];
			e->bad[k] += v * 0.0f;
		}
	for (int k = 0; i < n; i++, k++) {
		e->low[k] = x[i] < e->low[k] ? x[i] : e->low[k];
		e->high[k] = x[i] > e->high[k] ? x[i] : e->high[k];
		e->bad[k] += x[i] * 0.0f;
	}
}

static struct ends no_ends(void)
{
	struct ends e = {0};
	for (int k = 0; k < LANES; k++) {
		e.low[k] = INFINITY;
		e.high[k] = -INFINITY;
	}
	return e;
}

static bool close_ends(const struct ends *e, float *low, float *high)
{
	bool good = true;
	for (int k = 0; k < LANES; k++) {
		*low = e->low[k] < *low ? e->low[k] : *low;
		*high = e->high[k] > *high ? e->high[k] : *high;
		good &= e->bad[k] == 0;
	}
	return good;
}

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
	struct ends e = no_ends();
	for (int64_t i = 0; i < r->n; i++)
		widen(&e, r->x + i * r->step, r->size);
	return close_ends(&e, low, high);
}

/* Channels side by side. */
static bool see_pixels(const struct rows *r, float *low, float *high)
{
	float bad = 0;
	for (int64_t i = 0; i < r->n; i++)
		for (int64_t c = 0; c < r->size; c++) {
			float v = r->x[i * r->step + c];
			low[c] = v < low[c] ? v : low[c];
			high[c] = v > high[c] ? v : high[c];
			bad += v * 0.0f;
		}
	return bad == 0;
}

static bool see_channels(const struct rows *r, float *low, float *high)
{
	bool good = true;
	for (int64_t i = 0; i < r->n; i++) {
		struct ends e = no_ends();
		widen(&e, r->x + i * r->step, r->size);
		good &= close_ends(&e, &low[i % r->channels], &high[i % r->channels]);
	}
	return good;
}

static void count(const struct rows *r, uint64_t *bins)
{
	for (int64_t i = 0; i < r->n; i++)
		for (int64_t k = 0; k < r->size; k++) {
			uint32_t bits;
			memcpy(&bits, &r->x[i * r->step + k], sizeof bits);
			bins[bits >> 16]++;
		}
}

/* A sample without elements says nothing; 0 is in every range. */
void observe_extremes(struct stats_channel *c, float low, float high)
{
	if (low > high)
		low = high = 0;
	c->low = low < c->low ? low : c->low;
	c->high = high > c->high ? high : c->high;
	c->sum_low += (__int128)nearbyint(ldexp(low, STATS_SHIFT));
	c->sum_high += (__int128)nearbyint(ldexp(high, STATS_SHIFT));
}

int observe(struct stats_site *s, const struct exec_view *view, float *room, struct err *err)
{
	struct rows r = rows_of(view, s->channels);
	float *low = room, *high = room + s->channels;
	for (int64_t c = 0; c < s->channels; c++) {
		low[c] = INFINITY;
		high[c] = -INFINITY;
	}
	if (s->channels > 1 && (view->t->rank < 2 || view->t->dim[1] != s->channels))
		return fail(err, E_FORMAT, "'%s' has another number of channels", s->name);
	bool good = s->channels == 1 ? see_all(&r, low, high)
		    : r.channels > 1 ? see_channels(&r, low, high)
				     : see_pixels(&r, low, high);
	for (int64_t c = 0; c < s->channels && good; c++)
		good = !(low[c] < -STATS_LIMIT || high[c] > STATS_LIMIT);
	if (!good)
		return fail(err, E_FORMAT, "'%s' is not finite, or beyond 2^60", s->name);
	for (int64_t c = 0; c < s->channels; c++)
		observe_extremes(&s->channel[c], low[c], high[c]);
	if (s->bins)
		count(&r, s->bins);
	return OK;
}
