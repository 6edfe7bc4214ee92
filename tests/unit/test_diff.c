/* Two networks told apart, products by precision, and pictures of names that want out. */
#include <math.h>
#include <stdio.h>

#include "op_text.h"

#include "report/diff.h"
#include "report/picture.h"
#include "report/totals.h"

static const char base[] = "x = Parameter-1 {shape=1,4 element_type=f32}\n"
			   "w = Const f32[4,4] random(1)\n"
			   "p = MatMul-1(x, w) {transpose_a=false transpose_b=false}\n"
			   "r = ReLU-1(p)\n"
			   "t = Tanh-1(p)\n"
			   "y = Subtract-1(r, t)\n"
			   "Result-1(y)\n";

static struct diff diff_of(const char *a, const char *b, double tolerance, struct graph *g[2])
{
	struct diff d;
	struct err err = {0};
	g[0] = scan(a);
	g[1] = scan(b);
	assert_int_equal(diff_graphs(g[0], g[1], tolerance, &d, &err), OK);
	return d;
}

static void close_diff(struct diff *d, struct graph *g[2])
{
	diff_free(d);
	graph_free(g[0]);
	graph_free(g[1]);
}

/* A copy of base with one word in place of another. */
static const char *with(const char *old, const char *new)
{
	static char text[1024];
	const char *at = strstr(base, old);
	assert_non_null(at);
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - base), base, new, at + strlen(old));
	return text;
}

static void test_same(void **state)
{
	struct graph *g[2];
	struct diff d = diff_of(base, base, 0, g);
	(void)state;
	assert_true(d.equal && d.same == 4 && d.compared == 1 && !d.nlayers && !d.ntensors);
	close_diff(&d, g);
	static const char none[] = "x = Parameter-1 {shape=2 element_type=f32}\ny = Abs-1(x)\n"
				   "Result-1(y)\n";
	d = diff_of(none, none, 0, g);
	assert_true(d.equal && d.same == 1 && !d.compared);
	close_diff(&d, g);
}

static void test_layers(void **state)
{
	struct graph *g[2];
	(void)state;
	struct diff d = diff_of(base, with("Subtract-1(r, t)", "Subtract-1(t, r)"), 0, g);
	assert_true(!d.equal && d.nlayers == 1 && d.changed == 1);
	assert_holds(d.layer[0].changes.data, "input 0 from 'r' -> from 't'");
	assert_holds(d.layer[0].changes.data, "input 1 from 't' -> from 'r'");
	close_diff(&d, g);

	d = diff_of(base, with("t = Tanh-1(p)", "t = Sigmoid-1(p)"), 0, g);
	assert_true(d.nlayers == 1 && d.changed == 1);
	assert_string_equal(d.layer[0].changes.data, "type Tanh -> Sigmoid\n");
	close_diff(&d, g);

	/* an inserted layer is the only one that is told */
	d = diff_of(base, with("y = Subtract-1(r, t)", "a = Abs-1(r)\ny = Subtract-1(a, t)"), 0, g);
	assert_true(d.nlayers == 1 && d.added == 1 && d.same == 4);
	assert_string_equal(d.layer[0].b->name, "a");
	close_diff(&d, g);

	/* another name, told by what it reads and what it is */
	d = diff_of(base,
	    with("t = Tanh-1(p)\ny = Subtract-1(r, t)", "s = Tanh-1(p)\ny = Subtract-1(r, s)"), 0,
	    g);
	assert_true(d.nlayers == 1 && d.changed == 1);
	assert_string_equal(d.layer[0].changes.data, "name -> s\n");
	close_diff(&d, g);

	/* another size goes through all that follows */
	d = diff_of(base, with("shape=1,4", "shape=3,4"), 0, g);
	assert_int_equal(d.changed, 5);
	assert_holds(d.layer[1].changes.data, "output f32[1,4] -> f32[3,4]");
	close_diff(&d, g);
}

static void test_constants(void **state)
{
	struct graph *g[2];
	(void)state;
	struct diff d = diff_of(base, with("random(1)", "random(2)"), 0, g);
	assert_true(!d.equal && !d.nlayers && d.ntensors == 1 && d.tensor[0].input == 1);
	assert_true(d.tensor[0].error > 0 && d.tensor[0].max_abs > 0 && d.tensor[0].sqnr < 20);
	close_diff(&d, g);

	/* the same values in fewer bits, unpacked on their way */
	static const char half[] = "x = Parameter-1 {shape=1,4 element_type=f32}\n"
				   "w = Const f16[4,4] fill(0.1)\n"
				   "c = Convert-1(w) {destination_type=f32}\n"
				   "p = MatMul-1(x, c) {transpose_a=false transpose_b=false}\n"
				   "r = ReLU-1(p)\nt = Tanh-1(p)\ny = Subtract-1(r, t)\n"
				   "Result-1(y)\n";
	const char *full = with("random(1)", "fill(0.1)");
	d = diff_of(full, half, 0, g);
	assert_true(d.ntensors == 1 && !d.nlayers && d.tensor[0].stored_a == DT_F32);
	assert_true(d.tensor[0].stored_b == DT_F16 && d.tensor[0].error < 1e-3);
	close_diff(&d, g);
	d = diff_of(full, half, 1e-3, g);
	assert_true(d.equal && d.compared == 1);
	close_diff(&d, g);
	d = diff_of(full, half, 1e-7, g);
	assert_false(d.equal);
	close_diff(&d, g);

	d = diff_of(base, with("w = Const f32[4,4]", "w = Const f32[4,2]"), 0, g);
	assert_true(d.ntensors == 1 && !d.tensor[0].same_size && isnan(d.tensor[0].sqnr));
	close_diff(&d, g);
}

/* ---- pictures ---- */

static void test_picture(void **state)
{
	struct graph *g = scan(base);
	struct products p;
	struct text t = {0};
	struct err err = {0};
	int drawn;
	(void)state;
	graph_find_node(g, "p")->name = "a\"];\\N&<b>\n\x01\xff+";
	assert_int_equal(products_find(g, &p, &err), OK);
	assert_true(p.n == 1 && p.v[0].why == PRODUCT_FLOATS && p.v[0].macs == 16);
	assert_int_equal(picture_dot(&t, g, &p, &drawn, &err), OK);
	assert_int_equal(drawn, 6); /* not the constant */
	assert_holds(
	    t.data, "MatMul\\na\\\"];∖N&amp;<b>?\?\?+\\nf32[1,4]\\n16 weights in f32\\n16 MACs");
	assert_holds(t.data, "n2 -> n3");
	/* every quote that is not escaped is one of the language */
	int quotes = 0;
	for (const char *s = t.data; *s; s++)
		quotes += *s == '"' && s[-1] != '\\';
	assert_int_equal(quotes % 2, 0);
	text_free(&t);
	products_free(&p);
	graph_free(g);
}

static void test_long_names(void **state)
{
	static char name[3000];
	struct graph *g = scan(base);
	struct products p;
	struct text t = {0};
	struct err err = {0};
	int drawn;
	(void)state;
	for (size_t i = 0; i + 2 < sizeof name; i += 2)
		memcpy(name + i, "é", 2);
	graph_find_node(g, "p")->name = name;
	assert_int_equal(products_find(g, &p, &err), OK);
	assert_int_equal(picture_dot(&t, g, &p, &drawn, &err), OK);
	assert_holds(t.data, "MatMul\\n…éé");
	for (const char *s = t.data; *s;) {
		int n = utf8_length(s);
		assert_true(n > 0);
		s += n;
	}
	text_free(&t);
	products_free(&p);
	graph_free(g);
}

static void test_totals(void **state)
{
	struct graph *g = scan(base);
	struct totals t;
	int id[OP_COUNT];
	(void)state;
	totals_sum(&t, g);
	assert_true(t.layers == 4 && t.constants == 1 && t.macs == 16 && t.parameters == 16);
	assert_true(t.weights[DT_F32] == 64 && t.weight_bytes == 64);
	assert_int_equal(totals_operators(&t, id), 4);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same),
	    cmocka_unit_test(test_layers),
	    cmocka_unit_test(test_constants),
	    cmocka_unit_test(test_picture),
	    cmocka_unit_test(test_long_names),
	    cmocka_unit_test(test_totals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
