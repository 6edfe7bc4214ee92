/* Streams: each runs one inference at a time, with threads and a workspace of its own. */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "cli/bench.h"

/* ---- opening and closing ---- */

/* The stream's own input buffers: as large as the first set's tensors. */
static int own_inputs(struct stream *s, struct err *err)
{
	const struct job *j = s->job;
	int status = OK;
	for (int k = 0; k < j->g->ninputs && !status; k++)
		status = tensor_clone(&s->in[k], &j->feed[0].in[k], err);
	return status;
}

static int open_stream(struct stream *s, int threads, struct err *err)
{
	struct job *j = s->job;
	s->borrowed = s->index == 0 && pool_size(j->pool) == threads;
	s->in = calloc((size_t)j->g->ninputs + 1, sizeof *s->in);
	s->out = calloc((size_t)j->g->noutputs + 1, sizeof *s->out);
	s->ms = calloc(MAX_RUNS, sizeof *s->ms);
	int status = s->in && s->out && s->ms ? OK : fail_nomem(err);
	if (s->borrowed) {
		s->pool = j->pool;
		s->exec = j->exec;
	} else {
		status = status ? status : pool_new(threads, &s->pool, err);
		status = status ? status : exec_share(j->exec, s->pool, &s->exec, err);
		status = status ? status : exec_prepare(s->exec, j->feed[0].in, err);
	}
	return status || !j->b->copies ? status : own_inputs(s, err);
}

static void close_stream(struct stream *s)
{
	if (!s->borrowed) {
		exec_free(s->exec);
		pool_free(s->pool);
	}
	for (int k = 0; s->in && s->job->b->copies && k < s->job->g->ninputs; k++)
		tensor_free(&s->in[k]);
	err_clear(&s->err);
	free(s->in);
	free(s->out);
	free(s->ms);
}

int streams_open(struct job *j, int n, int threads, struct err *err)
{
	int status = OK;
	j->stream = calloc((size_t)n, sizeof *j->stream);
	if (!j->stream)
		return fail_nomem(err);
	while (j->nstreams < n && !status) {
		struct stream *s = &j->stream[j->nstreams];
		*s = (struct stream){.job = j, .index = j->nstreams++};
		status = open_stream(s, threads, err);
	}
	return status;
}

void streams_close(struct job *j)
{
	while (j->nstreams > 0)
		close_stream(&j->stream[--j->nstreams]);
	free(j->stream);
	j->stream = NULL;
}

/* ---- one inference ---- */

int stream_once(struct stream *s, double *end, struct err *err)
{
	const struct job *j = s->job;
	const struct tensor *in = j->feed[(s->index + s->turn++) % j->nsets].in;
	if (j->b->copies) {
		for (int k = 0; k < j->g->ninputs; k++)
			if (tensor_bytes(&in[k]))
				memcpy(s->in[k].data, in[k].data, tensor_bytes(&in[k]));
		in = s->in;
	}
	int status = exec_run(s->exec, in, s->out, err);
	*end = now_ms();
	return status;
}

/* ---- all at once ---- */

int streams_run(struct bench *b, void *(*run)(void *stream), struct err *err)
{
	int status = OK;
	for (int i = 0; i < b->njobs; i++)
		for (int k = 0; k < b->job[i].nstreams && !status; k++) {
			struct stream *s = &b->job[i].stream[k];
			if (thread_start(&s->thread, run, s))
				status = fail(err, E_NOMEM, "cannot start a thread");
			s->started = !status;
		}
	return status;
}

int streams_gather(struct job *j, double start, struct err *err)
{
	int status = times_new(&j->latency, err);
	for (int k = 0; k < j->nstreams; k++) {
		struct stream *s = &j->stream[k];
		if (s->started)
			pthread_join(s->thread, NULL);
		s->started = false;
		if (s->status && !status)
			status = fail(err, s->status, "%s", s->err.text);
		for (int i = 0; i < s->n && !status && j->latency.n < MAX_RUNS; i++)
			j->latency.ms[j->latency.n++] = s->ms[i];
	}
	j->total_ms = now_ms() - start;
	times_sort(&j->latency);
	return status;
}

/* ---- closed loops ---- */

/* Until both the time and, when given, the number of iterations have come. */
static bool enough(const struct stream *s, int64_t iterations)
{
	if (s->n == MAX_RUNS)
		return true;
	return iterations ? s->n >= iterations : s->n > 0 && now_ms() >= s->end;
}

/* Iterations are shared out among the streams. */
static int64_t share_of(const struct stream *s)
{
	const struct job *j = s->job;
	int64_t n = j->b->iterations, streams = j->nstreams;
	return n ? n / streams + (s->index < n % streams) : 0;
}

static void *loop(void *arg)
{
	struct stream *s = arg;
	int64_t iterations = share_of(s);
	if (s->job->b->iterations && !iterations)
		return NULL;
	while (!s->status && !enough(s, iterations)) {
		double start = now_ms(), end;
		s->status = stream_once(s, &end, &s->err);
		s->ms[s->n++] = end - start;
	}
	return NULL;
}

int bench_warm_up(struct bench *b, struct err *err)
{
	double end;
	int s = OK;
	for (int i = 0; i < b->njobs; i++)
		for (int k = 0; k < b->job[i].nstreams; k++)
			for (int64_t n = 0; n < b->warmup && !s; n++)
				s = stream_once(&b->job[i].stream[k], &end, err);
	return s;
}

int bench_steady(struct bench *b, double seconds, struct err *err)
{
	int s = bench_warm_up(b, err);
	if (s)
		return s;
	double start = now_ms();
	for (int i = 0; i < b->njobs; i++)
		for (int k = 0; k < b->job[i].nstreams; k++)
			b->job[i].stream[k].end = start + seconds * 1e3;
	if (b->njobs == 1 && b->job->nstreams == 1)
		loop(b->job->stream); /* no thread between */
	else
		s = streams_run(b, loop, err);
	for (int i = 0; i < b->njobs; i++) {
		int g = streams_gather(&b->job[i], start, err);
		s = s ? s : g;
	}
	return s;
}

/* ---- how many streams ---- */

static int try_streams(struct bench *b, int n, int all, double *fps, struct err *err)
{
	int threads = all / n, s = OK;
	for (int i = 0; i < b->njobs && !s; i++)
		s = streams_open(&b->job[i], n, threads, err);
	s = s ? s : bench_steady(b, b->seconds / 3, err);
	*fps = 0;
	for (int i = 0; i < b->njobs; i++) {
		if (!s)
			*fps += b->job[i].latency.n / b->job[i].total_ms * 1e3;
		streams_close(&b->job[i]);
	}
	if (!s)
		tool_say(b->p, "%d stream%s of %d: %.2f inferences a second", n, n > 1 ? "s" : "",
		    threads, *fps);
	return s;
}

int bench_choose_streams(struct bench *b, struct err *err)
{
	int all = b->threads ? (int)b->threads : threads_available(), tried = 0, s = OK;
	int streams[MAX_STREAMS];
	double fps[MAX_STREAMS], best = 0;
	for (int n = 1; n <= all && n <= MAX_STREAMS && !s; n++) {
		if (all % n)
			continue;
		streams[tried] = n;
		s = try_streams(b, n, all, &fps[tried], err);
		best = fps[tried] > best ? fps[tried] : best;
		tried++;
	}
	for (int i = 0; i < tried && !s; i++)
		if (fps[i] >= best * 0.97) {
			b->streams = streams[i];
			b->nthreads = all / streams[i];
			break;
		}
	return s;
}
