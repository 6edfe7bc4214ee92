/* mo-run --compare: two networks on the same data, layer by layer. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/feed.h"
#include "cli/json.h"
#include "cli/run.h"
#include "ops/op.h"
#include "report/compare.h"

#define WORST_SHOWN 8

/* What the constants of a network allow: FP16 ones 1e-2, quantized ones anything unless asked. */
static double default_tolerance(const struct graph *g)
{
	double t = 1e-4;
	graph_each (g, n) {
		enum dtype type = n->nout ? n->out[0].info.type : DT_NONE;
		if (node_is(n, OP_FAKE_QUANTIZE) ||
		    (node_is(n, OP_CONVERT) && value_const(node_in(n, 0)) &&
			dtype_bits(node_in(n, 0)->info.type) <= 8 &&
			node_in(n, 0)->info.type != DT_BOOL))
			return INFINITY;
		if (node_is(n, OP_CONST) && (type == DT_F16 || type == DT_BF16))
			t = 1e-2;
	}
	return t;
}

static double tolerance(const struct run *r, const struct graph *other)
{
	return isnan(r->tolerance) ? fmax(default_tolerance(r->g), default_tolerance(other))
				   : r->tolerance;
}

static void print_tensor(const struct compare_tensor *t)
{
	printf("  %9.3g %8.1f %9.3g  %-22s %s%s%s\n", t->error, t->sqnr, t->max_abs, t->op, t->name,
	    t->same_size ? "" : " (other size or type)", t->got_finite ? "" : " (not finite)");
}

static void print_layers(const struct compare *c)
{
	int n = c->ntensors < WORST_SHOWN ? c->ntensors : WORST_SHOWN;
	printf("%d tensors in common, %d without a counterpart", c->ntensors, c->unmatched);
	if (c->skipped)
		printf(", %d not kept", c->skipped);
	printf("\n      error  SQNR dB  max abs  layer type             tensor\n");
	if (c->first_differs >= 0) {
		puts("first that differs:");
		print_tensor(&c->tensor[c->first_differs]);
	}
	if (c->first_nonfinite >= 0) {
		puts("first that is not finite:");
		print_tensor(&c->tensor[c->first_nonfinite]);
	}
	if (n)
		puts("worst:");
	for (int i = 0; i < n; i++)
		print_tensor(&c->tensor[c->worst[i]]);
}

static void print_outputs(const struct compare *c, double limit)
{
	puts("outputs:");
	for (int i = 0; i < c->noutputs; i++) {
		const struct compare_output *o = &c->output[i];
		if (o->found)
			print_tensor(&o->t);
		else
			printf("  '%s' is missing\n", o->name);
	}
	if (c->extra_outputs)
		printf("  and %d that the other network lacks\n", c->extra_outputs);
	if (isfinite(limit))
		printf("%s at tolerance %g\n", c->ok ? "agree" : "DIFFER", limit);
	else
		puts("no verdict on quantized networks without --tolerance");
}

static cJSON *tensor_json(const struct compare_tensor *t)
{
	cJSON *j = cJSON_CreateObject();
	cJSON_AddStringToObject(j, "name", t->name);
	cJSON_AddStringToObject(j, "layer", t->layer);
	cJSON_AddStringToObject(j, "type", t->op);
	cJSON_AddItemToObject(j, "error", json_number(t->error));
	cJSON_AddItemToObject(j, "max_abs", json_number(t->max_abs));
	cJSON_AddItemToObject(j, "sqnr", json_number(t->sqnr));
	cJSON_AddBoolToObject(j, "same_size", t->same_size);
	cJSON_AddBoolToObject(j, "finite", t->got_finite);
	return j;
}

static cJSON *pick_json(const struct compare *c, int i)
{
	return i < 0 ? cJSON_CreateNull() : tensor_json(&c->tensor[i]);
}

static cJSON *compare_json(const struct compare *c, double limit)
{
	cJSON *j = cJSON_CreateObject(), *outs = cJSON_CreateArray(), *layers = cJSON_CreateArray();
	cJSON_AddBoolToObject(j, "agrees", c->ok);
	cJSON_AddItemToObject(j, "tolerance", json_number(limit));
	cJSON_AddItemToObject(j, "first_differs", pick_json(c, c->first_differs));
	cJSON_AddItemToObject(j, "first_not_finite", pick_json(c, c->first_nonfinite));
	for (int i = 0; i < c->noutputs; i++) {
		const struct compare_output *o = &c->output[i];
		cJSON *e = o->found ? tensor_json(&o->t) : cJSON_CreateObject();
		if (!o->found)
			cJSON_AddStringToObject(e, "name", o->name);
		cJSON_AddBoolToObject(e, "agrees", o->ok);
		cJSON_AddItemToArray(outs, e);
	}
	cJSON_AddItemToObject(j, "outputs", outs);
	cJSON_AddNumberToObject(j, "unmatched", c->unmatched);
	cJSON_AddNumberToObject(j, "skipped", c->skipped);
	for (int i = 0; i < c->ntensors; i++)
		cJSON_AddItemToArray(layers, tensor_json(&c->tensor[c->worst[i]]));
	cJSON_AddItemToObject(j, "tensors", layers);
	return j;
}

/* Data for the reference, of sizes that both networks take. */
static int make_feed(struct run *r, const struct graph *want, struct feed *f, struct err *err)
{
	int s = feed_new(f, want, tool_log(r->p), err);
	for (int k = 0; k < f->n && !s; k++) {
		const char *name = value_name(&want->inputs[k]->out[0]);
		int i = graph_find_input(r->g, name);
		i = i < 0 && k < r->g->ninputs ? k : i;
		if (i >= 0 &&
		    !shape_merge(&f->shape[k], &r->g->inputs[i]->out[0].info.shape, &f->shape[k]))
			s = fail(
			    err, E_FORMAT, "input '%s' has other sizes in the two networks", name);
	}
	s = s ? s : feed_files(f, want, &r->data, err);
	if (!s && r->seed >= 0)
		s = feed_random(f, want, r->seed, err);
	return s ? s : feed_complete(f, want, err);
}

int run_compare(struct run *r, int *verdict, struct err *err)
{
	struct graph *want = NULL;
	struct feed f = {0};
	struct compare c = {0};
	int s = run_load(r, r->compare, &want, err);
	s = s ? s : make_feed(r, want, &f, err);
	double limit = s ? 0 : tolerance(r, want);
	struct compare_options o = {.pool = r->pool, .eval_only = r->eval, .tolerance = limit};
	s = s ? s : compare_graphs(want, r->g, f.in, &o, &c, err);
	if (!s) {
		if (!r->json || strcmp(r->json, "-")) {
			print_layers(&c);
			print_outputs(&c, limit);
		}
		*verdict = c.ok ? 0 : 3;
		s = r->json ? json_write(r->json, compare_json(&c, limit), err) : OK;
	}
	compare_free(&c);
	feed_free(&f);
	graph_free(want);
	return s;
}
