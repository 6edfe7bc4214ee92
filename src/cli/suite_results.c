/* What came out of a suite: table, JSON, CSV. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/json.h"
#include "cli/suite.h"

struct suite_result suite_result(const struct suite *s, int k)
{
	const struct bench_case *c = &s->cases.v[k];
	const struct suite_case *v = &s->v[k];
	struct suite_result r = {.ok = !c->reason};
	r.latency = cases_median(c, s->cases.rounds, c->latency);
	r.minimum = v->minimum ? cases_median(c, s->cases.rounds, v->minimum) : 0;
	r.fps = c->fps          ? cases_median(c, s->cases.rounds, c->fps)
		: r.latency > 0 ? (double)v->batch * 1e3 / r.latency
				: 0;
	r.pass = v->ours ? cases_median(c, s->cases.rounds, "single_pass_ms") : 0;
	r.outliers = v->ours ? (int)cases_sum(c, s->cases.rounds, "outliers") : -1;
	return r;
}

void suite_print(const struct suite *s)
{
	int failed = 0;
	printf("%-28s %-5s %5s %7s %7s %-5s %-10s %11s %11s\n", "model", "type", "batch", "threads",
	    "streams", "mode", "backend", "latency ms", "samples/s");
	for (int i = 0; i < s->cases.n; i++) {
		const struct suite_case *v = &s->v[i];
		struct suite_result r = suite_result(s, i);
		printf("%-28s %-5s %5" PRId64 " %7" PRId64 " %7" PRId64 " %-5s %-10s ", v->model,
		    v->precision, v->batch, v->threads, v->streams, v->mode, v->backend);
		failed += !r.ok;
		if (r.ok)
			printf("%11.3f %11.2f\n", r.latency, r.fps);
		else
			printf("failed: %s\n", s->cases.v[i].reason);
	}
	printf("%d cases, %d failed\n", s->cases.n, failed);
}

static cJSON *case_json(const struct suite *s, int i)
{
	const struct suite_case *v = &s->v[i];
	const struct bench_case *c = &s->cases.v[i];
	struct suite_result r = suite_result(s, i);
	cJSON *o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "name", c->name);
	cJSON_AddStringToObject(o, "model", v->model);
	cJSON_AddStringToObject(o, "backend", v->backend);
	cJSON_AddStringToObject(o, "precision", v->precision);
	cJSON_AddStringToObject(o, "mode", v->mode);
	cJSON_AddNumberToObject(o, "batch", (double)v->batch);
	cJSON_AddNumberToObject(o, "threads", (double)v->threads);
	cJSON_AddNumberToObject(o, "streams", (double)v->streams);
	cJSON_AddStringToObject(o, "status", r.ok ? "ok" : "failed");
	if (!r.ok) {
		cJSON_AddStringToObject(o, "reason", c->reason);
		return o;
	}
	cJSON_AddNumberToObject(o, "latency_ms", r.latency);
	cJSON_AddNumberToObject(o, "latency_min_ms", r.minimum);
	cJSON_AddNumberToObject(o, "throughput_fps", r.fps);
	if (v->ours) {
		cJSON_AddNumberToObject(o, "single_pass_ms", r.pass);
		cJSON_AddNumberToObject(o, "outliers", r.outliers);
	}
	cases_add_runs(o, c, s->cases.rounds);
	return o;
}

cJSON *suite_json(const struct suite *s)
{
	cJSON *o = cJSON_CreateObject(), *list;
	cJSON_AddStringToObject(o, "suite", s->name);
	cJSON_AddItemToObject(o, "machine", machine_json());
	cJSON_AddItemToObject(o, "backends", cJSON_Duplicate(s->backends, true));
	cJSON_AddNumberToObject(o, "rounds", s->cases.rounds);
	list = cJSON_AddArrayToObject(o, "cases");
	for (int i = 0; i < s->cases.n; i++)
		cJSON_AddItemToArray(list, case_json(s, i));
	return o;
}

/* RFC 4180: quotes around what has a comma, a quote or a line's end, and quotes doubled. */
static void cell(struct text *t, const char *s)
{
	bool quote = strpbrk(s, ",\"\r\n") != NULL;
	text_add(t, quote ? "\"" : "");
	for (; *s; s++) {
		text_addn(t, s, 1);
		if (*s == '"')
			text_add(t, "\"");
	}
	text_add(t, quote ? "\"," : ",");
}

int suite_csv(const struct suite *s, const char *path, struct err *err)
{
	struct text t = {0};
	text_add(&t, "model,backend,precision,mode,batch,threads,streams,status,latency_ms,"
		     "latency_min_ms,throughput_fps,single_pass_ms,outliers,reason\r\n");
	for (int i = 0; i < s->cases.n; i++) {
		const struct suite_case *v = &s->v[i];
		struct suite_result r = suite_result(s, i);
		const char *reason = s->cases.v[i].reason;
		cell(&t, v->model);
		cell(&t, v->backend);
		cell(&t, v->precision);
		cell(&t, v->mode);
		text_printf(&t, "%" PRId64 ",%" PRId64 ",%" PRId64 ",%s,", v->batch, v->threads,
		    v->streams, r.ok ? "ok" : "failed");
		text_printf(&t, "%.6g,%.6g,%.6g,", r.latency, r.minimum, r.fps);
		if (r.ok && v->ours)
			text_printf(&t, "%.6g,%d,", r.pass, r.outliers);
		else
			text_add(&t, ",,");
		cell(&t, reason ? reason : "");
		t.len -= t.len > 0; /* the comma after the last one */
		text_add(&t, "\r\n");
	}
	int e = t.failed ? fail_nomem(err) : output_file(path, t.data, t.len, err);
	text_free(&t);
	return e;
}
