/* Extremes by channel of the last axis, of values as they lie in memory. */
#include <math.h>

#include "quant/observe.h"

/* n rows of channels side by side. */
static void widen(const float *x, int64_t n, int64_t channels, float *low, float *high, float *bad)
{
	for (int64_t i = 0; i < n; i++, x += channels)
		for (int64_t c = 0; c < channels; c++) {
			float v = x[c];
			low[c] = v < low[c] ? v : low[c];
			high[c] = v > high[c] ? v : high[c];
			bad[c] += v * 0.0f;
		}
}

/* Dim 1 lies innermost: pixel p of n * pixels is of channel p % channels. */
static void widen_turned(
    const struct exec_view *v, int64_t channels, float *low, float *high, float *bad)
{
	const float *x = v->t->data;
	int64_t inner = v->t->dim[1], pixels = inner ? tensor_count(v->t) / inner : 0;
	for (int64_t p = 0; p < pixels; p++, x += v->ld)
		for (int64_t i = 0; i < inner; i++) {
			int64_t c = p % channels;
			low[c] = x[i] < low[c] ? x[i] : low[c];
			high[c] = x[i] > high[c] ? x[i] : high[c];
			bad[c] += x[i] * 0.0f;
		}
}

int observe_columns(
    struct stats_site *s, const struct exec_view *view, float *room, struct err *err)
{
	int64_t n = s->channels;
	float *low = room, *high = room + n, *bad = room + 2 * n;
	if (view->t->rank < 2 || view->t->dim[view->t->rank - 1] != n)
		return fail(err, E_FORMAT, "'%s' has another number of channels", s->name);
	for (int64_t c = 0; c < n; c++) {
		low[c] = INFINITY;
		high[c] = -INFINITY;
		bad[c] = 0;
	}
	if (view->channels_last)
		widen_turned(view, n, low, high, bad);
	else
		widen(view->t->data, tensor_count(view->t) / n, n, low, high, bad);
	for (int64_t c = 0; c < n; c++)
		if (bad[c] != 0 || low[c] < -STATS_LIMIT || high[c] > STATS_LIMIT)
			return fail(err, E_FORMAT, "'%s' is not finite, or beyond 2^60", s->name);
	for (int64_t c = 0; c < n; c++)
		observe_extremes(&s->channel[c], low[c], high[c]);
	return OK;
}
