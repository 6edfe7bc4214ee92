/* Between floats and bytes, for the vectors of the including file's instruction set: the functions
 * NAME(to), from, again and add of a row of quant_u8_rows. */
#include "kernels/nhwc_kernel_u8.h"
#include "kernels/vec_u8.h"

#ifndef NAME
#define NAME(what) quant_u8_##what##__ref
#endif

INLINE vec quant_load(const void *from, int64_t i, int left)
{
	const float *p = (const float *)from + i;
	return left >= VEC ? vec_load(p) : vec_load_mask(p, vec_first(left));
}

INLINE vec quant_value(const void *from, int64_t i, int left, float scale, float zero)
{
	vec q = vec_load_u8((const uint8_t *)from + i, left);
	return vec_mul(vec_sub(q, vec_set1(zero)), vec_set1(scale));
}

INLINE void quant_store(const struct quant_u8_args *q, int64_t i, int left, vec r)
{
	r = vec_clamp_u8(r, vec_set1(q->r_lo), vec_set1(q->r_hi));
	r = vec_fused(r, vec_set1(q->inv), vec_set1(q->zero));
	vec_store_u8((uint8_t *)q->out + i, left, vec_clamp_u8(r, vec_zero(), vec_set1(255)));
}

/* statement for each vector of lanes i, of which left are there; whole vectors know that. */
#define QUANT_LOOP(statement)                              \
	int64_t i = 0;                                     \
	for (; i + VEC <= q->n; i += VEC) {                \
		enum { left = VEC };                       \
		statement;                                 \
	}                                                  \
	for (int left = (int)(q->n - i); left; left = 0) { \
		statement;                                 \
	}

void NAME(to)(const struct quant_u8_args *q)
{
	QUANT_LOOP(quant_store(q, i, left, quant_load(q->a, i, left)))
}

void NAME(from)(const struct quant_u8_args *q)
{
	float *out = q->out;
	QUANT_LOOP(vec r = quant_value(q->a, i, left, q->a_scale, q->a_zero);
		   if (left >= VEC) vec_store(out + i, r);
		   else vec_store_mask(out + i, vec_first(left), r))
}

void NAME(again)(const struct quant_u8_args *q)
{
	QUANT_LOOP(quant_store(q, i, left, quant_value(q->a, i, left, q->a_scale, q->a_zero)))
}

void NAME(add)(const struct quant_u8_args *q)
{
	QUANT_LOOP(
	    vec a = quant_value(q->a, i, left, q->a_scale, q->a_zero);
	    vec b = vec_sub(vec_load_u8((const uint8_t *)q->b + i, left), vec_set1(q->b_zero));
	    quant_store(q, i, left, vec_fused(b, vec_set1(q->b_scale), a)))
}
