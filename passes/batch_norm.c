/* Reads a BatchNormInference of either opset as scale and shift. */
#include <float.h>
#include <math.h>

#include "passes/batch_norm.h"

enum { GAMMA, BETA, MEAN, VARIANCE, PARTS };

/* scale = gamma / sqrt(variance + epsilon) and shift = beta - mean * scale, in double. */
static bool combine(struct batch_norm *b, double *const part[PARTS], double epsilon)
{
	for (int64_t i = 0; i < b->channels; i++) {
		double under = part[VARIANCE][i] + epsilon;
		b->scale[i] = part[GAMMA][i] == 0 && under > 0 ? 0 : part[GAMMA][i] / sqrt(under);
		b->shift[i] = part[BETA][i] - part[MEAN][i] * b->scale[i];
		if (!(fabs(b->scale[i]) <= FLT_MAX) || !(fabs(b->shift[i]) <= FLT_MAX))
			return false;
	}
	return true;
}

bool batch_norm_of(struct pass_ctx *c, const struct node *n, struct batch_norm *out, int *status)
{
	static const int in_1[PARTS] = {0, 1, 3, 4}, in_5[PARTS] = {1, 2, 3, 4};
	bool old = node_is(n, OP_BATCH_NORM_1);
	const int *in = old ? in_1 : in_5;
	double *part[PARTS];
	*status = OK;
	if (!old && !node_is(n, OP_BATCH_NORM))
		return false;
	*out = (struct batch_norm){.data = node_in(n, old ? 2 : 0)};
	if (out->data->info.shape.rank < 2 || !value_const(node_in(n, in[GAMMA])))
		return false;
	out->channels = shape_count(&node_in(n, in[GAMMA])->info.shape);
	if (out->channels < 1 || out->channels > MAX_CHANNELS)
		return false;
	out->scale = arena_array(c->scratch, out->channels, sizeof(double));
	out->shift = arena_array(c->scratch, out->channels, sizeof(double));
	for (int i = 0; i < PARTS; i++) {
		part[i] = arena_array(c->scratch, out->channels, sizeof(double));
		if (!out->scale || !out->shift || !part[i]) {
			*status = fail_nomem(c->err);
			return false;
		}
		if (!const_channels(node_in(n, in[i]), 1, 0, out->channels, part[i]))
			return false;
	}
	return combine(out, part, attr_f(n, "epsilon"));
}
