/* Evaluation of one node on concrete tensors: inference for the sizes, then the row's eval. */
#include <stdarg.h>
#include <stdio.h>

#include "ops/op.h"

int eval_fail(struct eval *s, int status, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return fail(s->err, status, "%s", text);
}

/* Outputs of OPF_DATA_SHAPE rows; eval may call again when it learns better. */
static int heap_output(struct eval *s, int k, enum dtype type, int rank, const int64_t *dims)
{
	tensor_free(&s->out[k]);
	return tensor_alloc(&s->out[k], type, rank, dims, s->err);
}

static int check_inputs(const struct node *n, const struct tensor *in, int nin, struct err *err)
{
	const struct op *op = n->op;
	if (nin < op->min_in || nin > op->max_in)
		return fail(err, E_FORMAT, "%s has %d inputs, expected %d to %d", op->type, nin,
		    op->min_in, op->max_in);
	for (int i = 0; i < op->min_in; i++)
		if (in[i].type == DT_NONE)
			return fail(err, E_FORMAT, "input %d of %s is absent", i, op->type);
	return OK;
}

static int infer_concrete(const struct node *n, const struct tensor *in, int nin, struct info *out,
    struct arena *a, struct err *err)
{
	struct infer_in *known = arena_array(a, (size_t)nin, sizeof *known);
	if (!known)
		return fail_nomem(err);
	for (int i = 0; i < nin; i++) {
		known[i].type = in[i].type;
		if (in[i].type == DT_NONE)
			continue;
		known[i].shape = tensor_shape(&in[i]);
		known[i].elems = tensor_elems(&in[i], a);
		known[i].tensor = &in[i];
	}
	for (int i = 0; i < n->nout; i++)
		out[i].shape = shape_unknown();
	struct infer s = {.node = n,
	    .nin = nin,
	    .nout = n->nout,
	    .in = known,
	    .out = out,
	    .arena = a,
	    .err = err};
	return n->op->infer(&s);
}

static int alloc_outputs(
    const struct node *n, const struct info *info, struct tensor *out, struct err *err)
{
	for (int i = 0; i < n->nout; i++) {
		int64_t dims[MAX_RANK];
		if (!shape_static(&info[i].shape) || info[i].type == DT_NONE)
			return fail(err, E_UNSUPPORTED, "the size of output %d is not known", i);
		for (int k = 0; k < info[i].shape.rank; k++)
			dims[k] = info[i].shape.dim[k].min;
		int rc = tensor_alloc(&out[i], info[i].type, info[i].shape.rank, dims, err);
		if (rc)
			return rc;
	}
	return OK;
}

static int eval_in(const struct node *n, const struct tensor *in, int nin, struct tensor *out,
    struct arena *a, struct err *err)
{
	struct info *info = arena_array(a, (size_t)n->nout, sizeof *info);
	int rc = info ? check_inputs(n, in, nin, err) : fail_nomem(err);
	if (!rc)
		rc = infer_concrete(n, in, nin, info, a, err);
	if (!rc && !(n->op->flags & OPF_DATA_SHAPE))
		rc = alloc_outputs(n, info, out, err);
	struct eval s = {.node = n,
	    .nin = nin,
	    .nout = n->nout,
	    .in = in,
	    .out = out,
	    .alloc = heap_output,
	    .scratch = a,
	    .err = err};
	return rc ? rc : n->op->eval(&s);
}

int node_eval(
    const struct node *n, const struct tensor *in, int nin, struct tensor *out, struct err *err)
{
	struct arena *a = arena_new();
	for (int i = 0; i < n->nout; i++)
		out[i] = (struct tensor){0};
	int rc = a ? eval_in(n, in, nin, out, a, err) : fail_nomem(err);
	arena_free(a);
	if (!rc)
		return OK;
	for (int i = 0; i < n->nout; i++)
		tensor_free(&out[i]);
	err_in(err, "node '%s'", n->name);
	return rc;
}
