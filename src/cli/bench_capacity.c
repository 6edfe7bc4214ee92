/* mo-bench --capacity: how many cameras of so many frames a second the models keep up with, tried
 * out: frames come by the clock, whether or not the last ones are done. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/sorted.h"
#include "cli/bench.h"

#define MAX_CAMERAS 16384
#define TRIES 2 /* of a number before it counts as too many: a hiccup of the machine is none */
#define MAX_STEPS 96

struct step {
	int cameras;
	int64_t answered, dropped;
	double median, p99; /* of the age, in ms; of several models the worst */
	bool ok;
};

struct capacity {
	struct bench *b;
	struct step step[MAX_STEPS];
	int n;
	double phase[MAX_CAMERAS]; /* when in a period each camera's frames come, ascending */
	int cameras;               /* of the step under way */
};

/* Every camera's frames come at a phase of its own that stays: some come close together. */
static void set_phases(struct capacity *c, int cameras)
{
	uint64_t g = (uint64_t)c->b->seed;
	c->cameras = cameras;
	for (int i = 0; i < cameras; i++)
		c->phase[i] = (double)(rng_next(&g) >> 11) * 0x1p-53;
	qsort(c->phase, (size_t)cameras, sizeof *c->phase, ascending_f64);
}

static void film(struct bench *b, double start, void *user)
{
	const struct capacity *c = user;
	double period = 1e3 / b->capacity;
	int64_t frames = (int64_t)(b->seconds * b->capacity + 0.5);
	for (int64_t k = 0; k < (frames ? frames : 1); k++)
		for (int i = 0; i < c->cameras; i++)
			queues_put(b, start + ((double)k + c->phase[i]) * period);
}

/* One step. */
static int measure(struct capacity *c, int cameras, bool *ok, struct err *err)
{
	struct bench *b = c->b;
	struct step *t = &c->step[c->n];
	if (c->n == MAX_STEPS)
		return fail(err, E_LIMIT, "--capacity: the machine does not come to rest");
	set_phases(c, cameras);
	b->rate = cameras * b->capacity;
	int s = bench_serve(b, cameras, film, c, err);
	*t = (struct step){.cameras = cameras};
	for (int i = 0; i < b->njobs && !s; i++) {
		const struct job *j = &b->job[i];
		double median = times_at(&j->latency, 0.5), p99 = times_at(&j->latency, 0.99);
		t->answered += j->latency.n;
		t->dropped += j->queue.dropped;
		t->median = median > t->median ? median : t->median;
		t->p99 = p99 > t->p99 ? p99 : t->p99;
	}
	if (s)
		return s;
	*ok = t->ok = !t->dropped && t->p99 <= 1e3 / b->capacity;
	c->n++;
	tool_say(b->p,
	    "%d camera%s: the age of a result is %.2f ms in the median, %.2f at the "
	    "99th percentile, %lld frames dropped: %s",
	    cameras, cameras == 1 ? "" : "s", t->median, t->p99, (long long)t->dropped,
	    *ok ? "keeps up" : "too many");
	return OK;
}

static int keeps_up(struct capacity *c, int cameras, bool *ok, struct err *err)
{
	int s = OK;
	*ok = false;
	for (int i = 0; i < TRIES && !*ok && !s; i++)
		s = measure(c, cameras, ok, err);
	return s;
}

/* Doubles until it is too many, halves the way between, and has the answer confirmed. */
static int search(struct capacity *c, int *answer, struct err *err)
{
	int good = 0, bad = MAX_CAMERAS + 1, s = OK;
	bool ok = true;
	for (int n = 1; n <= MAX_CAMERAS && ok && !s; n *= 2) {
		s = keeps_up(c, n, &ok, err);
		good = ok ? n : good;
		bad = ok ? bad : n;
	}
	while (!s && good && bad - good > 1 + good / 50) { /* to 2 % */
		int n = good + (bad - good) / 2;
		s = keeps_up(c, n, &ok, err);
		good = ok ? n : good;
		bad = ok ? bad : n;
	}
	for (ok = false; !s && good && !ok; good -= ok ? 0 : 1 + good / 50)
		s = measure(c, good, &ok, err);
	*answer = good;
	return s;
}

static cJSON *capacity_json(const struct capacity *c, int cameras)
{
	const struct bench *b = c->b;
	cJSON *o = cJSON_CreateObject(), *list;
	cJSON_AddNumberToObject(o, "fps", b->capacity);
	cJSON_AddNumberToObject(o, "cameras", cameras);
	cJSON_AddNumberToObject(o, "limit_ms", 1e3 / b->capacity);
	list = cJSON_AddArrayToObject(o, "steps");
	for (int i = 0; i < c->n; i++) {
		const struct step *t = &c->step[i];
		cJSON *j = cJSON_CreateObject();
		cJSON_AddNumberToObject(j, "cameras", t->cameras);
		cJSON_AddNumberToObject(j, "rate", t->cameras * b->capacity);
		cJSON_AddNumberToObject(j, "answered", (double)t->answered);
		cJSON_AddNumberToObject(j, "dropped", (double)t->dropped);
		cJSON_AddNumberToObject(j, "age_median_ms", t->median);
		cJSON_AddNumberToObject(j, "age_p99_ms", t->p99);
		cJSON_AddBoolToObject(j, "ok", t->ok);
		cJSON_AddItemToArray(list, j);
	}
	return o;
}

int bench_capacity(struct bench *b, int *verdict, struct err *err)
{
	struct capacity *c = calloc(1, sizeof *c);
	int cameras = 0;
	if (!c)
		return fail_nomem(err);
	c->b = b;
	int s = search(c, &cameras, err);
	if (!s) {
		*verdict = cameras ? 0 : 3;
		cJSON_AddItemToObject(b->parts, "capacity", capacity_json(c, cameras));
		if (!b->json || strcmp(b->json, "-"))
			printf("%d camera%s of %g frames a second: the 99th percentile of the age "
			       "of a result is %.2f ms, at most %.2f are between two frames\n",
			    cameras, cameras == 1 ? "" : "s", b->capacity, c->step[c->n - 1].p99,
			    1e3 / b->capacity);
	}
	free(c);
	return s;
}
