/* What the tools that judge a changed network share: drops as words, verdicts as JSON. */
#include "cli/verdict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/compare.h"

int drop_parse(const char *word, double *out, struct err *err)
{
	char text[64];
	size_t n = strlen(word);
	bool percent = n && word[n - 1] == '%';
	n -= percent;
	if (!n || n >= sizeof text)
		return fail(err, E_USAGE, "'%.40s' is no drop such as 0.01 or 1%%", word);
	memcpy(text, word, n);
	text[n] = 0;
	if (!parse_f64(text, out) || !isfinite(*out) || *out < 0)
		return fail(err, E_USAGE, "'%s' is no drop such as 0.01 or 1%%", word);
	if (!percent && *out >= 1)
		return fail(err, E_USAGE,
		    "a drop of '%s' is everything: give a share such as 0.01, or '%s%%'", word,
		    word);
	*out /= percent ? 100 : 1;
	return *out < 1 ? OK : fail(err, E_USAGE, "a drop of '%s' is everything", word);
}

int drop_parse_own(const char *word, double *out, struct err *err)
{
	if (parse_f64(word, out) && isfinite(*out) && *out >= 0)
		return OK;
	return drop_parse(word, out, err);
}

/* ---- layers ---- */

/* The inputs of one run: a static batch holds the sample in every place. */
static int fill_run(const struct graph *g, struct tensor *one, struct tensor *in, struct err *err)
{
	for (int k = 0; k < g->ninputs; k++) {
		const struct shape *s = &g->inputs[k]->out[0].info.shape;
		int64_t dim[MAX_RANK], batch = 1;
		if (s->rank > 0 && dim_static(s->dim[0]) && one[k].rank && one[k].dim[0] == 1)
			batch = s->dim[0].min;
		memcpy(dim, one[k].dim, sizeof dim);
		dim[0] *= one[k].rank ? batch : 1;
		int r = tensor_alloc(&in[k], one[k].type, one[k].rank, dim, err);
		if (r)
			return r;
		size_t bytes = tensor_bytes(&one[k]);
		for (int64_t b = 0; b < batch; b++)
			memcpy((char *)in[k].data + (size_t)b * bytes, one[k].data, bytes);
	}
	return OK;
}

static int compare_one(struct verdict *v, struct graph *want, struct graph *got, struct tensor *one,
    struct tensor *in, const struct samples *samples, struct err *err)
{
	struct compare_options o = {.tolerance = INFINITY};
	struct compare c = {0};
	int64_t label;
	int r = samples->get(samples->user, v->first_not_finite, one, &label, err);
	r = r ? r : fill_run(want, one, in, err);
	r = r ? r : compare_graphs(want, got, in, &o, &c, err);
	if (!r && c.first_nonfinite >= 0)
		snprintf(v->layer, sizeof v->layer, "%s", c.tensor[c.first_nonfinite].layer);
	compare_free(&c);
	return r;
}

int verdict_find_layer(struct verdict *v, struct graph *want, struct graph *got,
    const struct samples *samples, struct err *err)
{
	if (v->first_not_finite < 0)
		return OK;
	struct tensor *one = calloc((size_t)want->ninputs + 1, sizeof *one);
	struct tensor *in = calloc((size_t)want->ninputs + 1, sizeof *in);
	int r = one && in ? compare_one(v, want, got, one, in, samples, err) : fail_nomem(err);
	for (int k = 0; k < want->ninputs && one && in; k++) {
		tensor_free(&one[k]);
		tensor_free(&in[k]);
	}
	free(one);
	free(in);
	return r;
}

/* ---- names ---- */

struct ordered {
	const struct source *source;
	int64_t *at; /* of each row of the data: the sample that it is */
};

static const char *arena_name(void *user, int64_t row, struct arena *arena)
{
	const struct ordered *o = user;
	char buf[DATASET_NAME];
	const char *name = source_name(o->source, o->at[row], buf);
	return name == buf ? arena_str(arena, buf) : name;
}

int verdict_groups(
    const char *path, struct source *s, struct arena *arena, struct groups *out, struct err *err)
{
	int64_t n = source_samples(s).count;
	struct ordered o = {s, arena_array(arena, (size_t)n + 1, sizeof *o.at)};
	int32_t *of = arena_array(arena, (size_t)n + 1, sizeof *of);
	if (!o.at || !of)
		return fail_nomem(err);
	for (int64_t i = 0; i < n; i++)
		o.at[source_row(s, i)] = i;
	int r = groups_read(path, n, arena_name, &o, arena, out, err);
	for (int64_t i = 0; i < n && !r; i++)
		of[i] = out->of[source_row(s, i)];
	out->of = of;
	return r;
}

static int64_t sample_row(void *user, int64_t i)
{
	return source_row(user, i);
}

static const char *sample_name(void *user, int64_t i)
{
	static char buf[DATASET_NAME];
	return source_name(user, i, buf);
}

static const char *class_name(void *user, int64_t label)
{
	return source_class(user, label);
}

struct verdict_names verdict_names(const struct source *s, const struct groups *groups)
{
	return (struct verdict_names){.sample = sample_name,
	    .row = sample_row,
	    .label = class_name,
	    .groups = groups,
	    .user = (void *)s};
}

/* ---- JSON ---- */

static void add_class(cJSON *j, const char *key, int64_t class)
{
	cJSON_AddItemToObject(
	    j, key, class < 0 ? cJSON_CreateNull() : cJSON_CreateNumber((double)class));
}

static void add_sample(cJSON *j, const struct verdict_names *n, int64_t i)
{
	const char *name = n && n->sample ? n->sample(n->user, i) : NULL;
	cJSON_AddNumberToObject(j, "sample", (double)(n && n->row ? n->row(n->user, i) : i));
	if (name)
		cJSON_AddStringToObject(j, "name", name);
}

static cJSON *flips_json(const struct verdict *v, const struct verdict_names *names)
{
	cJSON *list = cJSON_CreateArray();
	for (int64_t i = 0; i < v->nflips; i++) {
		const struct verdict_flip *f = &v->flip[i];
		cJSON *j = cJSON_CreateObject();
		add_sample(j, names, f->sample);
		add_class(j, "label", f->label);
		add_class(j, "was", f->was);
		add_class(j, "is", f->is);
		cJSON_AddItemToArray(list, j);
	}
	return list;
}

static const char *group_name(const struct verdict *v, const struct verdict_names *n, int64_t id)
{
	if (v->by_label)
		return n && n->label ? n->label(n->user, id) : NULL;
	return n && n->groups && id < n->groups->n ? n->groups->name[id] : NULL;
}

static cJSON *groups_json(const struct verdict *v, const struct verdict_names *names)
{
	cJSON *list = cJSON_CreateArray();
	for (int64_t i = 0; i < v->ngroups; i++) {
		const struct verdict_group *g = &v->group[i];
		const char *name = group_name(v, names, g->id);
		cJSON *j = cJSON_CreateObject();
		cJSON_AddNumberToObject(j, v->by_label ? "class" : "group", (double)g->id);
		if (name)
			cJSON_AddStringToObject(j, "name", name);
		cJSON_AddNumberToObject(j, "samples", (double)g->samples);
		cJSON_AddNumberToObject(j, "flipped", (double)g->flips);
		cJSON_AddItemToObject(j, "original", json_number(g->original));
		cJSON_AddItemToObject(j, "result", json_number(g->result));
		cJSON_AddItemToObject(j, "drop", json_number(g->drop));
		cJSON_AddItemToArray(list, j);
	}
	return list;
}

static void add_limit(cJSON *j, const char *key, double limit)
{
	if (limit < INFINITY)
		cJSON_AddNumberToObject(j, key, limit);
}

static void add_whole(cJSON *j, const struct verdict *v)
{
	cJSON_AddStringToObject(j, "metric", metric_name(v->metric));
	cJSON_AddNumberToObject(j, "samples", (double)v->samples);
	cJSON_AddItemToObject(j, "metric_original", json_number(v->original));
	cJSON_AddItemToObject(j, "metric_result", json_number(v->result));
	cJSON_AddItemToObject(j, "drop", json_number(v->drop));
	cJSON_AddItemToObject(j, "drop_low", json_number(v->interval.low));
	cJSON_AddItemToObject(j, "drop_high", json_number(v->interval.high));
	cJSON_AddStringToObject(j, "drop_type", v->relative ? "relative" : "absolute");
	add_limit(j, "max_drop", v->max_drop);
	add_limit(j, "max_group_drop", v->max_group_drop);
	cJSON_AddBoolToObject(j, "verdict", v->ok);
}

cJSON *verdict_json(const struct verdict *v, const struct verdict_names *names)
{
	cJSON *j = cJSON_CreateObject(), *far = cJSON_CreateArray();
	add_whole(j, v);
	if (v->labelled) {
		cJSON_AddNumberToObject(j, "lost", (double)v->lost);
		cJSON_AddNumberToObject(j, "gained", (double)v->gained);
	}
	cJSON_AddItemToObject(j, "flipped", flips_json(v, names));
	for (int64_t i = 0; i < v->nfar; i++) {
		cJSON *s = cJSON_CreateObject();
		add_sample(s, names, v->far[i]);
		cJSON_AddItemToArray(far, s);
	}
	cJSON_AddItemToObject(j, "farthest", far);
	cJSON_AddItemToObject(j, v->by_label ? "classes" : "groups", groups_json(v, names));
	cJSON_AddNumberToObject(j, "not_finite", (double)v->not_finite);
	if (v->layer[0])
		cJSON_AddStringToObject(j, "first_not_finite_layer", v->layer);
	return j;
}
