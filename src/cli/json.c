/* JSON results: --json FILE, "-" for stdout. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/json.h"

static int write_text(const char *path, const char *text, struct err *err)
{
	struct text line = {0};
	text_printf(&line, "%s\n", text);
	int r = line.failed ? fail_nomem(err) : output_file(path, line.data, line.len, err);
	text_free(&line);
	return r;
}

int json_write(const char *path, cJSON *j, struct err *err)
{
	char *text = j ? cJSON_Print(j) : NULL;
	int r = OK;
	cJSON_Delete(j);
	if (!text)
		return fail_nomem(err);
	if (!strcmp(path, "-"))
		puts(text);
	else
		r = write_text(path, text, err);
	cJSON_free(text);
	return r;
}

cJSON *json_number(double v)
{
	if (isfinite(v))
		return cJSON_CreateNumber(v);
	return cJSON_CreateString(isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
}

void json_pair(cJSON *j, const char *name, double before, double after)
{
	cJSON *pair = cJSON_AddObjectToObject(j, name);
	cJSON_AddItemToObject(pair, "before", json_number(before));
	cJSON_AddItemToObject(pair, "after", json_number(after));
}

cJSON *json_shape(const struct shape *s)
{
	if (s->rank < 0)
		return cJSON_CreateNull();
	cJSON *a = cJSON_CreateArray();
	for (int i = 0; i < s->rank; i++)
		cJSON_AddItemToArray(
		    a, cJSON_CreateNumber(dim_static(s->dim[i]) ? s->dim[i].min : -1));
	return a;
}
