/* The values of constants that two networks' same layer reads. */
#include "report/diff_constants.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/op.h"
#include "report/error.h"

#define MAX_NODES \
	200 /* behind one reader, each as often as it is read: unpacking takes about ten */
#define MAX_BYTES (INT64_C(2) << 30)

/* The type that most of what lies behind v is stored in. */
static enum dtype stored(const struct value *v, int *left, int64_t *most)
{
	enum dtype type = DT_NONE;
	int64_t count = shape_count(&v->info.shape);
	if (node_is(v->node, OP_CONST)) {
		if (count <= *most)
			return DT_NONE;
		*most = count;
		return v->info.type;
	}
	for (int k = 0; k < v->node->nin && --*left > 0; k++) {
		enum dtype t = node_in(v->node, k) ? stored(node_in(v->node, k), left, most)
						   : DT_NONE;
		type = t ? t : type;
	}
	return type;
}

static int evaluate(const struct value *v, int *left, struct tensor *out, struct err *err);

static int evaluate_node(const struct value *v, int *left, struct tensor *out, struct err *err)
{
	const struct node *n = v->node;
	struct tensor *in = calloc((size_t)n->nin + 1, sizeof *in);
	struct tensor *all = calloc((size_t)n->nout + 1, sizeof *all);
	int s = in && all ? OK : fail_nomem(err);
	for (int k = 0; k < n->nin && !s; k++)
		if (node_in(n, k))
			s = evaluate(node_in(n, k), left, &in[k], err);
	s = s ? s : node_eval(n, in, n->nin, all, err);
	for (int k = 0; in && k < n->nin; k++)
		tensor_free(&in[k]);
	if (!s)
		*out = all[v->port];
	for (int k = 0; all && k < n->nout; k++)
		if (s || k != v->port)
			tensor_free(&all[k]);
	free(in);
	free(all);
	return s;
}

/* What v is, on the heap. E_UNSUPPORTED for what is too much, or random. */
static int evaluate(const struct value *v, int *left, struct tensor *out, struct err *err)
{
	int64_t count = shape_count(&v->info.shape);
	int64_t bytes = count < 0 ? -1 : dtype_bytes(v->info.type, count);
	if (bytes < 0 || bytes > MAX_BYTES || --*left < 0 || v->node->nbodies ||
	    (v->node->op->flags & OPF_RANDOM))
		return fail(err, E_UNSUPPORTED, "'%s' is not compared", value_name(v));
	if (!node_is(v->node, OP_CONST))
		return evaluate_node(v, left, out, err);
	struct tensor t = value_tensor(v);
	return t.data ? tensor_clone(out, &t, err) : fail_nomem(err);
}

/* Sets the errors of b against a. */
static void measure(const struct tensor *a, const struct tensor *b, struct diff_tensor *d)
{
	double signal = 0, noise = 0;
	d->error = error_over_range(b, a);
	d->same_size = a->rank == b->rank &&
		       !memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim);
	d->max_abs = d->sqnr = NAN;
	for (int64_t i = 0, n = d->same_size ? tensor_count(a) : 0; i < n; i++) {
		double x = tensor_f64(a, i), y = tensor_f64(b, i), e = x == y ? 0 : fabs(x - y);
		d->max_abs = i ? fmax(d->max_abs, e) : e;
		signal += x * x;
		noise += e * e;
	}
	if (d->same_size)
		d->sqnr = noise == 0 ? INFINITY : 10 * log10(signal / noise);
}

static bool same_bytes(const struct tensor *a, const struct tensor *b)
{
	return a->type == b->type && a->rank == b->rank &&
	       !memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) &&
	       !memcmp(a->data, b->data, tensor_bytes(a));
}

int diff_constant(
    const struct value *a, const struct value *b, double tolerance, struct diff *d, struct err *err)
{
	struct diff_tensor *t = &d->tensor[d->ntensors];
	struct tensor x = {0}, y = {0};
	int64_t most_a = -1, most_b = -1;
	int left[4] = {MAX_NODES, MAX_NODES, MAX_NODES, MAX_NODES};
	int s = evaluate(a, &left[0], &x, err);
	s = s ? s : evaluate(b, &left[1], &y, err);
	if (!s) {
		d->compared++;
		t->stored_a = stored(a, &left[2], &most_a);
		t->stored_b = stored(b, &left[3], &most_b);
		t->same_size = true;
		t->sqnr = INFINITY;
		if (!same_bytes(&x, &y))
			measure(&x, &y, t);
		if (!(t->error <= tolerance) || (t->stored_a != t->stored_b && !(tolerance > 0)))
			d->ntensors++;
	}
	tensor_free(&x);
	tensor_free(&y);
	if (!s || s == E_NOMEM)
		return s;
	err_clear(err);
	d->skipped++;
	return OK;
}
