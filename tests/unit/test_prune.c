/* Pruning with samples: filters that never answer go first, and their group is no cheaper for it.
 */
#include "engine.h"

#include <stdio.h>
#include <string.h>

#include "quant/prune.h"

enum { SAMPLES = 12, DEAD = 3 };

static void add_weights(
    char *text, size_t size, const char *head, int count, int zeros, uint64_t *s)
{
	size_t n = strlen(text);
	n += (size_t)snprintf(text + n, size - n, "%s", head);
	for (int i = 0; i < count; i++) {
		double x = (double)rng_f32(s) - 0.5;
		n += (size_t)snprintf(text + n, size - n, " %.3f", i < zeros ? 0 : x);
	}
	snprintf(text + n, size - n, "\n");
}

/* Three convolutions; the first filters of the first one are dead. */
static struct graph *network(void)
{
	static char text[32768];
	uint64_t s = 3;
	text[0] = 0;
	add_weights(text, sizeof text,
	    "x = Parameter-1 {shape=1,3,8,8 element_type=f32}\nwa = Const f32[8,3,3,3]", 216,
	    DEAD * 27, &s);
	add_weights(text, sizeof text, "wb = Const f32[8,8,3,3]", 576, 0, &s);
	add_weights(text, sizeof text, "wc = Const f32[4,8,3,3]", 288, 0, &s);
	strcat(text,
	    "a = Convolution-1(x, wa) {strides=1,1 dilations=1,1 pads_begin=1,1 pads_end=1,1}\n"
	    "ra = ReLU-1(a)\n"
	    "b = Convolution-1(ra, wb) {strides=1,1 dilations=1,1 pads_begin=1,1 pads_end=1,1}\n"
	    "rb = ReLU-1(b)\n"
	    "c = Convolution-1(rb, wc) {strides=1,1 dilations=1,1 pads_begin=1,1 pads_end=1,1}\n"
	    "Result-1(c)\n");
	return scan(text);
}

static int get_sample(void *user, int64_t i, struct tensor *in, int64_t *label, struct err *err)
{
	static const int64_t dims[] = {1, 3, 8, 8};
	(void)user;
	(void)err;
	*label = 0;
	in[0] = random_tensor(DT_F32, 4, dims, (uint64_t)i + 1);
	return OK;
}

static void test_dead(void **state)
{
	struct graph *g = network(), *cut = NULL;
	struct samples samples = {.count = SAMPLES, .get = get_sample};
	struct pruning_options o = {.exact_ratio = true, .samples = SAMPLES};
	struct pruning *p = NULL;
	double made = 0;
	(void)state;
	o.criterion = PRUNING_ACTIVATION;
	assert_int_equal(pruning_new(g, &o, &samples, &p, NULL), OK);
	assert_int_equal(pruning_ngroups(p), 2);
	/* the dead ones cost nothing; what they take along in both layers is theirs */
	pruning_plan(p, 0.2);
	assert_int_equal(pruning_group(p, 0).kept, 8 - DEAD);
	assert_int_equal(pruning_group(p, 1).kept, 8);
	/* then both groups lose some */
	pruning_plan(p, 0.6);
	assert_in_range(pruning_group(p, 0).kept, 2, 8 - DEAD);
	assert_in_range(pruning_group(p, 1).kept, 2, 7);
	assert_int_equal(pruning_make(p, 0.6, &cut, &made, NULL), OK);
	assert_true(made >= 0.6);
	graph_free(cut);
	pruning_free(p);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_dead)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
