/* AdaptiveAvgPool: means over bins that divide the spatial dims as evenly as they can. */
#include "ops/elem.h"
#include "ops/rows.h"

int infer_adaptive_pool(struct infer *s)
{
	const struct shape *x = &s->in[0].shape;
	struct shape *out = &s->out[0].shape;
	int n, r = infer_integer(s, 1);
	const struct dim *e = infer_elems(s, 1, &n);
	s->out[0].type = s->in[0].type;
	if (r || x->rank < 0)
		return r;
	if (x->rank < 3 || x->rank > 5)
		return infer_fail(s, "the input has rank %d, expected 3 to 5", x->rank);
	if (e && n != x->rank - 2)
		return infer_fail(s, "the output shape has %d values, expected %d", n, x->rank - 2);
	*out = *x;
	for (int i = 2; i < x->rank; i++) {
		out->dim[i] = e && e[i - 2].min >= 0 ? e[i - 2] : dim_any();
		if (e && e[i - 2].max < 0)
			return infer_fail(
			    s, "the output shape holds %lld", (long long)e[i - 2].max);
	}
	return OK;
}

struct bins {
	int64_t in[3], out[3];
};

static double bin_mean(const struct bins *b, const double *x, const int64_t o[3])
{
	int64_t from[3], to[3];
	double sum = 0;
	for (int d = 0; d < 3; d++) {
		from[d] = o[d] * b->in[d] / b->out[d];
		to[d] = ((o[d] + 1) * b->in[d] + b->out[d] - 1) / b->out[d];
	}
	for (int64_t z = from[0]; z < to[0]; z++)
		for (int64_t y = from[1]; y < to[1]; y++)
			for (int64_t i = from[2]; i < to[2]; i++)
				sum += x[(z * b->in[1] + y) * b->in[2] + i];
	return sum / (double)((to[0] - from[0]) * (to[1] - from[1]) * (to[2] - from[2]));
}

int eval_adaptive_avg_pool(struct eval *s)
{
	const struct tensor *x = &s->in[0];
	struct bins b = {{1, 1, 1}, {1, 1, 1}};
	int64_t o[3], at = 0, in = dims_count(x->dim, 2, x->rank);
	for (int i = 2; i < x->rank; i++) {
		b.in[3 - x->rank + i] = x->dim[i];
		b.out[3 - x->rank + i] = s->out[0].dim[i];
	}
	double *plane = eval_scratch(s, in, sizeof *plane);
	if (!plane)
		return E_NOMEM;
	for (int64_t c = 0; c < x->dim[0] * x->dim[1]; c++) {
		span_f64(plane, x, c * in, in);
		for (o[0] = 0; o[0] < b.out[0]; o[0]++)
			for (o[1] = 0; o[1] < b.out[1]; o[1]++)
				for (o[2] = 0; o[2] < b.out[2]; o[2]++, at++) {
					double v = bin_mean(&b, plane, o);
					span_put_f64(&s->out[0], at, 1, &v);
				}
	}
	return OK;
}
