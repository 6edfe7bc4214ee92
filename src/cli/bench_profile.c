/* Times each call of a plan in runs of their own, so that the clocks disturb no other figure. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/bench_profile.h"
#include "exec/exec.h"
#include "report/cost.h"

#define RUNS 10

static void timed(void *user, const struct node *n, const char *kernel, double seconds)
{
	struct profile *p = user;
	if (p->at == p->max && !p->failed) {
		int max = p->max ? p->max * 2 : 256;
		struct profile_call *c = reallocarray(p->call, (size_t)max, sizeof *c);
		p->failed = !c;
		p->call = c ? c : p->call;
		p->max = c ? max : p->max;
	}
	if (p->failed)
		return;
	struct profile_call *c = &p->call[p->at++];
	if (p->at > p->n) {
		int64_t macs = cost_macs(n);
		*c = (struct profile_call){n, kernel, seconds * 1e3, macs < 0 ? 0 : macs};
		p->n = p->at;
	}
	c->ms = seconds * 1e3 < c->ms ? seconds * 1e3 : c->ms;
}

int profile_run(struct profile *p, struct graph *g, const struct tensor *in,
    const struct exec_options *options, struct err *err)
{
	struct exec_options o = *options;
	o.timed = timed;
	o.timed_user = p;
	struct exec *e = NULL;
	struct tensor *out = calloc((size_t)g->noutputs + 1, sizeof *out);
	int s = out ? exec_new(g, &o, &e, err) : fail_nomem(err);
	for (p->runs = 0; p->runs < RUNS && !s; p->runs++) {
		p->at = 0;
		s = exec_run(e, in, out, err);
	}
	if (!s && p->failed)
		s = fail_nomem(err);
	exec_free(e);
	free(out);
	return s;
}

static double total(const struct profile *p)
{
	double ms = 0;
	for (int i = 0; i < p->n; i++)
		ms += p->call[i].ms;
	return ms;
}

static double gflops(const struct profile_call *c)
{
	return c->ms > 0 ? (double)c->macs * 2e-6 / c->ms : 0;
}

void profile_print(const struct profile *p)
{
	double all = total(p);
	printf(
	    "\n%9s %6s %9s %8s  %-16s %s\n", "ms", "share", "MMACs", "GFLOP/s", "kernel", "layer");
	for (int i = 0; i < p->n; i++) {
		const struct profile_call *c = &p->call[i];
		printf("%9.4f %5.1f%% %9.2f %8.1f  %-16s %s (%s)\n", c->ms,
		    all > 0 ? c->ms / all * 100 : 0, (double)c->macs * 1e-6, gflops(c), c->kernel,
		    c->node->name, c->node->op->type);
	}
	printf("%9.4f  sum of the least times of %d runs\n", all, p->runs);
}

cJSON *profile_json(const struct profile *p)
{
	cJSON *list = cJSON_CreateArray();
	for (int i = 0; i < p->n; i++) {
		const struct profile_call *c = &p->call[i];
		cJSON *j = cJSON_CreateObject();
		cJSON_AddStringToObject(j, "name", c->node->name);
		cJSON_AddStringToObject(j, "type", c->node->op->type);
		cJSON_AddStringToObject(j, "kernel", c->kernel);
		cJSON_AddNumberToObject(j, "ms", c->ms);
		cJSON_AddNumberToObject(j, "macs", (double)c->macs);
		cJSON_AddNumberToObject(j, "gflops", gflops(c));
		cJSON_AddItemToArray(list, j);
	}
	return list;
}

void profile_free(struct profile *p)
{
	free(p->call);
	*p = (struct profile){0};
}
