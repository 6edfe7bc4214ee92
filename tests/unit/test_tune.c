/* Convolutions whose way is measured: computed as eval does, each shape measured once, and only in
 * ways that the options allow. */
#include "engine.h"

#include "exec/tune.h"

#define CONV " {strides=1,1 pads_begin=1,1 pads_end=1,1 dilations=1,1 auto_pad=explicit}\n"
static const char net[] =
    "x = Parameter-1 {shape=1,16,24,24 element_type=f32}\nw = Const f32[16,16,3,3] random(1)\n"
    "a = Convolution-1(x, w)" CONV "v = Const f32[16,16,3,3] random(2)\n"
    "b = Convolution-1(a, v)" CONV "u = Const f32[16,1,1,3,3] random(3)\n"
    "c = GroupConvolution-1(b, u)" CONV "Result-1(c)\nResult-1(b)\n";

static void count(void *user, enum log_level level, const char *text)
{
	*(int *)user += level == LOG_INFO && strstr(text, "channels");
}

static int winograds(const struct exec *e)
{
	int n = 0;
	for (int i = 0; i < e->plan[0]->ncalls; i++) {
		int way = e->plan[0]->call[i].conv.way;
		n += e->plan[0]->call[i].kind == CALL_CONV &&
		     (way == CONV_WINOGRAD || way == CONV_WINOGRAD_2);
	}
	return n;
}

static void check(bool exact)
{
	int measured = 0;
	struct graph *g = scan(net);
	struct exec_options o = {.tune = true, .exact = exact, .log = {count, &measured}};
	struct exec *e = make(g, &o), *judge = make_eval(g);
	struct tensor in = random_input(g, 0, 1), have[2], want[2];
	run(e, &in, have);
	run(judge, &in, want);
	for (int k = 0; k < 2; k++)
		assert_close(&have[k], &want[k], 2e-5);
	assert_int_equal(measured, 2); /* a and b have the same shape */
	if (exact)
		assert_int_equal(winograds(e), 0);
	run(e, &in, have); /* the plan is there */
	assert_int_equal(measured, 2);
	exec_free(e);
	exec_free(judge);
	tensor_free(&in);
	graph_free(g);
}

static void same_results(void **state)
{
	(void)state;
	check(false);
	check(true);
}

/* Whatever the rules say, the way that comes back can do the shape, and comes back again. */
static void fitting_ways(void **state)
{
	(void)state;
	struct exec_options o = {.tune = true};
	struct arena *arena = arena_new();
	struct graph *g = scan(net);
	struct tuning k = tuning_of(g, &o, arena);
	assert_int_equal(k.weights, (2 * 16 * 16 * 9 + 16 * 9) * sizeof(float));
	struct conv_shape s = {.batch = 1,
	    .groups = 1,
	    .cin = 7,
	    .cout = 9,
	    .in = {1, 11, 13},
	    .kernel = {1, 3, 3},
	    .out = {1, 11, 13},
	    .stride = {1, 1, 1},
	    .dilation = {1, 1, 1},
	    .pad = {0, 1, 1}};
	int way = tune_way(&k, &s, CONV_IGEMM);
	assert_true(nhwc_conv_f32_fits(&s, way) && way != CONV_IGEMM_BF16);
	assert_int_equal(tune_way(&k, &s, CONV_WINOGRAD), way);
	s.stride[1] = s.stride[2] = 2;
	s.out[1] = 6;
	s.out[2] = 7;
	way = tune_way(&k, &s, CONV_IGEMM);
	assert_true(nhwc_conv_f32_fits(&s, way));
	graph_free(g);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(same_results),
	    cmocka_unit_test(fitting_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
