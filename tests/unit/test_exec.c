/* The executor: kernels against eval, plans for changing shapes, threads, taps, sizes from data. */
#include "engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "exec/exec.h"
#include "exec/memplan.h"

/* Inputs for a graph; dims that are not fixed become free. */
static void make_inputs(const struct graph *g, int64_t free_dim, struct tensor *in)
{
	for (int k = 0; k < g->ninputs; k++)
		in[k] = random_input(g, k, free_dim);
}

static void free_inputs(const struct graph *g, struct tensor *in)
{
	for (int k = 0; k < g->ninputs; k++)
		tensor_free(&in[k]);
}

/* Kernels, with one thread and with three, against eval: the first two alike to the bit. */
static void check_sizes(const char *text, int64_t free_dim)
{
	struct graph *g = scan(text);
	struct pool *pool;
	struct tensor in[4], want[4], one[4], three[4];
	assert_int_equal(pool_new(3, &pool, NULL), OK);
	struct exec *ref = make_eval(g);
	struct exec *e1 = make(g, NULL), *e3 = make(g, &(struct exec_options){.pool = pool});
	make_inputs(g, free_dim, in);
	for (int again = 0; again < 2; again++) {
		run(ref, in, want);
		run(e1, in, one);
		run(e3, in, three);
		for (int k = 0; k < g->noutputs; k++) {
			assert_same(&one[k], &want[k], 2e-5);
			assert_memory_equal(one[k].data, three[k].data, tensor_bytes(&one[k]));
		}
	}
	free_inputs(g, in);
	exec_free(ref);
	exec_free(e1);
	exec_free(e3);
	pool_free(pool);
	graph_free(g);
}

static void check(const char *text)
{
	check_sizes(text, 3);
}

#define CONV(pads_begin, pads_end, strides, dilations, pad)                  \
	" {strides=" strides " pads_begin=" pads_begin " pads_end=" pads_end \
	" dilations=" dilations " auto_pad=" pad "}\n"

static void test_convolution(void **state)
{
	(void)state;
	check(
	    "x = Parameter-1 {shape=2,3,9,11 element_type=f32}\n"
	    "w = Const f32[13,3,3,3] random(1)\n"
	    "y = Convolution-1(x, w)" CONV("1,1", "1,1", "1,1", "1,1", "explicit") "Result-1(y)\n");
	check(
	    "x = Parameter-1 {shape=1,5,14,9 element_type=f32}\n"
	    "w = Const f32[4,5,3,2] random(1)\n"
	    "y = Convolution-1(x, w)" CONV("0,2", "1,0", "2,1", "1,3", "explicit") "Result-1(y)\n");
	check("x = Parameter-1 {shape=1,3,13,10 element_type=f32}\n"
	      "w = Const f32[4,3,3,4] random(1)\n"
	      "a = Convolution-1(x, w)" CONV(
		  "0,0", "0,0", "2,3", "1,1", "same_upper") "b = Convolution-1(x, w)" CONV("0,0",
		  "0,0", "2,1", "1,1", "same_lower") "c = Convolution-1(x, w)" CONV("0,0", "0,0",
		  "1,1", "2,1", "valid") "Result-1(a)\nResult-1(b)\nResult-1(c)\n");
	check("x = Parameter-1 {shape=1,6,30 element_type=f32}\n"
	      "w = Const f32[8,6,5] random(1)\n"
	      "y = Convolution-1(x, w)" CONV("2", "1", "2", "1", "explicit") "Result-1(y)\n");
	check("x = Parameter-1 {shape=1,2,5,6,7 element_type=f32}\n"
	      "w = Const f32[3,2,2,3,3] random(1)\n"
	      "y = Convolution-1(x, w)" CONV(
		  "1,1,1", "0,1,1", "1,1,2", "1,1,1", "explicit") "Result-1(y)\n");
}

static void test_groups(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=2,6,9,7 element_type=f32}\n"
	      "w = Const f32[2,5,3,3,3] random(1)\n"
	      "y = GroupConvolution-1(x, w)" CONV(
		  "1,1", "1,1", "1,1", "1,1", "explicit") "Result-1(y)\n");
	check("x = Parameter-1 {shape=2,7,19,21 element_type=f32}\n"
	      "w = Const f32[7,1,1,3,3] random(1)\n"
	      "b = Const f32[1,7,1,1] random(2)\n"
	      "y = GroupConvolution-1(x, w)" CONV(
		  "1,1", "1,1", "2,2", "1,1", "explicit") "z = Add-1(y, b)\n"
							  "r = Clamp-1(z) {min=0 max=0.5}\n"
							  "Result-1(r)\n");
	check("x = Parameter-1 {shape=1,4,8,8 element_type=f32}\n"
	      "w = Const f32[4,2,1,5,3] random(1)\n"
	      "y = GroupConvolution-1(x, w)" CONV(
		  "0,2", "1,0", "1,2", "1,2", "same_upper") "Result-1(y)\n");
}

/* Bias and clamp go into the kernel, or stay outside where the value is needed. */
static void test_fusion(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=?,3,8,8 element_type=f32}\n"
	      "w = Const f32[16,3,1,1] random(1)\n"
	      "b = Const f32[1,16,1,1] random(2)\n"
	      "y = Convolution-1(x, w)" CONV(
		  "0,0", "0,0", "1,1", "1,1", "explicit") "z = Add-1(y, b)\n"
							  "r = ReLU-1(z)\n"
							  "Result-1(r)\n");
	check("x = Parameter-1 {shape=1,3,8,8 element_type=f32}\n"
	      "w = Const f32[16,3,1,1] random(1)\n"
	      "b = Const f32[16,1,1] random(2)\n"
	      "y = Convolution-1(x, w)" CONV("0,0", "0,0", "1,1", "1,1",
		  "explicit") "z = Add-1(b, y)\n"
			      "r = ReLU-1(z)\n"
			      "Result-1(r)\nResult-1(z)\nResult-1(y)\n");
	/* Not a bias: one value per column. */
	check("x = Parameter-1 {shape=1,3,8,16 element_type=f32}\n"
	      "w = Const f32[16,3,1,1] random(1)\n"
	      "b = Const f32[16] random(2)\n"
	      "y = Convolution-1(x, w)" CONV(
		  "0,0", "0,0", "1,1", "1,1", "explicit") "z = Add-1(y, b)\n"
							  "Result-1(z)\n");
	/* Not a bias: the batch grows. */
	check("x = Parameter-1 {shape=1,3,4,4 element_type=f32}\n"
	      "w = Const f32[2,3,1,1] random(1)\n"
	      "b = Const f32[3,2,1,1] random(2)\n"
	      "y = Convolution-1(x, w)" CONV(
		  "0,0", "0,0", "1,1", "1,1", "explicit") "z = Add-1(y, b)\n"
							  "Result-1(z)\n");
	check("x = Parameter-1 {shape=1,3,4,4 element_type=f32}\n"
	      "w = Const f32[2,3,1,1] random(1)\n"
	      "b = Const f32[] 0.25\n"
	      "y = Convolution-1(x, w)" CONV(
		  "0,0", "0,0", "1,1", "1,1", "explicit") "z = Add-1(y, b)\n"
							  "Result-1(z)\n");
}

static void test_matmul(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=?,37 element_type=f32}\n"
	      "w = Const f32[50,37] random(1)\n"
	      "b = Const f32[1,50] random(2)\n"
	      "y = MatMul-1(x, w) {transpose_a=false transpose_b=true}\n"
	      "z = Add-1(y, b)\nr = ReLU-1(z)\nResult-1(r)\n");
	check("x = Parameter-1 {shape=2,3,7,37 element_type=f32}\n"
	      "w = Const f32[37,33] random(1)\n"
	      "b = Const f32[33] random(2)\n"
	      "y = MatMul-1(x, w) {transpose_a=false transpose_b=false}\n"
	      "z = Add-1(y, b)\nResult-1(z)\n");
	check("x = Parameter-1 {shape=2,1,37,7 element_type=f32}\n"
	      "y = Parameter-1 {shape=3,37,9 element_type=f32}\n"
	      "z = MatMul-1(x, y) {transpose_a=true transpose_b=false}\nResult-1(z)\n");
	check("x = Parameter-1 {shape=3,1,4,6 element_type=f32}\n"
	      "y = Parameter-1 {shape=5,9,6 element_type=f32}\n"
	      "z = MatMul-1(x, y) {transpose_a=false transpose_b=true}\nResult-1(z)\n");
	check("x = Parameter-1 {shape=3,6,4 element_type=f32}\n"
	      "w = Const f32[3,6,9] random(1)\n"
	      "z = MatMul-1(x, w) {transpose_a=true transpose_b=false}\nResult-1(z)\n");
	check("x = Parameter-1 {shape=6 element_type=f32}\n"
	      "w = Const f32[6,9] random(1)\nv = Const f32[6] random(2)\n"
	      "y = MatMul-1(x, w)\nz = MatMul-1(x, v)\nResult-1(y)\nResult-1(z)\n");
	check("x = Parameter-1 {shape=6,5 element_type=f32}\n"
	      "w = Const f32[7,6] random(1)\n"
	      "y = MatMul-1(w, x)\nResult-1(y)\n");
	/* many heads: the batches of both operands are the same ones */
	check("x = Parameter-1 {shape=256,512,1 element_type=f32}\n"
	      "y = Parameter-1 {shape=256,1,1 element_type=f32}\n"
	      "z = MatMul-1(x, y)\nResult-1(z)\n");
}

#define POOL(op, kernel, strides, begin, end, rounding, pad)                            \
	op " {kernel=" kernel " strides=" strides " pads_begin=" begin " pads_end=" end \
	   " rounding_type=" rounding " auto_pad=" pad "}"
#define INPUT(shape) "x = Parameter-1 {shape=" shape " element_type=f32}\n"

/* Every product in BF16: near FP32, but not the same, and the same bits for any threads; the
 * depthwise one and, without the instruction, all stay in FP32. */
static void test_bf16(void **state)
{
	struct graph *g = scan(
	    "x = Parameter-1 {shape=1,16,9,11 element_type=f32}\n"
	    "w = Const f32[32,16,3,3] random(1)\n"
	    "a = Convolution-1(x, w)" CONV("1,1", "1,1", "2,2", "1,1",
		"explicit") "d = Const f32[32,1,1,3,3] random(2)\n"
			    "b = GroupConvolution-1(a, d)" CONV("1,1", "1,1", "1,1", "1,1",
				"explicit") "s = Const i64[2] 32 30\n"
					    "c = Reshape-1(b, s) {special_zero=false}\n"
					    "m = Const f32[30,50] random(3)\n"
					    "y = MatMul-1(c, m)\n"
					    "Result-1(y)\n");
	struct pool *pool;
	struct tensor in[1], want[1], one[1], three[1];
	bool has = cpu_features() & CPU_BF16;
	(void)state;
	assert_int_equal(pool_new(3, &pool, NULL), OK);
	cpu_limit("bf16"); /* whether it is faster or not */
	struct exec *ref = make(g, NULL), *e1 = make(g, &(struct exec_options){.bf16 = true});
	struct exec *e3 = make(g, &(struct exec_options){.bf16 = true, .pool = pool});
	make_inputs(g, 1, in);
	run(ref, in, want);
	run(e1, in, one);
	run(e3, in, three);
	double largest = 0;
	for (int64_t i = 0; i < tensor_count(want); i++)
		largest = fmax(largest, fabs(tensor_f64(want, i)));
	assert_same(one, want, largest / 128);
	assert_memory_equal(one->data, three->data, tensor_bytes(one));
	assert_int_equal(!memcmp(one->data, want->data, tensor_bytes(one)), !has);
	assert_int_equal(exec_products(ref).all, 3);
	assert_int_equal(exec_products(ref).bf16, 0);
	assert_int_equal(exec_products(e1).all, 3);
	assert_int_equal(exec_products(e1).bf16, has ? 2 : 0);
	exec_free(e1);
	cpu_limit("avx512");
	e1 = make(g, &(struct exec_options){.bf16 = true});
	run(e1, in, one);
	assert_int_equal(exec_products(e1).bf16, 0);
	cpu_limit("bf16");
	free_inputs(g, in);
	exec_free(ref);
	exec_free(e1);
	exec_free(e3);
	pool_free(pool);
	graph_free(g);
}

static void test_max_pool(void **state)
{
	(void)state;
	check(INPUT("2,3,9,11") "y = " POOL(
	    "MaxPool-1(x)", "3,3", "2,2", "1,1", "1,1", "floor", "explicit") "\nResult-1(y)\n");
	check(INPUT("1,3,10,9") "y = " POOL(
	    "MaxPool-1(x)", "3,2", "2,3", "0,0", "0,1", "ceil", "explicit") "\nResult-1(y)\n");
	check(INPUT("1,3,10,9") "y = " POOL(
	    "MaxPool-1(x)", "2,4", "1,2", "0,0", "0,0", "floor", "same_upper") "\nResult-1(y)\n");
	check(INPUT("1,2,17") "y, i = " POOL(
	    "MaxPool-8(x)", "3", "2", "1", "1", "floor", "explicit") "\nResult-1(y)\n");
	check(INPUT("1,2,7,8") "y, i = " POOL("MaxPool-8(x)", "2,2", "2,2", "0,0", "0,0", "floor",
	    "valid") "\nResult-1(y)\nResult-1(i)\n");
	check(INPUT("1,2,5,6,7") "y = " POOL("MaxPool-1(x)", "2,2,2", "1,1,1", "0,0,0", "0,0,0",
	    "floor", "valid") "\nResult-1(y)\n");
}

/* Weights that are made when loading: FP16, and i8 with zero point and scale. */
static void test_compressed(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,4,6,6 element_type=f32}\n"
	      "h = Const f16[8,4,3,3] random(1)\n"
	      "w = Convert-1(h) {destination_type=f32}\n"
	      "y = Convolution-1(x, w)" CONV("1,1", "1,1", "1,1", "1,1",
		  "explicit") "q = Const i8[5,8,1,1] random(2)\n"
			      "f = Convert-1(q) {destination_type=f32}\n"
			      "o = Const f32[5,1,1,1] random(3)\n"
			      "s = Const f32[5,1,1,1] random(4)\n"
			      "d = Subtract-1(f, o)\nv = Multiply-1(d, s)\n"
			      "z = Convolution-1(y, v)" CONV(
				  "0,0", "0,0", "1,1", "1,1", "explicit") "Result-1(z)\n");
}

/* The scale of compressed weights is applied in f32 even where the file says f16. */
static void test_compressed_scale(void **state)
{
	(void)state;
	struct graph *g = scan("x = Parameter-1 {shape=1,1 element_type=f32}\n"
			       "q = Const u8[1,1] 200\nh = Convert-1(q) {destination_type=f16}\n"
			       "o = Const f16[1,1] 1\nd = Subtract-1(h, o)\n"
			       "s = Const f16[1,1] 0.1\nm = Multiply-1(d, s)\n"
			       "w = Convert-1(m) {destination_type=f32}\n"
			       "y = MatMul-1(x, w)\nResult-1(y)\n");
	float one = 1;
	struct tensor in = {.type = DT_F32, .rank = 2, .dim = {1, 1}, .data = &one}, out;
	for (int eval_only = 0; eval_only < 2; eval_only++) {
		struct exec *e = make(g, &(struct exec_options){.eval_only = eval_only});
		run(e, &in, &out);
		assert_true(*(float *)out.data == 199 * 0.0999755859375f);
		exec_free(e);
	}
	graph_free(g);
}

static void test_shapes_computed(void **state)
{
	(void)state;
	/* Sizes follow from the input's: no data needed. */
	check("x = Parameter-1 {shape=?,4,6 element_type=f32}\n"
	      "s = ShapeOf-3(x) {output_type=i64}\n"
	      "i = Const i64[1] 0\na = Const i64[] 0\nm = Const i64[1] -1\n"
	      "n = Gather-8(s, i, a) {batch_dims=0}\n"
	      "t = Concat-1(n, m) {axis=0}\n"
	      "y = Reshape-1(x, t) {special_zero=false}\n"
	      "z = ReLU-1(y)\nResult-1(z)\nResult-1(y)\nResult-1(t)\n");
	/* Sizes are an input. */
	struct graph *g = scan("x = Parameter-1 {shape=2,6 element_type=f32}\n"
			       "s = Parameter-1 {shape=2 element_type=i64}\n"
			       "y = Reshape-1(x, s) {special_zero=false}\n"
			       "z = ReLU-1(y)\nw = Const f32[4,5] random(1)\n"
			       "m = MatMul-1(z, w)\nResult-1(m)\nResult-1(x)\n");
	int64_t xd[] = {2, 6}, sd[] = {2};
	struct tensor in[2] = {random_tensor(DT_F32, 2, xd, 1), random_tensor(DT_I64, 1, sd, 2)};
	struct tensor out[2];
	struct exec *e = make(g, NULL);
	for (int again = 0; again < 2; again++) {
		tensor_set_i64(&in[1], 0, 3);
		tensor_set_i64(&in[1], 1, 4);
		run(e, in, out);
		assert_int_equal(out[0].rank, 2);
		assert_int_equal(out[0].dim[0], 3);
		assert_int_equal(out[0].dim[1], 5);
		assert_memory_equal(out[1].data, in[0].data, tensor_bytes(&in[0]));
	}
	free_inputs(g, in);
	exec_free(e);
	graph_free(g);
	/* Kernels before, eval behind; a product whose packed weights eval wants too. */
	check("x = Parameter-1 {shape=1,3,4,4 element_type=f32}\n"
	      "w = Const f32[2,3,3,3] random(1)\nb = Const f32[1,2,1,1] random(2)\n"
	      "y = Convolution-1(x, w)" CONV("1,1", "1,1", "1,1", "1,1",
		  "explicit") "z = Add-1(y, b)\nr = ReLU-1(z)\n"
			      "i = NonZero-3(r) {output_type=i64}\n"
			      "t = Convert-1(i) {destination_type=f32}\n"
			      "h = Const f16[4,5] random(3)\nf = Convert-1(h) "
			      "{destination_type=f32}\n"
			      "c = Const f32[5] random(3)\n"
			      "m = MatMul-1(t, f) {transpose_a=true}\na = Add-1(m, c)\nq = "
			      "ReLU-1(a)\n"
			      "Result-1(q)\nResult-1(i)\nResult-1(r)\nResult-1(i)\n");
	/* The positions of ones of a known shape are known. */
	check("x = Parameter-1 {shape=?,4 element_type=f32}\n"
	      "s = ShapeOf-3(x) {output_type=i64}\no = Const i64[] 1\n"
	      "f = Broadcast-3(o, s) {mode=numpy}\ni = NonZero-3(f) {output_type=i64}\n"
	      "c = Convert-1(i) {destination_type=f32}\nResult-1(c)\n");
}

/* Heads that attention reads where a product left them, through a Transpose and a Split; one part
 * is wanted by somebody else, too, then all are copied. */
static void test_heads(void **state)
{
#define HEADS                                                                               \
	"x = Parameter-1 {shape=?,9,20 element_type=f32}\nw = Const f32[20,72] random(1)\n" \
	"p = MatMul-1(x, w) {transpose_a=false transpose_b=false}\n"                        \
	"s = Const i64[4] 0 9 18 4\nr = Reshape-1(p, s) {special_zero=true}\n"              \
	"o = Const i64[4] 0 2 1 3\nt = Transpose-1(r, o)\na = Const i64[] 1\n"              \
	"q, k, v = Split-1(t, a) {num_splits=3}\n"
	(void)state;
	check(HEADS "y = ScaledDotProductAttention-13(q, k, v) {causal=false}\n"
		    "z = Transpose-1(y, o)\nResult-1(z)\n");
	check(HEADS "y = ScaledDotProductAttention-13(q, k, v) {causal=true}\nResult-1(y)\n");
	check(HEADS "y = ScaledDotProductAttention-13(q, k, v) {causal=true}\nResult-1(y)\n"
		    "c = Cos-1(k)\nResult-1(c)\n");
	check(HEADS "y = ScaledDotProductAttention-13(q, q, v) {causal=false}\nResult-1(y)\n");
}

/* Expand, depthwise and project with functions between, in strips; the sum with what came in. */
static void test_blocks(void **state)
{
	(void)state;
	check("x = Parameter-1 {shape=1,4,112,112 element_type=f32}\n"
	      "w = Const f32[24,4,1,1] random(1)\n"
	      "a = Convolution-1(x, w)" CONV("0,0", "0,0", "1,1", "1,1",
		  "explicit") "b = HSwish-4(a)\nu = Const f32[24,1,1,3,3] random(2)\n"
			      "c = GroupConvolution-1(b, u)" CONV("1,1", "1,1", "1,1", "1,1",
				  "explicit") "d = Swish-4(c)\nv = Const f32[4,24,1,1] random(3)\n"
					      "e = Convolution-1(d, v)" CONV("0,0", "0,0", "1,1",
						  "1,1", "explicit") "f = Add-1(e, x)\ng = "
								     "ReLU-1(f)\nResult-1(g)\n");
}

static void test_replan(void **state)
{
	(void)state;
	struct graph *g = scan("x = Parameter-1 {shape=?,3,?,8 element_type=f32}\n"
			       "w = Const f32[5,3,3,3] random(1)\n"
			       "y = Convolution-1(x, w)" CONV("1,1", "1,1", "1,1", "1,1",
				   "explicit") "r = ReLU-1(y)\nResult-1(r)\n");
	struct exec *ref = make_eval(g), *e = make(g, NULL);
	for (int i = 0; i < 14; i++) {
		int64_t dims[] = {1 + i % 7, 3, 3 + i % 5, 8};
		struct tensor in = random_tensor(DT_F32, 4, dims, (uint64_t)i), want, got;
		run(ref, &in, &want);
		run(e, &in, &got);
		assert_int_equal(got.dim[0], dims[0]);
		assert_same(&got, &want, 1e-5);
		tensor_free(&in);
	}
	exec_free(ref);
	exec_free(e);
	graph_free(g);
}

/* The edges: an input as output, a constant as output, one value as two outputs. */
static void test_outputs(void **state)
{
	(void)state;
	struct graph *g = scan("x = Parameter-1 {shape=2,3 element_type=f32}\n"
			       "c = Const f32[2] 1 2\n"
			       "s = Const i64[1] 6\n"
			       "y = Reshape-1(x, s) {special_zero=false}\n"
			       "z = ReLU-1(x)\n"
			       "Result-1(x)\nResult-1(c)\nResult-1(y)\nResult-1(z)\nResult-1(z)\n");
	int64_t dims[] = {2, 3};
	struct tensor in = random_tensor(DT_F32, 2, dims, 5), out[5];
	struct exec *e = make(g, NULL);
	run(e, &in, out);
	assert_memory_equal(out[0].data, in.data, 24);
	assert_ptr_not_equal(out[0].data, in.data);
	assert_true(((float *)out[1].data)[1] == 2);
	assert_memory_equal(out[2].data, in.data, 24);
	assert_int_equal(out[2].rank, 1);
	assert_ptr_not_equal(out[2].data, in.data);
	assert_memory_equal(out[3].data, out[4].data, 24);
	tensor_free(&in);
	exec_free(e);
	graph_free(g);
}

static int note(void *user, const struct value *v, const struct tensor *t, struct err *err)
{
	char *log = user;
	(void)err;
	assert_non_null(t->data);
	snprintf(log + strlen(log), 256 - strlen(log), "%s%lld ", value_name(v),
	    (long long)tensor_count(t));
	return OK;
}

static void test_tap(void **state)
{
	(void)state;
	struct graph *g = scan("x = Parameter-1 {shape=1,3,4,4 element_type=f32}\n"
			       "h = Const f16[2,3,1,1] random(1)\n"
			       "w = Convert-1(h) {destination_type=f32}\n"
			       "b = Const f32[1,2,1,1] random(1)\n"
			       "y = Convolution-1(x, w)" CONV("0,0", "0,0", "1,1", "1,1",
				   "explicit") "z = Add-1(y, b)\nr = ReLU-1(z)\nResult-1(r)\n");
	for (int eval_only = 0; eval_only < 2; eval_only++) {
		char log[256] = "";
		struct exec_options o = {.eval_only = eval_only, .tap = note, .user = log};
		struct exec *e = make(g, &o);
		int64_t dims[] = {1, 3, 4, 4};
		struct tensor in = random_tensor(DT_F32, 4, dims, 5), out;
		run(e, &in, &out);
		assert_string_equal(log, "x48 w6 y32 z32 r32 ");
		tensor_free(&in);
		exec_free(e);
	}
	graph_free(g);
}

static void test_misfits(void **state)
{
	(void)state;
	struct graph *g = scan("x = Parameter-1 {shape=?,3 element_type=f32}\n"
			       "y = ReLU-1(x)\nResult-1(y)\n");
	struct exec *e = make(g, NULL);
	int64_t dims[] = {2, 4};
	struct err err = {0};
	struct tensor in = random_tensor(DT_F32, 2, dims, 1), out;
	assert_int_equal(exec_run(e, &in, &out, &err), E_USAGE);
	assert_string_equal(err.text, "input 'x': shape [2,4] does not fit the network's [?,3]");
	tensor_free(&in);
	in = random_tensor(DT_I64, 2, dims, 1);
	assert_int_equal(exec_run(e, &in, &out, &err), E_USAGE);
	assert_string_equal(err.text, "input 'x': type i64 given, expected f32");
	tensor_free(&in);
	exec_free(e);
	graph_free(g);
}

/* A small file may ask for values that no machine holds. */
static void test_too_large(void **state)
{
	(void)state;
	struct graph *g = scan("x = Parameter-1 {shape=1 element_type=f32}\n"
			       "s = Const i64[3] 4096 4096 4000\n"
			       "y = Broadcast-3(x, s) {mode=numpy}\nz = ReLU-1(y)\n"
			       "Result-1(z)\n");
	struct exec *e = make(g, NULL);
	struct err err = {0};
	float one = 1;
	struct tensor in = {.type = DT_F32, .rank = 1, .dim = {1}, .data = &one}, out;
	assert_int_equal(exec_run(e, &in, &out, &err), E_LIMIT);
	exec_free(e);
	graph_free(g);
}

/* Items alive together never overlap; a chain needs no more than its two largest neighbours. */
static void test_memplan(void **state)
{
	(void)state;
	struct memplan_item item[200];
	uint64_t seed = 3;
	size_t total;
	for (int i = 0; i < 200; i++) {
		item[i].size = rng_next(&seed) % 3000;
		item[i].first = (int)(rng_next(&seed) % 100);
		item[i].last = item[i].first + (int)(rng_next(&seed) % 20);
	}
	assert_int_equal(memplan(item, 200, &total, NULL), OK);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(item[i].offset % MEMPLAN_ALIGN, 0);
		assert_true(item[i].offset + item[i].size <= total);
		for (int k = 0; k < i; k++)
			assert_true(item[i].last < item[k].first || item[k].last < item[i].first ||
				    item[i].offset + item[i].size <= item[k].offset ||
				    item[k].offset + item[k].size <= item[i].offset);
	}
	for (int i = 0; i < 50; i++)
		item[i] = (struct memplan_item){.size = 640, .first = i, .last = i + 1};
	assert_int_equal(memplan(item, 50, &total, NULL), OK);
	assert_int_equal(total, 1280);
	item[0].size = SIZE_MAX;
	assert_int_equal(memplan(item, 50, &total, NULL), E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_convolution),
	    cmocka_unit_test(test_groups),
	    cmocka_unit_test(test_fusion),
	    cmocka_unit_test(test_matmul),
	    cmocka_unit_test(test_bf16),
	    cmocka_unit_test(test_max_pool),
	    cmocka_unit_test(test_compressed),
	    cmocka_unit_test(test_compressed_scale),
	    cmocka_unit_test(test_shapes_computed),
	    cmocka_unit_test(test_heads),
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_replan),
	    cmocka_unit_test(test_outputs),
	    cmocka_unit_test(test_tap),
	    cmocka_unit_test(test_misfits),
	    cmocka_unit_test(test_too_large),
	    cmocka_unit_test(test_memplan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
