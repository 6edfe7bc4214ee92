/* Plans as images: what they hold runs as the plan they were made of, and damage is noticed. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "exec/plan.h"
#include "graph/print.h"
#include "ops/op.h"
#include "plan.h"
#include "store/network.h"

#define CONV " {strides=1,1 pads_begin=1,1 pads_end=1,1 dilations=1,1 auto_pad=explicit}\n"
#define MATMUL " {transpose_a=false transpose_b=false}\n"

#define FQ(out, in, r) \
	out " = FakeQuantize-1(" in ", " r "0, " r "1, " r "0, " r "1) {levels=256}\n"
/* Integers of 6 output channels. */
#define WEIGHTS(name, dims)                                                  \
	name "i = Const i8[" dims "] random(3)\n" name "f = Convert-1(" name \
	     "i) {destination_type=f32}\n" name                              \
	     "s = Const f32[6,1,1,1] 0.01 0.02 0.015 0.01 0.03 "             \
	     "0.012\n" name " = Multiply-1(" name "f, " name "s)\n"

/* Every kind of call. */
static const char *const networks[] = {
    "x = Parameter-1 {shape=1,3,9,9 element_type=f32}\n"
    "w = Const f32[16,3,3,3] random(1)\na = Convolution-1(x, w)" CONV
    "bias = Const f32[1,16,1,1] random(2)\nb = Add-1(a, bias)\nc = ReLU-1(b)\n"
    "v = Const f32[16,16,3,3] random(3)\nd = Convolution-1(c, v)" CONV
    "e = Add-1(d, c)\nu = Const f32[16,1,1,3,3] random(4)\nf = GroupConvolution-1(e, u)" CONV
    "cat = Concat-1(f, e) {axis=1}\n"
    "p = MaxPool-1(cat) {kernel=2,2 strides=2,2 pads_begin=0,0 pads_end=0,0}\n"
    "q = Cos-1(p)\ng = Sigmoid-1(q)\nResult-1(g)\nResult-1(x)\n",
    /* so large that convolutions are done strip by strip */
    "x = Parameter-1 {shape=1,3,136,136 element_type=f32}\n"
    "w = Const f32[40,3,3,3] random(1)\na = Convolution-1(x, w)" CONV
    "bias = Const f32[1,40,1,1] random(2)\nb = Add-1(a, bias)\nc = ReLU-1(b)\n"
    "u = Const f32[40,1,1,3,3] random(4)\nf = GroupConvolution-1(c, u)" CONV
    "v = Const f32[2,40,1,1] random(3)\nh = HSwish-4(f)\nd = Convolution-1(h, v) {strides=1,1 "
    "pads_begin=0,0 pads_end=0,0 dilations=1,1 auto_pad=explicit}\n"
    "axes = Const i64[2] 2 3\nm = ReduceMean-1(d, axes) {keep_dims=true}\nResult-1(m)\n",
    "x = Parameter-1 {shape=2,6,8 element_type=f32}\n"
    "w = Const f32[8,8] random(1)\na = MatMul-1(x, w)" MATMUL
    "t = MatMul-1(a, x) {transpose_a=false transpose_b=true}\ns = SoftMax-8(t) {axis=-1}\n"
    "b = MatMul-1(s, a)" MATMUL "axes = Const i64[1] 2\n"
    "m = MVN-6(b, axes) {normalize_variance=true eps=1e-5 eps_mode=INSIDE_SQRT}\n"
    "y = Const f32[2,1,8] random(5)\nz = Multiply-1(m, y)\nk = Cos-1(z)\n"
    "r = ScaledDotProductAttention-13(k, a, x) {causal=false}\n"
    "i = Const i64[3] 2 0 1\nt0 = Transpose-1(r, i)\ncat = Concat-1(t0, t0) {axis=0}\n"
    "Result-1(cat)\n",
    "x = Parameter-1 {shape=1,6,5,5 element_type=f32}\nu0 = Const f32[] 0\nu1 = Const f32[] 2.55\n"
    "s0 = Const f32[] -1.28\ns1 = Const f32[] 1.27\n" FQ("q", "x", "s") WEIGHTS(
	"w", "6,6,3,3") "y = Convolution-1(q, w)" CONV
			"bias = Const f32[1,6,1,1] random(2)\nz = Add-1(y, bias)\n" FQ(
			    "p", "z", "s") "a = Add-1(q, p)\nr = ReLU-1(a)\n" FQ("t", "r",
			    "u") "m = MaxPool-8(t) {strides=1,1 dilations=1,1 "
				 "pads_begin=1,1 pads_end=1,1 kernel=3,3 "
				 "index_element_type=i64}\n" FQ("k", "m", "s") WEIGHTS(
				     "v", "6,6,3,3") "c = Convolution-1(m, v)" CONV
						     "d = Convolution-1(k, v)" CONV
						     "e = Add-1(c, d)\nResult-1(e)\n"
						     "Result-1(t)\n" FQ("q2", "x",
							 "u") "a2 = Add-1(q, q2)\n" FQ("t2", "a2",
							 "s") "c2 = "
							      "Convolution-1("
							      "t2, w)" CONV "Result-1(c2)\n",
    "x = Parameter-1 {shape=1,2,128 element_type=f32}\nh = Const f16[128,256] random(1)\n"
    "w = Convert-1(h) {destination_type=f32}\na = MatMul-1(x, w)" MATMUL
    "q = Const u4[256,4,64] random(2)\nqf = Convert-1(q) {destination_type=f32}\n"
    "s = Const f32[1,4,64] random(3)\nm = Multiply-1(qf, s)\nto = Const i64[2] 256 256\n"
    "v = Reshape-1(m, to) {special_zero=false}\nb = MatMul-1(a, v)" MATMUL "Result-1(b)\n",
    "x = Parameter-1 {shape=1,5,4,6 element_type=f32}\nw = Const f32[5,7,4,4] random(1)\n"
    "a = ConvolutionBackpropData-1(x, w) {strides=2,2 pads_begin=1,1 pads_end=1,1 "
    "dilations=1,1}\nbias = Const f32[1,7,1,1] random(2)\nb = Add-1(a, bias)\n"
    "c = Sigmoid-1(b)\naxes = Const i64[1] 1\n"
    "d = LRN-1(c, axes) {alpha=0.1 beta=0.6 bias=1.5 size=3}\nto = Const i64[2] 13 9\n"
    "plane = Const i64[2] 2 3\n"
    "e = Interpolate-11(d, to, plane) {mode=linear_onnx shape_calculation_mode=sizes}\n"
    "Result-1(e)\n",
    "x = Parameter-1 {shape=2,4,3 element_type=f32}\nh = Const f32[2,2,6] random(1)\n"
    "c = Const f32[2,2,6] random(2)\nn = Const i32[2] 4 2\nw = Const f32[2,24,3] random(3)\n"
    "r = Const f32[2,24,6] random(4)\nb = Const f32[2,24] random(5)\n"
    "y, yh, yc = LSTMSequence-5(x, h, c, n, w, r, b) {hidden_size=6 direction=bidirectional}\n"
    "w2 = Const f32[2,18,3] random(6)\nr2 = Const f32[2,18,6] random(7)\n"
    "b2 = Const f32[2,24] random(8)\n"
    "z, zh = GRUSequence-5(x, yh, n, w2, r2, b2) {hidden_size=6 direction=bidirectional "
    "linear_before_reset=true}\nResult-1(y)\nResult-1(yc)\nResult-1(z)\n",
};
#define NETWORKS (sizeof networks / sizeof *networks)

/* A network with the image of its plan, as a file would hold it. */
struct compiled {
	struct graph *g;
	struct exec *e;
	struct blob *graph, *plan, *weights;
};

static struct blob *joined(const struct exec_bytes *part, size_t n)
{
	size_t size = 0, at = 0;
	for (size_t i = 0; i < n; i++)
		size += (part[i].size + 63) / 64 * 64;
	char *data = aligned_alloc(64, size ? size : 64);
	assert_non_null(data);
	memset(data, 0, size);
	for (size_t i = 0; i < n; at += (part[i++].size + 63) / 64 * 64)
		if (part[i].size)
			memcpy(data + at, part[i].data, part[i].size);
	return blob_heap(data, size);
}

static struct tensor input_of(const struct graph *g)
{
	struct tensor t = {0};
	int64_t dim[MAX_RANK];
	const struct info *info = &g->inputs[0]->out[0].info;
	for (int d = 0; d < info->shape.rank; d++)
		dim[d] = info->shape.dim[d].min;
	assert_int_equal(tensor_alloc(&t, info->type, info->shape.rank, dim, NULL), OK);
	for (int64_t i = 0; i < tensor_count(&t); i++)
		tensor_set_f64(&t, i, (double)(i * 37 % 101) / 50 - 1);
	return t;
}

static void compile(struct compiled *c, const char *text)
{
	struct err err = {0};
	struct exec_image i;
	assert_int_equal(graph_scan(text, op_find, node_infer, &c->g, &err), OK);
	struct tensor in = input_of(c->g);
	assert_int_equal(exec_new(c->g, NULL, &c->e, &err), OK);
	assert_int_equal(exec_prepare(c->e, &in, &err), OK);
	int status = exec_save(c->e, &i, &err);
	if (status < 0)
		print_error("%s\n", err.text);
	assert_int_equal(status, OK);
	c->graph = joined(&i.graph, 1);
	c->plan = joined(&i.plan, 1);
	c->weights = joined(i.weights, i.nweights);
	exec_image_free(&i);
	tensor_free(&in);
}

static void compiled_free(struct compiled *c)
{
	exec_free(c->e);
	graph_free(c->g);
	blob_unref(c->graph);
	blob_unref(c->plan);
	blob_unref(c->weights);
}

static void same_outputs(const struct graph *g, const struct tensor *a, const struct tensor *b)
{
	for (int k = 0; k < g->noutputs; k++) {
		assert_int_equal(a[k].type, b[k].type);
		assert_int_equal(tensor_bytes(&a[k]), tensor_bytes(&b[k]));
		assert_memory_equal(a[k].data, b[k].data, tensor_bytes(&a[k]));
	}
}

/* Is there a network above for every kind that an image can hold? */
static void all_kinds(void **state)
{
	bool seen[CALL_KINDS] = {0};
	(void)state;
	for (size_t i = 0; i < NETWORKS; i++) {
		struct compiled c;
		compile(&c, networks[i]);
		for (int k = 0; k < c.e->plan[0]->ncalls; k++)
			seen[c.e->plan[0]->call[k].kind] = true;
		compiled_free(&c);
	}
#define CALL(kind, stem, fields, name)                          \
	if (!seen[CALL_##kind])                                 \
		print_error("no network here has: " name "\n"); \
	assert_true(seen[CALL_##kind]);
#define CALL_RUN(kind, stem, name)
#include "exec/calls.def"
#undef CALL
#undef CALL_RUN
}

/* Bit for bit, by any number of threads. */
static void runs_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * NETWORKS; i++) {
		struct compiled c;
		struct graph *g = NULL;
		struct exec *e = NULL;
		struct exec_options o = {0};
		struct tensor want[3], have[3];
		compile(&c, networks[i / 2]);
		struct tensor in = input_of(c.g);
		assert_int_equal(pool_new(i % 2 ? 2 : 1, &o.pool, NULL), OK);
		assert_int_equal(exec_load(c.graph, c.plan, c.weights, &g, NULL), OK);
		assert_int_equal(exec_new(g, &o, &e, NULL), OK);
		assert_int_equal(g->noutputs, c.g->noutputs);
		assert_int_equal(exec_run(c.e, &in, want, NULL), OK);
		assert_int_equal(exec_run(e, &in, have, NULL), OK);
		same_outputs(g, want, have);
		struct exec *other = NULL;
		assert_int_equal(exec_share(e, NULL, &other, NULL), OK);
		exec_free(e);
		assert_int_equal(exec_run(other, &in, have, NULL), OK);
		same_outputs(g, want, have);
		exec_free(other);
		graph_free(g);
		pool_free(o.pool);
		tensor_free(&in);
		compiled_free(&c);
	}
}

/* ---- damage ---- */

static void run_anyway(struct graph *g, struct exec *e)
{
	struct tensor in[4] = {0}, out[8];
	int n = g->ninputs < 4 ? g->ninputs : 4;
	bool small = g->ninputs <= 4 && g->noutputs <= 8 && exec_workspace(e) < 1 << 24;
	for (int k = 0; k < n && small; k++) {
		struct tensor t = {.type = g->inputs[k]->out[0].info.type};
		const struct shape *s = &g->inputs[k]->out[0].info.shape;
		for (int d = 0; d < s->rank; d++)
			t.dim[d] = s->dim[d].min;
		small = shape_count(s) >= 0 && shape_count(s) < 1 << 20 &&
			tensor_alloc(&in[k], t.type, s->rank, t.dim, NULL) == OK;
	}
	if (small)
		exec_run(e, in, out, NULL);
	for (int k = 0; k < n; k++)
		tensor_free(&in[k]);
}

/* An error with words, or a network that runs inside of its memory. */
static bool load_damaged(const struct compiled *c, struct blob *graph, struct blob *plan)
{
	struct err err = {0};
	struct graph *g = NULL;
	struct exec *e = NULL;
	int status = exec_load(graph, plan, c->weights, &g, &err);
	if (status == OK)
		status = exec_new(g, NULL, &e, &err);
	if (status == OK)
		run_anyway(g, e);
	else
		assert_true(err.text[0] && err.status == status);
	exec_free(e);
	graph_free(g);
	err_clear(&err);
	return status < 0;
}

static void each_byte(const struct compiled *c, bool plan, uint8_t flip)
{
	const struct blob *whole = plan ? c->plan : c->graph;
	size_t size = blob_size(whole), refused = 0;
	for (size_t i = 0; i < size; i++) {
		uint8_t *data = malloc(size);
		assert_non_null(data);
		memcpy(data, blob_direct(whole), size);
		data[i] ^= flip;
		struct blob *b = blob_heap(data, size);
		refused += load_damaged(c, plan ? c->graph : b, plan ? b : c->plan);
		blob_unref(b);
	}
	assert_true(refused > size / 4);
}

static void damage_is_noticed(void **state)
{
	static const uint8_t flip[] = {1, 0x80, 0xff};
	(void)state;
	for (size_t i = 0; i < NETWORKS; i++) {
		struct compiled c;
		compile(&c, networks[i]);
		for (size_t k = 0; k < sizeof flip; k++) {
			each_byte(&c, false, flip[k]);
			each_byte(&c, true, flip[k]);
		}
		compiled_free(&c);
	}
}

static void cut_short(void **state)
{
	(void)state;
	for (size_t i = 0; i < NETWORKS; i++) {
		struct compiled c;
		compile(&c, networks[i]);
		for (size_t size = 0; size + 64 <= blob_size(c.plan); size++) {
			struct blob *b = blob_copy(blob_direct(c.plan), size);
			assert_true(load_damaged(&c, c.graph, b));
			blob_unref(b);
		}
		for (size_t size = 0; size + 64 <= blob_size(c.graph); size++) {
			struct blob *b = blob_copy(blob_direct(c.graph), size);
			assert_true(load_damaged(&c, b, c.plan));
			blob_unref(b);
		}
		compiled_free(&c);
	}
}

/* ---- what is not compiled, or not for this ---- */

static void what_is_refused(void **state)
{
	struct err err = {0};
	struct exec_image i;
	struct graph *g = NULL;
	struct exec *e = NULL;
	(void)state;
	assert_int_equal(graph_scan("x = Parameter-1 {shape=5 element_type=f32}\n"
				    "y = NonZero-3(x) {output_type=i64}\nResult-1(y)\n",
			     op_find, node_infer, &g, &err),
	    OK);
	struct tensor in = input_of(g);
	assert_int_equal(exec_new(g, NULL, &e, &err), OK);
	assert_int_equal(exec_prepare(e, &in, &err), OK);
	assert_int_equal(exec_save(e, &i, &err), E_UNSUPPORTED);
	assert_holds(err.text, "not compiled");
	exec_image_free(&i);
	exec_free(e);
	graph_free(g);
	tensor_free(&in);
	struct compiled c;
	compile(&c, networks[0]);
	assert_int_equal(exec_load(c.graph, c.plan, c.weights, &g, &err), OK);
	assert_int_equal(
	    exec_new(g, &(struct exec_options){.exact = true}, &e, &err), E_UNSUPPORTED);
	assert_holds(err.text, "--exact");
	assert_int_equal(
	    exec_new(g, &(struct exec_options){.eval_only = true}, &e, &err), E_UNSUPPORTED);
	graph_free(g);
	compiled_free(&c);
}

/* The fields of a blob that say what it was made for. */
static void fields(void **state)
{
	static const char *const words[] = {"another build", "ref", "--exact", "bf16"};
	struct err err = {0};
	struct made ours = {.exact = true};
	(void)state;
	strcpy(ours.plan, PLAN_HASH);
	strcpy(ours.isa, cpu_level());
	struct made other[] = {ours, ours, ours, ours};
	strcpy(other[0].plan, "0123");
	strcpy(other[1].isa, "ref1");
	other[2].exact = false;
	assert_int_equal(made_check(&ours, true, false, &err), OK);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(made_check(&other[i], true, i == 3, &err), E_UNSUPPORTED);
		assert_holds(err.text, words[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_kinds),
	    cmocka_unit_test(runs_the_same),
	    cmocka_unit_test(damage_is_noticed),
	    cmocka_unit_test(cut_short),
	    cmocka_unit_test(what_is_refused),
	    cmocka_unit_test(fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
