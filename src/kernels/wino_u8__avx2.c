/* Winograd's transforms and products in integers with AVX2. */
#include "kernels/wino_u8_body.h"

void wino_u8_in__avx2(const struct wino_u8_in *q)
{
	wino_in(q);
}

void wino_u8_weights__avx2(const int16_t *g, int n, int16_t *u, size_t ldu)
{
	wino_weights(g, n, u, ldu);
}

void wino_u8_product__avx2(const struct wino_u8_product *q, int m, int n)
{
	wino_product(q, m, n);
}

void wino_u8_out__avx2(const struct wino_u8_out *q)
{
	wino_out(q);
}
