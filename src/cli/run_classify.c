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

static int best_answer(struct stream *s, int64_t sample, int64_t label, const double *score,
    int64_t n, struct err *err)
{
	struct classify *c = s->user;
	int64_t *best = calloc(s->r->top, sizeof *best);
	(void)sample;
	(void)label;
	if (!best)
		return fail_nomem(err);
	int k = metrics_best(score, n, s->r->top, best);
	for (int i = 0; i < k; i++) {
		int64_t name = best[i] - s->r->label_offset;
		const char *word = name >= 0 && name < c->nnames ? c->name[name] : NULL;
		cJSON *j = cJSON_CreateObject();
		cJSON_AddNumberToObject(j, "class", best[i]);
		if (word)
			cJSON_AddStringToObject(j, "name", word);
		cJSON_AddItemToObject(j, "score", json_number(score[best[i]]));
		cJSON_AddItemToArray(c->list, j);
		if (c->print)
			printf("%10.6g  %lld%s%s\n", score[best[i]], (long long)best[i],
			    word ? " " : "", word ? word : "");
	}
	free(best);
	return OK;
}

static int classify_one(
    struct run *r, struct classify *c, const char *picture, cJSON *all, struct err *err)
{
	struct stream s = {.answer = best_answer, .user = c};
	cJSON *j = cJSON_CreateObject();
	c->list = cJSON_CreateArray();
	cJSON_AddStringToObject(j, "picture", picture);
	cJSON_AddItemToObject(j, "best", c->list);
	cJSON_AddItemToArray(all, j);
	if (c->print && r->classify.n > 1)
		printf("%s:\n", picture);
	int status = stream_open(&s, r, picture, err);
	for (int64_t i = 0, n = status ? 0 : dataset_count(s.d); i < n && !status; i++) {
		struct tensor t = {0};
		int64_t label;
		status = dataset_sample(s.d, i, &t, &label, err);
		status = status ? status : stream_put(&s, &t, i, label, err);
		tensor_free(&t);
	}
	status = status ? status : stream_flush(&s, err);
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
