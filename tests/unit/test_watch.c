/* What watchers are given of a run: values as they lie, or what kernels saw of them: the same
 * extremes. */
#include "engine.h"

#define NAMES 8

/* The extremes of watched nodes' results, by name. */
struct watched {
	const char *name[NAMES];
	bool only[NAMES]; /* wants the ends alone */
	float low[NAMES], high[NAMES];
	bool finite[NAMES], told[NAMES], there[NAMES];
};

static int index_of(const struct watched *w, const struct value *v)
{
	for (int i = 0; i < NAMES && w->name[i]; i++)
		if (!strcmp(w->name[i], v->node->name))
			return i;
	return -1;
}

static bool tapped(void *user, const struct value *v)
{
	return index_of(user, v) >= 0;
}

static bool ends(void *user, const struct value *v)
{
	const struct watched *w = user;
	return w->only[index_of(w, v)];
}

static void look(const struct exec_view *v, float *low, float *high, bool *finite)
{
	int64_t n = tensor_count(v->t), c = v->channels_last ? v->t->dim[1] : n;
	int64_t ld = v->channels_last ? v->ld : n;
	const float *x = v->t->data;
	*low = INFINITY;
	*high = -INFINITY;
	*finite = true;
	for (int64_t i = 0; i < n; i++) {
		float f = x[i / c * ld + i % c];
		*finite &= isfinite(f) != 0;
		*low = fminf(*low, f);
		*high = fmaxf(*high, f);
	}
}

static int watch(void *user, const struct value *v, const struct exec_view *view, struct err *err)
{
	struct watched *w = user;
	int i = index_of(w, v);
	(void)err;
	w->told[i] = view->ends;
	w->there[i] = view->t->data;
	if (view->t->data)
		look(view, &w->low[i], &w->high[i], &w->finite[i]);
	if (!view->ends)
		return OK;
	if (view->t->data)
		assert_true(!w->finite[i] ||
			    (w->low[i] == view->ends->low && w->high[i] == view->ends->high));
	w->low[i] = view->ends->low;
	w->high[i] = view->ends->high;
	w->finite[i] = view->ends->finite;
	return OK;
}

/* The same bits whether kernels tell what they see or not. */
static void compare(struct graph *g, const struct tensor *in, struct watched *w)
{
	struct watched all = *w;
	struct tensor told[2], seen[2];
	struct exec_options o = {.watch = watch, .tapped = tapped, .user = &all};
	struct exec *plain = make(g, &o);
	o.ends = ends;
	o.user = w;
	struct exec *e = make(g, &o);
	for (int again = 0; again < 2; again++) {
		run(plain, in, seen);
		run(e, in, told);
		assert_memory_equal(told[0].data, seen[0].data, tensor_bytes(&seen[0]));
		for (int i = 0; i < NAMES && w->name[i]; i++) {
			assert_true(all.there[i] && !all.told[i]);
			assert_true(all.finite[i] == w->finite[i]);
			assert_true(!all.finite[i] ||
				    (all.low[i] == w->low[i] && all.high[i] == w->high[i]));
		}
	}
	exec_free(plain);
	exec_free(e);
}

#define CONV " {strides=1,1 pads_begin=1,1 pads_end=1,1 dilations=1,1 auto_pad=explicit}\n"
#define POINT " {strides=1,1 pads_begin=0,0 pads_end=0,0 dilations=1,1 auto_pad=explicit}\n"

/* A residual block with a first layer by Winograd: the sum is done by the last layer's kernel,
 * and what it is added to is known all the same. */
static const char residual[] = "x = Parameter-1 {shape=2,20,9,13 element_type=f32}\n"
			       "w = Const f32[40,20,3,3] random(1)\n"
			       "a = Convolution-1(x, w)" CONV "ar = ReLU-1(a)\n"
			       "v = Const f32[20,40,1,1] random(2)\n"
			       "b = Convolution-1(ar, v)" POINT "s = Add-1(b, x)\n"
			       "sr = Clamp-1(s) {min=-0.5 max=7}\n"
			       "u = Const f32[7,20,1,1] random(3)\n"
			       "c = Convolution-1(sr, u)" POINT "Result-1(c)\n";

static void test_residual(void **state)
{
	struct graph *g = scan(residual);
	struct tensor in = random_input(g, 0, 1);
	struct watched w = {.name = {"ar", "b", "sr", "c"}, .only = {true, true, true, false}};
	(void)state;
	compare(g, &in, &w);
	for (int i = 0; i < 4; i++)
		assert_true(w.told[i] && w.there[i] == !w.only[i] && w.finite[i]);
	assert_true(w.low[0] == 0 && w.low[2] == -0.5f && w.low[1] < -0.5f);
	((float *)in.data)[17] = INFINITY;
	compare(g, &in, &w);
	assert_false(w.finite[0] || w.finite[1]);
	tensor_free(&in);
	graph_free(g);
}

/* A value that is wanted itself is there, and the sum is a call of its own. */
static void test_wanted(void **state)
{
	struct graph *g = scan(residual);
	struct tensor in = random_input(g, 0, 1);
	struct watched w = {.name = {"b", "s", "sr"}, .only = {false, true, true}};
	(void)state;
	compare(g, &in, &w);
	assert_true(w.told[0] && w.there[0]);
	assert_true(w.there[1] && w.there[2] && !w.told[1] && !w.told[2]);
	tensor_free(&in);
	graph_free(g);
}

/* Depths that are cut, a function behind the sum, few channels, and layers that tell nothing. */
static void test_layers(void **state)
{
	struct graph *g = scan("x = Parameter-1 {shape=1,1500,17,19 element_type=f32}\n"
			       "w = Const f32[70,1500,1,1] random(1)\n"
			       "bias = Const f32[1,70,1,1] random(4)\n"
			       "a = Convolution-1(x, w)" POINT "ab = Add-1(a, bias)\n"
			       "t = Tanh-1(ab)\n"
			       "d = Const f32[70,1,1,3,3] random(2)\n"
			       "e = GroupConvolution-1(t, d)" CONV "er = ReLU-1(e)\n"
			       "v = Const f32[3,70,1,1] random(3)\n"
			       "f = Convolution-1(er, v)" POINT "Result-1(f)\n");
	struct tensor in = random_input(g, 0, 1);
	struct watched w = {.name = {"t", "er", "f"}, .only = {true, true, true}};
	(void)state;
	compare(g, &in, &w);
	assert_true(w.told[0] && w.told[2] && !w.told[1] && w.there[1]);
	tensor_free(&in);
	graph_free(g);
}

/* Products of matrices with a constant. */
static void test_products(void **state)
{
	struct graph *g = scan("x = Parameter-1 {shape=2,37,48 element_type=f32}\n"
			       "w = Const f32[48,80] random(1)\n"
			       "a = MatMul-1(x, w) {transpose_a=false transpose_b=false}\n"
			       "r = Gelu-7(a) {approximation_mode=ERF}\n"
			       "v = Const f32[80,48] random(2)\n"
			       "b = MatMul-1(r, v) {transpose_a=false transpose_b=false}\n"
			       "s = Add-1(b, x)\n"
			       "Result-1(s)\n");
	struct tensor in = random_input(g, 0, 1);
	struct watched w = {.name = {"r", "b", "s"}, .only = {true, true, true}};
	(void)state;
	compare(g, &in, &w);
	assert_true(w.told[0] && w.told[1] && w.told[2] && !w.there[1]);
	tensor_free(&in);
	graph_free(g);
}

static void count_last(void *user, const struct exec_timing *t)
{
	*(int *)user += !strcmp(t->node->name, "c");
}

/* Without results the layers behind what is watched neither run nor pack their weights. */
static void test_no_results(void **state)
{
	struct graph *g = scan(residual);
	struct tensor in = random_input(g, 0, 1), out;
	struct watched w = {.name = {"b", "sr"}, .only = {true, true}}, alone = w;
	int ran = 0, again = 0;
	struct exec_options o = {.watch = watch,
	    .tapped = tapped,
	    .ends = ends,
	    .user = &w,
	    .timed = count_last,
	    .timed_user = &ran};
	struct exec *all = make(g, &o);
	(void)state;
	run(all, &in, &out);
	assert_true(ran > 0);
	o.user = &alone;
	o.timed_user = &again;
	o.no_results = true;
	struct exec *e = make(g, &o);
	run(e, &in, NULL);
	assert_int_equal(again, 0);
	assert_true(exec_packed(e) < exec_packed(all));
	for (int i = 0; i < 2; i++)
		assert_true(
		    alone.told[i] && alone.low[i] == w.low[i] && alone.high[i] == w.high[i]);
	exec_free(all);
	exec_free(e);
	tensor_free(&in);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_residual),
	    cmocka_unit_test(test_wanted),
	    cmocka_unit_test(test_layers),
	    cmocka_unit_test(test_products),
	    cmocka_unit_test(test_no_results),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
