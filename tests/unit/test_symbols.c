/* Random networks that compute with sizes: nothing that inference says of sizes and content, and of
 * which ones are the same, is denied by what eval gives, and the passes keep the results. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "graph/print.h"
#include "passes/pass.h"

#define NETWORKS 1000
#define VALUES 40

struct net {
	struct graph *g;
	uint64_t seed;
	int n;
	struct value *value[VALUES];
	struct tensor real[VALUES];
};

static int pick(struct net *t, int n)
{
	return (int)(rng_next(&t->seed) % (uint64_t)n);
}

static void show(const struct net *t, const char *what)
{
	struct text text = {0};
	graph_print(&text, t->g);
	fprintf(stderr, "%s:\n%s", what, text.data);
	text_free(&text);
}

/* Every dim and element lies in its range. */
static bool holds(const struct info *info, const struct tensor *real)
{
	bool ok = info->type == real->type && shape_fits(&info->shape, real->rank, real->dim);
	for (int64_t i = 0; ok && info->elems && i < tensor_count(real); i++) {
		int64_t v = tensor_i64(real, i);
		ok = v >= info->elems[i].min && v <= info->elems[i].max;
	}
	return ok;
}

/* What each symbol is, as far as it was met. */
struct meaning {
	uint32_t symbol[VALUES * 16];
	int64_t size[VALUES * 16];
	int n;
};

static bool means(struct meaning *m, struct dim d, int64_t size)
{
	if (!d.symbol || m->n == VALUES * 16)
		return true;
	for (int i = 0; i < m->n; i++)
		if (m->symbol[i] == d.symbol)
			return m->size[i] == size;
	m->symbol[m->n] = d.symbol;
	m->size[m->n++] = size;
	return true;
}

static bool consistent(const struct net *t)
{
	static struct meaning m;
	bool ok = true;
	m.n = 0;
	for (int k = 0; k < t->n && ok; k++) {
		const struct info *info = &t->value[k]->info;
		for (int i = 0; i < info->shape.rank; i++)
			ok = ok && means(&m, info->shape.dim[i], t->real[k].dim[i]);
		for (int64_t i = 0; info->elems && i < tensor_count(&t->real[k]); i++)
			ok = ok && means(&m, info->elems[i], tensor_i64(&t->real[k], i));
	}
	return ok;
}

static void keep(struct net *t, struct value *v, struct tensor real)
{
	t->value[t->n] = v;
	t->real[t->n++] = real;
}

/* The node stays if eval can do it and the result is small. */
static void try_node(struct net *t, struct node *n)
{
	struct tensor in[8], out = {0};
	struct err err = {0};
	assert_non_null(n);
	for (int k = 0; k < n->nin; k++)
		for (int i = 0; i < t->n; i++)
			if (t->value[i] == node_in(n, k))
				in[k] = t->real[i];
	int r = node_eval(n, in, n->nin, &out, NULL);
	if (r || tensor_count(&out) > 2000) {
		tensor_free(&out);
		graph_remove(n);
		return;
	}
	r = node_infer(n, &err);
	if (r || !holds(&n->out[0].info, &out))
		show(t, r ? err.text : "denied by eval");
	assert_int_equal(r, OK);
	assert_true(holds(&n->out[0].info, &out));
	keep(t, &n->out[0], out);
}

static struct value *ints(struct net *t, int n, const int64_t *v)
{
	struct node *c = graph_const_i64(t->g, NULL, "c", n, v);
	struct tensor real = {0};
	int64_t dim = n;
	assert_int_equal(tensor_alloc(&real, DT_I64, n >= 0, &dim, NULL), OK);
	memcpy(real.data, v, (size_t)(n < 0 ? 1 : n) * sizeof *v);
	assert_int_equal(node_infer(c, NULL), OK);
	keep(t, &c->out[0], real);
	return &c->out[0];
}

static struct value *one_of(struct net *t, bool list)
{
	for (int i = 0; i < 100; i++) {
		int k = pick(t, t->n);
		bool is = t->real[k].type == DT_I64 && t->real[k].rank == 1;
		if (is == list && !value_const(t->value[k]))
			return t->value[k];
	}
	return t->value[0];
}

static void add(struct net *t, enum op_id id, struct value *a, struct value *b, struct value *c)
{
	struct value *in[] = {a, b, c};
	struct node *n = graph_add(t->g, op_row(id), op_row(id)->type, in, c ? 3 : b ? 2 : 1, 1);
	if (id == OP_CONCAT)
		attr_set_i(n, "axis", 0);
	/* a computed 0 that means a copy is taken for a size by inference, as by OpenVINO's */
	if (id == OP_RESHAPE)
		attr_set_i(n, "special_zero", value_const(b) && pick(t, 2));
	if (id == OP_CONVERT)
		attr_set_type(n, "destination_type", DT_I64);
	if (id == OP_RANGE)
		attr_set_type(n, "output_type", pick(t, 2) ? DT_F32 : DT_I64);
	if (id == OP_BROADCAST && pick(t, 2))
		attr_set_s(n, "mode", "bidirectional");
	try_node(t, n);
}

static void random_node(struct net *t)
{
	static const enum op_id two[] = {OP_ADD, OP_MULTIPLY, OP_SUBTRACT, OP_DIVIDE, OP_MAXIMUM,
	    OP_MINIMUM, OP_CONCAT, OP_CONCAT};
	int64_t zero = 0, one = 1, small[2] = {pick(t, 3), pick(t, 4) - 1};
	struct value *list = one_of(t, true), *data = one_of(t, false);
	switch (pick(t, 9)) {
	case 0:
		add(t, OP_SHAPE_OF, data, NULL, NULL);
		break;
	case 1:
		add(t, OP_GATHER, list, ints(t, 1 + pick(t, 2), small), ints(t, -1, &zero));
		break;
	case 2:
		add(t, two[pick(t, 8)], list, pick(t, 2) ? one_of(t, true) : ints(t, 1, small),
		    NULL);
		break;
	case 3:
		add(t, OP_RESHAPE, data, list, NULL);
		break;
	case 4:
		add(t, OP_RESHAPE, data, ints(t, 2, small), NULL);
		break;
	case 5:
		add(t, OP_BROADCAST, pick(t, 2) ? data : ints(t, -1, &one), list, NULL);
		break;
	case 6:
		add(t, OP_UNSQUEEZE, data, ints(t, 1, small), NULL);
		break;
	case 7:
		add(t, OP_GATHER, list, ints(t, -1, small), ints(t, -1, &zero));
		if (t->real[t->n - 1].rank == 0)
			add(t, OP_RANGE, ints(t, -1, &zero), t->value[t->n - 2], ints(t, -1, &one));
		break;
	default:
		add(t, OP_ADD, data, one_of(t, false), NULL);
	}
}

static void random_input(struct net *t, int k)
{
	struct node *p = graph_add(t->g, op_row(OP_PARAMETER), k ? "y" : "x", NULL, 0, 1);
	struct shape s = shape_any(3);
	struct tensor real;
	int64_t dims[3];
	for (int i = 0; i < 3; i++) {
		dims[i] = 1 + pick(t, 3);
		if (pick(t, 3) == 0)
			s.dim[i] = dim_of(dims[i]);
		else if (pick(t, 2))
			s.dim[i] = (struct dim){1, 4, 0};
	}
	assert_true(attr_set_shape(p, "shape", &s) && attr_set_type(p, "element_type", DT_F32));
	assert_int_equal(node_infer(p, NULL), OK);
	assert_int_equal(tensor_alloc(&real, DT_F32, 3, dims, NULL), OK);
	for (int64_t i = 0; i < tensor_count(&real); i++)
		tensor_set_f64(&real, i, (double)i);
	keep(t, &p->out[0], real);
}

/* Evaluates the graph on the two inputs; out is for each Result. */
static void run(struct graph *g, const struct tensor *x, struct tensor *out)
{
	struct tensor *v, in[8];
	struct err err = {0};
	graph_number(g);
	v = calloc(g->nvalues + 1, sizeof *v);
	for (int k = 0; k < g->ninputs; k++)
		assert_int_equal(tensor_clone(&v[g->inputs[k]->out[0].id], &x[k], NULL), OK);
	graph_each (g, n) {
		for (int k = 0; k < n->nin; k++)
			in[k] = v[node_in(n, k)->id];
		if (node_is(n, OP_CONST)) {
			struct tensor t = value_tensor(&n->out[0]);
			assert_int_equal(tensor_clone(&v[n->out[0].id], &t, NULL), OK);
		} else if (n->nout && !node_is(n, OP_PARAMETER)) {
			if (node_eval(n, in, n->nin, &v[n->out[0].id], &err))
				print_error("%s\n", err.text);
			assert_int_equal(err.status, OK);
		}
	}
	for (int k = 0; k < g->noutputs; k++)
		assert_int_equal(
		    tensor_clone(&out[k], &v[node_in(g->outputs[k], 0)->id], NULL), OK);
	for (uint32_t i = 0; i < g->nvalues; i++)
		tensor_free(&v[i]);
	free(v);
}

static void check_passes(struct net *t)
{
	struct pass_options o = pass_defaults();
	struct tensor want[VALUES], got[VALUES];
	struct err err = {0};
	for (int i = 2; i < t->n; i++)
		if (!value_const(t->value[i]) && (!t->value[i]->nuses || i == t->n - 1))
			graph_add(t->g, op_row(OP_RESULT), "r", &t->value[i], 1, 0);
	struct graph *g = graph_clone(t->g);
	int r = passes_run(g, &o, NULL, NULL, &err);
	if (r)
		show(t, err.text);
	assert_int_equal(r, OK);
	run(t->g, t->real, want);
	run(g, t->real, got);
	for (int k = 0; k < g->noutputs; k++) {
		size_t bytes = tensor_bytes(&want[k]);
		if (tensor_bytes(&got[k]) != bytes || got[k].rank != want[k].rank ||
		    memcmp(got[k].dim, want[k].dim, (size_t)want[k].rank * sizeof *got[k].dim) ||
		    (bytes && memcmp(got[k].data, want[k].data, bytes))) {
			show(t, "the passes change the result of");
			assert_true(false);
		}
		tensor_free(&want[k]);
		tensor_free(&got[k]);
	}
	graph_free(g);
}

static void test_random(void **state)
{
	(void)state;
	for (int i = 0; i < NETWORKS; i++) {
		struct net t = {.g = graph_new("net"), .seed = (uint64_t)i * 77 + 1};
		random_input(&t, 0);
		random_input(&t, 1);
		add(&t, OP_SHAPE_OF, t.value[0], NULL, NULL);
		add(&t, OP_SHAPE_OF, t.value[1], NULL, NULL);
		while (t.n < VALUES - 6)
			random_node(&t);
		if (!consistent(&t))
			show(&t, "two things of one symbol differ");
		assert_true(consistent(&t));
		check_passes(&t);
		for (int k = 0; k < t.n; k++)
			tensor_free(&t.real[k]);
		graph_free(t.g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
