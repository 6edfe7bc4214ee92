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

/* The end of a range of weights [channels]...[columns]: one, or one for each of either. */
struct end {
	const float *at;
	int64_t channel, column; /* elements from one to the next */
};

static struct end end_of(const struct tensor *range)
{
	int64_t n = tensor_count(range), columns = range->rank ? range->dim[range->rank - 1] : 1;
	return (struct end){range->data, n > columns ? columns : 0, columns > 1};
}

/* Of what is not negative, and an int holds; no branch, which would be taken every other time. */
static float half_away(float x)
{
	float whole = (float)(int)x;
	return whole + (float)(x - whole >= 0.5f);
}

/* The rows of a filter, each column with a range of its own. */
static void level_columns(
    const float *x, int64_t n, int64_t columns, struct end lo, struct end hi, float top, float *out)
{
	for (int64_t c = 0; c < columns; c++) {
		float from = lo.at[c * lo.column], to = hi.at[c * hi.column];
		float range = to - from, step = range / top;
		for (int64_t i = c; i < n; i += columns) {
			float v = (x[i] - from) / range * top;
			v = v > 0 ? v : 0;
			float level = half_away(v < top ? v : top);
			out[i] = x[i] <= from ? from : x[i] > to ? to : level * step + from;
		}
	}
}

int quant_float_weights(struct network *net, const struct node *fq, float **out, struct err *err)
{
	struct tensor t, low = value_tensor(node_in(fq, 3)), high = value_tensor(node_in(fq, 4));
	struct end lo = end_of(&low), hi = end_of(&high);
	float top = (float)(attr_i(fq, "levels") - 1);
	int status = constants_get(net, node_in(fq, 0), &t, err);
	if (status < 0)
		return status;
	*out = malloc(tensor_bytes(&t));
	if (!*out)
		return fail_nomem(err);
	int64_t columns = t.dim[t.rank - 1], n = tensor_count(&t) / t.dim[0];
	for (int64_t c = 0; c < t.dim[0]; c++) {
		level_columns((const float *)t.data + c * n, n, columns, lo, hi, top, *out + c * n);
		lo.at += lo.channel;
		hi.at += hi.channel;
	}
	return OK;
}
