/* Plans as images: what they hold runs as the plan they were made of, and damage is noticed. */
#include "call_networks.h"
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "plan.h"
#include "sections.h"
#include "store/network.h"

/* A network with the image of its plan, as a file would hold it. */
struct made_of {
	struct graph *g;
	struct exec *e;
	struct exec_sections s;
};

static void compile(struct made_of *c, const char *text)
{
	struct err err = {0};
	c->g = scan(text);
	struct tensor in = random_input(c->g, 0, 1);
	c->e = make(c->g, NULL);
	assert_int_equal(exec_prepare(c->e, &in, &err), OK);
	sections_save(&c->s, c->e, &(struct exec_shapes){0});
	tensor_free(&in);
}

static void compiled_free(struct made_of *c)
{
	exec_free(c->e);
	graph_free(c->g);
	sections_free(&c->s);
}

static void same_outputs(const struct graph *g, const struct tensor *a, const struct tensor *b)
{
	for (int k = 0; k < g->noutputs; k++) {
		assert_int_equal(a[k].type, b[k].type);
		assert_int_equal(tensor_bytes(&a[k]), tensor_bytes(&b[k]));
		assert_memory_equal(a[k].data, b[k].data, tensor_bytes(&a[k]));
	}
}

/* Is there a network for every kind that an image can hold? */
static void all_kinds(void **state)
{
	bool seen[CALL_KINDS] = {0};
	(void)state;
	for (size_t i = 0; i < CALL_NETWORKS; i++) {
		struct made_of c;
		compile(&c, call_networks[i]);
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
#include "exec/compiled.h"
#undef CALL
#undef CALL_RUN
}

/* Bit for bit, by any number of threads. */
static void runs_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * CALL_NETWORKS; i++) {
		struct made_of c;
		struct graph *g = NULL;
		struct exec *e = NULL;
		struct exec_options o = {0};
		struct tensor want[3], have[3];
		compile(&c, call_networks[i / 2]);
		struct tensor in = random_input(c.g, 0, 1);
		assert_int_equal(pool_new(i % 2 ? 2 : 1, &o.pool, NULL), OK);
		assert_int_equal(exec_load(&c.s, &g, NULL), OK);
		assert_int_equal(exec_new(g, &o, &e, NULL), OK);
		assert_int_equal(g->noutputs, c.g->noutputs);
		run(c.e, &in, want);
		run(e, &in, have);
		same_outputs(g, want, have);
		struct exec *other = NULL;
		assert_int_equal(exec_share(e, NULL, &other, NULL), OK);
		exec_free(e);
		run(other, &in, have);
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
static bool load_damaged(const struct exec_sections *s)
{
	struct err err = {0};
	struct graph *g = NULL;
	struct exec *e = NULL;
	int status = exec_load(s, &g, &err);
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

static void each_byte(const struct made_of *c, size_t at, uint8_t flip)
{
	struct exec_sections s = c->s;
	const struct blob *whole = *section(&s, at);
	size_t size = blob_size(whole), refused = 0;
	for (size_t i = 0; i < size; i++) {
		uint8_t *data = malloc(size);
		assert_non_null(data);
		memcpy(data, blob_direct(whole), size);
		data[i] ^= flip;
		struct blob *b = *section(&s, at) = blob_heap(data, size);
		refused += load_damaged(&s);
		blob_unref(b);
	}
	assert_true(refused > size / 4);
}

static void damage_is_noticed(void **state)
{
	static const uint8_t flip[] = {1, 0x80, 0xff};
	(void)state;
	for (size_t i = 0; i < CALL_NETWORKS; i++) {
		struct made_of c;
		compile(&c, call_networks[i]);
		for (size_t k = 0; k < sizeof flip; k++) {
			each_byte(&c, offsetof(struct exec_sections, graph), flip[k]);
			each_byte(&c, offsetof(struct exec_sections, plan), flip[k]);
		}
		compiled_free(&c);
	}
}

static void cut(const struct made_of *c, size_t at)
{
	struct exec_sections s = c->s;
	const struct blob *whole = *section(&s, at);
	for (size_t size = 0; size + 64 <= blob_size(whole); size++) {
		struct blob *b = *section(&s, at) = blob_copy(blob_direct(whole), size);
		assert_true(load_damaged(&s));
		blob_unref(b);
	}
}

static void cut_short(void **state)
{
	(void)state;
	for (size_t i = 0; i < CALL_NETWORKS; i++) {
		struct made_of c;
		compile(&c, call_networks[i]);
		cut(&c, offsetof(struct exec_sections, graph));
		cut(&c, offsetof(struct exec_sections, plan));
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
	g = scan("x = Parameter-1 {shape=5 element_type=f32}\n"
		 "y = NonZero-3(x) {output_type=i64}\nResult-1(y)\n");
	struct tensor in = random_input(g, 0, 1);
	assert_int_equal(exec_new(g, NULL, &e, &err), OK);
	assert_int_equal(exec_prepare(e, &in, &err), OK);
	assert_int_equal(exec_save(e, &(struct exec_shapes){0}, &i, &err), E_UNSUPPORTED);
	assert_holds(err.text, "not compiled");
	exec_image_free(&i);
	exec_free(e);
	graph_free(g);
	tensor_free(&in);
	struct made_of c;
	compile(&c, call_networks[0]);
	assert_int_equal(exec_load(&c.s, &g, &err), OK);
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
