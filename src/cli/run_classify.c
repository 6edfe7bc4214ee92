/* mo-run --classify: the best classes of single pictures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/json.h"
#include "cli/stream.h"
#include "quant/metrics.h"

#define CLASSES_BYTES (1 << 24)

struct classify {
	char *names, **name; /* the text of --classes and its lines */
	int64_t nnames;
	cJSON *list; /* of the picture at hand */
	bool print;
};

static int read_classes(struct classify *c, const char *path, struct err *err)
{
	char *save = NULL;
	size_t size;
	int64_t lines = 1;
	int r = file_slurp(path, CLASSES_BYTES, &c->names, &size, err);
	if (r)
		return r;
	for (size_t i = 0; i < size; i++)
		lines += c->names[i] == '\n';
	c->name = calloc(lines, sizeof *c->name);
	if (!c->name)
		return fail_nomem(err);
	for (char *w = strtok_r(c->names, "\r\n", &save); w; w = strtok_r(NULL, "\r\n", &save))
		c->name[c->nnames++] = w;
	return OK;
}

/* The scores of one sample as doubles, NULL without memory. */
static double *scores_of(const struct sample_view *v, int64_t *n)
{
	const struct tensor *t = &v->out[answer_output(v->out, v->nout, v->batch)];
	*n = tensor_count(t) / v->batch;
	double *score = calloc(*n + 1, sizeof *score);
	for (int64_t i = 0; score && i < *n; i++)
		score[i] = tensor_f64(t, v->slot * *n + i);
	return score;
}

static void tell_class(struct classify *c, const struct run *r, int64_t class, double score)
{
	int64_t name = class - r->label_offset;
	const char *word = name >= 0 && name < c->nnames ? c->name[name] : NULL;
	cJSON *j = cJSON_CreateObject();
	cJSON_AddNumberToObject(j, "class", class);
	if (word)
		cJSON_AddStringToObject(j, "name", word);
	cJSON_AddItemToObject(j, "score", json_number(score));
	cJSON_AddItemToArray(c->list, j);
	if (c->print)
		printf("%10.6g  %lld%s%s\n", score, (long long)class, word ? " " : "",
		    word ? word : "");
}

static int best_answer(struct stream *s, int64_t sample, int64_t label,
    const struct sample_view *got, const struct sample_view *want, struct err *err)
{
	int64_t n, *best = calloc(s->r->top, sizeof *best);
	double *score = scores_of(got, &n);
	int k = best && score ? metrics_best(score, n, s->r->top, best) : 0;
	(void)sample;
	(void)label;
	(void)want;
	for (int i = 0; i < k; i++)
		tell_class(s->user, s->r, best[i], score[best[i]]);
	int r = best && score ? OK : fail_nomem(err);
	free(best);
	free(score);
	return r;
}

static int classify_one(
    struct run *r, struct classify *c, const char *picture, cJSON *all, struct err *err)
{
	struct stream s = {.answer = best_answer, .user = c, .single = true};
	cJSON *j = cJSON_CreateObject();
	c->list = cJSON_CreateArray();
	cJSON_AddStringToObject(j, "picture", picture);
	cJSON_AddItemToObject(j, "best", c->list);
	cJSON_AddItemToArray(all, j);
	if (c->print && r->classify.n > 1)
		printf("%s:\n", picture);
	int status = stream_open(&s, r, &picture, 1, err);
	status = status ? status : stream_run(&s, err);
	stream_close(&s);
	return status;
}

int run_classify(struct run *r, struct err *err)
{
	struct classify c = {.print = !r->json || strcmp(r->json, "-")};
	cJSON *all = cJSON_CreateArray();
	int status = r->classes ? read_classes(&c, r->classes, err) : OK;
	for (int i = 0; i < r->classify.n && !status; i++)
		status = classify_one(r, &c, r->classify.v[i], all, err);
	free(c.name);
	free(c.names);
	if (!status && r->json)
		return json_write(r->json, all, err);
	cJSON_Delete(all);
	return status;
}
