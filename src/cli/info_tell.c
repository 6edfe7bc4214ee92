/* mo-info: the summary as text and as JSON. */
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "cli/info.h"

static const struct value *edge(const struct graph *g, int i, bool output, const char **name)
{
	const struct value *v = output ? node_in(g->outputs[i], 0) : &g->inputs[i]->out[0];
	*name = output ? graph_output_name(g, i) : value_name(v);
	return v;
}

void info_print_edges(const struct graph *g, bool output)
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

static void print_stored(const int64_t *n)
{
	printf("%-8s", "stored");
	for (int i = 1; i < DT_COUNT; i++)
		if (n[i])
			printf(" %s %lld", dtype_name(i), (long long)n[i]);
	putchar('\n');
}

/* ---- storage against compute precision ---- */

/* Products by kind, and how many of them in 8 bits. */
struct kinds {
	int n[2], i8[2]; /* convolutions, matrix products */
};

static struct kinds kinds_of(const struct products *p)
{
	struct kinds k = {0};
	for (int i = 0; i < p->n; i++) {
		bool matmul = node_is(p->v[i].node, OP_MATMUL);
		k.n[matmul]++;
		k.i8[matmul] += p->v[i].why == PRODUCT_INT8;
	}
	return k;
}

static void print_weights(const struct totals *t)
{
	int64_t all = 0;
	for (int i = 1; i < DT_COUNT; i++)
		all += t->weights[i];
	printf("weights are stored in");
	for (int i = 1; i < DT_COUNT; i++)
		if (t->weights[i])
			printf(" %s (%.1f %% of the bytes)", dtype_name(i),
			    (double)t->weights[i] / (double)all * 100);
	puts(all ? "" : " no constants");
}

static void print_computed(const struct info_run *r)
{
	const struct products *p = &r->products;
	static const char *const names[] = {"convolutions", "matrix products"};
	struct kinds k = kinds_of(p);
	int64_t all = products_macs(p);
	if (!p->count[PRODUCT_INT8]) {
		puts("computed in f32, whatever the storage");
		return;
	}
	printf("computed in 8 bits%s:", r->fused ? " once mo has fused it" : "");
	for (int i = 0; i < 2; i++)
		if (k.n[i])
			printf(" %d of %d %s,", k.i8[i], k.n[i], names[i]);
	printf(" %.1f %% of their multiply-adds; the rest in f32\n",
	    all ? (double)p->macs[PRODUCT_INT8] / (double)all * 100 : 0);
}

static cJSON *precision_json(const struct info_run *r)
{
	struct kinds k = kinds_of(&r->products);
	cJSON *j = cJSON_CreateObject(), *bytes = cJSON_AddObjectToObject(j, "weight_bytes");
	for (int i = 1; i < DT_COUNT; i++)
		if (r->t.weights[i])
			cJSON_AddNumberToObject(bytes, dtype_name(i), (double)r->t.weights[i]);
	cJSON_AddNumberToObject(j, "convolutions", k.n[0]);
	cJSON_AddNumberToObject(j, "convolutions_i8", k.i8[0]);
	cJSON_AddNumberToObject(j, "matrix_products", k.n[1]);
	cJSON_AddNumberToObject(j, "matrix_products_i8", k.i8[1]);
	cJSON_AddNumberToObject(j, "macs_i8", (double)r->products.macs[PRODUCT_INT8]);
	return j;
}

/* ---- the summary ---- */

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

void info_print(const struct info_run *r)
{
	const struct totals *t = &r->t;
	int id[OP_COUNT], n = totals_operators(t, id);
	printf("format   %s\n", r->format == MODEL_ONNX ? "ONNX" : "OpenVINO IR");
	info_print_edges(r->g, false);
	info_print_edges(r->g, true);
	printf("layers   %d, constants %d\n", t->layers, t->constants);
	printf("weights  %lld parameters, %lld bytes of constants\n", (long long)t->parameters,
	    (long long)t->weight_bytes);
	printf("work     %lld multiply-adds", (long long)t->macs);
	if (t->unsized)
		printf(", without %d layers of open sizes", t->unsized);
	putchar('\n');
	print_stored(t->stored);
	print_weights(t);
	print_computed(r);
	printf("operators");
	for (int i = 0; i < n; i++)
		printf("%s %s %d", i ? "," : "", op_row(id[i])->type, t->count[id[i]]);
	putchar('\n');
	if (r->all)
		print_layers(r->g);
}

/* ---- JSON ---- */

cJSON *info_edges_json(const struct graph *g, bool output)
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
			cJSON_AddNumberToObject(j, dtype_name(i), (double)n[i]);
	return j;
}

static cJSON *number_or_null(int64_t v)
{
	return v < 0 ? cJSON_CreateNull() : cJSON_CreateNumber((double)v);
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
	cJSON_AddNumberToObject(j, "parameters", (double)w.elements);
	cJSON_AddNumberToObject(j, "weight_bytes", (double)w.bytes);
	if (w.elements)
		cJSON_AddStringToObject(j, "weight_type", dtype_name(w.type));
	cJSON_AddItemToObject(j, "output_bytes", number_or_null(cost_output_bytes(n)));
	return j;
}

/* For products, what they are computed in and why not in 8 bits. */
static void add_product(cJSON *j, const struct product *p)
{
	cJSON_AddStringToObject(j, "computed", p->why == PRODUCT_INT8 ? "i8" : "f32");
	if (p->why != PRODUCT_INT8)
		cJSON_AddStringToObject(j, "reason", product_reason(p->why));
}

static cJSON *layers_json(const struct info_run *r)
{
	cJSON *list = cJSON_CreateArray();
	struct map by_name = {0};
	bool ok = true;
	for (int i = 0; i < r->products.n && ok; i++)
		ok = map_put(&by_name, r->products.v[i].node->name, &r->products.v[i]);
	graph_each (r->g, n)
		if (is_layer(n)) {
			cJSON *j = layer_json(n);
			const struct product *p = map_get(&by_name, n->name);
			if (p)
				add_product(j, p);
			cJSON_AddItemToArray(list, j);
		}
	map_free(&by_name);
	if (ok)
		return list;
	cJSON_Delete(list);
	return NULL;
}

cJSON *info_json(const struct info_run *r)
{
	const struct totals *t = &r->t;
	int id[OP_COUNT], n = totals_operators(t, id);
	cJSON *j = cJSON_CreateObject(), *ops = cJSON_CreateObject();
	cJSON_AddStringToObject(j, "model", r->model);
	cJSON_AddStringToObject(j, "format", r->format == MODEL_ONNX ? "onnx" : "ir");
	cJSON_AddItemToObject(j, "inputs", info_edges_json(r->g, false));
	cJSON_AddItemToObject(j, "outputs", info_edges_json(r->g, true));
	cJSON_AddNumberToObject(j, "layer_count", t->layers);
	cJSON_AddNumberToObject(j, "constants", t->constants);
	cJSON_AddNumberToObject(j, "parameters", (double)t->parameters);
	cJSON_AddNumberToObject(j, "weight_bytes", (double)t->weight_bytes);
	cJSON_AddNumberToObject(j, "macs", (double)t->macs);
	cJSON_AddNumberToObject(j, "layers_of_open_size", t->unsized);
	cJSON_AddItemToObject(j, "stored", types_json(t->stored));
	cJSON_AddItemToObject(j, "computed", types_json(t->computed));
	cJSON_AddItemToObject(j, "precision", precision_json(r));
	for (int i = 0; i < n; i++)
		cJSON_AddNumberToObject(ops, op_row(id[i])->type, t->count[id[i]]);
	cJSON_AddItemToObject(j, "operators", ops);
	cJSON_AddItemToObject(j, "layers", layers_json(r));
	return j;
}
