/* What the pass tests need of graphs: reading them, and executing two side by side by the
 * operators' eval. */
#ifndef TESTS_PASSES_HARNESS_H
#define TESTS_PASSES_HARNESS_H

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "formats/model.h"
#include "graph/print.h"
#include "passes/pass.h"

/* From the text form, or from a model file when text is NULL. Inferred. */
static inline int read_graph(
    const char *text, const char *model, struct graph **out, struct err *err)
{
	struct onnx_options o = {0};
	int e = text ? graph_scan(text, op_find, node_infer, out, err)
		     : model_read(model, &o, out, NULL, err);
	return e ? e : graph_infer(*out, err);
}

/* The values of one run, by id. */
struct run {
	const struct graph *g;
	struct tensor *value;
};

/* Floats in [-1, 1), integers 0..9; unknown dims are 2. */
static int random_input(const struct node *p, uint64_t *seed, struct tensor *t, struct err *err)
{
	const struct shape *s = &p->out[0].info.shape;
	int64_t dims[MAX_RANK];
	for (int i = 0; i < s->rank; i++)
		dims[i] = dim_static(s->dim[i]) || s->dim[i].min > 2 ? s->dim[i].min : 2;
	int e = tensor_alloc(t, p->out[0].info.type, s->rank < 0 ? 0 : s->rank, dims, err);
	for (int64_t i = 0; !e && i < tensor_count(t); i++) {
		double x = 2.0 * rng_f32(seed) - 1;
		tensor_set_f64(t, i, dtype_is_float(t->type) ? x : floor((x + 1) * 5));
	}
	return e;
}

static int run_node(struct run *r, const struct node *n, struct err *err)
{
	struct tensor *in = calloc(n->nin + 1, sizeof *in), *out = calloc(n->nout + 1, sizeof *out);
	int e = in && out ? OK : fail_nomem(err);
	for (int i = 0; !e && i < n->nin; i++)
		if (node_in(n, i))
			in[i] = r->value[node_in(n, i)->id];
	if (!e)
		e = node_eval(n, in, n->nin, out, err);
	for (int i = 0; !e && i < n->nout; i++)
		r->value[n->out[i].id] = out[i];
	free(in);
	free(out);
	return e;
}

static int run_open(struct run *r, struct graph *g, struct err *err)
{
	uint64_t seed = 1;
	int e = OK;
	graph_number(g);
	*r = (struct run){.g = g, .value = calloc(g->nvalues + 1, sizeof *r->value)};
	for (int i = 0; !e && i < g->ninputs; i++)
		e = random_input(g->inputs[i], &seed, &r->value[g->inputs[i]->out[0].id], err);
	graph_each (g, n) {
		if (e || node_is(n, OP_PARAMETER) || node_is(n, OP_RESULT))
			continue;
		if (node_is(n, OP_CONST))
			r->value[n->out[0].id] = value_tensor(&n->out[0]);
		else
			e = run_node(r, n, err);
	}
	return e;
}

static void run_close(struct run *r)
{
	graph_each (r->g, n)
		for (int i = 0; i < n->nout; i++)
			if (!node_is(n, OP_CONST))
				tensor_free(&r->value[n->out[i].id]);
	free(r->value);
}

static const struct tensor *run_output(const struct run *r, int k)
{
	return &r->value[r->g->outputs[k]->in[0].value->id];
}

/* The largest difference over the range of a, which is at least 1e-30. */
static int tensors_differ(
    const struct tensor *a, const struct tensor *b, double *error, struct err *err)
{
	double low = INFINITY, high = -INFINITY, worst = 0;
	bool same = a->type == b->type && a->rank == b->rank;
	for (int i = 0; same && i < a->rank; i++)
		same = a->dim[i] == b->dim[i];
	if (!same)
		return fail(err, E_FORMAT, "an output has another type or shape");
	for (int64_t i = 0; i < tensor_count(a); i++) {
		double x = tensor_f64(a, i), y = tensor_f64(b, i);
		if (x == y || (isnan(x) && isnan(y)))
			continue;
		worst = isfinite(x - y) ? fmax(worst, fabs(x - y)) : INFINITY;
	}
	for (int64_t i = 0; i < tensor_count(a); i++) {
		low = fmin(low, tensor_f64(a, i));
		high = fmax(high, tensor_f64(a, i));
	}
	double range = fmax(fmax(high - low, fabs(high)), 1e-30);
	*error = fmax(*error, worst > 0 ? worst / range : 0);
	return OK;
}

/* Runs both on the same random inputs: *error is the largest difference of an output over its
 * range. Types, shapes, names of inputs and the number of outputs must agree. */
static inline int outputs_differ(struct graph *a, struct graph *b, double *error, struct err *err)
{
	struct run ra = {0}, rb = {0};
	*error = 0;
	if (a->ninputs != b->ninputs || a->noutputs != b->noutputs)
		return fail(err, E_FORMAT, "inputs or outputs were lost");
	int e = run_open(&ra, a, err), f = e ? e : run_open(&rb, b, err);
	for (int k = 0; !e && !f && k < a->noutputs; k++)
		e = tensors_differ(run_output(&ra, k), run_output(&rb, k), error, err);
	if (ra.value)
		run_close(&ra);
	if (rb.value)
		run_close(&rb);
	return e ? e : f;
}

#endif
