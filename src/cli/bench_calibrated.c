/* mo-bench --report: what mo-calibrate found out about a network, for its page. */
#include <stdlib.h>

#include "base/file.h"
#include "cli/bench.h"

#define MAX_REPORT (64 << 20)

/* What the page shows; the samples that flipped and the like stay behind. */
static const char *const keys[] = {"metric", "samples", "metric_original", "metric_result",
    "metric_compressed", "drop", "drop_low", "drop_high", "drop_type", "max_drop", "verdict",
    "kept", "layers_found", "table", "pruned", "seconds", NULL};

static int read_report(const char *path, cJSON *list, struct err *err)
{
	char *text = NULL;
	size_t size;
	int s = file_slurp(path, MAX_REPORT, &text, &size, err);
	if (s)
		return s;
	cJSON *in = cJSON_Parse(text), *o = cJSON_CreateObject();
	free(text);
	cJSON_AddStringToObject(o, "file", path);
	for (int i = 0; keys[i]; i++) {
		cJSON *v = cJSON_DetachItemFromObject(in, keys[i]);
		if (v)
			cJSON_AddItemToObject(o, keys[i], v);
	}
	if (!cJSON_IsArray(cJSON_GetObjectItem(o, "layers_found")) &&
	    !cJSON_IsArray(cJSON_GetObjectItem(o, "table")) &&
	    !cJSON_IsNumber(cJSON_GetObjectItem(o, "seconds")))
		s = fail(err, E_FORMAT, "'%s': not what mo-calibrate writes by --report", path);
	cJSON_Delete(in);
	cJSON_AddItemToArray(list, o);
	return s;
}

int bench_calibrated(const struct bench *b, cJSON **out, struct err *err)
{
	int s = OK;
	*out = b->reports.n ? cJSON_CreateArray() : NULL;
	for (int i = 0; i < b->reports.n && !s; i++)
		s = read_report(b->reports.v[i], *out, err);
	return s;
}
