/* Networks as the engine runs them: made, fed at random, run, and what their plans call. */
#ifndef UNIT_ENGINE_H
#define UNIT_ENGINE_H

#include "network.h"

#include <math.h>

#include "base/rng.h"
#include "exec/plan.h"

/* o NULL: as users run it. */
static inline struct exec *make(struct graph *g, const struct exec_options *o)
{
	struct err err = {0};
	struct exec *e = NULL;
	if (exec_new(g, o, &e, &err))
		print_error("%s\n", err.text);
	assert_non_null(e);
	return e;
}

/* By the operators' eval alone, which the kernels are judged by. */
static inline struct exec *make_eval(struct graph *g)
{
	return make(g, &(struct exec_options){.eval_only = true});
}

static inline void run(struct exec *e, const struct tensor *in, struct tensor *out)
{
	struct err err = {0};
	int status = exec_run(e, in, out, &err);
	if (status)
		print_error("%s\n", err.text);
	assert_int_equal(status, OK);
}

/* Floats in [-1, 1), integers 0 to 9. */
static inline struct tensor random_tensor(
    enum dtype type, int rank, const int64_t *dims, uint64_t seed)
{
	struct tensor t;
	assert_int_equal(tensor_alloc(&t, type, rank, dims, NULL), OK);
	for (int64_t i = 0; i < tensor_count(&t); i++)
		if (dtype_is_float(type))
			tensor_set_f64(&t, i, 2.0 * (double)rng_f32(&seed) - 1);
		else
			tensor_set_i64(&t, i, (int64_t)(rng_next(&seed) % 10));
	return t;
}

/* What input k of a graph takes; dims that are not fixed become free_dim. */
static inline struct tensor random_input(const struct graph *g, int k, int64_t free_dim)
{
	const struct info *info = &g->inputs[k]->out[0].info;
	int64_t dims[MAX_RANK];
	for (int d = 0; d < info->shape.rank; d++)
		dims[d] = dim_static(info->shape.dim[d]) ? info->shape.dim[d].min : free_dim;
	return random_tensor(info->type, info->shape.rank, dims, (uint64_t)k + 1);
}

/* The same type and sizes, and values up to bound. */
static inline void assert_same(const struct tensor *got, const struct tensor *want, double bound)
{
	assert_int_equal(got->type, want->type);
	assert_int_equal(got->rank, want->rank);
	for (int d = 0; d < got->rank; d++)
		assert_int_equal(got->dim[d], want->dim[d]);
	for (int64_t i = 0; i < tensor_count(want); i++)
		if (!(fabs(tensor_f64(got, i) - tensor_f64(want, i)) <= bound)) {
			print_error("element %lld is %g, expected %g\n", (long long)i,
			    tensor_f64(got, i), tensor_f64(want, i));
			assert_true(!"same");
		}
}

/* The same, not all zeros, up to bound times the largest value that is wanted. */
static inline void assert_close(const struct tensor *got, const struct tensor *want, double bound)
{
	double most = 0;
	for (int64_t i = 0; i < tensor_count(want); i++)
		most = fmax(most, fabs(tensor_f64(want, i)));
	assert_true(most > 0);
	assert_same(got, want, bound * most);
}

/* Calls of this kind in the latest plan. */
static inline int count_calls(const struct exec *e, enum call_kind kind)
{
	int n = 0;
	for (int i = 0; e->plan[0] && i < e->plan[0]->ncalls; i++)
		n += e->plan[0]->call[i].kind == kind;
	return n;
}

#endif
