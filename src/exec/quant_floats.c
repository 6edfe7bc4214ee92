/* Levels as the floats that they mean, for layers that OpenVINO computes in floats: the last bits
 * are those of the operations behind its kernels, and of how its low precision transformations fold
 * a FakeQuantize of weights (network_helper.cpp: fold_fake_quantize), half away from zero. */
#include <math.h>
#include <stdlib.h>

#include "exec/quant.h"

/* Does v come from sums of integers, by nodes that their kernel takes along? The scale of its
 * result is divided by there. */
static bool of_integers(const struct network *net, const struct value *v)
{
	struct quant_weights w;
	float lo, hi;
	while (v) {
		const struct node *n = v->node;
		if (n->nin && quant_layer(net, n, &w))
			return !w.floats;
		bool clamp = n->nin && quant_clamp(n, node_in(n, 0), &lo, &hi);
		v = clamp ? node_in(n, 0) : quant_changes(net, n);
	}
	return false;
}

static bool is_one(const float *x, int64_t n)
{
	for (int64_t i = 1; i < n; i++)
		if (x[i] != x[0])
			return false;
	return true;
}

bool quant_floats(
    const struct network *net, const struct value *v, int64_t n, float *scale, float *low)
{
	const struct quant *q = &net->quant[v->id];
	for (int64_t c = 0; c < n; c++) {
		scale[c] = q->scales ? q->scales[c] : q->scale;
		low[c] = q->scales ? q->lows[c] : q->low;
	}
	bool one = is_one(scale, n) && is_one(low, n);
	for (int64_t c = 0; c < n && one && !low[0] && of_integers(net, v); c++)
		scale[c] = 1 / (1 / scale[c]);
	return !one && q->zeros;
}

/* Element i of a tensor of t's dims, of a range that is broadcast to it. */
static float spread_at(const struct tensor *range, const struct tensor *t, int64_t i)
{
	int64_t at = 0, step = 1;
	for (int d = range->rank - 1, k = t->rank - 1; d >= 0; d--, k--) {
		at += range->dim[d] > 1 ? i % t->dim[k] * step : 0;
		step *= range->dim[d];
		i /= t->dim[k];
	}
	return ((const float *)range->data)[at];
}

int quant_float_weights(struct network *net, const struct node *fq, float **out, struct err *err)
{
	struct tensor t, lo = value_tensor(node_in(fq, 3)), hi = value_tensor(node_in(fq, 4));
	float top = (float)(attr_i(fq, "levels") - 1);
	int status = constants_get(net, node_in(fq, 0), &t, err);
	if (status < 0)
		return status;
	*out = malloc(tensor_bytes(&t));
	if (!*out)
		return fail_nomem(err);
	for (int64_t i = 0; i < tensor_count(&t); i++) {
		float x = ((const float *)t.data)[i];
		float from = spread_at(&lo, &t, i), to = spread_at(&hi, &t, i);
		float level = roundf((x - from) / (to - from) * top);
		(*out)[i] = level * ((to - from) / top) + from;
		(*out)[i] = x <= from ? from : x > to ? to : (*out)[i];
	}
	return OK;
}
