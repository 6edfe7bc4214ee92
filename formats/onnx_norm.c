/* Normalisations: batch, instance, layer, group, local response, Lp, RMS. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "formats/onnx_translate.h"

/* (x - mean) / sqrt(variance + epsilon) * scale + shift, everything already stretched. */
static struct value *normalise(struct tr *t, struct value *x, struct value *mean,
    struct value *variance, double epsilon, struct value *scale, struct value *shift)
{
	struct value *d = tr_op(
	    t, OP_SQRT, tr_op(t, OP_ADD, variance, tr_number_of(t, variance, epsilon)));
	x = tr_op(t, OP_DIVIDE, tr_op(t, OP_SUBTRACT, x, mean), d);
	return tr_op(t, OP_ADD, tr_op(t, OP_MULTIPLY, x, scale), shift);
}

/* Batch statistics; the running ones are (1 - momentum) of them and momentum of the old. */
static void batch_norm_training(struct tr *t, double epsilon, double momentum)
{
	struct value *x = tr_in(t, 0), *stat[2], *old[2] = {tr_in(t, 3), tr_in(t, 4)};
	/* scale, shift and the running ones may be of types of their own */
	enum dtype type = tr_dtype(x), wide = type == DT_F64 ? DT_F64 : DT_F32;
	int rank = tr_rank(t, x), n = 0;
	int64_t axes[MAX_RANK];
	x = tr_convert(t, x, wide);
	for (int i = 0; i < rank; i++)
		if (i != 1)
			axes[n++] = i;
	struct value *over = tr_i64(t, n, axes),
		     *mean = tr_reduce(t, OP_REDUCE_MEAN, x, over, true);
	struct value *d = tr_op(t, OP_SUBTRACT, x, mean);
	struct value *variance = tr_reduce(
	    t, OP_REDUCE_MEAN, tr_op(t, OP_MULTIPLY, d, d), over, true);
	struct value *scale = tr_convert(t, tr_in(t, 1), wide),
		     *shift = tr_convert(t, tr_in(t, 2), wide);
	x = normalise(t, x, mean, variance, epsilon, tr_along(t, scale, rank, 1),
	    tr_along(t, shift, rank, 1));
	tr_out(t, 0, tr_convert(t, x, type));
	stat[0] = mean;
	stat[1] = variance;
	for (int i = 0; i < 2 && tr_wants(t, 1 + i); i++) {
		struct value *s = tr_convert(
		    t, tr_reshape(t, stat[i], 1, (int64_t[]){-1}), tr_dtype(old[i]));
		struct value *a = tr_op(t, OP_MULTIPLY, old[i], tr_number_of(t, old[i], momentum));
		tr_out(t, 1 + i,
		    tr_op(
			t, OP_ADD, a, tr_op(t, OP_MULTIPLY, s, tr_number_of(t, s, 1 - momentum))));
	}
}

void tr_batch_normalization(struct tr *t)
{
	struct value *x = tr_in(t, 0), *in[5] = {x};
	double epsilon = tr_float(t, "epsilon", (double)1e-5f),
	       momentum = tr_float(t, "momentum", (double)0.9f);
	bool spatial = t->opset >= 9 || tr_bool(t, "spatial", true);
	bool training = t->opset >= 14 ? tr_bool(t, "training_mode", false) : tr_wants(t, 1);
	if (t->opset < 7 && tr_bool(t, "is_test", false))
		training = false;
	if (training && t->opset < 14)
		tr_fail(t, E_UNSUPPORTED, "batch normalization in training");
	if (training) {
		batch_norm_training(t, epsilon, momentum);
		return;
	}
	enum dtype type = tr_dtype(x), wide = tr_dtype(tr_in(t, 3));
	wide = dtype_bits(type) > dtype_bits(wide) ? type : wide;
	for (int i = 0; i < 5; i++)
		in[i] = tr_convert(t, tr_in(t, i), wide);
	if (spatial) {
		struct node *n = tr_new_n(t, OP_BATCH_NORM, 1, in, 5);
		tr_set_f(t, n, "epsilon", epsilon);
		tr_out(t, 0, tr_convert(t, tr_end(t, n), type));
	} else {
		struct value *y = normalise(t, in[0], in[3], in[4], epsilon, in[1], in[2]);
		tr_out(t, 0, tr_convert(t, y, type));
	}
}

static struct value *mvn(
    struct tr *t, struct value *x, struct value *axes, double epsilon, bool inside)
{
	struct node *n = tr_new(t, OP_MVN, x, axes);
	tr_set_f(t, n, "eps", epsilon);
	tr_set_i(t, n, "normalize_variance", true);
	tr_set_s(t, n, "eps_mode", inside ? "INSIDE_SQRT" : "OUTSIDE_SQRT");
	return tr_end(t, n);
}

void tr_instance_normalization(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	int rank = tr_rank(t, x);
	struct value *y = mvn(
	    t, x, tr_range(t, 2, rank), tr_float(t, "epsilon", (double)1e-5f), true);
	y = tr_op(t, OP_MULTIPLY, y, tr_along(t, tr_in(t, 1), rank, 1));
	tr_out(t, 0, tr_op(t, OP_ADD, y, tr_along(t, tr_in(t, 2), rank, 1)));
}

void tr_mean_variance_normalization(struct tr *t)
{
	static const int64_t usual[] = {0, 2, 3};
	const int64_t *axes;
	int n = tr_ints(t, "axes", &axes);
	struct value *over = n < 0 ? tr_i64(t, 3, usual) : tr_i64(t, n, axes);
	tr_out(t, 0, mvn(t, tr_in(t, 0), over, 1e-9, false));
}

/* Statistics are computed in stash_type; asked for, mean and 1/deviation have it. */
void tr_layer_normalization(struct tr *t)
{
	struct value *x = tr_in(t, 0), *scale = tr_in(t, 1);
	int rank = tr_rank(t, x), axis = tr_axis(t, tr_int(t, "axis", -1), rank);
	double epsilon = tr_float(t, "epsilon", (double)1e-5f);
	enum dtype type = tr_dtype(x),
		   stash = tr_int(t, "stash_type", 1) == 1 && type != DT_F64 ? DT_F32 : type;
	struct value *wide = tr_convert(t, x, stash), *axes = tr_range(t, axis, rank), *y;
	if (tr_wants(t, 1) || tr_wants(t, 2)) {
		struct value *mean = tr_reduce(t, OP_REDUCE_MEAN, wide, axes, true);
		struct value *d = tr_op(t, OP_SUBTRACT, wide, mean);
		struct value *v = tr_reduce(
		    t, OP_REDUCE_MEAN, tr_op(t, OP_MULTIPLY, d, d), axes, true);
		v = tr_op(t, OP_SQRT, tr_op(t, OP_ADD, v, tr_number_of(t, v, epsilon)));
		v = tr_op(t, OP_DIVIDE, tr_number_of(t, v, 1), v);
		y = tr_op(t, OP_MULTIPLY, d, v);
		enum dtype kept = type == DT_F64 ? DT_F32 : stash;
		tr_out(t, 1, tr_convert(t, mean, kept));
		tr_out(t, 2, tr_convert(t, v, kept));
	} else {
		y = mvn(t, wide, axes, epsilon, true);
	}
	y = tr_op(t, OP_MULTIPLY, tr_convert(t, y, type), scale);
	tr_out(t, 0, tr_given(t, 2) ? tr_op(t, OP_ADD, y, t->in[2]) : y);
}

void tr_rms_normalization(struct tr *t)
{
	struct value *x = tr_in(t, 0), *scale = tr_in(t, 1);
	int rank = tr_rank(t, x), axis = tr_axis(t, tr_int(t, "axis", -1), rank);
	double epsilon = tr_float(t, "epsilon", (double)1e-5f);
	enum dtype type = tr_dtype(x),
		   stash = tr_int(t, "stash_type", 1) == 1 && type != DT_F64 ? DT_F32 : type;
	struct value *wide = tr_convert(t, x, stash);
	struct value *v = tr_op(t, OP_MULTIPLY, wide, wide);
	v = tr_reduce(t, OP_REDUCE_MEAN, v, tr_range(t, axis, rank), true);
	v = tr_op(t, OP_SQRT, tr_op(t, OP_ADD, v, tr_number_of(t, v, epsilon)));
	struct value *y = tr_convert(t, tr_op(t, OP_DIVIDE, wide, v), type);
	tr_out(t, 0, tr_op(t, OP_MULTIPLY, y, scale));
}

/* Before opset 21 scale and shift are per group: each is repeated over its group's channels. */
static struct value *per_channel(struct tr *t, struct value *v, int64_t groups, int64_t channels)
{
	if (t->opset >= 21 || !v)
		return v;
	if (channels < 0 || groups < 1) {
		tr_fail(t, E_UNSUPPORTED, "group normalization of an unknown number of channels");
		return NULL;
	}
	v = tr_reshape(t, v, 2, (int64_t[]){groups, 1});
	v = tr_broadcast(t, v, tr_i64(t, 2, (int64_t[]){groups, channels / groups}));
	return tr_reshape(t, v, 1, (int64_t[]){channels});
}

void tr_group_normalization(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	int64_t groups = tr_int(t, "num_groups", 0), channels = tr_dim(x, 1);
	tr_require(t, "num_groups");
	tr_ignore(t, "stash_type");
	struct node *n = tr_new(t, OP_GROUP_NORM, x, per_channel(t, tr_in(t, 1), groups, channels),
	    per_channel(t, tr_in(t, 2), groups, channels));
	tr_set_i(t, n, "num_groups", groups);
	tr_set_f(t, n, "epsilon", tr_float(t, "epsilon", (double)1e-5f));
	tr_out(t, 0, tr_end(t, n));
}

/* OpenVINO's layer takes every bias for 1: x / (bias + alpha s)^beta is written as
 * x / (1 + alpha / bias s)^beta * bias^-beta. */
void tr_lrn(struct tr *t)
{
	double bias = tr_float(t, "bias", 1), beta = tr_float(t, "beta", 0.75);
	double alpha = tr_float(t, "alpha", (double)1e-4f), less = bias > 0 ? bias : 1;
	tr_require(t, "size");
	struct node *n = tr_new(t, OP_LRN, tr_in(t, 0), tr_i64_1(t, 1));
	tr_set_f(t, n, "alpha", alpha / less);
	tr_set_f(t, n, "beta", beta);
	tr_set_f(t, n, "bias", bias / less);
	tr_set_i(t, n, "size", tr_int(t, "size", 1));
	struct value *y = tr_end(t, n);
	double scale = pow(less, -beta);
	tr_out(t, 0, scale == 1 ? y : tr_op(t, OP_MULTIPLY, y, tr_number_of(t, y, scale)));
}

void tr_lp_normalization(struct tr *t)
{
	struct value *x = tr_in(t, 0), *axis = tr_i64_1(t, tr_int(t, "axis", -1));
	int64_t p = tr_int(t, "p", 2);
	if (p != 1 && p != 2)
		tr_fail(t, E_FORMAT, "attribute 'p' is %lld", (long long)p);
	/* zeros stay zeros */
	if (p == 2) {
		struct node *n = tr_new(t, OP_NORMALIZE_L2, x, axis);
		tr_set_f(t, n, "eps", 1e-37);
		tr_set_s(t, n, "eps_mode", "max");
		tr_out(t, 0, tr_end(t, n));
		return;
	}
	struct value *norm = tr_reduce(t, OP_REDUCE_L1, x, axis, true);
	struct value *least = tr_number_of(t, x, tr_dtype(x) == DT_F16 ? 6e-8 : 1e-37);
	tr_out(t, 0, tr_op(t, OP_DIVIDE, x, tr_op(t, OP_MAXIMUM, norm, least)));
}

/* Opsets 1..12 see the data as a matrix split at axis. */
static struct value *soft(struct tr *t, struct value *x, enum op_id id, int64_t axis)
{
	struct node *n = tr_new(t, id, x);
	tr_set_i(t, n, "axis", axis);
	return tr_end(t, n);
}

/* Is everything after axis of size 1? Then the matrix form is the plain one. */
static bool last_axis(const struct value *x, int axis)
{
	for (int i = axis + 1; i < x->info.shape.rank; i++)
		if (tr_dim(x, i) != 1)
			return false;
	return true;
}

struct value *tr_matrix_at(struct tr *t, struct value *x, int axis)
{
	int rank = tr_rank(t, x);
	if (axis == 1)
		return tr_flat_keep_first(t, x);
	int64_t rows = 1, cols = 1;
	for (int i = 0; i < rank; i++) {
		int64_t *n = i < axis ? &rows : &cols;
		if (*n < 0 || tr_dim(x, i) < 0 || mul_i64(*n, tr_dim(x, i), n))
			*n = -1;
	}
	if (rows >= 0)
		return tr_reshape(t, x, 2, (int64_t[]){rows, rows && cols >= 0 ? -1 : cols});
	if (cols >= 0)
		return tr_reshape(t, x, 2, (int64_t[]){-1, cols});
	struct value *head = tr_part(t, tr_shape_of(t, x), 0, axis);
	head = tr_reduce(t, OP_REDUCE_PROD, head, tr_i64_1(t, 0), true);
	struct value *parts[] = {head, tr_i64_1(t, -1)};
	return tr_reshape_to(t, x, tr_concat(t, 0, parts, 2));
}

struct value *tr_flat_keep_first(struct tr *t, struct value *x)
{
	struct node *n = tr_new(t, OP_RESHAPE, x, tr_i64(t, 2, (int64_t[]){0, -1}));
	tr_set_i(t, n, "special_zero", true);
	return tr_end(t, n);
}

static void softmax_of(struct tr *t, enum op_id id)
{
	struct value *x = tr_in(t, 0);
	int64_t axis = tr_int(t, "axis", t->opset < 13 ? 1 : -1);
	if (t->opset >= 13) {
		tr_out(t, 0, soft(t, x, id, axis));
		return;
	}
	int rank = tr_rank(t, x);
	axis = tr_axis(t, axis, rank);
	if (t->status != OK || last_axis(x, (int)axis))
		tr_out(t, 0, soft(t, x, id, axis));
	else
		tr_out(t, 0,
		    tr_reshape_to(
			t, soft(t, tr_matrix_at(t, x, (int)axis), id, 1), tr_shape_of(t, x)));
}

void tr_softmax(struct tr *t)
{
	softmax_of(t, OP_SOFTMAX);
}

void tr_log_softmax(struct tr *t)
{
	softmax_of(t, OP_LOG_SOFTMAX);
}

static struct value *hard(struct tr *t, struct value *x, int axis)
{
	struct node *n = tr_new(t, OP_TOP_K, x, tr_scalar_i64(t, 1));
	tr_set_i(t, n, "axis", axis);
	tr_set_s(t, n, "mode", "max");
	tr_set_s(t, n, "sort", "value");
	tr_set_type(t, n, "index_element_type", DT_I64);
	tr_set_i(t, n, "stable", true);
	struct value *at = tr_squeeze(t, tr_port(tr_end(t, n), 1), 1, (int64_t[]){axis});
	struct value *depth = tr_gather(t, tr_shape_of(t, x), tr_scalar_i64(t, axis), 0);
	struct node *hot = tr_new(
	    t, OP_ONE_HOT_1, at, depth, tr_number_of(t, x, 1), tr_number_of(t, x, 0));
	tr_set_i(t, hot, "axis", axis);
	return tr_end(t, hot);
}

void tr_hardmax(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	int rank = tr_rank(t, x),
	    axis = tr_axis(t, tr_int(t, "axis", t->opset < 13 ? 1 : -1), rank);
	if (t->status != OK)
		return;
	if (t->opset >= 13 || last_axis(x, axis))
		tr_out(t, 0, hard(t, x, axis));
	else
		tr_out(t, 0,
		    tr_reshape_to(t, hard(t, tr_matrix_at(t, x, axis), 1), tr_shape_of(t, x)));
}
