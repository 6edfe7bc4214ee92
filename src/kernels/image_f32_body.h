/* Resizing and local response normalisation for the vectors of the including file's instruction
 * set. Defines image_line(), image_blend() and image_lrn(). */
#include "kernels/image_f32.h"
#include "kernels/vec_math.h"

INLINE vec image_load(const float *p, bool full, vec_mask mask)
{
	return full ? vec_load(p) : vec_load_mask(p, mask);
}

INLINE void image_store(float *p, bool full, vec_mask mask, vec x)
{
	if (full)
		vec_store(p, x);
	else
		vec_store_mask(p, mask, x);
}

INLINE void image_pixel(const struct resize_line *q, int x, int c, int taps, bool full)
{
	const int32_t *index = q->index + (ptrdiff_t)x * taps;
	const float *weight = q->weight + (ptrdiff_t)x * taps;
	vec_mask mask = vec_first(q->n - c);
	vec acc = vec_mul(
	    image_load(q->in + index[0] * q->ld_in + c, full, mask), vec_set1(weight[0]));
	for (int k = 1; k < taps; k++)
		acc = vec_fma(image_load(q->in + index[k] * q->ld_in + c, full, mask),
		    vec_set1(weight[k]), acc);
	image_store(q->out + x * q->ld_out + c, full, mask, acc);
}

INLINE void image_line_taps(const struct resize_line *q, int taps)
{
	for (int x = 0; x < q->width; x++) {
		int c = 0;
		for (; c + VEC <= q->n; c += VEC)
			image_pixel(q, x, c, taps, true);
		if (c < q->n)
			image_pixel(q, x, c, taps, false);
	}
}

static void image_line(const struct resize_line *q)
{
	if (q->taps == 1)
		image_line_taps(q, 1);
	else if (q->taps == 2)
		image_line_taps(q, 2);
	else
		image_line_taps(q, q->taps);
}

INLINE void image_blend_at(
    float *out, int c, int n, int taps, const float *const *src, const float *weight, bool full)
{
	vec_mask mask = vec_first(n - c);
	vec acc = vec_mul(image_load(src[0] + c, full, mask), vec_set1(weight[0]));
	for (int k = 1; k < taps; k++)
		acc = vec_fma(image_load(src[k] + c, full, mask), vec_set1(weight[k]), acc);
	image_store(out + c, full, mask, acc);
}

static void image_blend(float *out, int n, int taps, const float *const *src, const float *weight)
{
	int c = 0;
	for (; c + VEC <= n; c += VEC)
		image_blend_at(out, c, n, taps, src, weight, true);
	if (c < n)
		image_blend_at(out, c, n, taps, src, weight, false);
}

/* x / s^beta; the exponents of well-known networks need square roots only. */
INLINE vec image_divide_power(vec x, vec s, float beta)
{
	vec root = vec_sqrt(s);
	if (beta == 0.75f)
		return vec_div(x, vec_mul(root, vec_sqrt(root)));
	if (beta == 0.5f)
		return vec_div(x, root);
	return vec_mul(x, vec_exp(vec_mul(vec_set1(-beta), vec_log(s))));
}

INLINE void image_lrn_at(
    const struct lrn_rows *q, const float *in, float *out, int c, float beta, bool full)
{
	vec_mask mask = vec_first(q->n - c);
	vec sum = vec_load(q->square + c);
	for (int k = 1; k < q->size; k++)
		sum = vec_add(sum, vec_load(q->square + c + k));
	vec s = vec_fma(sum, vec_set1(q->scale), vec_set1(q->bias));
	image_store(
	    out + c, full, mask, image_divide_power(image_load(in + c, full, mask), s, beta));
}

INLINE void image_lrn_rows(const struct lrn_rows *q, float beta)
{
	int before = (q->size - 1) / 2;
	for (int i = 0; i < q->n + q->size + 16; i++)
		q->square[i] = 0;
	for (int r = 0; r < q->rows; r++) {
		const float *in = q->in + r * q->ld_in;
		float *out = q->out + r * q->ld_out, *square = q->square + before;
		int c = 0;
		for (; c + VEC <= q->n; c += VEC) {
			vec x = vec_load(in + c);
			vec_store(square + c, vec_mul(x, x));
		}
		for (; c < q->n; c++)
			square[c] = in[c] * in[c];
		for (c = 0; c + VEC <= q->n; c += VEC)
			image_lrn_at(q, in, out, c, beta, true);
		if (c < q->n)
			image_lrn_at(q, in, out, c, beta, false);
	}
}

static void image_lrn(const struct lrn_rows *q)
{
	if (q->beta == 0.75f)
		image_lrn_rows(q, 0.75f);
	else if (q->beta == 0.5f)
		image_lrn_rows(q, 0.5f);
	else
		image_lrn_rows(q, q->beta);
}

#define IMAGE_F32_FUNCTIONS(isa)                                                       \
	void resize_line__##isa(const struct resize_line *q)                           \
	{                                                                              \
		image_line(q);                                                         \
	}                                                                              \
	void blend__##isa(                                                             \
	    float *out, int n, int taps, const float *const *src, const float *weight) \
	{                                                                              \
		image_blend(out, n, taps, src, weight);                                \
	}                                                                              \
	void lrn__##isa(const struct lrn_rows *q)                                      \
	{                                                                              \
		image_lrn(q);                                                          \
	}
