/* LRN: each element against the squares of its neighbours along some axes. */
#include <math.h>
#include <string.h>

#include "ops/elem.h"
#include "ops/rows.h"

struct box {
	int rank;
	int64_t dim[MAX_RANK], stride[MAX_RANK], low[MAX_RANK], high[MAX_RANK];
};

/* Sum of squares over the box low..high-1 from dim d inwards. */
static double box_squares(const struct box *b, const double *x, int d)
{
	double sum = 0;
	if (d == b->rank)
		return x[0] * x[0];
	for (int64_t i = b->low[d]; i < b->high[d]; i++)
		sum += box_squares(b, x + i * b->stride[d], d + 1);
	return sum;
}

/* The neighbourhood of element at: size elements around it along the masked axes. */
static void box_around(struct box *b, int64_t at, uint32_t mask, int64_t size)
{
	for (int d = 0; d < b->rank; d++) {
		int64_t i = at / b->stride[d] % b->dim[d];
		bool wide = mask >> d & 1;
		int64_t low = wide ? i - (size - 1) / 2 : i;
		int64_t high = wide ? i + size / 2 + 1 : i + 1;
		b->low[d] = low < 0 ? 0 : low;
		b->high[d] = high > b->dim[d] ? b->dim[d] : high;
	}
}

int eval_lrn(struct eval *s)
{
	const struct tensor *x = &s->in[0];
	struct box b = {.rank = x->rank};
	uint32_t mask;
	int r = elem_axes(s, &s->in[1], x->rank, &mask);
	int64_t n = tensor_count(x), size = attr_i(s->node, "size"), stride = 1;
	double *v = r ? NULL : eval_scratch(s, n, sizeof *v);
	if (!v)
		return r ? r : E_NOMEM;
	for (int d = x->rank - 1; d >= 0; d--) {
		b.dim[d] = x->dim[d];
		b.stride[d] = stride;
		stride *= x->dim[d];
	}
	double alpha = attr_f(s->node, "alpha"), beta = attr_f(s->node, "beta");
	double scale = alpha / pow((double)size, __builtin_popcount(mask));
	span_f64(v, x, 0, n);
	for (int64_t i = 0; i < n; i++) {
		box_around(&b, i, mask, size);
		double sum = box_squares(&b, v, 0);
		double y = v[i] / pow(attr_f(s->node, "bias") + scale * sum, beta);
		span_put_f64(&s->out[0], i, 1, &y);
	}
	return OK;
}
