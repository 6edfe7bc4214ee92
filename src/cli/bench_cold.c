/* Cold starts: each run is a process of its own, which reads, compiles and runs once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/child.h"

#define MAX_ARGS 32

static const char *const names[] = {"read_ms", "compile_ms", "first_ms", "process_ms"};

/* What the process gets: what decides about its work, and one inference behind the first, which
 * counts nowhere. */
struct command {
	char *argv[MAX_ARGS + 1];
	char number[4][32];
	int n;
};

static void word(struct command *c, const char *w)
{
	c->argv[c->n++] = (char *)w;
}

static void number(struct command *c, int k, const char *option, int64_t value)
{
	snprintf(c->number[k], sizeof c->number[k], "%" PRId64, value);
	word(c, option);
	word(c, c->number[k]);
}

static void command(struct command *c, const struct job *j)
{
	const struct bench *b = j->b;
	*c = (struct command){0};
	word(c, "mo-bench");
	word(c, "-q");
	word(c, "--iterations=1");
	word(c, "--warmup=0");
	word(c, "--inputs=1");
	word(c, "--json=-");
	number(c, 0, "--threads", b->nthreads);
	number(c, 1, "--random", b->seed);
	if (b->batch)
		number(c, 2, "--batch", b->batch);
	if (b->shape) {
		word(c, "--shape");
		word(c, b->shape);
	}
	if (b->exact)
		word(c, "--exact");
	if (b->bf16)
		word(c, "--infer-precision=bf16");
	if (b->lenient)
		word(c, "--lenient");
	if (b->random_weights)
		word(c, "--random-weights");
	if (b->no_mmap)
		word(c, "--no-mmap");
	if (b->cache_dir) {
		word(c, "--cache-dir");
		word(c, b->cache_dir);
	}
	if (b->cache_size)
		number(c, 3, "--cache-size", b->cache_size);
	if (b->p->cpu) {
		word(c, "--cpu");
		word(c, b->p->cpu);
	}
	word(c, "--input");
	word(c, j->model);
}

/* Runs it; what it says on stderr goes to ours. */
static int run_process(struct command *c, const char *model, struct child *child, struct err *err)
{
	int s = child_run(CHILD_SELF, c->argv, 0, child, err);
	if (!s && child->err.len)
		fputs(child->err.data, stderr);
	return s || !child->code ? s : fail(err, E_IO, "'%s': the cold process failed", model);
}

/* What is said of a process beside its times. */
static void take_state(struct bench *b, struct job *j, const cJSON *json)
{
	const char *cache = cJSON_GetStringValue(cJSON_GetObjectItem(json, "cache"));
	double peak = cJSON_GetNumberValue(cJSON_GetObjectItem(json, "peak_rss_mb"));
	snprintf(j->cold_cache, sizeof j->cold_cache, "%s", cache ? cache : "off");
	b->peak_mb = peak > b->peak_mb ? peak : b->peak_mb;
}

static int cold_run(struct bench *b, struct job *j, struct err *err)
{
	struct command c;
	struct child child = {0};
	command(&c, j);
	double start = now_ms();
	int s = run_process(&c, j->model, &child, err);
	double ms = now_ms() - start;
	cJSON *json = s ? NULL : cJSON_Parse(child.out.data ? child.out.data : "");
	ms -= s ? 0 : cJSON_GetNumberValue(cJSON_GetObjectItem(json, "total_ms"));
	for (int i = 0; i < COLD_TIMES && !s; i++) {
		const cJSON *v = cJSON_GetObjectItem(json, names[i]);
		if (i != COLD_PROCESS && !cJSON_IsNumber(v))
			s = fail(
			    err, E_IO, "'%s': the cold process told no %s", j->model, names[i]);
		else
			j->cold[i].ms[j->cold[i].n++] = i == COLD_PROCESS ? ms : v->valuedouble;
	}
	if (!s)
		take_state(b, j, json);
	cJSON_Delete(json);
	child_free(&child);
	return s;
}

int bench_cold(struct bench *b, struct err *err)
{
	int s = OK;
	for (int k = 0; k < b->njobs; k++)
		for (int i = 0; i < COLD_TIMES && !s; i++)
			s = times_new(&b->job[k].cold[i], err);
	for (int64_t n = 0; n < b->cold; n++) /* in turn */
		for (int k = 0; k < b->njobs && !s; k++)
			s = cold_run(b, &b->job[k], err);
	for (int k = 0; k < b->njobs; k++)
		for (int i = 0; i < COLD_TIMES; i++)
			times_sort(&b->job[k].cold[i]);
	return s;
}

void cold_print(const struct bench *b)
{
	for (int k = 0; k < b->njobs; k++) {
		const struct times *t = b->job[k].cold;
		printf("%s: %d cold processes, medians: read %.2f ms, compile %.2f ms, first "
		       "inference %.2f ms, the whole process %.2f ms\n",
		    b->job[k].model, t->n, times_at(&t[COLD_READ], 0.5),
		    times_at(&t[COLD_COMPILE], 0.5), times_at(&t[COLD_FIRST], 0.5),
		    times_at(&t[COLD_PROCESS], 0.5));
	}
}

cJSON *cold_json(const struct job *j)
{
	cJSON *o = cJSON_CreateObject();
	cJSON_AddNumberToObject(o, "processes", j->cold->n);
	for (int i = 0; i < COLD_TIMES; i++)
		cJSON_AddNumberToObject(o, names[i], times_at(&j->cold[i], 0.5));
	cJSON_AddStringToObject(o, "cache", j->cold_cache);
	return o;
}
