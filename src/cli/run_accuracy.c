/* mo-run --accuracy: top-1 and top-5 over labelled samples. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/stream.h"
#include "quant/metrics.h"

struct accuracy {
	struct answer *answer;
	int64_t *label;
	int64_t samples, not_finite;
};

static int take_answer(struct stream *s, int64_t sample, int64_t label,
    const struct sample_view *got, const struct sample_view *want, struct err *err)
{
	struct accuracy *a = s->user;
	struct answer *to = &a->answer[sample];
	int r = answer_take(got, want, label, to, err);
	a->label[sample] = label;
	a->samples++;
	a->not_finite += !to->finite;
	return r;
}

static double value(const struct stream *s, const struct accuracy *a, enum metric m)
{
	return metric_value(m, a->answer, a->label, s->samples.count, NULL);
}

static int tell_accuracy(const struct stream *s, const struct accuracy *a, struct err *err)
{
	const struct run *r = s->r;
	struct log log = tool_log(r->p);
	int64_t unreadable = source_unreadable(s->source);
	double top1 = value(s, a, METRIC_TOP1), top5 = value(s, a, METRIC_TOP5);
	if (unreadable)
		log_say(&log, LOG_WARN, "%lld samples cannot be read and do not count",
		    (long long)unreadable);
	if (a->not_finite)
		log_say(&log, LOG_WARN, "%lld samples gave values that are not finite",
		    (long long)a->not_finite);
	if (!r->json || strcmp(r->json, "-"))
		printf("top-1 %.2f %%, top-5 %.2f %% of %lld samples\n", 100 * top1, 100 * top5,
		    (long long)a->samples);
	if (!r->json)
		return OK;
	cJSON *j = cJSON_CreateObject();
	cJSON_AddNumberToObject(j, "top1", top1);
	cJSON_AddNumberToObject(j, "top5", top5);
	cJSON_AddItemToObject(j, "f1", json_number(value(s, a, METRIC_F1)));
	cJSON_AddNumberToObject(j, "samples", a->samples);
	cJSON_AddNumberToObject(j, "unreadable", unreadable);
	cJSON_AddNumberToObject(j, "not_finite", a->not_finite);
	return json_write(r->json, j, err);
}

int run_accuracy(struct run *r, struct err *err)
{
	struct accuracy a = {0};
	struct stream s = {.answer = take_answer, .user = &a};
	int status = stream_open(&s, r, r->data.v, r->data.n, err);
	if (!status && !s.samples.labelled)
		status = fail(err, E_USAGE, "'%s' holds no labels: give --labels", r->data.v[0]);
	if (!status) {
		a.answer = calloc(s.samples.count, sizeof *a.answer);
		a.label = calloc(s.samples.count, sizeof *a.label);
		status = a.answer && a.label ? stream_run(&s, err) : fail_nomem(err);
	}
	if (!status)
		run_tell_precision(r, s.e);
	status = status ? status : tell_accuracy(&s, &a, err);
	stream_close(&s);
	free(a.answer);
	free(a.label);
	return status;
}
