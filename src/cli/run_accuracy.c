/* mo-run --accuracy: top-1 and top-5 over labelled samples. */
#include <stdio.h>
#include <string.h>

#include "cli/json.h"
#include "cli/stream.h"
#include "quant/metrics.h"

static int count_answer(struct stream *s, int64_t sample, int64_t label, const double *score,
    int64_t n, struct err *err)
{
	(void)sample;
	(void)err;
	accuracy_add(s->user, score, n, label);
	return OK;
}

static int tell_accuracy(
    struct run *r, const struct accuracy *a, int64_t unreadable, struct err *err)
{
	double n = a->samples;
	struct log log = tool_log(r->p);
	if (unreadable)
		log_say(&log, LOG_WARN, "%lld samples cannot be read and do not count",
		    (long long)unreadable);
	if (a->not_finite)
		log_say(&log, LOG_WARN, "%lld samples gave scores that are not finite",
		    (long long)a->not_finite);
	if (a->outside)
		log_say(&log, LOG_WARN, "%lld samples have a label that is no class",
		    (long long)a->outside);
	if (!r->json || strcmp(r->json, "-"))
		printf("top-1 %.2f %%, top-5 %.2f %% of %lld samples\n", 100 * a->top1 / n,
		    100 * a->top5 / n, (long long)a->samples);
	if (!r->json)
		return OK;
	cJSON *j = cJSON_CreateObject();
	cJSON_AddNumberToObject(j, "top1", a->top1 / n);
	cJSON_AddNumberToObject(j, "top5", a->top5 / n);
	cJSON_AddNumberToObject(j, "samples", n);
	cJSON_AddNumberToObject(j, "unreadable", unreadable);
	cJSON_AddNumberToObject(j, "not_finite", a->not_finite);
	cJSON_AddNumberToObject(j, "outside", a->outside);
	return json_write(r->json, j, err);
}

int run_accuracy(struct run *r, struct err *err)
{
	struct accuracy a = {0};
	struct stream s = {.answer = count_answer, .user = &a};
	int status = stream_open(&s, r, r->data.v[0], err);
	if (!status && !dataset_labelled(s.d))
		status = fail(err, E_USAGE, "'%s' holds no labels: give --labels", r->data.v[0]);
	status = status ? status : stream_run(&s, err);
	if (!status)
		run_tell_precision(r, s.e);
	status = status ? status : tell_accuracy(r, &a, s.unreadable, err);
	stream_close(&s);
	return status;
}
