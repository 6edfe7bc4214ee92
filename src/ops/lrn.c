/* LRN: each element against the squares of its neighbours along some axes. */
#include <math.h>

#include "ops/elem.h"
#include "ops/rows.h"

/* Along one dim of len elements: sums of size neighbours, over lines of inner contiguous elements.
 */
static VECTOR void window_sums(
    double *restrict to, const double *restrict from, int64_t len, int64_t inner, int64_t size)
{
	for (int64_t i = 0; i < len; i++) {
		int64_t low = i - (size - 1) / 2, high = i + size / 2 + 1;
		low = low < 0 ? 0 : low;
		high = high > len ? len : high;
		for (int64_t k = 0; k < inner; k++)
			to[i * inner + k] = 0;
		for (int64_t j = low; j < high; j++)
			for (int64_t k = 0; k < inner; k++)
				to[i * inner + k] += from[j * inner + k];
	}
}

/* y = x / base^beta; the exponents of well-known networks need square roots only. */
static VECTOR void divide_power(
    double *restrict y, const double *restrict base, int64_t n, double beta)
{
	if (beta == 0.75)
		for (int64_t i = 0; i < n; i++)
			y[i] /= sqrt(base[i]) * sqrt(sqrt(base[i]));
	else if (beta == 0.5)
		for (int64_t i = 0; i < n; i++)
			y[i] /= sqrt(base[i]);
	else
		for (int64_t i = 0; i < n; i++)
			y[i] /= pow(base[i], beta);
}

static VECTOR void square(double *restrict to, const double *restrict from, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		to[i] = from[i] * from[i];
}

int eval_lrn(struct eval *s)
{
	const struct tensor *x = &s->in[0];
	uint32_t mask;
	int r = elem_axes(s, &s->in[1], x->rank, &mask);
	int64_t n = tensor_count(x), size = attr_i(s->node, "size");
	double *v = r ? NULL : eval_scratch(s, n, sizeof *v);
	double *sum = v ? eval_scratch(s, n, sizeof *sum) : NULL;
	double *next = sum ? eval_scratch(s, n, sizeof *next) : NULL;
	if (!next)
		return r ? r : E_NOMEM;
	span_f64(v, x, 0, n);
	square(sum, v, n);
	for (int d = 0; d < x->rank; d++) {
		int64_t inner = dims_count(x->dim, d + 1, x->rank), line = x->dim[d] * inner;
		if (!(mask >> d & 1))
			continue;
		for (int64_t at = 0; at < n; at += line)
			window_sums(next + at, sum + at, x->dim[d], inner, size);
		double *swap = sum;
		sum = next;
		next = swap;
	}
	double scale = attr_f(s->node, "alpha") / pow((double)size, __builtin_popcount(mask));
	double bias = attr_f(s->node, "bias");
	for (int64_t i = 0; i < n; i++)
		sum[i] = bias + scale * sum[i];
	divide_power(v, sum, n, attr_f(s->node, "beta"));
	span_put_f64(&s->out[0], 0, n, v);
	return OK;
}
