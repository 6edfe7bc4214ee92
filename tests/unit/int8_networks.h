/* What programs that test networks with FakeQuantize and integer weights share: their parts, and
 * runs of them beside eval. */
#ifndef UNIT_INT8_NETWORKS_H
#define UNIT_INT8_NETWORKS_H

#include "engine.h"

#include <math.h>

/* Equal, but for few elements that lie one level of this size apart: ties. */
static inline void assert_near(const struct tensor *a, const struct tensor *b, double level)
{
	int64_t n = tensor_count(b), ties = 0;
	assert_int_equal(tensor_count(a), n);
	for (int64_t i = 0; i < n; i++) {
		double d = fabs(tensor_f64(a, i) - tensor_f64(b, i));
		if (d > level * 1.01)
			print_error("element %lld: %g, expected %g\n", (long long)i,
			    tensor_f64(a, i), tensor_f64(b, i));
		assert_true(d <= level * 1.01);
		ties += d > 1e-4;
	}
	assert_true(ties <= n / 100);
}

/* How many calls of each kind a plan must have. */
struct want {
	int conv, pool, quantize, dequantize, requantize, add, eval;
};

static inline void assert_calls(const struct exec *e, const struct want *w)
{
	assert_int_equal(count_calls(e, CALL_CONV_U8), w->conv);
	assert_int_equal(count_calls(e, CALL_POOL_U8), w->pool);
	assert_int_equal(count_calls(e, CALL_QUANTIZE), w->quantize);
	assert_int_equal(count_calls(e, CALL_DEQUANTIZE), w->dequantize);
	assert_int_equal(count_calls(e, CALL_REQUANTIZE), w->requantize);
	assert_int_equal(count_calls(e, CALL_ADD_U8), w->add);
	assert_int_equal(count_calls(e, CALL_EVAL), w->eval);
	assert_int_equal(exec_products(e).int8 > 0, w->conv > 0);
}

static inline int ignore(void *user, const struct value *v, const struct tensor *t, struct err *err)
{
	(void)v;
	(void)err;
	*(double *)user += tensor_count(t) ? tensor_f64(t, 0) : 0;
	return OK;
}

static inline void check(const char *text, double level, struct want w)
{
	struct graph *g = scan(text);
	struct pool *pool;
	double sum = 0;
	struct tensor in = random_input(g, 0, 1), want[3], got[3];
	assert_int_equal(pool_new(3, &pool, NULL), OK);
	struct exec *ref = make_eval(g);
	struct exec *e[] = {make(g, NULL), make(g, &(struct exec_options){.pool = pool}),
	    make(g, &(struct exec_options){.tap = ignore, .user = &sum})};
	run(ref, &in, want);
	for (int i = 0; i < 3; i++)
		for (int again = 0; again < 2; again++) {
			run(e[i], &in, got);
			for (int k = 0; k < g->noutputs; k++)
				assert_near(&got[k], &want[k], level);
		}
	assert_calls(e[0], &w);
	assert_calls(e[1], &w);
	for (int i = 0; i < 3; i++)
		exec_free(e[i]);
	tensor_free(&in);
	exec_free(ref);
	pool_free(pool);
	graph_free(g);
}

/* Ranges: u has zero at level 0, s at 128, m at 51; n has none. */
#define RANGES                     \
	"u0 = Const f32[] 0\n"     \
	"u1 = Const f32[] 2.55\n"  \
	"s0 = Const f32[] -1.28\n" \
	"s1 = Const f32[] 1.27\n"  \
	"m0 = Const f32[] -0.51\n" \
	"m1 = Const f32[] 2.04\n"  \
	"n0 = Const f32[] 0.1\n"   \
	"n1 = Const f32[] 1.9\n"

#define FQ(out, in, r) \
	out " = FakeQuantize-1(" in ", " r "0, " r "1, " r "0, " r "1) {levels=256}\n"

/* Weights called name, as large as dims say, channels of them scaled by scales. */
#define WEIGHTS(name, dims, scales)                                                               \
	name "i = Const i8[" dims "] random(3)\n" name "f = Convert-1(" name                      \
	     "i) {destination_type=f32}\n" name "z = Const f32[] 5\n" name "c = Subtract-1(" name \
	     "f, " name "z)\n" name "s = Const f32[" scales "\n" name " = Multiply-1(" name       \
	     "c, " name "s)\n"

#define CONV(out, in, w, pad)                                                            \
	out " = Convolution-1(" in ", " w ") {strides=1,1 dilations=1,1 pads_begin=" pad \
	    " pads_end=" pad "}\n"
#define S6 "6,1,1,1] 0.010123 0.020717 0.015391 0.009913 0.030319 0.012177"

#endif
