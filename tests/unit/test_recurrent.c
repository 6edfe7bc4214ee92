/* LSTM, GRU and RNN by their kernel against eval: kinds, directions, functions, lengths, threads.
 */
#include "engine.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"

struct layer {
	int kind; /* 0 LSTM, 1 GRU, 2 RNN */
	int batch, steps, input, hidden;
	const char *direction, *more; /* attributes */
	bool lengths, eval;           /* given; a layer that the kernel has not */
};

static void make_text(const struct layer *y, char *to, size_t size)
{
	static const char *const op[] = {"LSTMSequence-5", "GRUSequence-5", "RNNSequence-5"};
	int dirs = !strcmp(y->direction, "bidirectional") + 1;
	int gates = (int[]){4, 3, 1}[y->kind] * y->hidden;
	bool reset = strstr(y->more, "linear_before_reset=true");
	int at = snprintf(to, size,
	    "x = Parameter-1 {shape=%d,%d,%d element_type=f32}\n"
	    "h = Parameter-1 {shape=%d,%d,%d element_type=f32}\n"
	    "n = Parameter-1 {shape=%d element_type=i32}\n"
	    "whole = Const i64[1] %d\nb = Const i64[1] %d\nall = Broadcast-3(whole, b) "
	    "{mode=numpy}\n"
	    "w = Const f32[%d,%d,%d] random(1)\nr = Const f32[%d,%d,%d] random(2)\n"
	    "bias = Const f32[%d,%d] random(3)\n",
	    y->batch, y->steps, y->input, y->batch, dirs, y->hidden, y->batch, y->steps, y->batch,
	    dirs, gates, y->input, dirs, gates, y->hidden, dirs, gates + (reset ? y->hidden : 0));
	at += snprintf(to + at, size - (size_t)at, "c = Cos-1(h)\n");
	snprintf(to + at, size - (size_t)at,
	    "y, yh%s = %s(x, h%s, %s, w, r, bias) {hidden_size=%d direction=%s %s}\n"
	    "Result-1(y)\nResult-1(yh)\n%s",
	    y->kind ? "" : ", yc", op[y->kind], y->kind ? "" : ", c", y->lengths ? "n" : "all",
	    y->hidden, y->direction, y->more, y->kind ? "" : "Result-1(yc)\n");
}

static void make_inputs(const struct layer *y, const struct graph *g, struct tensor *in)
{
	uint64_t seed = 5;
	for (int k = 0; k < g->ninputs; k++) {
		const struct info *info = &g->inputs[k]->out[0].info;
		int64_t dims[MAX_RANK];
		for (int d = 0; d < info->shape.rank; d++)
			dims[d] = info->shape.dim[d].min;
		assert_int_equal(
		    tensor_alloc(&in[k], info->type, info->shape.rank, dims, NULL), OK);
		for (int64_t i = 0; i < tensor_count(&in[k]); i++)
			if (info->type == DT_F32)
				((float *)in[k].data)[i] = 2 * rng_f32(&seed) - 1;
			else
				tensor_set_i64(&in[k], i, (i * 7 + 2) % (y->steps + 1));
	}
}

static void check(const struct layer *y)
{
	char text[4096];
	struct tensor in[3], want[3], one[3], three[3];
	struct pool *pool;
	float bound = y->hidden > 100 ? 1e-4f : 2e-5f; /* weights up to 1 saturate the gates */
	make_text(y, text, sizeof text);
	struct graph *g = scan(text);
	make_inputs(y, g, in);
	assert_int_equal(pool_new(3, &pool, NULL), OK);
	struct exec *ref = make_eval(g);
	struct exec *e1 = make(g, NULL);
	struct exec *e3 = make(g, &(struct exec_options){.pool = pool});
	for (int again = 0; again < 2; again++) {
		run(ref, in, want);
		run(e1, in, one);
		run(e3, in, three);
		assert_int_equal(count_calls(e1, CALL_RECURRENT), !y->eval);
		for (int k = 0; k < g->noutputs; k++) {
			const float *a = one[k].data, *b = want[k].data;
			for (int64_t i = 0; i < tensor_count(&want[k]); i++) {
				if (!(fabsf(a[i] - b[i]) <= bound))
					print_error("%s output %d, %lld: %g, expected %g\n", text,
					    k, (long long)i, (double)a[i], (double)b[i]);
				assert_true(fabsf(a[i] - b[i]) <= bound);
			}
			assert_memory_equal(a, three[k].data, tensor_bytes(&one[k]));
		}
	}
	for (int k = 0; k < g->ninputs; k++)
		tensor_free(&in[k]);
	exec_free(ref);
	exec_free(e1);
	exec_free(e3);
	pool_free(pool);
	graph_free(g);
}

static const char *const directions[] = {"forward", "reverse", "bidirectional"};

static void test_kinds(void **state)
{
	static const char *const more[] = {"", "clip=0.3", "linear_before_reset=true"};
	(void)state;
	for (int i = 0; i < 3 * 3 * 3 * 2 * 2; i++) {
		struct layer y = {.kind = i % 3,
		    .batch = i / 54 ? 3 : 1,
		    .steps = 5,
		    .input = 7,
		    .hidden = i / 54 ? 19 : 40,
		    .direction = directions[i / 3 % 3],
		    .more = more[i / 9 % 3],
		    .lengths = i / 27 % 2};
		if (y.kind == 1 || i / 9 % 3 < 2)
			check(&y);
	}
}

/* Sizes that are cut: batches of more rows than a tile, columns among threads. */
static void test_sizes(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		check(&(struct layer){kind, 20, 6, 5, 33, "bidirectional", "", true, false});
		check(&(struct layer){kind, 1, 3, 3, 600, "forward", "", false, false});
		check(&(struct layer){kind, 2, 1, 1, 1, "reverse", "", false, false});
	}
	check(
	    &(struct layer){1, 1, 3, 3, 700, "forward", "linear_before_reset=true", false, false});
}

static void test_levels(void **state)
{
	(void)state;
	assert_true(cpu_limit("ref"));
	check(&(struct layer){0, 3, 4, 5, 9, "bidirectional", "", true, false});
	check(&(struct layer){1, 3, 4, 5, 9, "bidirectional", "", true, false});
	assert_true(cpu_limit("avx2"));
	check(&(struct layer){0, 3, 4, 5, 21, "bidirectional", "", true, false});
	check(&(struct layer){1, 8, 4, 5, 21, "bidirectional", "", true, false});
	cpu_limit("bf16");
}

static void test_functions(void **state)
{
	(void)state;
	check(&(struct layer){
	    0, 2, 4, 5, 9, "forward", "activations=hardsigmoid,relu,elu", false, false});
	check(&(struct layer){0, 2, 4, 5, 9, "forward",
	    "activations=hardsigmoid,elu,softplus activations_alpha=0.3,0.7,1 "
	    "activations_beta=0.4,0,0",
	    false, false});
	check(&(struct layer){2, 2, 4, 5, 9, "reverse", "activations=relu", true, false});
	check(&(struct layer){1, 2, 4, 5, 9, "reverse", "activations=tanh,sigmoid", true, false});
	check(&(struct layer){2, 2, 4, 5, 9, "reverse", "activations=softsign", true, true});
}

static void test_bad_length(void **state)
{
	struct layer y = {0, 2, 4, 5, 9, "forward", "", true, false};
	char text[4096];
	struct tensor in[3], out[3];
	struct err err = {0};
	(void)state;
	make_text(&y, text, sizeof text);
	struct graph *g = scan(text);
	struct exec *e = make(g, NULL);
	make_inputs(&y, g, in);
	tensor_set_i64(&in[2], 1, 5);
	assert_int_equal(exec_run(e, in, out, &err), E_FORMAT);
	assert_holds(err.text, "sequence 1 has length 5 of 4");
	err_clear(&err);
	tensor_set_i64(&in[2], 1, -1);
	assert_int_equal(exec_run(e, in, out, &err), E_FORMAT);
	err_clear(&err);
	for (int k = 0; k < 3; k++)
		tensor_free(&in[k]);
	exec_free(e);
	graph_free(g);
}

/* Biases of another type are not read as floats. */
static void test_types(void **state)
{
	struct tensor x = {0}, got[2], want[2];
	(void)state;
	struct graph *g = scan(
	    "x = Parameter-1 {shape=2,3 element_type=f32}\nh = Const f32[2,4] random(1)\n"
	    "w = Const f32[4,3] random(2)\nr = Const f32[4,4] random(3)\nb = Const f16[4] "
	    "random(4)\n"
	    "y = RNNCell-1(x, h, w, r, b) {hidden_size=4}\n"
	    "c = Const f32[4] random(5)\nz = RNNCell-1(x, y, w, r, c) {hidden_size=4}\n"
	    "Result-1(y)\nResult-1(z)\n");
	struct exec *e = make(g, NULL);
	struct exec *ref = make_eval(g);
	assert_int_equal(tensor_alloc(&x, DT_F32, 2, (int64_t[]){2, 3}, NULL), OK);
	assert_int_equal(exec_run(e, &x, got, NULL), OK);
	assert_int_equal(exec_run(ref, &x, want, NULL), OK);
	assert_int_equal(count_calls(e, CALL_RECURRENT), 1);
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < 8; i++)
			assert_true(
			    fabsf(((float *)got[k].data)[i] - ((float *)want[k].data)[i]) < 1e-5f);
	tensor_free(&x);
	exec_free(e);
	exec_free(ref);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_sizes), cmocka_unit_test(test_levels),
	    cmocka_unit_test(test_functions), cmocka_unit_test(test_types),
	    cmocka_unit_test(test_bad_length)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
