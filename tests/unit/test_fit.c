/* Layers as products of rows, and least squares over them: what the layer computes comes out of its
 * rows, groups keep to themselves, and the ridge follows from samples that are held out. */
#include "engine.h"

#include <stdio.h>

#include "quant/fit_blocks.h"
#include "quant/fit_rows.h"

/* A convolution with weights of these dims. */
struct layer {
	const char *op, *dims;
	int count;
};
static const struct layer layers[] = {
    {"Convolution", "4,6,3,3", 216},
    {"GroupConvolution", "3,4,2,3,3", 216},
    {"GroupConvolution", "6,1,1,3,3", 54},
};

/* With other weights each. */
static struct graph *network_of(const struct layer *l)
{
	uint64_t seed = 7;
	char text[8192];
	int n = snprintf(text, sizeof text,
	    "x = Parameter-1 {shape=1,6,5,7 element_type=f32}\nw = Const f32[%s]", l->dims);
	for (int i = 0; i < l->count; i++)
		n += snprintf(
		    text + n, sizeof text - (size_t)n, " %.3f", (double)rng_f32(&seed) - 0.5);
	snprintf(text + n, sizeof text - (size_t)n,
	    "\ny = %s-1(x, w) {pads_begin=1,1 pads_end=1,1 strides=2,1 dilations=1,1}\n"
	    "Result-1(y)\n",
	    l->op);
	return scan(text);
}

static struct prune_layer layer_of(struct graph *g)
{
	struct prune_layer l = {0};
	graph_each (g, n)
		if (node_is(n, OP_CONVOLUTION) || node_is(n, OP_GROUP_CONVOLUTION))
			assert_true(prune_layer_of(n, &l));
	return l;
}

static void check_rows(const struct layer *layer)
{
	struct graph *g = network_of(layer);
	struct prune_layer l = layer_of(g);
	struct exec *e = make_eval(g);
	struct tensor in = random_input(g, 0, 1), out;
	struct const_view w;
	struct fit_rows r;
	int64_t place[64];
	float x[64 * 54], y[64 * 12];
	run(e, &in, &out);
	assert_true(fit_rows_of(&l, 100, &r));
	int64_t n = fit_rows_pick(&r, &in, 64, 3, place);
	assert_int_equal(n, tensor_count(&out) / r.outs);
	fit_rows_in(&r, &in, n, place, x);
	fit_rows_out(&r, &out, n, place, y);
	assert_int_equal(const_open(prune_weight(&l), &w, NULL), OK);
	int64_t cols = r.cols / r.groups, outs = r.outs / r.groups;
	for (int64_t k = 0; k < n; k++)
		for (int64_t o = 0; o < r.outs; o++) {
			double sum = 0;
			for (int64_t c = 0; c < cols; c++)
				sum += (double)x[k * r.cols + o / outs * cols + c] *
				       tensor_f64(&w.t, fit_rows_weight(&r, o, c));
			assert_true(fabs(sum - (double)y[k * r.outs + o]) < 1e-4);
		}
	const_close(&w);
	tensor_free(&in);
	exec_free(e);
	graph_free(g);
}

/* Row k is what lies under the middle of the window, of each channel: 3x3, pads 1, strides 2 and 1.
 */
static void check_centre(const struct prune_layer *l, const struct fit_rows *r)
{
	struct tensor in = random_input(l->node->graph, 0, 1);
	int64_t place[64], n = fit_rows_pick(r, &in, 64, 3, place);
	float x[64 * 6];
	assert_int_equal(n, 3 * 7);
	fit_rows_in(r, &in, n, place, x);
	for (int64_t k = 0; k < n; k++)
		for (int64_t c = 0; c < 6; c++)
			assert_true(
			    x[k * 6 + c] == (float)tensor_f64(&in, c * 35 + k / 7 * 14 + k % 7));
	assert_int_equal(fit_rows_weight(r, 2, 5), (2 * 6 + 5) * 9 + 4);
	tensor_free(&in);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
		check_rows(&layers[i]);
	/* more columns: the middles of a convolution's window; groups of as many are left alone */
	struct fit_rows r;
	struct graph *g = network_of(&layers[0]), *h = network_of(&layers[1]);
	struct prune_layer l = layer_of(g);
	assert_true(fit_rows_of(&l, 50, &r) && r.centre && r.cols == 6);
	check_centre(&l, &r);
	l = layer_of(h);
	assert_false(fit_rows_of(&l, 17, &r));
	graph_free(g);
	graph_free(h);
}

/* ---- least squares -----------------------------------------------------------------------------
 */

enum { GROUPS = 2, COLS = 10, OUTS = 4, ROWS = 6 };

/* Output o of a group is the group's column o plus half of the next, and 3; or noise alone. */
static double fit(int64_t samples, bool noise, struct fit_blocks *b)
{
	uint64_t seed = 5;
	double ridge = 0;
	assert_int_equal(fit_blocks_new(b, GROUPS, COLS, OUTS, NULL), OK);
	for (int64_t s = 0; s < samples; s++) {
		float x[ROWS * COLS], y[ROWS * OUTS];
		for (int i = 0; i < ROWS * COLS; i++)
			x[i] = rng_f32(&seed) - 0.5f;
		for (int k = 0; k < ROWS; k++)
			for (int o = 0; o < OUTS; o++) {
				int at = k * COLS + o / 2 * COLS / GROUPS + o % 2;
				y[k * OUTS + o] = noise ? rng_f32(&seed) - 0.5f
							: x[at] + 0.5f * x[at + 1] + 3;
			}
		assert_int_equal(fit_blocks_add(b, NULL, s, ROWS, x, y, NULL), OK);
	}
	assert_int_equal(fit_blocks_solve(b, &ridge, NULL), OK);
	return ridge;
}

static void test_blocks(void **state)
{
	struct fit_blocks b;
	(void)state;
	assert_true(fit(40, false, &b) == 0.001);
	for (int o = 0; o < OUTS; o++) {
		const double *x = b.seen[o / 2].yx + o % 2 * b.seen[0].n;
		for (int c = 0; c < COLS / GROUPS; c++) {
			double want = c == o % 2 ? 1 : c == o % 2 + 1 ? 0.5 : 0;
			assert_true(fabs(x[c] - want) < 0.01);
		}
		assert_true(fabs(x[COLS / GROUPS] - 3) < 0.01);
	}
	fit_blocks_free(&b);
}

/* Nothing to be learned: it is not learned by heart. */
static void test_noise(void **state)
{
	struct fit_blocks b;
	(void)state;
	double ridge = fit(4, true, &b);
	assert_true(ridge == 0 || ridge == 1);
	if (!(ridge > 0))
		for (int g = 0; g < GROUPS; g++)
			for (int64_t i = 0; i < b.seen[g].m * b.seen[g].n; i++)
				assert_true(b.seen[g].yx[i] == 0);
	fit_blocks_free(&b);
	/* one sample: none can be held out */
	assert_true(fit(1, false, &b) == 0.1);
	fit_blocks_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_noise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
