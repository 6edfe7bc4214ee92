/* mo-bench --sweep: a grid of batches, streams, threads and precisions, and the point to choose. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/cases.h"
#include "cli/child.h"
#include "cli/suite.h"
#include "report/sweep.h"

#define MAX_VALUES 32

enum { BATCH, STREAMS, THREADS, AXES };
static const char *const axis_name[AXES] = {"batch", "streams", "threads"};
/* The axes of words. */
enum { PRECISION, MODE, WORDS };
static const struct {
	const char *name, *words[4];
} word_axis[WORDS] = {{"precision", {"fp32", "bf16", "int8"}}, {"mode", {"sync", "async"}}};

struct sweep {
	struct bench *b;
	int64_t value[AXES][MAX_VALUES];
	int n[AXES];
	const char *word[WORDS][MAX_VALUES];
	int nwords[WORDS];
	struct cases cases;
	struct sweep_point *point;
	int chosen;
};

/* ---- the grid ---- */

static int add_value(struct sweep *w, int axis, const char *word, struct err *err)
{
	int64_t v;
	if (!parse_i64(word, &v) || v < 1 || v > INT32_MAX)
		return fail(
		    err, E_USAGE, "--sweep: %s: '%s' is no number above 0", axis_name[axis], word);
	if (w->n[axis] == MAX_VALUES)
		return fail(
		    err, E_USAGE, "--sweep: %s: more than %d values", axis_name[axis], MAX_VALUES);
	w->value[axis][w->n[axis]++] = v;
	return OK;
}

static int add_word(struct sweep *w, int axis, const char *word, struct err *err)
{
	const char *const *known = word_axis[axis].words;
	for (; *known; known++)
		if (!strcmp(word, *known) && w->nwords[axis] < MAX_VALUES) {
			w->word[axis][w->nwords[axis]++] = *known;
			return OK;
		}
	return fail(err, E_USAGE, "--sweep: %s: '%s' is none of %s", word_axis[axis].name, word,
	    axis == MODE ? "sync, async" : "fp32, bf16, int8");
}

/* "batch=1,2" */
static int read_axis(struct sweep *w, char *text, struct err *err)
{
	char *values = strchr(text, '='), *save;
	int axis = 0, word = 0, s = OK;
	if (values)
		*values++ = 0;
	while (axis < AXES && strcmp(text, axis_name[axis]))
		axis++;
	while (word < WORDS && strcmp(text, word_axis[word].name))
		word++;
	if (!values || (axis == AXES && word == WORDS))
		return fail(err, E_USAGE,
		    "--sweep: '%s' is none of batch=, streams=, threads=, precision=, mode=", text);
	for (char *v = strtok_r(values, ",", &save); v && !s; v = strtok_r(NULL, ",", &save))
		s = axis < AXES ? add_value(w, axis, v, err) : add_word(w, word, v, err);
	return s;
}

static int read_grid(struct sweep *w, struct err *err)
{
	const struct bench *b = w->b;
	int s = OK;
	for (int i = 0; i < b->sweep.n && !s; i++) {
		char *text = strdup(b->sweep.v[i]), *save;
		if (!text)
			return fail_nomem(err);
		for (char *a = strtok_r(text, " ", &save); a && !s; a = strtok_r(NULL, " ", &save))
			s = read_axis(w, a, err);
		free(text);
	}
	const int64_t given[AXES] = {b->batch ? b->batch : 1, b->streams ? b->streams : 1,
	    b->threads ? b->threads : threads_available()};
	for (int a = 0; a < AXES; a++)
		if (!w->n[a])
			w->value[a][w->n[a]++] = given[a];
	if (!w->nwords[PRECISION])
		w->word[PRECISION][w->nwords[PRECISION]++] = b->bf16 ? "bf16" : "fp32";
	if (!w->nwords[MODE])
		w->word[MODE][w->nwords[MODE]++] = b->async ? "async" : "sync";
	for (int i = 0; i < w->nwords[PRECISION] && !s; i++)
		if (!strcmp(w->word[PRECISION][i], "int8") && !b->int8_model)
			s = fail(err, E_USAGE,
			    "--sweep: precision int8 needs --int8-model: the quantized network");
	return s;
}

/* ---- the measurements ---- */

static int add_point(struct sweep *w, const struct sweep_point *p, struct err *err)
{
	const struct bench *b = w->b;
	bool int8 = !strcmp(p->precision, "int8");
	char batch[32], streams[32], threads[32], seconds[40], seed[32];
	char *argv[24];
	int n = 0;
	snprintf(batch, sizeof batch, "--batch=%" PRId64, p->batch);
	snprintf(streams, sizeof streams, "--streams=%" PRId64, p->streams);
	snprintf(threads, sizeof threads, "--threads=%" PRId64, p->threads);
	snprintf(seconds, sizeof seconds, "--time=%g", b->seconds / (double)b->rounds);
	snprintf(seed, sizeof seed, "--random=%" PRId64, b->seed);
	argv[n++] = "mo-bench";
	argv[n++] = "-q";
	argv[n++] = "--json=-";
	argv[n++] = streams;
	argv[n++] = threads;
	argv[n++] = seconds;
	argv[n++] = seed;
	if (p->batch > 1)
		argv[n++] = batch;
	if (!strcmp(p->precision, "bf16"))
		argv[n++] = "--infer-precision=bf16";
	if (b->exact)
		argv[n++] = "--exact";
	if (!strcmp(p->mode, "async"))
		argv[n++] = "--async";
	if (b->lenient)
		argv[n++] = "--lenient";
	if (b->random_weights)
		argv[n++] = "--random-weights";
	if (b->p->cpu) {
		argv[n++] = "--cpu";
		argv[n++] = (char *)b->p->cpu;
	}
	argv[n++] = "--input";
	argv[n++] = (char *)(int8 ? b->int8_model : b->job->model);
	argv[n] = NULL;
	char name[160];
	snprintf(name, sizeof name,
	    "batch %" PRId64 ", %" PRId64 " stream%s, %" PRId64 " thread%s, %s%s", p->batch,
	    p->streams, p->streams == 1 ? "" : "s", p->threads, p->threads == 1 ? "" : "s",
	    p->precision, strcmp(p->mode, "async") ? "" : ", async");
	return cases_add(&w->cases, name, CHILD_SELF, argv, err);
}

/* Every point of the grid that has a thread for each stream. */
static int add_points(struct sweep *w, struct err *err)
{
	size_t most = 1, size[AXES + WORDS];
	for (int a = 0; a < AXES + WORDS; a++) {
		size[a] = (size_t)(a < AXES ? w->n[a] : w->nwords[a - AXES]);
		most *= size[a];
	}
	w->point = most <= CASES_MAX ? calloc(most, sizeof *w->point) : NULL;
	if (!w->point)
		return fail(err, E_USAGE, "--sweep: more than %d points", CASES_MAX);
	int at[AXES + WORDS] = {0}, s = OK;
	for (size_t i = 0; i < most && !s; i++) {
		size_t k = i;
		for (int a = AXES + WORDS - 1; a >= 0; a--) {
			at[a] = (int)(k % size[a]);
			k /= size[a];
		}
		struct sweep_point p = {w->value[BATCH][at[BATCH]], w->value[STREAMS][at[STREAMS]],
		    w->value[THREADS][at[THREADS]], w->word[PRECISION][at[AXES + PRECISION]],
		    w->word[MODE][at[AXES + MODE]], false, 0, 0};
		if (p.streams > p.threads)
			continue;
		w->point[w->cases.n] = p;
		s = add_point(w, &p, err);
	}
	return s || w->cases.n
		   ? s
		   : fail(err, E_USAGE, "--sweep: no point has a thread for each stream");
}

static void gather(struct sweep *w)
{
	for (int i = 0; i < w->cases.n; i++) {
		const struct bench_case *k = &w->cases.v[i];
		w->point[i].ok = !k->reason;
		w->point[i].latency = cases_median(k, w->cases.rounds, "latency_ms.median");
		w->point[i].fps = cases_median(k, w->cases.rounds, "throughput_fps");
	}
	w->chosen = sweep_choose(w->point, w->cases.n, w->b->max_latency);
}

/* ---- what it says ---- */

static const char *why(const struct sweep *w)
{
	return w->b->max_latency > 0 ? "the most throughput within the latency asked for"
				     : "the least latency within 3 % of the best throughput";
}

static void print(const struct sweep *w)
{
	printf("%6s %8s %8s %10s %-5s %12s %14s %8s\n", "batch", "streams", "threads", "precision",
	    "mode", "latency ms", "samples/s", "scaling");
	for (int i = 0; i < w->cases.n; i++) {
		const struct sweep_point *p = &w->point[i];
		printf("%6" PRId64 " %8" PRId64 " %8" PRId64 " %10s %-5s ", p->batch, p->streams,
		    p->threads, p->precision, p->mode);
		double scaling = sweep_scaling(w->point, w->cases.n, i);
		if (!p->ok)
			printf("failed: %s\n", w->cases.v[i].reason);
		else if (scaling > 0)
			printf("%12.3f %14.2f %8.2f%s\n", p->latency, p->fps, scaling,
			    i == w->chosen ? "  <- chosen" : "");
		else
			printf("%12.3f %14.2f %8s%s\n", p->latency, p->fps, "",
			    i == w->chosen ? "  <- chosen" : "");
	}
	if (w->chosen >= 0)
		printf("chosen: %s: %s\n", w->cases.v[w->chosen].name, why(w));
	else
		printf("no point %s\n", w->b->max_latency > 0 ? "is within the latency asked for"
							      : "could be measured");
}

static cJSON *point_json(const struct sweep *w, int i)
{
	const struct sweep_point *p = &w->point[i];
	const struct bench_case *k = &w->cases.v[i];
	cJSON *o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "name", k->name);
	cJSON_AddNumberToObject(o, "batch", (double)p->batch);
	cJSON_AddNumberToObject(o, "streams", (double)p->streams);
	cJSON_AddNumberToObject(o, "threads", (double)p->threads);
	cJSON_AddStringToObject(o, "precision", p->precision);
	cJSON_AddStringToObject(o, "mode", p->mode);
	cJSON_AddStringToObject(o, "status", p->ok ? "ok" : "failed");
	if (!p->ok) {
		cJSON_AddStringToObject(o, "reason", k->reason);
		return o;
	}
	cJSON_AddNumberToObject(o, "latency_ms", p->latency);
	cJSON_AddNumberToObject(o, "throughput_fps", p->fps);
	cJSON_AddNumberToObject(
	    o, "single_pass_ms", cases_median(k, w->cases.rounds, "single_pass_ms"));
	cJSON_AddNumberToObject(o, "outliers", cases_sum(k, w->cases.rounds, "outliers"));
	cJSON_AddNumberToObject(o, "scaling", sweep_scaling(w->point, w->cases.n, i));
	cases_add_runs(o, k, w->cases.rounds);
	return o;
}

static cJSON *sweep_json(const struct sweep *w)
{
	cJSON *o = cJSON_CreateObject(), *list;
	cJSON_AddStringToObject(o, "model", w->b->job->model);
	cJSON_AddItemToObject(o, "machine", machine_json());
	cJSON_AddNumberToObject(o, "rounds", w->cases.rounds);
	if (w->b->max_latency > 0)
		cJSON_AddNumberToObject(o, "max_latency_ms", w->b->max_latency);
	list = cJSON_AddArrayToObject(o, "cases");
	for (int i = 0; i < w->cases.n; i++)
		cJSON_AddItemToArray(list, point_json(w, i));
	if (w->chosen >= 0)
		cJSON_AddNumberToObject(o, "chosen", w->chosen);
	else
		cJSON_AddNullToObject(o, "chosen");
	cJSON_AddStringToObject(o, "why", why(w));
	return o;
}

/* A page also tells what the point chosen spends its time on. */
static void take_chosen(const struct sweep *w)
{
	if (w->chosen < 0)
		return;
	const struct sweep_point *p = &w->point[w->chosen];
	w->b->batch = p->batch > 1 ? p->batch : w->b->batch;
	w->b->threads = p->threads;
	w->b->streams = p->streams;
	w->b->bf16 = !strcmp(p->precision, "bf16");
	w->b->async = !strcmp(p->mode, "async");
	if (!strcmp(p->precision, "int8"))
		w->b->job->model = w->b->int8_model;
}

int bench_sweep(struct bench *b, int *verdict, struct err *err)
{
	struct text identity = {0};
	struct sweep w = {.b = b,
	    .cases = {.rounds = (int)b->rounds,
		.resume = b->resume,
		.p = b->p,
		.each = b->seconds / (double)b->rounds + 0.5}};
	cases_identity(&identity, b->job->model);
	if (b->int8_model)
		cases_identity(&identity, b->int8_model);
	w.cases.identity = identity.data;
	int s = identity.failed ? fail_nomem(err) : read_grid(&w, err);
	s = s ? s : add_points(&w, err);
	s = s ? s : cases_run(&w.cases, err);
	if (!s) {
		gather(&w);
		*verdict = w.chosen < 0 ? 3 : 0;
		if (!b->json || strcmp(b->json, "-"))
			print(&w);
		s = b->json ? json_write(b->json, sweep_json(&w), err) : OK;
		if (b->html)
			cJSON_AddItemToObject(b->parts, "sweep", sweep_json(&w));
		take_chosen(&w);
	}
	cases_free(&w.cases);
	free(w.point);
	text_free(&identity);
	return s;
}
