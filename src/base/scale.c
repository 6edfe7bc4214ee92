/* Floats times factors, each product taken in double and rounded once. */
#include "base/scale.h"

#include "base/cpu.h"

/* Floats at any address. */
struct loose {
	float v;
} __attribute__((packed, may_alias));

#define BLOCK 16

static inline void all_of_block(
    struct loose *restrict dst, const struct loose *restrict src, double s)
{
	for (int i = 0; i < BLOCK; i++)
		dst[i].v = (float)((double)src[i].v * s);
}

void scale_all(void *dst, const void *src, size_t n, double s)
{
	struct loose *to = dst;
	const struct loose *from = src;
	size_t i = 0;
#if defined(__x86_64__)
	if (cpu_features() & CPU_AVX512)
		i = scale_all__avx512(dst, src, n, s);
#endif
	for (; i + BLOCK <= n; i += BLOCK)
		all_of_block(to + i, from + i, s);
	for (; i < n; i++)
		to[i].v = (float)((double)from[i].v * s);
}

static inline void each_of_block(
    struct loose *restrict dst, const struct loose *restrict src, const double *restrict s)
{
	for (int i = 0; i < BLOCK; i++)
		dst[i].v = (float)((double)src[i].v * s[i]);
}

void scale_each(void *dst, const void *src, size_t n, const double *s)
{
	struct loose *to = dst;
	const struct loose *from = src;
	size_t i = 0;
#if defined(__x86_64__)
	if (cpu_features() & CPU_AVX512)
		i = scale_each__avx512(dst, src, n, s);
#endif
	for (; i + BLOCK <= n; i += BLOCK)
		each_of_block(to + i, from + i, s + i);
	for (; i < n; i++)
		to[i].v = (float)((double)from[i].v * s[i]);
}
