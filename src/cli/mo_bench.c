/* mo-bench: how long a network takes: reading, compiling, the first inference, the steady state. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "base/threads.h"
#include "cli/bench_profile.h"
#include "cli/feed.h"
#include "cli/json.h"
#include "exec/exec.h"
#include "formats/model.h"
#include "passes/pass.h"

#define MAX_RUNS 1000000 /* times kept */

struct bench {
	struct program *p;
	/* options */
	const char *model, *json, *precision;
	struct list data;
	int64_t threads, iterations, warmup, seed;
	double seconds;
	bool profile, lenient, exact;
	/* state */
	struct graph *g;
	enum model_format format;
	struct pool *pool;
	struct feed feed;
	struct tensor *out;
	double *ms;
	int n;
	double read_ms, compile_ms, first_ms, total_ms;
	bool int8; /* some layer is computed in 8 bits */
};

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* ---- measuring ---- */

static int load(struct bench *b, struct err *err)
{
	struct onnx_options o = {.log = tool_log(b->p), .lenient = b->lenient};
	double start = now_ms();
	int s = model_read(input_path(b->model), &o, &b->g, &b->format, err);
	b->read_ms = now_ms() - start;
	return s;
}

/* What mo would do first; an IR has it behind it. */
static int optimize(struct bench *b, struct err *err)
{
	struct pass_options o = pass_defaults();
	struct log log = tool_log(b->p);
	return b->format == MODEL_ONNX ? passes_run(b->g, &o, &log, NULL, err) : OK;
}

static int fill(struct bench *b, struct err *err)
{
	int s = feed_new(&b->feed, b->g, tool_log(b->p), err);
	s = s ? s : feed_files(&b->feed, b->g, &b->data, err);
	return s ? s : feed_random(&b->feed, b->g, b->seed, err);
}

static int compile(struct bench *b, struct exec **e, struct err *err)
{
	struct exec_options o = {.pool = b->pool, .exact = b->exact, .log = tool_log(b->p)};
	double start = now_ms();
	int s = optimize(b, err);
	s = s ? s : exec_new(b->g, &o, e, err);
	s = s ? s : exec_prepare(*e, b->feed.in, err);
	b->compile_ms = now_ms() - start;
	return s;
}

static int once(struct bench *b, struct exec *e, double *ms, struct err *err)
{
	double start = now_ms();
	int s = exec_run(e, b->feed.in, b->out, err);
	*ms = now_ms() - start;
	return s;
}

/* Until both the time and, when given, the number of iterations have come. */
static bool enough(const struct bench *b, double since)
{
	if (b->n == MAX_RUNS)
		return true;
	if (b->iterations)
		return b->n >= b->iterations;
	return b->n > 0 && now_ms() - since >= b->seconds * 1e3;
}

static int steady(struct bench *b, struct exec *e, struct err *err)
{
	double ms;
	int s = OK;
	for (int64_t i = 0; i < b->warmup && !s; i++)
		s = once(b, e, &ms, err);
	double start = now_ms();
	while (!s && !enough(b, start))
		s = once(b, e, &b->ms[b->n++], err);
	b->total_ms = now_ms() - start;
	return s;
}

static int measure(struct bench *b, struct err *err)
{
	struct exec *e = NULL;
	int s = load(b, err);
	s = s ? s : pool_new((int)b->threads, &b->pool, err);
	s = s ? s : fill(b, err);
	if (s)
		return s;
	b->out = calloc((size_t)b->g->noutputs + 1, sizeof *b->out);
	b->ms = calloc(MAX_RUNS, sizeof *b->ms);
	s = b->out && b->ms ? compile(b, &e, err) : fail_nomem(err);
	s = s ? s : once(b, e, &b->first_ms, err);
	s = s ? s : steady(b, e, err);
	b->int8 = !s && exec_is_int8(e);
	exec_free(e);
	return s;
}

/* ---- telling ---- */

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The smallest time that at least this share of the runs did not pass. */
static double percentile(const struct bench *b, double share)
{
	int at = (int)ceil(share * b->n) - 1;
	return b->ms[at < 0 ? 0 : at];
}

static double mean(const struct bench *b)
{
	double sum = 0;
	for (int i = 0; i < b->n; i++)
		sum += b->ms[i];
	return sum / b->n;
}

/* The most that was resident at any time, mapped files included (VmHWM). */
static double peak_mb(void)
{
	char line[128];
	double kb = 0;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "VmHWM: %lf kB", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb / 1024;
}

static cJSON *latency_json(const struct bench *b)
{
	cJSON *j = cJSON_CreateObject();
	cJSON_AddNumberToObject(j, "min", b->ms[0]);
	cJSON_AddNumberToObject(j, "median", percentile(b, 0.5));
	cJSON_AddNumberToObject(j, "mean", mean(b));
	cJSON_AddNumberToObject(j, "p90", percentile(b, 0.9));
	cJSON_AddNumberToObject(j, "p95", percentile(b, 0.95));
	cJSON_AddNumberToObject(j, "p99", percentile(b, 0.99));
	cJSON_AddNumberToObject(j, "max", b->ms[b->n - 1]);
	return j;
}

static int write_json(const struct bench *b, const struct profile *p, struct err *err)
{
	cJSON *j = cJSON_CreateObject();
	cJSON_AddNumberToObject(j, "read_ms", b->read_ms);
	cJSON_AddNumberToObject(j, "compile_ms", b->compile_ms);
	cJSON_AddNumberToObject(j, "first_ms", b->first_ms);
	cJSON_AddItemToObject(j, "latency_ms", latency_json(b));
	cJSON_AddNumberToObject(j, "throughput_fps", b->n / b->total_ms * 1e3);
	cJSON_AddNumberToObject(j, "iterations", b->n);
	cJSON_AddNumberToObject(j, "threads", pool_size(b->pool));
	cJSON_AddNumberToObject(j, "peak_rss_mb", peak_mb());
	cJSON_AddStringToObject(j, "effective_precision", b->int8 ? "i8" : "f32");
	cJSON_AddStringToObject(j, "isa", cpu_level());
	if (b->profile)
		cJSON_AddItemToObject(j, "profile", profile_json(p));
	return json_write(b->json, j, err);
}

static void print(const struct bench *b, const struct profile *p)
{
	printf("%s, %s, %d thread%s, computed in %s\n", b->model, cpu_level(), pool_size(b->pool),
	    pool_size(b->pool) == 1 ? "" : "s", b->int8 ? "i8" : "f32");
	printf("read %.2f ms, compile %.2f ms, first inference %.2f ms, peak memory %.0f MB\n",
	    b->read_ms, b->compile_ms, b->first_ms, peak_mb());
	printf("latency over %d runs: min %.3f ms, median %.3f, mean %.3f, p90 %.3f, p99 %.3f, "
	       "max %.3f\n",
	    b->n, b->ms[0], percentile(b, 0.5), mean(b), percentile(b, 0.9), percentile(b, 0.99),
	    b->ms[b->n - 1]);
	printf("throughput %.2f inferences a second\n", b->n / b->total_ms * 1e3);
	if (b->profile)
		profile_print(p);
}

static int run(struct bench *b, struct err *err)
{
	struct profile p = {0};
	if (b->precision && strcmp(b->precision, "f32"))
		return fail(err, E_USAGE, "--infer-precision: '%s' is not f32", b->precision);
	int s = measure(b, err);
	if (!s && b->profile)
		s = profile_run(&p, b->g, b->pool, b->feed.in, b->exact, err);
	if (!s) {
		qsort(b->ms, (size_t)b->n, sizeof *b->ms, ascending);
		if (!b->json || strcmp(b->json, "-"))
			print(b, &p);
		s = b->json ? write_json(b, &p, err) : OK;
	}
	profile_free(&p);
	return s;
}

#define AT(field) offsetof(struct bench, field)
static const struct option_row rows[] = {
    {.kind = OPT_SECTION, .about = "Input"},
    {OPT_STRING, "input", 'i', "FILE", "the model, if not given as an argument", AT(model),
	"model|m|input-model", 0, 0},
    {OPT_LIST, "data", 'd', "[NAME=]FILE",
	"data for an input: .npy, .npz or a TensorProto; what is not given is random", AT(data),
	NULL, 0, 0},
    {OPT_INT, "random", 0, "SEED", "of the random data; 1 by default", AT(seed), NULL, 0,
	INT64_MAX},
    {OPT_FLAG, "lenient", 0, NULL, "unknown attributes are warnings, not errors", AT(lenient), NULL,
	0, 0},
    {.kind = OPT_SECTION, .about = "Run"},
    {OPT_INT, "threads", 't', "N", "threads to run with; 0, the default, is all there are",
	AT(threads), NULL, 0, 256},
    {OPT_FLOAT, "time", 0, "SECONDS", "how long to measure; 3 by default", AT(seconds), NULL, 0, 0},
    {OPT_INT, "iterations", 'n', "N", "so many runs instead", AT(iterations), "niter", 1, MAX_RUNS},
    {OPT_INT, "warmup", 0, "N", "runs before that are not counted; 3 by default", AT(warmup), NULL,
	0, MAX_RUNS},
    {OPT_STRING, "infer-precision", 0, "TYPE", "what is computed in: f32", AT(precision), NULL, 0,
	0},
    {OPT_FLAG, "exact", 0, NULL, "no algorithm that trades exactness for speed (Winograd)",
	AT(exact), NULL, 0, 0},
    {.kind = OPT_SECTION, .about = "Results"},
    {OPT_FLAG, "profile", 0, NULL, "runs apart that time each call: share, MACs, GFLOP/s",
	AT(profile), NULL, 0, 0},
    {OPT_STRING, "json", 'j', "FILE", "results as JSON; - is stdout", AT(json), NULL, 0, 0},
    {0},
};

int main(int argc, char **argv)
{
	struct list operands = {0};
	struct err err = {0};
	struct bench b = {.seed = 1, .seconds = 3, .warmup = 3};
	int code = 0;
	struct program p = {.name = "mo-bench",
	    .about = "Times an ONNX or OpenVINO IR network: reading, compiling, first and steady "
		     "inference.",
	    .usage = "[options] MODEL",
	    .rows = rows,
	    .values = &b,
	    .operands = &operands,
	    .max_operands = 1};
	b.p = &p;
	options_parse(&p, argc, argv);
	if (tool_model(&operands, &b.model, &err) || run(&b, &err))
		code = tool_error(&p, &err);
	feed_free(&b.feed);
	free(b.out);
	free(b.ms);
	graph_free(b.g);
	pool_free(b.pool);
	return tool_finish(&p, code);
}
