/* mo-calibrate --table: a network as it is, pruned, as FP16, in 8 bits, and as it was written. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/calibrate.h"
#include "ops/op.h"
#include "passes/pass.h"
#include "quant/aware_int8.h"
#include "quant/gain.h"

static const char within[] = "INT8 within the drop";

/* Bytes of the constants, each once. */
static int64_t constant_bytes(const struct graph *g)
{
	int64_t sum = 0;
	graph_each (g, n) {
		bool again = false;
		for (const struct node *m = g->first; n->data && m != n && !again; m = m->next)
			again = m->data == n->data;
		sum += n->data && !again ? (int64_t)blob_size(n->data) : 0;
		for (int i = 0; i < n->nbodies; i++)
			sum += constant_bytes(n->body[i].graph);
	}
	return sum;
}

static int make_clone(void *user, const int *way, struct graph **out, struct err *err)
{
	(void)way;
	*out = graph_clone(user);
	return *out ? OK : fail_nomem(err);
}

/* The metric of a network, by a search in which nothing is to be decided. */
static int measure(struct calibrate *c, struct graph *g, double *value, struct err *err)
{
	const int none = 0;
	struct compression k = {.make = make_clone, .user = g};
	struct aware_options o = c->aware;
	struct aware_result r;
	o.way = &none;
	o.memo = NULL;
	o.step = NULL;
	o.progress.at = NULL;
	int status = aware_search(c->base, &k, &o, &r, err);
	*value = r.result;
	aware_free(&r);
	return status;
}

/* A row; the metric is measured unless it is known. */
static int add_row(
    struct calibrate *c, const char *what, struct graph *g, double value, struct err *err)
{
	double ms = NAN;
	int r = isnan(value) ? measure(c, g, &value, err) : OK;
	r = r ? r : gain_latency(g, &c->judge_by, &ms, err);
	if (r)
		return r;
	int64_t bytes = constant_bytes(g);
	cJSON *j = cJSON_CreateObject();
	cJSON_AddStringToObject(j, "what", what);
	cJSON_AddNumberToObject(j, "bytes", (double)bytes);
	cJSON_AddNumberToObject(j, "latency_ms", ms);
	cJSON_AddItemToObject(j, metric_name(c->aware.metric), json_number(value));
	cJSON_AddItemToArray(c->rows, j);
	if (!c->json || strcmp(c->json, "-"))
		printf("%-20s %10.3f %10.3f %10.4f\n", what, (double)bytes * 1e-6, ms, value);
	return OK;
}

static int add_fp16(struct calibrate *c, struct err *err)
{
	struct graph *g = graph_clone(c->base);
	struct pass_options o = pass_defaults();
	o.fp16 = true;
	int r = g ? passes_run(g, &o, NULL, NULL, err) : fail_nomem(err);
	r = r ? r : add_row(c, "FP16", g, NAN, err);
	graph_free(g);
	return r;
}

static int add_compressed(struct calibrate *c, const char *what, struct err *err)
{
	struct graph *g = NULL;
	const struct compression *k = c->compression;
	int *way = arena_array(c->arena, (size_t)k->ngroups + 1, sizeof *way);
	int r = way ? k->make(k->user, way, &g, err) : fail_nomem(err);
	r = r ? r : add_row(c, what, g, c->found.compressed, err);
	graph_free(g);
	return r;
}

/* What the drop leaves in 8 bits of a network that was not pruned. */
static int add_unpruned_within(
    struct calibrate *c, struct calibration *k, struct graph *g, struct err *err)
{
	struct aware_int8 a = {0};
	struct aware_options o = c->aware;
	struct aware_result r = {0};
	o.way = NULL;
	o.memo = NULL;
	o.step = NULL;
	o.progress.at = NULL;
	int e = aware_int8_new(&a, k, g, &c->s, NULL, err);
	e = e ? e : aware_search(c->unpruned, &a.c, &o, &r, err);
	e = e ? e : add_row(c, within, r.graph, r.result, err);
	aware_free(&r);
	aware_int8_free(&a);
	return e;
}

/* The network as it was before pruning, in 8 bits: calibrated for this row, and searched when there
 * is a drop to hold. */
static int add_unpruned(struct calibrate *c, struct err *err)
{
	struct graph *g = graph_clone(c->unpruned), *q = NULL;
	struct calibration *k = NULL;
	struct calibrate_options o = c->o;
	struct pass_options p = pass_defaults();
	p.equalize = !c->no_equalize;
	o.progress = NULL;
	int r = g ? passes_run(g, &p, NULL, NULL, err) : fail_nomem(err);
	r = r ? r : calibration_new(g, &o, &k, err);
	r = r ? r : calibration_collect(k, &c->s, err);
	r = r ? r : calibration_quantize(k, NULL, 0, &q, err);
	r = r ? r : add_row(c, "INT8", q, NAN, err);
	if (!r && isfinite(c->aware.max_drop))
		r = add_unpruned_within(c, k, g, err);
	graph_free(q);
	calibration_free(k);
	graph_free(g);
	return r;
}

static int add_result(struct calibrate *c, struct err *err)
{
	static const char *const what[] = {
	    "FP16 within the drop", within, "pruned", "pruned INT8 within"};
	int which = calibrate_prunes(c) ? 2 + calibrate_quantizes(c)
		    : c->unpruned       ? 3
					: c->c != NULL;
	return add_row(c, what[which], c->result, c->found.result, err);
}

int calibrate_table(struct calibrate *c, struct err *err)
{
	bool int8 = c->c != NULL;
	c->rows = cJSON_CreateArray();
	if (!c->rows)
		return fail_nomem(err);
	if (!c->json || strcmp(c->json, "-"))
		printf(
		    "%-20s %10s %10s %10s\n", "network", "MB", "ms", metric_name(c->aware.metric));
	int r = add_row(c, "original", c->base, c->found.original, err);
	r = r ? r : add_fp16(c, err);
	if (!r && int8 && c->unpruned)
		r = add_unpruned(c, err);
	if (!r && c->unpruned)
		r = add_row(c, "pruned", c->g, NAN, err);
	if (!r && int8)
		r = add_compressed(c, c->unpruned ? "pruned INT8" : "INT8", err);
	return r || (int8 && !isfinite(c->aware.max_drop)) ? r : add_result(c, err);
}
