/* Operators tested through the text form of graphs: shapes after ':' are checked as it is read,
 * values by running the graph's nodes on its constants. */
#ifndef UNIT_OP_TEXT_H
#define UNIT_OP_TEXT_H

#include <math.h>
#include <stdlib.h>

#include "network.h"

/* The text reads, and every type it gives is the one inferred. */
static inline void op_infers(const char *text)
{
	graph_free(scan(text));
}

/* Inference refuses it, with these words. */
static inline void op_refused(const char *text, const char *words)
{
	struct graph *g = NULL;
	struct err e = {0};
	assert_int_not_equal(graph_scan(text, op_find, node_infer, &g, &e), OK);
	assert_holds(e.text, words);
}

/* Runs every node; outputs of node i stand in out[i], to be freed by op_free. The status is the
 * first failure's. */
static inline int op_run(struct graph *g, struct tensor (*out)[8], struct err *e)
{
	int i = 0, status = OK;
	graph_each (g, n) {
		struct tensor in[16] = {{0}};
		n->mark = (uint32_t)i;
		if (n->data) {
			struct tensor t = value_tensor(&n->out[0]);
			assert_int_equal(tensor_clone(&out[i][0], &t, NULL), OK);
		}
		for (int k = 0; k < n->nin; k++)
			if (node_in(n, k))
				in[k] = out[node_in(n, k)->node->mark][node_in(n, k)->port];
		if (!n->data && (status = node_eval(n, in, n->nin, out[i], e)))
			break;
		i++;
	}
	return status;
}

static inline void op_free(struct graph *g, struct tensor (*out)[8])
{
	for (int i = 0; i < 64; i++)
		for (int k = 0; k < 8; k++)
			tensor_free(&out[i][k]);
	graph_free(g);
}

/* Output port of the last node has these numbers, "1 2.5 nan", in row-major order. */
static inline void op_gives(const char *text, int port, const char *values)
{
	static struct tensor out[64][8];
	struct err e = {0};
	struct graph *g = scan(text);
	if (op_run(g, out, &e))
		print_error("%s\n%s\n", e.text, text);
	assert_int_equal(e.status, OK);
	const struct tensor *t = &out[g->last->mark][port];
	int64_t i = 0;
	char *end;
	for (const char *p = values; *p; p = end, i++) {
		double want = strtod(p, &end);
		if (end == p)
			break;
		double got = i < tensor_count(t) ? tensor_f64(t, i) : NAN;
		if (got != want && !(fabs(got - want) <= 1e-5 + 1e-5 * fabs(want)) &&
		    !(isnan(got) && isnan(want))) {
			print_error("element %d is %g, expected %g\n%s\n", (int)i, got, want, text);
			assert_true(!"equal");
		}
	}
	assert_int_equal(tensor_count(t), i);
	op_free(g, out);
}

/* Inference passes, but running fails with these words. */
static inline void op_fails(const char *text, const char *words)
{
	static struct tensor out[64][8];
	struct err e = {0};
	struct graph *g = scan(text);
	assert_int_not_equal(op_run(g, out, &e), OK);
	assert_holds(e.text, words);
	op_free(g, out);
}

#endif
