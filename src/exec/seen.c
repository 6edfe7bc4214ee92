/* What calibration does to many floats at once, with the kernels that the processor has. */
#include "exec/seen.h"

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

void seen_carry(const float *by, const float *e, int n, float *sum)
{
	row()->carry(by, e, n, sum);
}
