/* mo-info diff A B: what tells two networks apart. */
#include <stdio.h>
#include <string.h>

#include "cli/info.h"
#include "report/diff.h"

#define SHOWN 20 /* lines of each kind, without --layers */

struct sides {
	const char *name[2];
	struct totals t[2];
};

/* ---- text ---- */

static void print_number(const char *what, int64_t a, int64_t b)
{
	printf("%-11s %lld", what, (long long)a);
	if (a != b)
		printf(" -> %lld", (long long)b);
	if (a != b && a > 0)
		printf(" (%+.1f %%)", ((double)b / (double)a - 1) * 100);
	putchar('\n');
}

static void print_totals(const struct sides *s, const struct diff *d)
{
	const struct totals *a = &s->t[0], *b = &s->t[1];
	printf("--- %s\n+++ %s\n", s->name[0], s->name[1]);
	print_number("layers", a->layers, b->layers);
	print_number("parameters", a->parameters, b->parameters);
	print_number("bytes", a->weight_bytes, b->weight_bytes);
	print_number("macs", a->macs, b->macs);
	printf("%d layers the same, %d changed, %d removed, %d added\n", d->same, d->changed,
	    d->removed, d->added);
	printf("%d constants compared, %d differ", d->compared, d->ntensors);
	if (d->skipped)
		printf(", %d not compared", d->skipped);
	putchar('\n');
}

static const char *within(const char *path)
{
	return path ? path : "";
}

static char kind(const struct diff_layer *l)
{
	return !l->a ? '+' : !l->b ? '-' : '~';
}

static void print_layer(const struct diff_layer *l)
{
	const struct node *n = l->a ? l->a : l->b;
	printf("%c %-22s %s%s\n", kind(l), n->op->type, within(l->within), n->name);
	for (const char *p = l->changes.data, *end; p && *p; p = end + 1) {
		end = strchr(p, '\n');
		printf("      %.*s\n", (int)(end - p), p);
	}
}

static void print_layers(const struct diff *d, bool all)
{
	static const char kinds[] = "-+~";
	for (const char *k = kinds; *k; k++) {
		int n = 0;
		for (int i = 0; i < d->nlayers; i++)
			if (kind(&d->layer[i]) == *k && (n++ < SHOWN || all))
				print_layer(&d->layer[i]);
		if (n > SHOWN && !all)
			printf("%c and %d more; --layers shows all\n", *k, n - SHOWN);
	}
}

static void print_tensor(const struct diff_tensor *t)
{
	char stored[40];
	snprintf(stored, sizeof stored, "%s%s%s", dtype_name(t->stored_a),
	    t->stored_a == t->stored_b ? "" : " -> ",
	    t->stored_a == t->stored_b ? "" : dtype_name(t->stored_b));
	if (t->same_size)
		printf("  %9.3g %8.1f %9.3g  ", t->error, t->sqnr, t->max_abs);
	else
		printf("  %29s ", "other sizes");
	printf("%-12s %s%s, input %d\n", stored, within(t->within), t->b->name, t->input);
}

static void print_tensors(const struct diff *d, bool all)
{
	int n = all || d->ntensors < SHOWN ? d->ntensors : SHOWN;
	if (n)
		puts("      error  SQNR dB   max abs  stored       constants of layer");
	for (int i = 0; i < n; i++)
		print_tensor(&d->tensor[i]);
	if (n < d->ntensors)
		printf("  and %d more; --layers shows all\n", d->ntensors - n);
}

static void print_outputs(const struct diff *d)
{
	for (const char *p = d->outputs.data, *end; p && *p; p = end + 1) {
		end = strchr(p, '\n');
		printf("output %.*s\n", (int)(end - p), p);
	}
}

/* ---- JSON ---- */

static cJSON *totals_json(const char *name, const struct totals *t)
{
	cJSON *j = cJSON_CreateObject();
	cJSON_AddStringToObject(j, "model", name);
	cJSON_AddNumberToObject(j, "layers", t->layers);
	cJSON_AddNumberToObject(j, "parameters", (double)t->parameters);
	cJSON_AddNumberToObject(j, "weight_bytes", (double)t->weight_bytes);
	cJSON_AddNumberToObject(j, "macs", (double)t->macs);
	return j;
}

static cJSON *lines_json(const struct text *t)
{
	cJSON *list = cJSON_CreateArray();
	for (char *p = t->data, *end; p && *p; p = end + 1) {
		end = strchr(p, '\n');
		*end = 0;
		cJSON_AddItemToArray(list, cJSON_CreateString(p));
		*end = '\n';
	}
	return list;
}

static cJSON *layer_json(const struct diff_layer *l)
{
	const struct node *n = l->a ? l->a : l->b;
	cJSON *j = cJSON_CreateObject();
	if (l->within)
		cJSON_AddStringToObject(j, "within", l->within);
	cJSON_AddStringToObject(j, "name", n->name);
	cJSON_AddStringToObject(j, "type", n->op->type);
	if (l->a && l->b)
		cJSON_AddItemToObject(j, "changes", lines_json(&l->changes));
	return j;
}

static cJSON *layers_json(const struct diff *d, char which)
{
	cJSON *list = cJSON_CreateArray();
	for (int i = 0; i < d->nlayers; i++)
		if (kind(&d->layer[i]) == which)
			cJSON_AddItemToArray(list, layer_json(&d->layer[i]));
	return list;
}

static cJSON *tensor_json(const struct diff_tensor *t)
{
	cJSON *j = cJSON_CreateObject();
	if (t->within)
		cJSON_AddStringToObject(j, "within", t->within);
	cJSON_AddStringToObject(j, "layer", t->b->name);
	cJSON_AddNumberToObject(j, "input", t->input);
	cJSON_AddStringToObject(j, "stored_before", dtype_name(t->stored_a));
	cJSON_AddStringToObject(j, "stored_after", dtype_name(t->stored_b));
	cJSON_AddBoolToObject(j, "same_size", t->same_size);
	cJSON_AddItemToObject(j, "error", json_number(t->error));
	cJSON_AddItemToObject(j, "max_abs", json_number(t->max_abs));
	cJSON_AddItemToObject(j, "sqnr", json_number(t->sqnr));
	return j;
}

static cJSON *diff_json(const struct sides *s, const struct diff *d)
{
	cJSON *j = cJSON_CreateObject(), *list = cJSON_CreateArray();
	cJSON_AddBoolToObject(j, "same", d->equal);
	cJSON_AddItemToObject(j, "before", totals_json(s->name[0], &s->t[0]));
	cJSON_AddItemToObject(j, "after", totals_json(s->name[1], &s->t[1]));
	cJSON_AddNumberToObject(j, "layers_same", d->same);
	cJSON_AddItemToObject(j, "removed", layers_json(d, '-'));
	cJSON_AddItemToObject(j, "added", layers_json(d, '+'));
	cJSON_AddItemToObject(j, "changed", layers_json(d, '~'));
	cJSON_AddItemToObject(j, "outputs", lines_json(&d->outputs));
	cJSON_AddNumberToObject(j, "constants_compared", d->compared);
	cJSON_AddNumberToObject(j, "constants_skipped", d->skipped);
	for (int i = 0; i < d->ntensors; i++)
		cJSON_AddItemToArray(list, tensor_json(&d->tensor[i]));
	cJSON_AddItemToObject(j, "constants", list);
	return j;
}

int info_diff(struct info_run *r, int *verdict, struct err *err)
{
	struct graph *b = NULL;
	struct diff d = {0};
	struct sides sides = {.name = {r->model, r->other}};
	int s = info_read(r, r->model, &r->g, NULL, err);
	s = s ? s : info_read(r, r->other, &b, NULL, err);
	s = s ? s : diff_graphs(r->g, b, r->tolerance, &d, err);
	if (!s) {
		totals_sum(&sides.t[0], r->g);
		totals_sum(&sides.t[1], b);
		*verdict = d.equal ? 0 : 3;
	}
	if (!s && info_prints(r)) {
		print_totals(&sides, &d);
		print_outputs(&d);
		print_layers(&d, r->all);
		print_tensors(&d, r->all);
		puts(d.equal ? "the same" : "DIFFERENT");
	}
	if (!s && r->json)
		s = json_write(r->json, diff_json(&sides, &d), err);
	diff_free(&d);
	graph_free(b);
	return s;
}
