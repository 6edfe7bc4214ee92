/* The pass manager: what it runs, reports, refuses; that passes keep names, share weights and stop.
 */
#include <stdio.h>
#include <stdlib.h>

#include "network.h"

#include "passes/pass.h"

static const char block[] =
    "x = Parameter-1 {shape=1,2,4,4 element_type=f32}\n"
    "w = Const f32[2,2,3,3] random(1)\n"
    "conv = Convolution-1(x, w) {strides=1,1 pads_begin=1,1 pads_end=1,1 dilations=1,1}\n"
    "k = Const f32[2] 1 2\n"
    "bn = BatchNormInference-5(conv, k, k, k, k) {epsilon=0.001}\n"
    "one = Const f32[] 1\n"
    "same = Multiply-1(bn, one)\n"
    "relu = ReLU-1(same)\n"
    "Result-1(relu)\n";

static const struct pass_result *row(const struct pass_report *r, const char *name)
{
	for (int i = 0; i < r->npasses; i++)
		if (!strcmp(r->pass[i].name, name))
			return &r->pass[i];
	return NULL;
}

static void descriptors_are_complete(void **state)
{
	(void)state;
	for (int i = 0; pass_table[i]; i++) {
		const struct pass *p = pass_table[i];
		assert_non_null(p->run);
		assert_true(p->about[0] && strlen(p->about) < 90);
		assert_ptr_equal(pass_find(p->name), p); /* each name once */
	}
	assert_null(pass_find("no-such-pass"));
}

static void the_report_sums_up(void **state)
{
	(void)state;
	struct graph *g = scan(block);
	struct pass_options o = pass_defaults();
	struct pass_report r = {.arena = arena_new()};
	struct err e = {0};
	assert_int_equal(passes_run(g, &o, NULL, &r, &e), OK);
	assert_int_equal(row(&r, "fuse-bn")->rewrites, 1);
	assert_int_equal(row(&r, "no-op")->rewrites, 1);
	assert_int_equal(row(&r, "no-op")->nodes_before, 4);
	assert_int_equal(row(&r, "no-op")->nodes_after, 3);
	assert_int_equal(graph_layers(g), 3);
	arena_free(r.arena);
	graph_free(g);
}

static void disabled_passes_do_not_run(void **state)
{
	(void)state;
	static const char *const off[] = {"fuse-bn", "lower-bn"};
	struct graph *g = scan(block);
	struct pass_options o = pass_defaults();
	struct pass_report r = {.arena = arena_new()};
	o.disabled = off;
	o.ndisabled = 2;
	assert_int_equal(passes_run(g, &o, NULL, &r, NULL), OK);
	assert_null(row(&r, "fuse-bn"));
	assert_true(node_is(graph_find_node(g, "bn"), OP_BATCH_NORM));
	arena_free(r.arena);
	graph_free(g);
}

static void count_rewrites(void *user, const struct pass *p, const struct graph *g, int rewrites)
{
	(void)p;
	(void)g;
	*(int *)user += rewrites;
}

static void the_pipeline_settles(void **state)
{
	(void)state;
	struct graph *g = scan(block);
	struct pass_options o = pass_defaults();
	int rewrites = 0;
	o.after = count_rewrites;
	o.user = &rewrites;
	assert_int_equal(passes_run(g, &o, NULL, NULL, NULL), OK);
	assert_true(rewrites > 0);
	rewrites = 0;
	assert_int_equal(passes_run(g, &o, NULL, NULL, NULL), OK);
	assert_int_equal(rewrites, 0);
	graph_free(g);
}

static void tensor_names_stay_on_the_result(void **state)
{
	(void)state;
	struct graph *g = scan(block);
	struct pass_options o = pass_defaults();
	value_add_name(&graph_find_node(g, "conv")->out[0], "conv_out");
	value_add_name(&graph_find_node(g, "bn")->out[0], "bn_out");
	value_add_name(&graph_find_node(g, "same")->out[0], "same_out");
	assert_int_equal(passes_run(g, &o, NULL, NULL, NULL), OK);
	assert_null(graph_find_value(g, "conv_out")); /* nothing gives that any more */
	const struct value *v = graph_find_value(g, "bn_out");
	assert_ptr_equal(v, graph_find_value(g, "same_out"));
	assert_true(node_is(v->node, OP_ADD));
	assert_string_equal(v->node->name, "bn");
	graph_free(g);
}

static void fused_weights_are_not_copied(void **state)
{
	(void)state;
	struct graph *g = scan(block);
	struct pass_options o = pass_defaults();
	assert_int_equal(pass_run(pass_find("fuse-bn"), g, &o, NULL), 1);
	struct node *w = graph_find_node(g, "w");
	assert_true(blob_deferred(w->data));
	graph_free(g);
}

struct heard {
	int warnings;
	char text[256];
};

static void hear(void *user, enum log_level level, const char *text)
{
	struct heard *h = user;
	if (level != LOG_WARN)
		return;
	h->warnings++;
	snprintf(h->text, sizeof h->text, "%s", text);
}

static void a_pattern_that_matches_nothing_is_said(void **state)
{
	(void)state;
	static const char *const keep[] = {"Convolution", "/^nothing$/"}, *const bad[] = {"/(/"};
	struct graph *g = scan(block);
	struct pass_options o = pass_defaults();
	struct heard h = {0};
	struct log log = {hear, &h};
	struct err e = {0};
	o.fp16 = true;
	o.keep_fp32 = keep;
	o.nkeep_fp32 = 2;
	assert_int_equal(passes_run(g, &o, &log, NULL, &e), OK);
	assert_int_equal(h.warnings, 1);
	assert_holds(h.text, "'/^nothing$/'");
	o.keep_fp32 = bad;
	o.nkeep_fp32 = 1;
	assert_int_equal(passes_run(g, &o, NULL, NULL, &e), E_USAGE);
	assert_holds(e.text, "'/(/' is no regular expression");
	err_clear(&e);
	graph_free(g);
}

static void preprocessing_must_fit_the_input(void **state)
{
	(void)state;
	static const double three[] = {1, 2, 3}, none[] = {0};
	struct graph *g = scan(block);
	struct preprocess p = {.nmean = 3, .mean = three, .channel_axis = 1};
	struct pass_options o = pass_defaults();
	struct err e = {0};
	o.preprocess = &p;
	o.npreprocess = 1;
	assert_int_equal(passes_run(g, &o, NULL, NULL, &e), E_USAGE);
	assert_holds(e.text, "input 'x' has 2 channels, but 3 mean values are given");
	p = (struct preprocess){.nscale = 1, .scale = none, .channel_axis = 1};
	assert_int_equal(passes_run(g, &o, NULL, NULL, &e), E_USAGE);
	assert_holds(e.text, "0 is no scale value");
	p = (struct preprocess){.reverse = true, .channel_axis = 7};
	assert_int_equal(passes_run(g, &o, NULL, NULL, &e), E_USAGE);
	assert_holds(e.text, "no dimension 7");
	err_clear(&e);
	graph_free(g);
}

/* x + 1 + 1 …, used for nothing but its shape: long chains must neither recurse nor take forever.
 */
static void long_chains(void **state)
{
	(void)state;
	enum { LENGTH = 20000 };
	struct graph *g = scan("x = Parameter-1 {shape=2 element_type=f32}\none = Const f32[] 1\n");
	struct value *v = &graph_find_node(g, "x")->out[0];
	struct value *one = &graph_find_node(g, "one")->out[0];
	for (int i = 0; i < LENGTH; i++) {
		struct value *in[] = {v, one};
		v = &graph_add(g, op_row(i % 2 ? OP_ADD : OP_TANH), "n", in, i % 2 ? 2 : 1, 1)
			 ->out[0];
	}
	struct node *shape = graph_add(g, op_find("ShapeOf", 3), "shape", &v, 1, 1);
	struct value *out = &shape->out[0];
	assert_non_null(graph_add(g, op_row(OP_RESULT), "result", &out, 1, 0));
	struct pass_options o = pass_defaults();
	assert_int_equal(passes_run(g, &o, NULL, NULL, NULL), OK);
	assert_int_equal(graph_layers(g), 0);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(descriptors_are_complete),
	    cmocka_unit_test(the_report_sums_up),
	    cmocka_unit_test(disabled_passes_do_not_run),
	    cmocka_unit_test(the_pipeline_settles),
	    cmocka_unit_test(tensor_names_stay_on_the_result),
	    cmocka_unit_test(fused_weights_are_not_copied),
	    cmocka_unit_test(a_pattern_that_matches_nothing_is_said),
	    cmocka_unit_test(preprocessing_must_fit_the_input),
	    cmocka_unit_test(long_chains),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
