/* Random numbers, all of them made from uniform ones in f32. */
#include <math.h>
#include <string.h>

#include "formats/onnx_random.h"

struct value *random_uniform(struct tr *t, struct value *shape, double seed)
{
	float given = (float)seed;
	uint32_t bits = 0;
	memcpy(&bits, &given, sizeof bits);
	struct node *n = tr_new(
	    t, OP_RANDOM_UNIFORM, shape, tr_number(t, DT_F32, 0), tr_number(t, DT_F32, 1));
	tr_set_type(t, n, "output_type", DT_F32);
	/* each node draws numbers of its own, and the same each time that a model is converted */
	tr_set_i(t, n, "global_seed", bits ? bits : 1);
	tr_set_i(t, n, "op_seed", t->graph->nnodes);
	return tr_end(t, n);
}

static double seed_of(struct tr *t)
{
	return tr_float(t, "seed", 0);
}

static struct value *f32(struct tr *t, double v)
{
	return tr_number(t, DT_F32, v);
}

static void give(struct tr *t, struct value *v, enum dtype type)
{
	if (t->status == OK && !dtype_is_float(type))
		tr_fail(t, E_FORMAT, "numbers of type '%s'", dtype_name(type));
	tr_out(t, 0, tr_convert(t, v, type));
}

static void uniform(struct tr *t, struct value *shape, enum dtype type)
{
	double low = tr_float(t, "low", 0), high = tr_float(t, "high", 1);
	struct value *u = random_uniform(t, shape, seed_of(t));
	u = tr_op(t, OP_MULTIPLY, u, f32(t, high - low));
	give(t, tr_op(t, OP_ADD, u, f32(t, low)), type);
}

/* Box and Muller's way: sqrt(-2 ln u) cos(2 pi v). */
static void normal(struct tr *t, struct value *shape, enum dtype type)
{
	double mean = tr_float(t, "mean", 0), scale = tr_float(t, "scale", 1);
	struct value *u = random_uniform(t, shape, seed_of(t)),
		     *v = random_uniform(t, shape, seed_of(t));
	u = tr_op(t, OP_LOG, tr_op(t, OP_SUBTRACT, f32(t, 1), u)); /* of (0, 1] */
	u = tr_op(t, OP_SQRT, tr_op(t, OP_MULTIPLY, u, f32(t, -2)));
	v = tr_op(t, OP_COS, tr_op(t, OP_MULTIPLY, v, f32(t, 2 * M_PI)));
	u = tr_op(t, OP_MULTIPLY, tr_op(t, OP_MULTIPLY, u, v), f32(t, scale));
	give(t, tr_op(t, OP_ADD, u, f32(t, mean)), type);
}

static struct value *shape_asked(struct tr *t)
{
	const int64_t *v;
	int n = tr_ints(t, "shape", &v);
	tr_require(t, "shape");
	return t->status == OK ? tr_i64(t, n, v) : NULL;
}

void tr_random_uniform(struct tr *t)
{
	uniform(t, shape_asked(t), tr_type(t, "dtype", DT_F32));
}

void tr_random_normal(struct tr *t)
{
	normal(t, shape_asked(t), tr_type(t, "dtype", DT_F32));
}

void tr_random_uniform_like(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	uniform(t, tr_shape_of(t, x), tr_type(t, "dtype", tr_dtype(x)));
}

void tr_random_normal_like(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	normal(t, tr_shape_of(t, x), tr_type(t, "dtype", tr_dtype(x)));
}

/* True where a uniform number is below the probability. */
void tr_bernoulli(struct tr *t)
{
	struct value *p = tr_in(t, 0), *u = random_uniform(t, tr_shape_of(t, p), seed_of(t));
	struct value *yes = tr_op(t, OP_LESS, u, tr_convert(t, p, DT_F32));
	tr_out(t, 0, tr_convert(t, yes, tr_type(t, "dtype", tr_dtype(p))));
}

/* How many classes end below a uniform number, of the probabilities [batch, 1, class] added up. */
void tr_multinomial(struct tr *t)
{
	struct value *x = tr_convert(t, tr_in(t, 0), DT_F32);
	int64_t samples = tr_int(t, "sample_size", 1), middle = 1, end = 2, flat = -1;
	if (samples < 1)
		tr_fail(t, E_FORMAT, "attribute 'sample_size' is %lld", (long long)samples);
	enum dtype type = tr_type(t, "dtype", DT_I32);
	struct node *soft = tr_new(t, OP_SOFTMAX, x);
	tr_set_i(t, soft, "axis", 1);
	struct value *p = tr_op(t, OP_CUM_SUM, tr_end(t, soft), tr_scalar_i64(t, 1));
	struct value *size[] = {tr_part(t, tr_shape_of(t, x), 0, 1), tr_i64_1(t, samples)};
	struct value *u = random_uniform(t, tr_concat(t, 0, size, 2), seed_of(t));
	u = tr_op(t, OP_GREATER_EQUAL, tr_unsqueeze(t, u, 1, &end), tr_unsqueeze(t, p, 1, &middle));
	u = tr_reduce(t, OP_REDUCE_SUM, tr_convert(t, u, DT_I32), tr_i64_1(t, flat), false);
	/* the sum of all may stay below 1 by rounding */
	struct value *classes = tr_part(t, tr_shape_of(t, x), 1, 2);
	classes = tr_op(t, OP_SUBTRACT, classes, tr_i64_1(t, 1));
	u = tr_op(t, OP_MINIMUM, u, tr_convert(t, classes, DT_I32));
	tr_out(t, 0, tr_convert(t, u, type));
}
