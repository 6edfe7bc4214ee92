/* Types and sizes of every value for given input shapes, and content that follows from them. */
#include <stdlib.h>
#include <string.h>

#include "exec/plan.h"

#define KNOWN_BYTES 65536 /* nodes whose operands are known are evaluated ahead up to this size */

struct job {
	struct exec *e;
	struct plan *p;
	const struct dim **elems; /* by value id: partial content */
	struct infer_in *in;
	struct arena *tmp;
	struct err *err;
};

static void set_sizes(struct tensor *t, const struct info *info)
{
	t->type = info->type;
	t->rank = info->shape.rank;
	for (int d = 0; d < t->rank; d++)
		t->dim[d] = info->shape.dim[d].min;
}

/* False when an output's size does not follow. */
static bool take_outputs(struct job *j, const struct node *n, const struct info *info)
{
	for (int k = 0; k < n->nout; k++) {
		uint32_t id = n->out[k].id;
		int64_t count = shape_count(&info[k].shape);
		if (info[k].type == DT_NONE || count < 0 || dtype_bytes(info[k].type, count) < 0)
			return false;
		set_sizes(&j->p->value[id], &info[k]);
		j->elems[id] = info[k].elems;
	}
	return true;
}

static void describe(struct job *j, const struct node *n)
{
	for (int k = 0; k < n->nin; k++) {
		const struct value *v = n->in[k].value;
		struct infer_in *in = &j->in[k];
		*in = (struct infer_in){.shape = shape_unknown()};
		if (!v)
			continue;
		struct tensor *t = &j->p->value[v->id];
		in->type = t->type;
		in->shape = tensor_shape(t);
		in->elems = j->elems[v->id];
		if (t->data) {
			in->tensor = t;
			in->elems = tensor_elems(t, j->tmp);
		}
	}
}

/* The sizes of n's outputs will be known when it runs. */
static void mark_dynamic(struct job *j, const struct node *n)
{
	for (int k = 0; k < n->nout; k++) {
		tensor_free(&j->p->value[n->out[k].id]);
		j->p->dynamic[n->out[k].id] = true;
	}
}

static bool any_dynamic(const struct job *j, const struct node *n)
{
	for (int k = 0; k < n->nin; k++)
		if (n->in[k].value && j->p->dynamic[n->in[k].value->id])
			return true;
	return false;
}

/* An integer value whose elements inference followed to the end. */
static int know_elems(struct job *j, const struct value *v)
{
	struct tensor *t = &j->p->value[v->id], sizes = *t;
	const struct dim *elems = j->elems[v->id];
	int64_t n = tensor_count(t);
	if (!elems || t->rank > 1 || n > LIMIT_ELEMS || !dtype_is_int(t->type))
		return OK;
	for (int64_t i = 0; i < n; i++)
		if (!dim_static(elems[i]))
			return OK;
	int status = tensor_alloc(t, sizes.type, sizes.rank, sizes.dim, j->err);
	if (status < 0) {
		*t = sizes;
		return status;
	}
	for (int64_t i = 0; i < n; i++)
		tensor_set_i64(t, i, elems[i].min);
	j->p->known[v->id] = true;
	return OK;
}

static bool operands_known(const struct job *j, const struct node *n)
{
	for (int k = 0; k < n->nin; k++)
		if (n->in[k].value && !j->p->value[n->in[k].value->id].data)
			return false;
	return n->nin > 0;
}

static int know_node(struct job *j, const struct node *n)
{
	struct tensor *in = arena_array(j->tmp, (size_t)n->nin, sizeof *in);
	if (!in)
		return fail_nomem(j->err);
	for (int k = 0; k < n->nin; k++)
		if (n->in[k].value)
			in[k] = j->p->value[n->in[k].value->id];
	int status = node_eval(n, in, n->nin, &j->p->value[n->out[0].id], j->err);
	for (int k = 0; k < n->nout && status == OK; k++)
		j->p->known[n->out[k].id] = true;
	return status;
}

/* Content of a small node's outputs when nothing of it depends on the data. */
static int know_outputs(struct job *j, const struct step *s)
{
	const struct node *n = s->node;
	size_t bytes = 0;
	if (!n->nout)
		return OK;
	for (int k = 0; k < n->nout; k++)
		bytes += tensor_bytes(&j->p->value[n->out[k].id]);
	if (bytes <= KNOWN_BYTES && !(n->op->flags & OPF_RANDOM) && operands_known(j, n))
		return know_node(j, n);
	return n->nout == 1 ? know_elems(j, &n->out[0]) : OK;
}

/* Rows whose sizes come from the data, which may be known now. */
static int size_from_data(struct job *j, const struct node *n)
{
	if (operands_known(j, n) && !(n->op->flags & OPF_RANDOM))
		return know_node(j, n);
	mark_dynamic(j, n);
	return OK;
}

static int infer_step(struct job *j, const struct step *s)
{
	const struct node *n = s->node;
	struct info *out = arena_array(j->tmp, (size_t)n->nout, sizeof *out);
	if (!out)
		return fail_nomem(j->err);
	if (any_dynamic(j, n)) {
		mark_dynamic(j, n);
		return OK;
	}
	if ((n->op->flags & OPF_DATA_SHAPE) || n->nbodies)
		return size_from_data(j, n);
	for (int k = 0; k < n->nout; k++)
		out[k].shape = shape_unknown();
	describe(j, n);
	struct infer i = {.node = n,
	    .nin = n->nin,
	    .nout = n->nout,
	    .in = j->in,
	    .out = out,
	    .arena = j->tmp,
	    .err = j->err};
	int status = n->op->infer(&i);
	if (status < 0)
		return err_in(j->err, "node '%s'", n->name);
	if (take_outputs(j, n, out))
		return know_outputs(j, s);
	mark_dynamic(j, n);
	return OK;
}

static int infer_all(struct job *j, const struct tensor *in)
{
	struct exec *e = j->e;
	int status = OK;
	memcpy(j->p->value, e->c->t, e->graph->nvalues * sizeof *j->p->value);
	for (int k = 0; k < e->graph->ninputs; k++) {
		struct tensor *t = &j->p->value[e->graph->inputs[k]->out[0].id];
		*t = in[k];
		t->data = NULL;
	}
	for (int i = 0; i < e->nsteps && status == OK; i++)
		if (!e->step[i].folded)
			status = infer_step(j, &e->step[i]);
	return status;
}

int plan_infer(struct exec *e, struct plan *p, const struct tensor *in, struct err *err)
{
	struct job j = {.e = e, .p = p, .err = err, .tmp = arena_new()};
	j.elems = calloc(e->graph->nvalues + 1, sizeof *j.elems);
	j.in = calloc((size_t)e->max_in + 1, sizeof *j.in);
	int status = j.tmp && j.elems && j.in ? infer_all(&j, in) : fail_nomem(err);
	arena_free(j.tmp);
	free(j.elems);
	free(j.in);
	return status;
}
