/* Pictures of networks, with names that want out of them, and the sums over them. */
#include "op_text.h"

#include "report/picture.h"
#include "report/totals.h"

/* What is drawn of g, and how many layers. */
static int draw(struct graph *g, struct text *t)
{
	struct products p;
	struct err err = {0};
	int drawn;
	assert_int_equal(products_find(g, &p, &err), OK);
	assert_true(p.n == 1 && p.v[0].why == PRODUCT_FLOATS && p.v[0].macs == 16);
	assert_int_equal(picture_dot(t, g, &p, &drawn, &err), OK);
	products_free(&p);
	return drawn;
}

static void test_picture(void **state)
{
	struct graph *g = scan(two_branches);
	struct text t = {0};
	(void)state;
	graph_find_node(g, "p")->name = "a\"];\\N&<b>\n\x01\xff+";
	assert_int_equal(draw(g, &t), 6); /* not the constant */
	assert_holds(
	    t.data, "MatMul\\na\\\"];∖N&amp;<b>?\?\?+\\nf32[1,4]\\n16 weights in f32\\n16 MACs");
	assert_holds(t.data, "n2 -> n3");
	/* every quote that is not escaped is one of the language */
	int quotes = 0;
	for (const char *s = t.data; *s; s++)
		quotes += *s == '"' && s[-1] != '\\';
	assert_int_equal(quotes % 2, 0);
	text_free(&t);
	graph_free(g);
}

static void test_long_names(void **state)
{
	static char name[3000];
	struct graph *g = scan(two_branches);
	struct text t = {0};
	(void)state;
	for (size_t i = 0; i + 2 < sizeof name; i += 2)
		memcpy(name + i, "é", 2);
	graph_find_node(g, "p")->name = name;
	assert_int_equal(draw(g, &t), 6);
	assert_holds(t.data, "MatMul\\n…éé");
	for (const char *s = t.data; *s;) {
		int n = utf8_length(s);
		assert_true(n > 0);
		s += n;
	}
	text_free(&t);
	graph_free(g);
}

static void test_totals(void **state)
{
	struct graph *g = scan(two_branches);
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
	    cmocka_unit_test(test_picture),
	    cmocka_unit_test(test_long_names),
	    cmocka_unit_test(test_totals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
