/* mo-info: what a network is made of, and what it costs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/feed.h"
#include "cli/json.h"
#include "cli/programs.h"
#include "formats/model.h"
#include "ops/op.h"
#include "report/cost.h"

struct info_run {
	struct program *p;
	const char *model, *json;
	bool lenient, all;
	struct graph *g;
	enum model_format format;
};

/* Sums over the network; bodies are part of their node. */
struct totals {
	int layers, constants, unsized;
	int64_t macs, weight_bytes, parameters;
	int64_t stored[DT_COUNT], computed[DT_COUNT]; /* elements by type; layers by type */
	int count[OP_COUNT];
};

static bool is_layer(const struct node *n)
{
	return !node_is(n, OP_CONST) && !node_is(n, OP_PARAMETER) && !node_is(n, OP_RESULT);
}

static void sum_constant(struct totals *t, const struct node *n)
{
	int64_t count = shape_count(&n->out[0].info.shape);
	enum dtype type = n->out[0].info.type;
	if (count < 0)
		return;
	t->constants++;
	t->stored[type] += count;
	t->weight_bytes += dtype_bytes(type, count);
}

static void sum(struct totals *t, const struct graph *g)
{
	graph_each (g, n) {
		for (int i = 0; i < n->nbodies; i++)
			sum(t, n->body[i].graph);
		if (node_is(n, OP_CONST))
			sum_constant(t, n);
		if (!is_layer(n))
			continue;
		int64_t macs = cost_macs(n);
		t->layers++;
		t->count[n->op->id]++;
		t->computed[n->nout ? n->out[0].info.type : DT_NONE]++;
		t->unsized += macs < 0;
		t->macs += macs > 0 ? macs : 0;
	}
}

static const struct value *edge(const struct graph *g, int i, bool output, const char **name)
{
	const struct value *v = output ? node_in(g->outputs[i], 0) : &g->inputs[i]->out[0];
	*name = output ? graph_output_name(g, i) : value_name(v);
	return v;
}

static void print_edges(const struct graph *g, bool output)
{
	for (int i = 0; i < (output ? g->noutputs : g->ninputs); i++) {
		const char *name;
		const struct value *v = edge(g, i, output, &name);
		struct text t = {0};
		shape_text(&t, &v->info.shape);
		printf("%-8s %s %s[%s]\n", output ? "output" : "input", name,
		    dtype_name(v->info.type), t.data ? t.data : "");
		text_free(&t);
	}
}

static void print_types(const char *what, const int64_t *n)
{
	printf("%-8s", what);
	for (int i = 1; i < DT_COUNT; i++)
		if (n[i])
			printf(" %s %lld", dtype_name(i), (long long)n[i]);
	putchar('\n');
}

/* Operators, the most frequent first, then by their place in the table. */
static int by_count(const void *a, const void *b, void *user)
{
	const struct totals *t = user;
	int i = *(const int *)a, j = *(const int *)b;
	return t->count[i] != t->count[j] ? t->count[j] - t->count[i] : i - j;
}

static int sorted_ops(struct totals *t, int *id)
{
	int n = 0;
	for (int i = 0; i < OP_COUNT; i++)
		if (t->count[i])
			id[n++] = i;
	qsort_r(id, n, sizeof *id, by_count, t);
	return n;
}

static void print_summary(const struct info_run *r, struct totals *t)
{
	int id[OP_COUNT], n = sorted_ops(t, id);
	printf("format   %s\n", r->format == MODEL_ONNX ? "ONNX" : "OpenVINO IR");
	print_edges(r->g, false);
	print_edges(r->g, true);
	printf("layers   %d, constants %d\n", t->layers, t->constants);
	printf("weights  %lld parameters, %lld bytes of constants\n", (long long)t->parameters,
	    (long long)t->weight_bytes);
	printf("work     %lld multiply-adds", (long long)t->macs);
	if (t->unsized)
		printf(", without %d layers of open sizes", t->unsized);
	putchar('\n');
	print_types("stored", t->stored);
	print_types("computed", t->computed);
	printf("operators");
	for (int i = 0; i < n; i++)
		printf("%s %s %d", i ? "," : "", op_row(id[i])->type, t->count[id[i]]);
	putchar('\n');
}

static void print_layers(const struct graph *g)
{
	printf("\n%-24s %-26s %12s %12s %12s  %s\n", "type", "output", "macs", "parameters",
	    "weight bytes", "name");
	graph_each (g, n) {
		struct text t = {0};
		if (!is_layer(n))
			continue;
		struct cost_weights w = cost_weights(n);
		int64_t macs = cost_macs(n);
		if (n->nout) {
			text_printf(&t, "%s[", dtype_name(n->out[0].info.type));
			shape_text(&t, &n->out[0].info.shape);
			text_add(&t, "]");
		}
		printf("%-24s %-26s ", n->op->type, t.data ? t.data : "");
		if (macs < 0)
			printf("%12s ", "?");
		else
			printf("%12lld ", (long long)macs);
		printf("%12lld %12lld  %s\n", (long long)w.elements, (long long)w.bytes, n->name);
		text_free(&t);
	}
}

static cJSON *edges_json(const struct graph *g, bool output)
{
	cJSON *a = cJSON_CreateArray();
	for (int i = 0; i < (output ? g->noutputs : g->ninputs); i++) {
		const char *name;
		const struct value *v = edge(g, i, output, &name);
		cJSON *j = cJSON_CreateObject();
		cJSON_AddStringToObject(j, "name", name);
		cJSON_AddStringToObject(j, "type", dtype_name(v->info.type));
		cJSON_AddItemToObject(j, "shape", json_shape(&v->info.shape));
		cJSON_AddItemToArray(a, j);
	}
	return a;
}

static cJSON *types_json(const int64_t *n)
{
	cJSON *j = cJSON_CreateObject();
	for (int i = 1; i < DT_COUNT; i++)
		if (n[i])
			cJSON_AddNumberToObject(j, dtype_name(i), n[i]);
	return j;
}

static cJSON *number_or_null(int64_t v)
{
	return v < 0 ? cJSON_CreateNull() : cJSON_CreateNumber(v);
}

static cJSON *layer_json(const struct node *n)
{
	cJSON *j = cJSON_CreateObject(), *outs = cJSON_CreateArray();
	struct cost_weights w = cost_weights(n);
	cJSON_AddStringToObject(j, "name", n->name);
	cJSON_AddStringToObject(j, "type", n->op->type);
	for (int i = 0; i < n->nout; i++) {
		cJSON *o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "type", dtype_name(n->out[i].info.type));
		cJSON_AddItemToObject(o, "shape", json_shape(&n->out[i].info.shape));
		cJSON_AddItemToArray(outs, o);
	}
	cJSON_AddItemToObject(j, "outputs", outs);
	cJSON_AddItemToObject(j, "macs", number_or_null(cost_macs(n)));
	cJSON_AddNumberToObject(j, "parameters", w.elements);
	cJSON_AddNumberToObject(j, "weight_bytes", w.bytes);
	if (w.elements)
		cJSON_AddStringToObject(j, "weight_type", dtype_name(w.type));
	cJSON_AddItemToObject(j, "output_bytes", number_or_null(cost_output_bytes(n)));
	return j;
}

static cJSON *info_json(const struct info_run *r, struct totals *t)
{
	int id[OP_COUNT], n = sorted_ops(t, id);
	cJSON *j = cJSON_CreateObject(), *ops = cJSON_CreateObject(), *layers = cJSON_CreateArray();
	cJSON_AddStringToObject(j, "model", r->model);
	cJSON_AddStringToObject(j, "format", r->format == MODEL_ONNX ? "onnx" : "ir");
	cJSON_AddItemToObject(j, "inputs", edges_json(r->g, false));
	cJSON_AddItemToObject(j, "outputs", edges_json(r->g, true));
	cJSON_AddNumberToObject(j, "layer_count", t->layers);
	cJSON_AddNumberToObject(j, "constants", t->constants);
	cJSON_AddNumberToObject(j, "parameters", t->parameters);
	cJSON_AddNumberToObject(j, "weight_bytes", t->weight_bytes);
	cJSON_AddNumberToObject(j, "macs", t->macs);
	cJSON_AddNumberToObject(j, "layers_of_open_size", t->unsized);
	cJSON_AddItemToObject(j, "stored", types_json(t->stored));
	cJSON_AddItemToObject(j, "computed", types_json(t->computed));
	for (int i = 0; i < n; i++)
		cJSON_AddNumberToObject(ops, op_row(id[i])->type, t->count[id[i]]);
	cJSON_AddItemToObject(j, "operators", ops);
	graph_each (r->g, l)
		if (is_layer(l))
			cJSON_AddItemToArray(layers, layer_json(l));
	cJSON_AddItemToObject(j, "layers", layers);
	return j;
}

static int info(struct info_run *r, struct err *err)
{
	struct onnx_options o = {.log = tool_log(r->p), .lenient = r->lenient};
	struct totals t = {0};
	int s = model_read(input_path(r->model), &o, &r->g, &r->format, err);
	if (s)
		return s;
	sum(&t, r->g);
	t.parameters = cost_parameters(r->g);
	if (!r->json || strcmp(r->json, "-")) {
		print_summary(r, &t);
		if (r->all)
			print_layers(r->g);
	}
	return r->json ? json_write(r->json, info_json(r, &t), err) : OK;
}

#define AT(field) offsetof(struct info_run, field)
static const struct option_row rows[] = {
    {.kind = OPT_SECTION, .about = "Options"},
    {OPT_STRING, "input", 'i', "FILE", "the model, if not given as an argument", AT(model),
	"model|m|input-model", 0, 0},
    {OPT_FLAG, "layers", 'l', NULL, "also a line for every layer", AT(all), NULL, 0, 0},
    {OPT_STRING, "json", 'j', "FILE", "all of it as JSON; - is stdout", AT(json), NULL, 0, 0},
    {OPT_FLAG, "lenient", 0, NULL, "unknown attributes are warnings, not errors", AT(lenient), NULL,
	0, 0},
    {0},
};

int mo_info_main(int argc, char **argv)
{
	struct list operands = {0};
	struct err err = {0};
	struct info_run r = {0};
	int code = 0;
	struct program p = {.name = "mo-info",
	    .about = "Shows what a network is made of: layers, shapes, types, parameters, work.",
	    .usage = "[options] MODEL",
	    .rows = rows,
	    .values = &r,
	    .operands = &operands,
	    .max_operands = 1};
	r.p = &p;
	options_parse(&p, argc, argv);
	if (tool_model(&operands, &r.model, &err) || info(&r, &err))
		code = tool_error(&p, &err);
	graph_free(r.g);
	return tool_finish(&p, code);
}
