/* Times the layers of a network one by one, and the whole. */
#include "quant/gain.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "exec/exec.h"
#include "quant/evaluate.h"

#define RUNS 12

struct times {
	struct map row; /* name to 1 + its number */
	double *run;    /* of the run at hand, by number */
};

static void timed(void *user, const struct exec_timing *call)
{
	struct times *t = user;
	size_t k = (size_t)map_get(&t->row, call->node->name);
	if (k)
		t->run[k - 1] += call->seconds * 1e3;
}

/* The first sample that can be read, as the network's batch wants it: repeated. */
static int first_sample(
    const struct graph *g, const struct samples *s, struct tensor *in, struct err *err)
{
	int64_t label;
	int r = E_FORMAT;
	for (int64_t i = 0; i < s->count && r < 0 && r != E_NOMEM && r != E_USAGE; i++) {
		err_clear(err);
		r = s->get(s->user, i, in, &label, err);
	}
	for (int k = 0; k < g->ninputs && !r; k++) {
		const struct shape *want = &g->inputs[k]->out[0].info.shape;
		struct tensor one = in[k];
		int64_t batch = want->rank > 0 && dim_static(want->dim[0]) ? want->dim[0].min : 1;
		if (batch == 1 || !one.rank || one.dim[0] != 1)
			continue;
		one.dim[0] = batch;
		r = tensor_alloc(&one, one.type, one.rank, one.dim, err);
		for (int64_t b = 0; b < batch && !r; b++)
			memcpy((char *)one.data + (size_t)b * tensor_bytes(&in[k]), in[k].data,
			    tensor_bytes(&in[k]));
		if (!r) {
			tensor_free(&in[k]);
			in[k] = one;
		}
	}
	return r;
}

/* A network ready to be timed on a sample. */
struct timing {
	struct exec *e;
	struct tensor *in, *out;
	int ninputs;
};

static int timing_new(
    struct timing *t, struct graph *g, const struct samples *s, struct times *to, struct err *err)
{
	struct exec_options o = {0};
	if (to) {
		o.timed = timed;
		o.timed_user = to;
	}
	*t = (struct timing){.ninputs = g->ninputs};
	t->in = calloc((size_t)g->ninputs + 1, sizeof *t->in);
	t->out = calloc((size_t)g->noutputs + 1, sizeof *t->out);
	int r = t->in && t->out ? first_sample(g, s, t->in, err) : fail_nomem(err);
	return r ? r : exec_new(g, &o, &t->e, err);
}

static void timing_free(struct timing *t)
{
	exec_free(t->e);
	for (int k = 0; t->in && k < t->ninputs; k++)
		tensor_free(&t->in[k]);
	free(t->in);
	free(t->out);
}

int gain_times(struct graph *g, const struct samples *s, const char *const *name, int n, double *ms,
    struct err *err)
{
	struct times to = {.run = calloc((size_t)n + 1, sizeof *to.run)};
	struct timing t = {0};
	int r = to.run ? OK : fail_nomem(err);
	for (int k = 0; k < n && !r; k++)
		if (!map_put(&to.row, name[k], (void *)(size_t)(k + 1)))
			r = fail_nomem(err);
	r = r ? r : timing_new(&t, g, s, &to, err);
	for (int i = 0; i < RUNS && !r; i++) {
		memset(to.run, 0, (size_t)n * sizeof *to.run);
		r = exec_run(t.e, t.in, t.out, err);
		for (int k = 0; k < n && !r; k++)
			ms[k] = i && ms[k] < to.run[k] ? ms[k] : to.run[k];
	}
	timing_free(&t);
	map_free(&to.row);
	free(to.run);
	return r;
}

int gain_latency(struct graph *g, const struct samples *s, double *ms, struct err *err)
{
	struct timing t;
	int r = timing_new(&t, g, s, NULL, err);
	for (int i = 0; i < RUNS && !r; i++) {
		double start = clock_seconds();
		r = exec_run(t.e, t.in, t.out, err);
		double took = (clock_seconds() - start) * 1e3;
		*ms = i && *ms < took ? *ms : took;
	}
	timing_free(&t);
	return r;
}
