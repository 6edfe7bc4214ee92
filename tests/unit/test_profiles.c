/* Networks compiled for several shapes: each plan runs as the network itself does, weights are
 * there once, other shapes are refused or planned from what is in the image. */
#include "check.h"

#include <pthread.h>
#include <string.h>

#include "base/rng.h"
#include "exec/compiled.h"
#include "exec/image.h"
#include "network.h"
#include "sections.h"

#define CONV(name, in, w, pad)                                                               \
	name " = Convolution-1(" in ", " w ") {strides=1,1 pads_begin=" pad " pads_end=" pad \
	     " dilations=1,1 auto_pad=explicit}\n"
#define MATMUL " {transpose_a=false transpose_b=false}\n"

/* With weights that are packed in two ways (by the size of the image), in FP16, turned, and not at
 * all. */
static const char convnet[] =
    "x = Parameter-1 {shape=1..8,32,1..64,? element_type=f32}\n"
    "w = Const f32[32,32,3,3] random(1)\n" CONV("a", "x", "w",
	"1,1") "vh = Const f16[32,32,1,1] random(2)\nv = Convert-1(vh) "
	       "{destination_type=f32}\n" CONV("b", "a", "v",
		   "0,0") "bias = Const f32[1,32,1,1] random(5)\nb2 = Add-1(b, bias)\n"
			  "u = Const f32[48,32,3,3] random(3)\n" CONV("c", "b2", "u",
			      "1,1") "axes = Const i64[2] 2 3\nm = ReduceMean-1(c, axes) "
				     "{keep_dims=false}\n"
				     "t = Const f32[48,10] random(4)\ny = MatMul-1(m, t)" MATMUL
				     "z = Cos-1(y)\nResult-1(z)\n"
				     "Result-1(b2)\n";

/* Rows of a table, products, and sizes that follow from the shape. */
static const char words[] =
    "x = Parameter-1 {shape=?,? element_type=i64}\n"
    "table = Const f32[50,64] random(1)\nzero = Const i64[] 0\n"
    "e = Gather-8(table, x, zero) {batch_dims=0}\n"
    "q = Const f32[64,64] random(2)\na = MatMul-1(e, q)" MATMUL
    "s = ShapeOf-3(a) {output_type=i64}\ni = Const i64[2] 0 1\nn = Gather-8(s, i, zero) "
    "{batch_dims=0}\nh = Const i64[2] 4 16\nto = Concat-1(n, h) {axis=0}\n"
    "b = Reshape-1(a, to) {special_zero=false}\norder = Const i64[4] 0 2 1 3\n"
    "c = Transpose-1(b, order)\nd = MatMul-1(c, c) {transpose_a=false transpose_b=true}\n"
    "p = SoftMax-8(d) {axis=-1}\nr = MatMul-1(p, c)" MATMUL "Result-1(r)\n";

#define PROJECTED(name, i, in, from, to, seed)                                                \
	name "w" i " = Const f32[" from "," to "] random(" seed ")\n" name "b" i              \
	     " = Const f32[" to "] random(" seed ")\n" name "m" i " = MatMul-1(" in ", " name \
	     "w" i ")" MATMUL name i " = Add-1(" name "m" i ", " name "b" i ")\n"
#define HEADS(name, i, in)                                                                         \
	name "r" i " = Reshape-1(" in ", to) {special_zero=false}\n" name i " = Transpose-1(" name \
	     "r" i ", order)\n"
#define NORMALIZED(name, i, a, b)                                                           \
	name "s" i " = Add-1(" a ", " b ")\n" name "n" i " = MVN-6(" name "s" i             \
	     ", last) {normalize_variance=true eps=1e-5 eps_mode=INSIDE_SQRT}\n" name "g" i \
	     " = Multiply-1(" name "n" i ", gamma)\n" name i " = Add-1(" name "g" i ", beta)\n"
/* A layer of a transformer on x, whose result is h followed by its number. */
#define LAYER(i, x)                                                                                \
	PROJECTED("q", i, x, "32", "32", i "1")                                                    \
	PROJECTED("k", i, x, "32", "32", i "2")                                                    \
	PROJECTED("v", i, x, "32", "32", i "3")                                                    \
	HEADS("qh", i, "q" i)                                                                      \
	HEADS("kh", i, "k" i)                                                                      \
	HEADS("vh", i, "v" i)                                                                      \
	"qs" i " = Multiply-1(qh" i ", scale)\nd" i " = MatMul-1(qs" i ", kh" i                    \
	") {transpose_a=false transpose_b=true}\np" i " = SoftMax-8(d" i ") {axis=-1}\na" i        \
	" = MatMul-1(p" i ", vh" i ")" MATMUL "at" i " = Transpose-1(a" i ", order)\nar" i         \
	" = Reshape-1(at" i                                                                        \
	", back) {special_zero=true}\n" PROJECTED("o", i, "ar" i, "32", "32", i "4")               \
	    NORMALIZED("f", i, "o" i, x) PROJECTED("u", i, "f" i, "32", "64",                      \
		i "5") "ug" i " = Gelu-7(u" i                                                      \
		       ") {approximation_mode=ERF}\n" PROJECTED("w", i, "ug" i, "64", "32", i "6") \
			   NORMALIZED("h", i, "w" i, "f" i)

/* BERT, small: places are as many as there are words, by Range. */
static const char encoder[] =
    "x = Parameter-1 {shape=?,? element_type=i64}\ntable = Const f32[50,32] random(1)\n"
    "places = Const f32[64,32] random(2)\nzero = Const i64[] 0\none = Const i64[] 1\n"
    "s = ShapeOf-3(x) {output_type=i64}\nlen = Gather-8(s, one, zero) {batch_dims=0}\n"
    "r = Range-4(zero, len, one) {output_type=i64}\nat = Gather-8(places, r, zero) "
    "{batch_dims=0}\ne = Gather-8(table, x, zero) {batch_dims=0}\nx0 = Add-1(e, at)\n"
    "heads = Const i64[2] 4 8\nto = Concat-1(s, heads) {axis=0}\nback = Const i64[3] 0 0 32\n"
    "order = Const i64[4] 0 2 1 3\nlast = Const i64[1] -1\nscale = Const f32[] 0.35\n"
    "gamma = Const f32[32] random(3)\nbeta = Const f32[32] random(4)\n" LAYER("1", "x0")
	LAYER("2", "h1") LAYER("3", "h2") "Result-1(h3)\n";

struct subject {
	const char *text;
	enum dtype type;
	int rank;
	int64_t set[3][4], between[2][4];
};
static const struct subject subjects[] = {
    {convnet, DT_F32, 4, {{1, 32, 24, 24}, {1, 32, 1, 1}, {4, 32, 24, 24}},
	{{2, 32, 9, 17}, {1, 32, 3, 1}}},
    {words, DT_I64, 2, {{1, 16}, {1, 64}, {3, 7}}, {{1, 40}, {5, 1}}},
};
enum { SETS = 3 };

static struct tensor filled(const struct subject *s, const int64_t *dim)
{
	struct tensor t;
	uint64_t seed = 3;
	assert_int_equal(tensor_alloc(&t, s->type, s->rank, dim, NULL), OK);
	for (int64_t i = 0; i < tensor_count(&t); i++)
		if (s->type == DT_F32)
			((float *)t.data)[i] = 2 * rng_f32(&seed) - 1;
		else
			tensor_set_i64(&t, i, (int64_t)(rng_next(&seed) % 50));
	return t;
}

struct made_of {
	struct graph *g;
	struct exec *e;
	struct exec_sections s;
};

static void compile_with(struct made_of *c, const struct subject *s, int n, bool open, float share)
{
	struct exec_options o = {.share = share};
	struct tensor in[SETS] = {0};
	for (int i = 0; i < n; i++) {
		in[i] = (struct tensor){.type = s->type, .rank = s->rank};
		memcpy(in[i].dim, s->set[i], sizeof s->set[i]);
	}
	c->g = scan(s->text);
	assert_int_equal(exec_new(c->g, &o, &c->e, NULL), OK);
	sections_save(&c->s, c->e, &(struct exec_shapes){in, n, open});
}

static void compile(struct made_of *c, const struct subject *s, int n, bool open)
{
	compile_with(c, s, n, open, 0);
}

static void made_free(struct made_of *c)
{
	exec_free(c->e);
	graph_free(c->g);
	sections_free(&c->s);
}

static void same_run(const struct subject *s, const struct made_of *c, struct exec *e,
    const int64_t *dim, bool loaded)
{
	struct tensor in = filled(s, dim), want[2], have[2];
	struct err err = {0};
	int status = exec_run(e, &in, have, &err);
	if (status < 0)
		print_error("%s\n", err.text);
	assert_int_equal(status, OK);
	assert_int_equal(exec_plan_loaded(e), loaded);
	assert_int_equal(exec_run(c->e, &in, want, NULL), OK);
	for (int k = 0; k < c->g->noutputs; k++) {
		assert_int_equal(tensor_bytes(&have[k]), tensor_bytes(&want[k]));
		assert_memory_equal(have[k].data, want[k].data, tensor_bytes(&want[k]));
	}
	tensor_free(&in);
}

/* Every plan, several times and in any order, by execs that share it all. */
static void runs_the_same(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		const struct subject *s = &subjects[i / 2];
		struct made_of c;
		struct graph *g = NULL;
		struct exec *e = NULL, *other = NULL;
		compile(&c, s, SETS, i % 2);
		assert_int_equal(exec_load(&c.s, &g, NULL), OK);
		assert_int_equal(exec_planned(g), SETS);
		assert_int_equal(exec_planned_open(g), i % 2);
		assert_int_equal(exec_new(g, NULL, &e, NULL), OK);
		assert_int_equal(exec_share(e, NULL, &other, NULL), OK);
		for (int k = 0; k < 2 * SETS; k++) {
			assert_int_equal(
			    exec_planned_for(g, k % SETS)->dim[0], s->set[k % SETS][0]);
			same_run(s, &c, k % 2 ? e : other, s->set[k % SETS], true);
		}
		assert_null(e->net->behind);
		exec_free(e);
		same_run(s, &c, other, s->set[1], true);
		exec_free(other);
		graph_free(g);
		made_free(&c);
	}
}

/* Lengths with a plan, and those whose plan is made when they come, in any order. */
static void encoders_of_any_length(void **state)
{
	static const struct subject s = {encoder, DT_I64, 2, {{1, 16}, {2, 32}}, {{1, 7}, {3, 33}}};
	struct made_of c;
	struct graph *g = NULL;
	struct exec *e = NULL;
	(void)state;
	compile(&c, &s, 2, true);
	assert_int_equal(exec_load(&c.s, &g, NULL), OK);
	assert_int_equal(exec_new(g, NULL, &e, NULL), OK);
	for (int turn = 0; turn < 2; turn++)
		for (int k = 0; k < 2; k++) {
			same_run(&s, &c, e, s.set[k], true);
			same_run(&s, &c, e, s.between[k], false);
		}
	exec_free(e);
	graph_free(g);
	made_free(&c);
}

/* What the plans have in common takes the room of one. */
static void weights_are_shared(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct made_of one, all;
		struct exec_plan_size size[SETS];
		struct graph *g = NULL;
		struct exec *e = NULL;
		compile(&one, &subjects[i], 1, false);
		compile(&all, &subjects[i], SETS, false);
		size_t a = blob_size(one.s.weights), b = blob_size(all.s.weights);
		/* images of one pixel have weights of their own */
		assert_true(i ? b < a + a / 8 : b > a && b < 2 * a);
		assert_int_equal(exec_load(&all.s, &g, NULL), OK);
		assert_int_equal(exec_new(g, NULL, &e, NULL), OK);
		assert_int_equal(exec_plan_sizes(e, size, NULL), OK);
		for (int k = 0; k < SETS; k++)
			assert_true(size[k].calls && size[k].alone < size[k].weights &&
				    size[k].weights <= (int64_t)b && size[k].workspace);
		exec_free(e);
		graph_free(g);
		made_free(&one);
		made_free(&all);
	}
}

/* With a bound on what that may cost weights are there once, also for shapes that come later; a
 * bound of 1 lets go of the best way only for one that is as good. */
static void ways_are_shared(void **state)
{
	const struct subject *s = &subjects[0];
	struct made_of one, all, same;
	struct graph *g = NULL;
	struct exec *e = NULL;
	(void)state;
	compile(&one, s, 1, false);
	compile_with(&same, s, SETS, false, 1);
	compile_with(&all, s, SETS, true, 100);
	size_t a = blob_size(one.s.weights);
	assert_true(blob_size(same.s.weights) > a + a / 8);
	assert_true(blob_size(all.s.weights) < a + a / 8);
	assert_int_equal(exec_load(&all.s, &g, NULL), OK);
	assert_int_equal(exec_new(g, NULL, &e, NULL), OK);
	for (int k = 0; k < SETS; k++)
		same_run(s, &all, e, s->set[k], true);
	for (int k = 0; k < 2; k++)
		same_run(s, &all, e, s->between[k], false);
	assert_int_equal(exec_packed(e), 0);
	exec_free(e);
	graph_free(g);
	made_free(&one);
	made_free(&all);
	made_free(&same);
}

/* One error, which names what was asked for and what there is. */
static void others_are_refused(void **state)
{
	struct err err = {0};
	struct tensor out[2];
	struct made_of c;
	struct graph *g = NULL;
	struct exec *e = NULL;
	(void)state;
	compile(&c, &subjects[1], SETS, false);
	assert_int_equal(exec_load(&c.s, &g, NULL), OK);
	assert_int_equal(exec_new(g, NULL, &e, NULL), OK);
	struct tensor in = filled(&subjects[1], subjects[1].between[0]);
	assert_int_equal(exec_run(e, &in, out, &err), E_USAGE);
	assert_string_equal(err.text, "no plan for x[1,40]: compiled for x[1,16], x[1,64], x[3,7]");
	tensor_free(&in);
	in = filled(&subjects[1], (int64_t[]){4, 7});
	assert_int_equal(exec_run(e, &in, out, &err), E_USAGE);
	assert_holds(err.text, "input 'x': shape [4,7] does not fit the compiled network's "
			       "[1..3,7..64]");
	tensor_free(&in);
	same_run(&subjects[1], &c, e, subjects[1].set[2], true);
	exec_free(e);
	graph_free(g);
	made_free(&c);
}

/* Packs that the image has are used where they lie; only another form is packed. */
static void others_are_planned(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct subject *s = &subjects[i];
		struct made_of c;
		struct graph *g = NULL;
		struct exec *e = NULL, *other = NULL;
		compile(&c, s, SETS, true);
		assert_int_equal(exec_load(&c.s, &g, NULL), OK);
		assert_int_equal(exec_new(g, NULL, &e, NULL), OK);
		assert_int_equal(exec_share(e, NULL, &other, NULL), OK);
		for (int k = 0; k < 4; k++)
			same_run(s, &c, k > 1 ? other : e, s->between[k % 2], false);
		same_run(s, &c, e, s->set[0], true);
		assert_int_equal(exec_packed(e), 0);
		exec_free(e);
		same_run(s, &c, other, s->between[0], false);
		exec_free(other);
		graph_free(g);
		made_free(&c);
	}
}

struct planner {
	pthread_t thread;
	struct exec *e;
	struct tensor in, out[2];
	struct err err;
	int status;
};

static void *plan_and_run(void *arg)
{
	struct planner *p = arg;
	for (int turn = 0; turn < 2 && p->status == OK; turn++)
		p->status = exec_run(p->e, &p->in, p->out, &p->err);
	return NULL;
}

/* Threads that share an image plan at the same time: what it has, and what it has not, where one of
 * them is the first to need the whole network. */
static void planned_at_once(void **state)
{
	enum { PLANNERS = 4 };
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct subject *s = &subjects[i];
		const int64_t *dim[PLANNERS] = {
		    s->between[0], s->between[1], s->set[1], s->between[0]};
		struct planner p[PLANNERS] = {0};
		struct made_of c;
		struct graph *g = NULL;
		compile(&c, s, 2, true);
		assert_int_equal(exec_load(&c.s, &g, NULL), OK);
		assert_int_equal(exec_new(g, NULL, &p[0].e, NULL), OK);
		for (int k = 0; k < PLANNERS; k++) {
			p[k].in = filled(s, dim[k]);
			if (k)
				assert_int_equal(exec_share(p[0].e, NULL, &p[k].e, NULL), OK);
		}
		for (int k = 0; k < PLANNERS; k++)
			assert_int_equal(
			    pthread_create(&p[k].thread, NULL, plan_and_run, &p[k]), 0);
		for (int k = 0; k < PLANNERS; k++)
			pthread_join(p[k].thread, NULL);
		for (int k = 0; k < PLANNERS; k++) {
			struct tensor want[2];
			assert_int_equal(p[k].status, OK);
			assert_int_equal(exec_run(c.e, &p[k].in, want, NULL), OK);
			for (int o = 0; o < c.g->noutputs; o++)
				assert_memory_equal(
				    p[k].out[o].data, want[o].data, tensor_bytes(&want[o]));
			exec_free(p[k].e);
			tensor_free(&p[k].in);
		}
		graph_free(g);
		made_free(&c);
	}
}

/* With one plan, of few pixels, others need weights packed in another way: from the constants. */
static void packed_anew(void **state)
{
	struct subject s = subjects[0];
	struct made_of c;
	struct graph *g = NULL;
	struct exec *e = NULL;
	(void)state;
	memcpy(s.set[0], s.set[1], sizeof s.set[0]);
	compile(&c, &s, 1, true);
	assert_int_equal(exec_load(&c.s, &g, NULL), OK);
	assert_int_equal(exec_new(g, NULL, &e, NULL), OK);
	same_run(&s, &c, e, subjects[0].set[0], false);
	assert_true(exec_packed(e) > 0);
	exec_free(e);
	graph_free(g);
	made_free(&c);
}

/* Weights that are packed are in the image once; tables that are read as they are stay. */
static void constants_of_packs(void **state)
{
	const struct subject *s = &subjects[1];
	const size_t table = 50 * 64 * sizeof(float), weights = 64 * 64 * sizeof(float);
	struct made_of c;
	(void)state;
	compile(&c, s, 1, true);
	assert_in_range(blob_size(c.s.constants) + blob_size(c.s.weights), table + weights,
	    table + weights + weights / 2);
	made_free(&c);
}

/* A network loaded from an image is saved again with the plans that were added to it. */
static void grows(void **state)
{
	const struct subject *s = &subjects[1];
	struct tensor in[2] = {{.type = DT_I64, .rank = 2, .dim = {1, 40}},
	    {.type = DT_I64, .rank = 2, .dim = {1, 16}}};
	struct made_of c, more = {0};
	struct graph *g = NULL, *again = NULL;
	struct exec *e = NULL, *f = NULL;
	(void)state;
	compile(&c, s, 1, true);
	assert_int_equal(exec_load(&c.s, &g, NULL), OK);
	assert_int_equal(exec_new(g, NULL, &e, NULL), OK);
	same_run(s, &c, e, s->between[0], false);
	sections_save(&more.s, e, &(struct exec_shapes){in, 2, true});
	assert_int_equal(exec_load(&more.s, &again, NULL), OK);
	assert_int_equal(exec_new(again, NULL, &f, NULL), OK);
	same_run(s, &c, f, s->between[0], true);
	same_run(s, &c, f, s->set[0], true);
	same_run(s, &c, f, s->set[1], false);
	exec_free(e);
	exec_free(f);
	graph_free(g);
	graph_free(again);
	sections_free(&more.s);
	made_free(&c);
}

/* ---- damage ---- */

/* Runs a planned shape and another one: each is right or an error with words. */
static bool run_damaged(const struct subject *s, const struct exec_sections *sections)
{
	struct err err = {0};
	struct graph *g = NULL;
	struct exec *e = NULL;
	struct tensor out[4];
	bool refused = false;
	int status = exec_load(sections, &g, &err);
	if (status == OK)
		status = exec_new(g, NULL, &e, &err);
	refused |= status < 0;
	for (int k = 0; k < 2 && e && g->ninputs == 1 && g->noutputs < 4; k++) {
		struct tensor in = filled(s, k ? s->between[0] : s->set[1]);
		status = exec_run(e, &in, out, &err);
		refused |= status < 0;
		assert_true(status == OK || err.text[0]);
		tensor_free(&in);
	}
	exec_free(e);
	graph_free(g);
	err_clear(&err);
	return refused;
}

static void damage(const struct subject *s, const struct made_of *c, size_t at, size_t step)
{
	struct exec_sections bad = c->s;
	const struct blob *whole = *section(&bad, at);
	size_t size = blob_size(whole), refused = 0, n = 0;
	for (size_t i = 0; i < size; i += step, n++) {
		uint8_t *data = aligned_alloc(64, (size + 63) / 64 * 64);
		memcpy(data, blob_direct(whole), size);
		data[i] ^= i % 3 ? 0xff : 1;
		struct blob *b = *section(&bad, at) = blob_heap(data, size);
		refused += run_damaged(s, &bad);
		blob_unref(b);
	}
	assert_true(refused > n / 8);
	for (size_t i = 0; i + 64 <= size; i += step) {
		struct blob *b = *section(&bad, at) = blob_copy(blob_direct(whole), i);
		assert_true(run_damaged(s, &bad));
		blob_unref(b);
	}
}

static void damage_is_noticed(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct made_of c;
		compile(&c, &subjects[i], 2, true);
		damage(&subjects[i], &c, offsetof(struct exec_sections, graph), 5);
		damage(&subjects[i], &c, offsetof(struct exec_sections, plan), 7);
		damage(&subjects[i], &c, offsetof(struct exec_sections, network), 5);
		made_free(&c);
	}
}

/* A plan whose record is damaged is refused when it is used; the others run. */
static void second_plan_damaged(void **state)
{
	const struct subject *s = &subjects[1];
	struct made_of c;
	struct graph *g = NULL;
	struct exec *e = NULL;
	struct err err = {0};
	struct tensor out[2];
	(void)state;
	compile(&c, s, SETS, false);
	assert_int_equal(exec_load(&c.s, &g, NULL), OK);
	const struct compiled_plan *at = &g->compiled->v[1];
	size_t size = blob_size(c.s.plan), from = at->at, length = at->size;
	graph_free(g);
	uint8_t *data = aligned_alloc(64, size);
	memcpy(data, blob_direct(c.s.plan), size);
	memset(data + from + length / 2, 0xff, 8);
	blob_unref(c.s.plan);
	c.s.plan = blob_heap(data, size);
	assert_int_equal(exec_load(&c.s, &g, NULL), OK);
	assert_int_equal(exec_new(g, NULL, &e, NULL), OK);
	same_run(s, &c, e, s->set[0], true);
	struct tensor in = filled(s, s->set[1]);
	assert_int_equal(exec_run(e, &in, out, &err), E_FORMAT);
	assert_holds(err.text, "compiled network");
	tensor_free(&in);
	same_run(s, &c, e, s->set[2], true);
	exec_free(e);
	graph_free(g);
	made_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(runs_the_same),
	    cmocka_unit_test(encoders_of_any_length),
	    cmocka_unit_test(weights_are_shared),
	    cmocka_unit_test(ways_are_shared),
	    cmocka_unit_test(others_are_refused),
	    cmocka_unit_test(others_are_planned),
	    cmocka_unit_test(planned_at_once),
	    cmocka_unit_test(packed_anew),
	    cmocka_unit_test(constants_of_packs),
	    cmocka_unit_test(grows),
	    cmocka_unit_test(damage_is_noticed),
	    cmocka_unit_test(second_plan_damaged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
