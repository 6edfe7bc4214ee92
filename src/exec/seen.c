/* What calibration does to many floats at once, with the kernels that the processor has. */
#include "exec/seen.h"

#include <math.h>

static const struct seen_f32 *row(void)
{
	return &seen_f32_rows[seen_f32_pick()];
}

bool seen_ends(const float *x, int64_t n, float *low, float *high)
{
	return row()->ends(x, n, low, high);
}

bool seen_columns(const float *x, int64_t rows, int64_t ld, int64_t n, float *low, float *high)
{
	return row()->columns(x, rows, ld, n, low, high);
}

void seen_open(struct seen_lanes *s)
{
	for (int k = 0; k < SEEN_LANES; k++) {
		s->low[k] = INFINITY;
		s->high[k] = -INFINITY;
		s->bad[k] = 0;
	}
}

bool seen_close(const struct seen_lanes *s, float *low, float *high)
{
	bool good = true;
	*low = INFINITY;
	*high = -INFINITY;
	for (int k = 0; k < SEEN_LANES; k++) {
		*low = s->low[k] < *low ? s->low[k] : *low;
		*high = s->high[k] > *high ? s->high[k] : *high;
		good &= s->bad[k] == 0;
	}
	return good;
}

void seen_levels(float *x, int64_t n, const struct seen_levels *l, float *sum, float *sum_q)
{
	row()->levels(x, n, l, sum, sum_q);
}

void seen_round(struct seen_round *r)
{
	row()->round(r);
}

void seen_dots(const double *a, int64_t ld, int rows, const double *b, int n, double *sum)
{
	row()->dots(a, ld, rows, b, n, sum);
}
