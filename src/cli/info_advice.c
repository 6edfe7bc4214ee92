/* mo-info --advice: what could be better about a network, from its structure alone. */
#include <math.h>
#include <stdio.h>

#include "cli/info.h"
#include "report/hints.h"

static cJSON *hints_json(const struct hints *h)
{
	cJSON *list = cJSON_CreateArray();
	for (int i = 0; i < h->n; i++) {
		cJSON *j = cJSON_CreateObject();
		cJSON_AddStringToObject(j, "about", h->v[i].about);
		if (isfinite(h->v[i].share))
			cJSON_AddNumberToObject(j, "share", h->v[i].share);
		cJSON_AddStringToObject(j, "text", h->v[i].text.data);
		cJSON_AddItemToArray(list, j);
	}
	return list;
}

int info_advice(struct info_run *r, cJSON *j, struct err *err)
{
	struct hints h;
	int s = hints_find(r->g, &r->t, &r->products, &h, err);
	if (s)
		return s;
	if (info_prints(r))
		puts("\nadvice (mo-bench --profile says where the time goes)");
	for (int i = 0; i < h.n && info_prints(r); i++)
		printf("%-10s %s\n", h.v[i].about, h.v[i].text.data);
	if (j)
		cJSON_AddItemToObject(j, "advice", hints_json(&h));
	hints_free(&h);
	return OK;
}
