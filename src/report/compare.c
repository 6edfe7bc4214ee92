/* Runs two networks and sets what they compute side by side. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exec/exec.h"
#include "graph/op.h"
#include "report/compare.h"
#include "report/error.h"
#include "report/match.h"

#define KEEP_BYTES ((size_t)2 << 30)

struct job {
	const struct compare_options *o;
	struct graph *want, *got;
	const struct value **pair; /* by value id of got: the reference's value, or NULL */
	bool *keep;                /* by value id of want: someone is paired with it */
	struct tensor *kept;       /* by value id of want */
	size_t room;
	bool *computed; /* by value id of got */
	struct compare *out;
	int cap;
};

/* ---- one tensor ---- */

static bool same_size(const struct tensor *a, const struct tensor *b)
{
	return a->type == b->type && a->rank == b->rank &&
	       !memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim);
}

static bool all_finite(const struct tensor *t)
{
	for (int64_t i = 0, n = dtype_is_float(t->type) ? tensor_count(t) : 0; i < n; i++)
		if (!isfinite(tensor_f64(t, i)))
			return false;
	return true;
}

static void measure(struct compare_tensor *c, const struct tensor *got, const struct tensor *want)
{
	double signal = 0, noise = 0;
	c->same_size = same_size(got, want);
	c->error = error_over_range(got, want);
	c->got_finite = all_finite(got);
	c->want_finite = all_finite(want);
	c->sqnr = c->max_abs = NAN;
	if (tensor_count(got) != tensor_count(want))
		return;
	c->max_abs = 0;
	for (int64_t i = 0, n = tensor_count(want); i < n; i++) {
		double a = tensor_f64(got, i), b = tensor_f64(want, i), d = a - b;
		if (a == b || (isnan(a) && isnan(b)))
			d = 0;
		signal += isfinite(b) ? b * b : 0;
		noise += d * d;
		c->max_abs = d != d ? INFINITY : fmax(c->max_abs, fabs(d));
	}
	c->sqnr = noise == 0 ? INFINITY : noise == noise ? 10 * log10(signal / noise) : -INFINITY;
}

static struct compare_tensor named(const struct value *v)
{
	return (struct compare_tensor){
	    .name = value_name(v), .layer = v->node->name, .op = v->node->op->type};
}

/* ---- the two runs ---- */

static int keep_want(void *user, const struct value *v, const struct tensor *t, struct err *err)
{
	struct job *j = user;
	if (!j->keep[v->id] || tensor_bytes(t) > j->room)
		return OK;
	int status = tensor_clone(&j->kept[v->id], t, err);
	if (status == OK)
		j->room -= tensor_bytes(t);
	return status;
}

static int compare_got(void *user, const struct value *v, const struct tensor *t, struct err *err)
{
	struct job *j = user;
	struct compare *c = j->out;
	const struct value *p = j->pair[v->id];
	if (!p) {
		c->unmatched += j->computed[v->id];
		return OK;
	}
	if (j->kept[p->id].type == DT_NONE) {
		c->skipped++;
		return OK;
	}
	if (c->ntensors == j->cap)
		return fail(err, E_LIMIT, "more tensors than values");
	struct compare_tensor *to = &c->tensor[c->ntensors];
	*to = named(v);
	measure(to, t, &j->kept[p->id]);
	if (!(to->error <= j->o->tolerance) && c->first_differs < 0)
		c->first_differs = c->ntensors;
	if (!to->got_finite && to->want_finite && c->first_nonfinite < 0)
		c->first_nonfinite = c->ntensors;
	c->ntensors++;
	return OK;
}

static struct exec_options options_of(
    struct job *j, int (*tap)(void *, const struct value *, const struct tensor *, struct err *))
{
	return (struct exec_options){
	    .pool = j->o->pool, .eval_only = j->o->eval_only, .tap = tap, .user = j};
}

static int run_one(struct graph *g, const struct exec_options *o, const struct tensor *in,
    struct exec **e, struct tensor **out, const char *which, struct err *err)
{
	int status = OK;
	*out = calloc((size_t)g->noutputs + 1, sizeof **out);
	if (!*out)
		status = fail_nomem(err);
	if (status == OK)
		status = exec_new(g, o, e, err);
	if (status == OK)
		status = exec_run(*e, in, *out, err);
	return status < 0 ? err_in(err, "the %s network", which) : OK;
}

/* ---- inputs and outputs ---- */

/* Position in names of the other network's input or output, or the same position. */
static int position_of(const struct value *v, const char *layer, int same, int count,
    const struct graph *other, int (*find)(const struct graph *, const char *))
{
	for (int i = 0; i < v->nnames; i++) {
		int at = find(other, v->names[i]);
		if (at >= 0)
			return at;
	}
	int at = find(other, layer);
	return at >= 0 ? at : same < count ? same : -1;
}

/* The inputs in got's order. */
static int order_inputs(struct job *j, const struct tensor *in, struct tensor *to, struct err *err)
{
	for (int k = 0; k < j->got->ninputs; k++) {
		const struct node *n = j->got->inputs[k];
		int at = position_of(
		    &n->out[0], n->name, k, j->want->ninputs, j->want, graph_find_input);
		if (at < 0)
			return fail(err, E_USAGE,
			    "input '%s' of the tested network is none of the reference's",
			    value_name(&n->out[0]));
		to[k] = in[at];
	}
	return OK;
}

static int judge_outputs(
    struct job *j, const struct tensor *got, const struct tensor *want, struct err *err)
{
	struct compare *c = j->out;
	int used = 0;
	c->noutputs = j->want->noutputs;
	c->output = calloc((size_t)c->noutputs + 1, sizeof *c->output);
	if (!c->output)
		return fail_nomem(err);
	c->ok = true;
	for (int k = 0; k < c->noutputs; k++) {
		struct compare_output *o = &c->output[k];
		const struct value *v = node_in(j->want->outputs[k], 0);
		bool alike = j->want->noutputs == j->got->noutputs;
		int at = position_of(
		    v, v->node->name, k, alike ? j->got->noutputs : 0, j->got, graph_find_output);
		o->name = graph_output_name(j->want, k);
		o->found = at >= 0;
		if (o->found) {
			o->t = named(node_in(j->got->outputs[at], 0));
			o->t.name = graph_output_name(j->got, at);
			measure(&o->t, &got[at], &want[k]);
			used++;
		}
		o->ok = o->found && o->t.error <= j->o->tolerance;
		c->ok &= o->ok;
	}
	c->extra_outputs = j->got->noutputs > used ? j->got->noutputs - used : 0;
	return OK;
}

/* ---- all of it ---- */

static int pair_up(struct job *j, struct err *err)
{
	struct match m;
	int status = match_new(j->want, &m, err);
	if (status < 0)
		return status;
	j->computed = match_computed(j->got);
	j->pair = calloc(j->got->nvalues + 1, sizeof *j->pair);
	j->keep = calloc(j->want->nvalues + 1, sizeof *j->keep);
	j->kept = calloc(j->want->nvalues + 1, sizeof *j->kept);
	j->cap = (int)j->got->nvalues;
	j->out->tensor = calloc((size_t)j->cap + 1, sizeof *j->out->tensor);
	if (j->computed && j->pair && j->keep && j->kept && j->out->tensor)
		graph_each (j->got, n)
			for (int k = 0; k < n->nout; k++) {
				const struct value *v = &n->out[k];
				const struct value *p = j->computed[v->id] ? match_find(&m, v)
									   : NULL;
				j->pair[v->id] = p;
				if (p)
					j->keep[p->id] = true;
			}
	else
		status = fail_nomem(err);
	match_free(&m);
	return status;
}

static int by_error(const void *a, const void *b, void *user)
{
	const struct compare *c = user;
	int x = *(const int *)a, y = *(const int *)b;
	double dx = c->tensor[x].error, dy = c->tensor[y].error;
	return dx != dy ? (dx < dy ? 1 : -1) : x - y;
}

static int rank_worst(struct compare *c, struct err *err)
{
	c->worst = calloc((size_t)c->ntensors + 1, sizeof *c->worst);
	if (!c->worst)
		return fail_nomem(err);
	for (int i = 0; i < c->ntensors; i++)
		c->worst[i] = i;
	qsort_r(c->worst, (size_t)c->ntensors, sizeof *c->worst, by_error, c);
	return OK;
}

static int compare_runs(struct job *j, const struct tensor *in, struct err *err)
{
	struct exec *a = NULL, *b = NULL;
	struct exec_options oa = options_of(j, keep_want), ob = options_of(j, compare_got);
	struct tensor *want = NULL, *got = NULL;
	struct tensor *in_got = calloc((size_t)j->got->ninputs + 1, sizeof *in_got);
	int status = in_got ? order_inputs(j, in, in_got, err) : fail_nomem(err);
	if (status == OK)
		status = run_one(j->want, &oa, in, &a, &want, "reference", err);
	if (status == OK)
		status = run_one(j->got, &ob, in_got, &b, &got, "tested", err);
	if (status == OK)
		status = judge_outputs(j, got, want, err);
	exec_free(a);
	exec_free(b);
	free(want);
	free(got);
	free(in_got);
	return status;
}

int compare_graphs(struct graph *want, struct graph *got, const struct tensor *in,
    const struct compare_options *o, struct compare *out, struct err *err)
{
	struct job j = {.o = o, .want = want, .got = got, .out = out};
	*out = (struct compare){.first_differs = -1, .first_nonfinite = -1};
	j.room = o->keep_bytes ? o->keep_bytes : KEEP_BYTES;
	int status = pair_up(&j, err);
	if (status == OK)
		status = compare_runs(&j, in, err);
	if (status == OK)
		status = rank_worst(out, err);
	for (uint32_t id = 0; j.kept && id < want->nvalues; id++)
		tensor_free(&j.kept[id]);
	free(j.kept);
	free(j.keep);
	free(j.pair);
	free(j.computed);
	if (status < 0)
		compare_free(out);
	return status;
}

void compare_free(struct compare *c)
{
	free(c->tensor);
	free(c->worst);
	free(c->output);
	*c = (struct compare){0};
}
