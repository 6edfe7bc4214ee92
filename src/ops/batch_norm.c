/* BatchNormInference: per-channel scale and shift of dim 1. */
#include <math.h>

#include "ops/elem.h"
#include "ops/rows.h"

const struct attr_def attrs_epsilon[] = {{"epsilon", ATTR_FLOAT, true, NULL, NULL}, {0}};

/* data is the index of the data input; every other input holds a value per channel. */
static int infer_at(struct infer *s, int data)
{
	struct shape *out = &s->out[0].shape;
	s->out[0].type = s->in[data].type;
	*out = s->in[data].shape;
	if (out->rank >= 0 && out->rank < 2)
		return infer_fail(s, "the input has rank %d, expected 2 or more", out->rank);
	int r = infer_float(s, data);
	for (int k = 0; k < s->nin && !r; k++) {
		const struct shape *p = &s->in[k].shape;
		if (k == data || p->rank < 0)
			continue;
		r = infer_same_types(s, data, k);
		if (!r && p->rank != 1)
			r = infer_fail(s, "input %d has rank %d, expected 1", k, p->rank);
		if (!r && out->rank >= 2 && !dim_merge(out->dim[1], p->dim[0], &out->dim[1]))
			r = infer_fail(s, "input %d has %lld elements, the data %lld channels", k,
			    (long long)p->dim[0].min, (long long)out->dim[1].min);
	}
	return r;
}

int infer_batch_norm(struct infer *s)
{
	return infer_at(s, 0);
}

int infer_batch_norm_1(struct infer *s)
{
	return infer_at(s, 2);
}

static void channel(
    struct eval *s, const struct tensor *x, int64_t at, int64_t n, const double p[4])
{
	double v[SPAN], eps = attr_f(s->node, "epsilon"), scale = p[0] / sqrt(p[3] + eps);
	for (int64_t i = 0; i < n; i += SPAN) {
		int64_t m = n - i < SPAN ? n - i : SPAN;
		span_f64(v, x, at + i, m);
		for (int64_t j = 0; j < m; j++)
			v[j] = (v[j] - p[2]) * scale + p[1];
		span_put_f64(&s->out[0], at + i, m, v);
	}
}

/* order: where data, gamma, beta, mean and variance are. */
static int batch_norm(struct eval *s, const int order[5])
{
	const struct tensor *x = &s->in[order[0]];
	int64_t channels = x->dim[1], inner = dims_count(x->dim, 2, x->rank);
	for (int64_t b = 0; b < x->dim[0]; b++)
		for (int64_t c = 0; c < channels; c++) {
			double p[4];
			for (int k = 0; k < 4; k++)
				p[k] = tensor_f64(&s->in[order[k + 1]], c);
			channel(s, x, (b * channels + c) * inner, inner, p);
		}
	return OK;
}

int eval_batch_norm(struct eval *s)
{
	return batch_norm(s, (const int[]){0, 1, 2, 3, 4});
}

int eval_batch_norm_1(struct eval *s)
{
	return batch_norm(s, (const int[]){2, 0, 1, 3, 4});
}
