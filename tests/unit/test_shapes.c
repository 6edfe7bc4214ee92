/* Networks that run with several input shapes in turn: plans are kept, weights packed once for each
 * form that a kernel wants, and nothing else is made anew. */
#include "engine.h"

#include <math.h>
#include <string.h>

#define CONV(name, in, w, pad)                                                               \
	name " = Convolution-1(" in ", " w ") {strides=1,1 pads_begin=" pad " pads_end=" pad \
	     " dilations=1,1 auto_pad=explicit}\n"
#define HALF(name, dims, seed)                                                      \
	name "h = Const f16[" dims "] random(" seed ")\n" name " = Convert-1(" name \
	     "h) {destination_type=f32}\n"

static const char network[] = "x = Parameter-1 {shape=?,32,?,? element_type=f32}\n" HALF(
    "w", "32,32,3,3", "1") CONV("a", "x", "w", "1,1") HALF("v", "32,32,1,1", "2")
    CONV("b", "a", "v", "0,0") "u = Const f32[48,32,3,3] random(3)\n" CONV("c", "b", "u",
	"1,1") "axes = Const i64[2] 2 3\nm = ReduceMean-1(c, axes) {keep_dims=false}\n"
	       "t = Const f32[48,10] random(4)\n"
	       "y = MatMul-1(m, t) {transpose_a=false transpose_b=false}\nResult-1(y)\n";

/* Agreement of both on a batch of square images. */
static void check(struct exec *e, struct exec *ref, int64_t batch, int64_t size)
{
	int64_t dims[] = {batch, 32, size, size};
	struct tensor in = random_tensor(DT_F32, 4, dims, 3), got, want;
	run(e, &in, &got);
	run(ref, &in, &want);
	assert_close(&got, &want, 1e-4);
	tensor_free(&in);
}

static int plans_of(const struct exec *e)
{
	int n = 0;
	while (n < PLAN_CACHE && e->plan[n])
		n++;
	return n;
}

/* There and back: the plans are the same ones, and no weights are packed. */
static void back_and_forth(void **state)
{
	struct graph *g = scan(network);
	struct exec *e = make(g, NULL), *ref = make_eval(g);
	(void)state;
	check(e, ref, 1, 24);
	const struct plan *first = e->plan[0];
	assert_int_equal(e->net->npacks, 4);
	check(e, ref, 8, 24); /* the same kernels: the same packs */
	const struct plan *second = e->plan[0];
	assert_int_equal(e->net->npacks, 4);
	assert_true(first != second);
	for (int i = 0; i < 4; i++) {
		check(e, ref, i % 2 ? 8 : 1, 24);
		assert_ptr_equal(e->plan[0], i % 2 ? second : first);
		assert_int_equal(e->net->npacks, 4);
	}
	assert_int_equal(plans_of(e), 2);
	exec_free(e);
	exec_free(ref);
	graph_free(g);
}

static const struct value *named(const struct graph *g, const char *name)
{
	graph_each (g, n)
		if (!strcmp(n->name, name))
			return &n->out[0];
	return NULL;
}

/* Images of one pixel have other kernels for 3x3 windows: their weights are packed once more, from
 * constants that are made anew, and only those. */
static void another_kernel(void **state)
{
	struct graph *g = scan(network);
	struct exec *e = make(g, NULL), *ref = make_eval(g);
	(void)state;
	check(e, ref, 1, 24);
	check(e, ref, 1, 1);
	int packs = e->net->npacks;
	assert_in_range(packs, 5, 6);
	assert_non_null(e->net->all.t);
	assert_non_null(e->net->all.t[named(g, "w")->id].data);
	assert_null(e->net->all.t[named(g, "v")->id].data);
	assert_null(e->net->all.t[named(g, "u")->id].data);
	for (int i = 0; i < 4; i++) {
		check(e, ref, 1, i % 2 ? 1 : 24);
		assert_int_equal(e->net->npacks, packs);
	}
	exec_free(e);
	exec_free(ref);
	graph_free(g);
}

/* More shapes than plans are kept: the one used longest ago goes, its weights stay. */
static void many_shapes(void **state)
{
	struct graph *g = scan(network);
	struct exec *e = make(g, NULL), *ref = make_eval(g);
	(void)state;
	for (int i = 0; i < 3 * (PLAN_CACHE + 2); i++) {
		check(e, ref, 1, 16 + 4 * (i % (PLAN_CACHE + 2)));
		assert_true(plans_of(e) <= PLAN_CACHE);
		assert_int_equal(e->net->npacks, 4);
	}
	exec_free(e);
	exec_free(ref);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(back_and_forth),
	    cmocka_unit_test(another_kernel), cmocka_unit_test(many_shapes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
