/* mo-calibrate --config: the options of a run as JSON, and what it decided, to repeat it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/calibrate.h"

#define CONFIG_BYTES ((size_t)16 << 20)

/* Options that say where to tell, not what to do. */
static bool left_out(const struct option_row *r)
{
	static const char *const names[] = {"config", "threads", "input", "table"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (r->name && !strcmp(r->name, names[i]))
			return true;
	return !r->name || r->kind == OPT_SECTION || !r->about ||
	       (r->kind == OPT_OUTPUT && strcmp(r->name, "stats-out") != 0);
}

static bool is_text(const struct option_row *r)
{
	return r->kind == OPT_STRING || r->kind == OPT_OUTPUT;
}

static bool ends(const struct option_row *r)
{
	return !r->name && r->kind != OPT_SECTION;
}

/* ---- writing ---- */

static cJSON *value_json(const struct option_row *r, const void *at)
{
	const struct list *l = at;
	const char *s = is_text(r) ? *(const char *const *)at : NULL;
	switch (r->kind) {
	case OPT_FLAG:
		return *(const bool *)at ? cJSON_CreateTrue() : NULL;
	case OPT_STRING:
	case OPT_OUTPUT:
		return s ? cJSON_CreateString(s) : NULL;
	case OPT_INT:
		if ((r->min || r->max) && *(const int64_t *)at < r->min)
			return NULL; /* not given */
		return cJSON_CreateNumber((double)*(const int64_t *)at);
	case OPT_FLOAT:
	case OPT_ABOVE:
		return isnan(*(const double *)at) ? NULL : cJSON_CreateNumber(*(const double *)at);
	case OPT_LIST:
		return l->n ? cJSON_CreateStringArray((const char *const *)l->v, l->n) : NULL;
	default:
		return NULL;
	}
}

static cJSON *decided_json(const struct calibrate *c)
{
	cJSON *list = cJSON_CreateObject();
	for (int k = 0; k < c->ngroups; k++) {
		int way = c->found.way[k];
		cJSON *g = cJSON_AddObjectToObject(list, c->groups[k].name);
		if (way == AWARE_KEPT)
			cJSON_AddStringToObject(g, "way", "kept");
		else
			cJSON_AddNumberToObject(g, "way", way);
		if (isfinite(c->groups[k].gain))
			cJSON_AddNumberToObject(g, "saves", c->groups[k].gain);
	}
	return list;
}

cJSON *config_json(const struct calibrate *c, bool decided)
{
	cJSON *j = cJSON_CreateObject();
	cJSON_AddStringToObject(j, "model", c->model);
	for (const struct option_row *r = c->p->rows; !ends(r); r++) {
		cJSON *v = left_out(r) ? NULL : value_json(r, (const char *)c + r->at);
		if (v)
			cJSON_AddItemToObject(j, r->name, v);
	}
	if (decided && c->pruned_share > 0 && isnan(c->prune_share))
		cJSON_AddNumberToObject(j, "prune-share", c->pruned_share);
	if (decided && c->judged && c->ngroups)
		cJSON_AddItemToObject(j, "decided", decided_json(c));
	return j;
}

int config_write(struct calibrate *c, struct err *err)
{
	return json_write(c->settings, config_json(c, true), err);
}

/* ---- reading ---- */

static const struct option_row *row_of(const struct calibrate *c, const char *name)
{
	for (const struct option_row *r = c->p->rows; !ends(r); r++)
		if (r->name && !left_out(r) && !strcmp(r->name, name))
			return r;
	return NULL;
}

static int unknown(const struct calibrate *c, const char *name, struct err *err)
{
	const char *words[64];
	int n = 0;
	for (const struct option_row *r = c->p->rows; !ends(r) && n < 64; r++)
		if (r->name && !left_out(r))
			words[n++] = r->name;
	const char *near = nearest_word(name, words, n);
	return fail(err, E_USAGE, "unknown key '%.100s'%s%s%s", name,
	    near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int read_list(struct calibrate *c, const cJSON *v, struct list *to, struct err *err)
{
	int n = cJSON_IsString(v) ? 1 : cJSON_GetArraySize(v), i = 0;
	const char **word = reallocarray(NULL, (size_t)n + 1, sizeof *word);
	if (!word)
		return fail_nomem(err);
	*to = (struct list){word, n};
	for (const cJSON *e = cJSON_IsString(v) ? v : v->child; e && i < n; e = e->next) {
		if (!cJSON_IsString(e))
			return fail(err, E_USAGE, "key '%s' needs a list of texts", v->string);
		word[i] = arena_str(c->arena, e->valuestring);
		if (!word[i++])
			return fail_nomem(err);
	}
	return OK;
}

static int read_value(
    struct calibrate *c, const struct option_row *r, const cJSON *v, void *to, struct err *err)
{
	double x = v->valuedouble;
	const char *s;
	if (r->kind == OPT_FLAG && cJSON_IsBool(v)) {
		*(bool *)to = cJSON_IsTrue(v);
	} else if (is_text(r) && cJSON_IsString(v) && *v->valuestring) {
		if (!(s = arena_str(c->arena, v->valuestring)))
			return fail_nomem(err);
		*(const char **)to = s;
	} else if (is_text(r) && cJSON_IsNumber(v)) {
		if (!(s = arena_printf(c->arena, "%.15g", x)))
			return fail_nomem(err);
		*(const char **)to = s;
	} else if ((r->kind == OPT_FLOAT || r->kind == OPT_ABOVE) && cJSON_IsNumber(v)) {
		if (!option_takes(r, x))
			return fail(err, E_USAGE, "key '%s' does not take %g", r->name, x);
		*(double *)to = x;
	} else if (r->kind == OPT_INT && cJSON_IsNumber(v) && x == floor(x) && fabs(x) < 0x1p53) {
		if (!option_takes(r, x))
			return fail(err, E_USAGE, "key '%s' is from %lld to %lld, not %g", r->name,
			    (long long)r->min, (long long)r->max, x);
		*(int64_t *)to = (int64_t)x;
	} else if (r->kind == OPT_LIST && (cJSON_IsArray(v) || cJSON_IsString(v))) {
		return read_list(c, v, to, err);
	} else {
		static const char *const want[] = {[OPT_FLAG] = "true or false",
		    [OPT_STRING] = "a text",
		    [OPT_OUTPUT] = "a text",
		    [OPT_INT] = "a whole number",
		    [OPT_FLOAT] = "a number",
		    [OPT_ABOVE] = "a number",
		    [OPT_LIST] = "a list of texts"};
		return fail(err, E_USAGE, "key '%s' needs %s", r->name, want[r->kind]);
	}
	return OK;
}

static size_t value_size(const struct option_row *r)
{
	static const size_t size[] = {[OPT_FLAG] = sizeof(bool),
	    [OPT_STRING] = sizeof(char *),
	    [OPT_OUTPUT] = sizeof(char *),
	    [OPT_INT] = sizeof(int64_t),
	    [OPT_FLOAT] = sizeof(double),
	    [OPT_ABOVE] = sizeof(double),
	    [OPT_LIST] = sizeof(struct list)};
	return size[r->kind];
}

/* What the command line gave goes before what the file says. */
static int read_key(
    struct calibrate *c, const struct calibrate *defaults, const cJSON *v, struct err *err)
{
	if (!strcmp(v->string, "model")) {
		if (!cJSON_IsString(v))
			return fail(err, E_USAGE, "key 'model' needs a text");
		if (!c->model && !(c->model = arena_str(c->arena, v->valuestring)))
			return fail_nomem(err);
		return OK;
	}
	if (!strcmp(v->string, "decided")) {
		cJSON_Delete(c->decided);
		c->decided = cJSON_IsObject(v) ? cJSON_Duplicate(v, true) : NULL;
		return c->decided ? OK : fail(err, E_USAGE, "key 'decided' needs an object");
	}
	const struct option_row *r = row_of(c, v->string);
	if (!r)
		return unknown(c, v->string, err);
	struct calibrate other = *defaults;
	void *to = (char *)c + r->at, *first = (char *)&other + r->at;
	int status = read_value(c, r, v, first, err);
	bool given = r->kind == OPT_LIST
			 ? ((const struct list *)to)->n > 0
			 : memcmp(to, (const char *)defaults + r->at, value_size(r));
	if (!status && !given)
		memcpy(to, first, value_size(r));
	else if (r->kind == OPT_LIST)
		free(((struct list *)first)->v);
	return status;
}

int config_read(struct calibrate *c, const struct calibrate *defaults, struct err *err)
{
	char *text;
	size_t size;
	int r = file_slurp(c->config, CONFIG_BYTES, &text, &size, err);
	if (r)
		return r;
	const char *end = NULL;
	cJSON *j = cJSON_ParseWithOpts(text, &end, true);
	if (!cJSON_IsObject(j))
		r = fail(err, E_FORMAT, "%s", j ? "no JSON object" : "no JSON");
	if (!j && end)
		r = fail(err, E_FORMAT, "no JSON from byte %lld on", (long long)(end - text));
	for (const cJSON *v = j ? j->child : NULL; v && !r; v = v->next)
		r = read_key(c, defaults, v, err);
	cJSON_Delete(j);
	free(text);
	return r ? err_in(err, "'%s'", c->config) : OK;
}

bool config_decided(const struct calibrate *c, const char *group, int *way, double *gain)
{
	const cJSON *g = cJSON_GetObjectItemCaseSensitive(c->decided, group);
	const cJSON *w = cJSON_GetObjectItemCaseSensitive(g, "way");
	const cJSON *ms = cJSON_GetObjectItemCaseSensitive(g, "saves");
	*gain = cJSON_IsNumber(ms) ? ms->valuedouble : NAN;
	if (cJSON_IsString(w) && !strcmp(w->valuestring, "kept"))
		*way = AWARE_KEPT;
	else if (cJSON_IsNumber(w) && w->valuedouble >= 0 && w->valuedouble < 1000)
		*way = (int)w->valuedouble;
	else
		return false;
	return true;
}
