/* What mo did, for --report and --json, and the make rule for --depfile. */
#include <string.h>

#include "base/text.h"
#include "cli/convert.h"

static cJSON *size_json(const struct size *s)
{
	cJSON *j = cJSON_CreateObject();
	cJSON_AddNumberToObject(j, "layers", s->layers);
	cJSON_AddNumberToObject(j, "parameters", s->parameters);
	cJSON_AddNumberToObject(j, "bytes", s->bytes);
	return j;
}

static cJSON *passes_json(const struct pass_report *r)
{
	cJSON *list = cJSON_CreateArray();
	for (int i = 0; i < r->npasses; i++) {
		const struct pass_result *p = &r->pass[i];
		cJSON *j = cJSON_CreateObject(), *notes = cJSON_CreateArray();
		cJSON_AddStringToObject(j, "name", p->name);
		cJSON_AddNumberToObject(j, "rewrites", p->rewrites);
		cJSON_AddNumberToObject(j, "layers_before", p->nodes_before);
		cJSON_AddNumberToObject(j, "layers_after", p->nodes_after);
		cJSON_AddNumberToObject(j, "ms", p->ms);
		for (int k = 0; k < p->nnotes; k++)
			cJSON_AddItemToArray(notes, cJSON_CreateString(p->note[k]));
		cJSON_AddItemToObject(j, "notes", notes);
		cJSON_AddItemToArray(list, j);
	}
	return list;
}

static cJSON *verify_json(const struct convert *c)
{
	cJSON *j = cJSON_CreateObject(), *list = cJSON_CreateArray();
	cJSON_AddNumberToObject(j, "tolerance", c->limit);
	cJSON_AddBoolToObject(j, "agrees", !c->differs);
	for (int k = 0; k < c->g->noutputs; k++) {
		cJSON *o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "name", c->verdict[k].name);
		cJSON_AddItemToObject(o, "error", json_number(c->verdict[k].error));
		cJSON_AddItemToArray(list, o);
	}
	cJSON_AddItemToObject(j, "outputs", list);
	return j;
}

cJSON *convert_report(const struct convert *c)
{
	cJSON *j = cJSON_CreateObject();
	cJSON_AddStringToObject(j, "model", c->path);
	cJSON_AddStringToObject(j, "precision", c->fp16 ? "fp16" : "fp32");
	if (!c->differs) {
		cJSON_AddStringToObject(j, "xml", c->xml);
		cJSON_AddStringToObject(j, "bin", c->bin);
	}
	cJSON_AddItemToObject(j, "before", size_json(&c->before));
	cJSON_AddItemToObject(j, "after", size_json(&c->after));
	cJSON_AddItemToObject(j, "passes", passes_json(&c->passes));
	if (c->unpruned)
		cJSON_AddItemToObject(j, "prune", convert_prune_json(c));
	if (c->verdict)
		cJSON_AddItemToObject(j, "verify", verify_json(c));
	return j;
}

/* A file name as make reads it. */
static void add_name(struct text *t, const char *s)
{
	for (; *s; s++) {
		if (*s == '$')
			text_add(t, "$");
		else if (strchr(" \t#\\:%", *s))
			text_add(t, "\\");
		text_addn(t, s, 1);
	}
}

void depfile_text(struct text *t, const char *const *target, int ntargets,
    const char *const *source, int nsources)
{
	for (int i = 0; i < ntargets; i++) {
		text_add(t, i ? " " : "");
		add_name(t, target[i]);
	}
	text_add(t, ":");
	for (int i = 0; i < nsources; i++) {
		text_add(t, " \\\n  ");
		add_name(t, source[i]);
	}
	text_add(t, "\n");
}
