/* Times each call of a plan in runs of their own, so that the clocks disturb no other figure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "cli/bench_profile.h"
#include "exec/exec.h"
#include "ops/op.h"
#include "report/cost.h"
#include "report/match.h"

#define RUNS 10

/* Is v no constant, nor what constants alone give? */
static bool is_data(const struct profile *p, const struct value *v)
{
	return v->node->graph != p->g || node_is(v->node, OP_PARAMETER) || p->computed[v->id];
}

/* Of so many bytes an element; 0: as its type says. */
static int64_t value_bytes(const struct value *v, int element)
{
	int64_t n = shape_count(&v->info.shape);
	if (n < 0)
		return 0;
	return element ? n * element : dtype_bytes(v->info.type, n);
}

/* Bytes of the data that a call reads and writes; of what was fused into it only what is its own.
 */
static int64_t data_bytes(const struct profile *p, const struct exec_timing *t)
{
	const struct node *n = t->node;
	int64_t bytes = 0;
	for (int i = 0; i < n->nin; i++)
		if (node_in(n, i) && is_data(p, node_in(n, i)))
			bytes += value_bytes(node_in(n, i), t->read);
	for (int k = 0; k < n->nout; k++)
		bytes += value_bytes(&n->out[k], t->written);
	return bytes;
}

static void timed(void *user, const struct exec_timing *t)
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
		int64_t macs = cost_macs(t->node);
		*c = (struct profile_call){.node = t->node,
		    .kernel = t->kernel,
		    .ms = t->seconds * 1e3,
		    .macs = macs < 0 ? 0 : macs,
		    .bytes = t->constants + data_bytes(p, t),
		    .weights = t->constants};
		p->n = p->at;
	}
	c->ms = t->seconds * 1e3 < c->ms ? t->seconds * 1e3 : c->ms;
}

static struct profile_call *call_of(struct profile *p, const struct node *n)
{
	for (int i = 0; i < p->n; i++)
		if (p->call[i].node == n)
			return &p->call[i];
	return NULL;
}

/* Layers with weights that have no call of their own count in the one that took them along: the
 * nearest before them. */
static void add_taken_along(struct profile *p, const struct graph *g)
{
	graph_each (g, n) {
		int64_t macs = cost_macs(n);
		if (macs <= 0 || call_of(p, n))
			continue;
		struct profile_call *c = NULL;
		for (const struct node *m = n; !c && m && m->nin && m->in[0].value;) {
			m = m->in[0].value->node;
			c = call_of(p, m);
		}
		if (c)
			c->macs += macs;
	}
}

int profile_run(struct profile *p, struct graph *g, const struct tensor *in,
    const struct exec_options *options, struct err *err)
{
	struct exec_options o = *options;
	o.timed = timed;
	o.timed_user = p;
	struct exec *e = NULL;
	struct tensor *out = calloc((size_t)g->noutputs + 1, sizeof *out);
	p->g = g;
	p->computed = match_computed(g);
	int s = out && p->computed ? exec_new(g, &o, &e, err) : fail_nomem(err);
	for (p->runs = 0; p->runs < RUNS && !s; p->runs++) {
		p->at = 0;
		s = exec_run(e, in, out, err);
	}
	if (!s && p->failed)
		s = fail_nomem(err);
	if (!s)
		add_taken_along(p, g);
	exec_free(e);
	free(out);
	free(p->computed);
	p->threads = options->pool ? pool_size(options->pool) : 1;
	return s ? s : peak_measure(&p->peak, err);
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

/* Share of what all threads could do in FP32: Winograd and 8 bits may pass 1. */
static double of_peak(const struct profile *p, const struct profile_call *c)
{
	return p->peak.gflops > 0 ? gflops(c) / (p->peak.gflops * p->threads) : 0;
}

void profile_print(const struct profile *p)
{
	double all = total(p);
	printf("\n%9s %6s %9s %8s %6s %8s  %-16s %s\n", "ms", "share", "MMACs", "GFLOP/s", "peak",
	    "MB", "kernel", "layer");
	for (int i = 0; i < p->n; i++) {
		const struct profile_call *c = &p->call[i];
		printf("%9.4f %5.1f%% %9.2f %8.1f %5.0f%% %8.3f  %-16s %s (%s)\n", c->ms,
		    all > 0 ? c->ms / all * 100 : 0, (double)c->macs * 1e-6, gflops(c),
		    of_peak(p, c) * 100, (double)c->bytes * 1e-6, c->kernel, c->node->name,
		    c->node->op->type);
	}
	printf("%9.4f  sum of the least times of %d runs; a core does at most %.0f GFLOP/s in FP32 "
	       "and reads %.1f GB/s from memory, %.0f GB/s from its second cache\n",
	    all, p->runs, p->peak.gflops, p->peak.gbytes, p->peak.cache_gbytes);
}

static struct advice_limits limits(const struct profile *p)
{
	struct advice_limits l = {.gflops = p->peak.gflops * p->threads,
	    .gbytes = p->peak.gbytes,
	    .cache_gbytes = p->peak.cache_gbytes * p->threads,
	    .cache = (int64_t)cpu_l2() * p->threads};
	for (int i = 0; i < p->n; i++)
		l.weights += p->call[i].weights;
	return l;
}

static struct advice_call advice_of(const struct profile_call *c)
{
	return (struct advice_call){
	    c->node->name, c->node->op->type, c->kernel, c->ms, c->macs, c->bytes, c->weights};
}

static const char *bound_of(const struct advice_limits *l, const struct profile_call *c)
{
	struct advice_call a = advice_of(c);
	return bound_name(advice_bound(&a, l));
}

/* What a call computes in. */
static const char *precision_of(const struct profile_call *c)
{
	if (!strcmp(c->kernel, "dequantize"))
		return "f32";
	if (strstr(c->kernel, "u8") || strstr(c->kernel, "quantize"))
		return "i8";
	if (strstr(c->kernel, "bf16"))
		return "bf16";
	return c->node->nout ? dtype_name(c->node->out[0].info.type) : "f32";
}

int profile_advice(const struct profile *p, struct advice_run *r, struct err *err)
{
	struct advice_call *c = calloc((size_t)p->n + 1, sizeof *c);
	for (int i = 0; c && i < p->n; i++)
		c[i] = advice_of(&p->call[i]);
	r->call = c;
	r->n = p->n;
	r->limits = limits(p);
	return c ? OK : fail_nomem(err);
}

cJSON *profile_json(const struct profile *p)
{
	cJSON *list = cJSON_CreateArray();
	struct advice_limits l = limits(p);
	for (int i = 0; i < p->n; i++) {
		const struct profile_call *c = &p->call[i];
		cJSON *j = cJSON_CreateObject();
		cJSON_AddStringToObject(j, "name", c->node->name);
		cJSON_AddStringToObject(j, "type", c->node->op->type);
		cJSON_AddStringToObject(j, "kernel", c->kernel);
		cJSON_AddStringToObject(j, "precision", precision_of(c));
		cJSON_AddNumberToObject(j, "ms", c->ms);
		cJSON_AddNumberToObject(j, "macs", (double)c->macs);
		cJSON_AddNumberToObject(j, "gflops", gflops(c));
		cJSON_AddNumberToObject(j, "peak", of_peak(p, c));
		cJSON_AddNumberToObject(j, "bytes", (double)c->bytes);
		cJSON_AddStringToObject(j, "bound", bound_of(&l, c));
		cJSON_AddItemToArray(list, j);
	}
	return list;
}

void profile_free(struct profile *p)
{
	free(p->call);
	*p = (struct profile){0};
}
