/* What a run gave: .npy files, a summary on stdout, JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/results.h"
#include "formats/npy.h"

#define FIRST_VALUES 6

const char *output_name(const struct graph *g, int k)
{
	return graph_output_name(g, k);
}

cJSON *results_entry(const char *name, const char *file, const struct tensor *t)
{
	struct shape s = tensor_shape(t);
	cJSON *j = cJSON_CreateObject();
	cJSON_AddStringToObject(j, "name", name);
	if (file)
		cJSON_AddStringToObject(j, "file", file);
	cJSON_AddItemToObject(j, "shape", json_shape(&s));
	cJSON_AddStringToObject(j, "type", dtype_name(t->type));
	return j;
}

int results_tensor(const char *dir, const char *file, const struct tensor *t, struct err *err)
{
	struct text path = {0};
	text_printf(&path, "%s/%s", dir, file);
	int r = path.failed ? fail_nomem(err) : npy_write(path.data, t, err);
	text_free(&path);
	return r;
}

int results_list(const char *dir, const char *file, cJSON *list, struct err *err)
{
	struct text path = {0};
	text_printf(&path, "%s/%s", dir, file);
	if (path.failed)
		cJSON_Delete(list);
	int r = path.failed ? fail_nomem(err) : json_write(path.data, list, err);
	text_free(&path);
	return r;
}

int results_write(const char *dir, const struct graph *g, const struct tensor *out, struct err *err)
{
	cJSON *list = cJSON_CreateArray();
	char file[32];
	int r = OK;
	for (int k = 0; k < g->noutputs && !r; k++) {
		snprintf(file, sizeof file, "%d.npy", k);
		r = results_tensor(dir, file, &out[k], err);
		cJSON_AddItemToArray(list, results_entry(output_name(g, k), file, &out[k]));
	}
	if (!r)
		return results_list(dir, "outputs.json", list, err);
	cJSON_Delete(list);
	return r;
}

struct stats {
	double min, max, mean;
	int64_t n, odd; /* finite and other elements */
};

static struct stats stats_of(const struct tensor *t)
{
	struct stats s = {0};
	int64_t n = tensor_count(t);
	for (int64_t i = 0; i < n; i++) {
		double v = tensor_f64(t, i);
		if (!isfinite(v)) {
			s.odd++;
			continue;
		}
		s.min = s.n && s.min < v ? s.min : v;
		s.max = s.n && s.max > v ? s.max : v;
		s.mean += (v - s.mean) / ++s.n;
	}
	return s;
}

void results_print(const struct graph *g, const struct tensor *out)
{
	char buf[NUMBER_MAX];
	for (int k = 0; k < g->noutputs; k++) {
		const struct tensor *t = &out[k];
		struct shape shape = tensor_shape(t);
		struct text dims = {0};
		struct stats s = stats_of(t);
		shape_text(&dims, &shape);
		printf("%s %s[%s]", output_name(g, k), dtype_name(t->type),
		    dims.data ? dims.data : "");
		if (s.n)
			printf(" min %.6g max %.6g mean %.6g", s.min, s.max, s.mean);
		if (s.odd)
			printf(" not finite %lld", (long long)s.odd);
		printf("\n ");
		for (int64_t i = 0; i < tensor_count(t) && i < FIRST_VALUES; i++)
			printf(" %s", t->type == DT_F32 ? number_f32(buf, tensor_f64(t, i))
							: number_f64(buf, tensor_f64(t, i)));
		puts(tensor_count(t) > FIRST_VALUES ? " ..." : "");
		text_free(&dims);
	}
}

cJSON *results_json(const struct graph *g, const struct tensor *out)
{
	cJSON *list = cJSON_CreateArray();
	for (int k = 0; k < g->noutputs; k++) {
		cJSON *j = results_entry(output_name(g, k), NULL, &out[k]);
		struct stats s = stats_of(&out[k]);
		if (s.n) {
			cJSON_AddNumberToObject(j, "min", s.min);
			cJSON_AddNumberToObject(j, "max", s.max);
			cJSON_AddNumberToObject(j, "mean", s.mean);
		}
		cJSON_AddNumberToObject(j, "not_finite", s.odd);
		cJSON_AddItemToArray(list, j);
	}
	return list;
}
