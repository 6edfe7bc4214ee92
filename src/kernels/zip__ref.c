/* Two rows as one, element by element, in plain C. */
#include "kernels/shuffle.h"

#define ZIP_BODY(type)                    \
	const type *x = a, *y = b;        \
	type *to = out;                   \
	for (int64_t i = 0; i < n; i++) { \
		to[2 * i] = x[i];         \
		to[2 * i + 1] = y[i];     \
	}

void zip_b32__ref(int64_t n, const void *a, const void *b, void *out)
{
	ZIP_BODY(uint32_t)
}

void zip_b8__ref(int64_t n, const void *a, const void *b, void *out)
{
	ZIP_BODY(uint8_t)
}
