/* Tiles of compressed panels, as in linear_cw_body.h, with AVX-512. */
#include "kernels/linear_cw_body.h"

void cw_tile__avx512(const struct cw_tile_args *q, int m, int n)
{
	cw_by_rows[m - 1](q, n);
}

void cw_widen__avx512(const struct cw_tile_args *q, int columns, float *to)
{
	if (columns > VEC)
		cw_widen_panel(q, 2, to);
	else
		cw_widen_panel(q, 1, to);
}
