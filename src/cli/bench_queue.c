/* Streams that serve a queue: --async keeps a number of requests under way, --rate lets them come
 * by the clock. A latency counts from the moment when the request came. */
#include <stdlib.h>
#include <time.h>

#include "cli/bench.h"

/* ---- the queue ---- */

static int queue_open(struct queue *q, int max, struct err *err)
{
	struct times age = q->age;
	*q = (struct queue){.max = max, .newest = -1, .age = age};
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->changed, NULL);
	q->at = calloc((size_t)max, sizeof *q->at);
	return q->at ? times_new(&q->age, err) : fail_nomem(err);
}

static void queue_close(struct queue *q)
{
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->lock);
	free(q->at);
	q->at = NULL;
}

/* When it is full the one that has waited longest goes: what is fresh is worth more. */
static void put(struct queue *q, double at)
{
	if (q->n == q->max) {
		q->first = (q->first + 1) % q->max;
		q->n--;
		q->dropped++;
	}
	q->at[(q->first + q->n++) % q->max] = at;
	q->issued++;
	pthread_cond_signal(&q->changed);
}

/* False when nothing comes any more. */
static bool take(struct queue *q, double *at)
{
	pthread_mutex_lock(&q->lock);
	while (!q->n && !q->closed)
		pthread_cond_wait(&q->changed, &q->lock);
	bool some = q->n > 0;
	if (some) {
		*at = q->at[q->first];
		q->first = (q->first + 1) % q->max;
		q->n--;
	}
	pthread_mutex_unlock(&q->lock);
	return some;
}

static void end_queue(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

/* A result is there: until now the newest one was that of what came at q->newest. */
static void note_result(struct queue *q, double at, double end)
{
	if (q->newest >= 0 && q->age.n < MAX_RUNS)
		q->age.ms[q->age.n++] = end - q->newest;
	q->newest = at > q->newest ? at : q->newest;
}

/* ---- streams ---- */

static bool goes_on(const struct stream *s, double now)
{
	const struct bench *b = s->job->b;
	if (b->rate > 0)
		return false;
	return b->iterations ? s->job->queue.issued < b->iterations : now < s->end;
}

static void *serve(void *arg)
{
	struct stream *s = arg;
	struct queue *q = &s->job->queue;
	double at, end;
	while (!s->status && s->n < MAX_RUNS && take(q, &at)) {
		s->status = stream_once(s, &end, &s->err);
		s->ms[s->n++] = end - at;
		pthread_mutex_lock(&q->lock);
		note_result(q, at, end);
		if (goes_on(s, end))
			put(q, end);
		else if (s->job->b->rate <= 0)
			q->closed = true;
		if (q->closed)
			pthread_cond_broadcast(&q->changed);
		pthread_mutex_unlock(&q->lock);
	}
	end_queue(q);
	return NULL;
}

static void sleep_until(double ms)
{
	struct timespec t = {(time_t)(ms / 1e3), 0};
	t.tv_nsec = (long)((ms - (double)t.tv_sec * 1e3) * 1e6);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
		continue;
}

void queues_put(struct bench *b, double at)
{
	sleep_until(at);
	for (int k = 0; k < b->njobs; k++) {
		struct queue *q = &b->job[k].queue;
		pthread_mutex_lock(&q->lock);
		put(q, at);
		pthread_mutex_unlock(&q->lock);
	}
}

static void tick(struct bench *b, double start, void *user)
{
	int64_t n = b->iterations ? b->iterations : (int64_t)(b->seconds * b->rate);
	(void)user;
	for (int64_t i = 0; i < n; i++)
		queues_put(b, start + (double)i * 1e3 / b->rate);
}

static void fill(struct bench *b, double start, void *user)
{
	(void)user;
	for (int k = 0; k < b->njobs; k++) {
		struct queue *q = &b->job[k].queue;
		int64_t n = b->requests ? b->requests : b->job[k].nstreams;
		n = b->iterations && n > b->iterations ? b->iterations : n;
		pthread_mutex_lock(&q->lock);
		for (int64_t i = 0; i < n && !q->closed; i++)
			put(q, start);
		pthread_mutex_unlock(&q->lock);
	}
}

int bench_serve(struct bench *b, int max, void (*feed)(struct bench *b, double start, void *user),
    void *user, struct err *err)
{
	int status = bench_warm_up(b, err), opened = 0;
	while (opened < b->njobs && !status)
		status = queue_open(&b->job[opened++].queue, max, err);
	double start = now_ms();
	for (int i = 0; i < b->njobs; i++)
		for (int k = 0; k < b->job[i].nstreams; k++)
			b->job[i].stream[k].end = start + b->seconds * 1e3;
	for (int i = 0; i < b->njobs; i++)
		for (int k = 0; k < b->job[i].nstreams; k++)
			b->job[i].stream[k].n = 0;
	status = status ? status : streams_run(b, serve, err);
	if (!status)
		feed(b, start, user);
	for (int i = 0; i < opened; i++) {
		if (status || b->rate > 0)
			end_queue(&b->job[i].queue);
		int s = streams_gather(&b->job[i], start, err);
		status = status ? status : s;
		times_sort(&b->job[i].queue.age);
	}
	while (opened > 0)
		queue_close(&b->job[--opened].queue);
	return status;
}

int bench_async(struct bench *b, struct err *err)
{
	return bench_serve(b, 2 * MAX_STREAMS, fill, NULL, err);
}

int bench_rate(struct bench *b, struct err *err)
{
	return bench_serve(b, b->job->nstreams, tick, NULL, err);
}
