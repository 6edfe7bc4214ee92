/* mo-bench: how long a network takes: reading, compiling, the first inference, the steady state. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "cli/bench.h"
#include "cli/precision.h"
#include "cli/programs.h"

/* ---- options ---- */

static int check_capacity(const struct bench *b, struct err *err)
{
	if (b->rate > 0 || b->async || b->cold || b->sweep.n || b->iterations || b->batch > 1 ||
	    b->hint)
		return fail(err, E_USAGE,
		    "--capacity is without --rate, --async, --cold, --sweep, --iterations, --hint "
		    "and "
		    "--batch");
	return OK;
}

/* Of what comes by a clock something comes in the time. */
static int check_rate(const struct bench *b, double rate, const char *option, struct err *err)
{
	return rate > 0 && !b->iterations && rate * b->seconds < 1
		   ? fail(err, E_USAGE, "--%s: nothing comes in %g seconds", option, b->seconds)
		   : OK;
}

static int check(struct bench *b, struct err *err)
{
	int s = check_rate(b, b->rate, "rate", err);
	s = s ? s : check_rate(b, b->capacity, "capacity", err);
	if (s)
		return s;
	if (b->capacity > 0 && check_capacity(b, err))
		return err->status;
	if (b->hint && strcmp(b->hint, "latency") && strcmp(b->hint, "throughput"))
		return fail(
		    err, E_USAGE, "--hint: '%s' is neither latency nor throughput", b->hint);
	if (b->hint && b->streams)
		return fail(err, E_USAGE, "--hint chooses the streams: leave --streams out");
	if (b->random_weights && b->cache_dir)
		return fail(err, E_USAGE, "--random-weights: such a network is not cached");
	if (b->profile && (b->njobs > 1 || b->cold))
		return fail(err, E_USAGE, "--profile is for one model, and not with --cold");
	if (b->cold && (b->async || b->rate > 0))
		return fail(err, E_USAGE, "--cold is without --async and --rate");
	if (b->cold && b->data.n)
		return fail(err, E_USAGE, "--cold runs on random data: leave --data out");
	if (b->sweep.n && (b->njobs > 1 || b->cold || b->profile || b->hint || b->rate > 0 ||
			      b->data.n || b->iterations))
		return fail(err, E_USAGE,
		    "--sweep is for one model on random data, without --cold, --profile, --hint, "
		    "--rate and --iterations");
	if (b->shape && (b->njobs > 1 || b->sweep.n || b->beside.n || b->batch))
		return fail(err, E_USAGE,
		    "--shape is for one model, without --sweep, --beside and --batch");
	if (b->beside.n && (b->njobs > 1 || b->cold || b->data.n))
		return fail(err, E_USAGE,
		    "--beside is for one model on random data, and has the cold runs in it");
	return OK;
}

static int set_models(struct bench *b, const struct list *operands, struct err *err)
{
	if (operands->n < 2) {
		int s = tool_model(operands, &b->model, err);
		if (s)
			return s;
	} else if (b->model) {
		return fail(err, E_USAGE, "models as arguments and '%s' by --input", b->model);
	}
	b->njobs = operands->n > 1 ? operands->n : 1;
	b->job = calloc((size_t)b->njobs, sizeof *b->job);
	for (int i = 0; b->job && i < b->njobs; i++) {
		b->job[i].b = b;
		b->job[i].model = operands->n > 1 ? operands->v[i] : b->model;
	}
	return b->job ? OK : fail_nomem(err);
}

/* ---- the run ---- */

/* Threads are shared out among the streams. */
static void set_streams(struct bench *b)
{
	int all = b->threads ? (int)b->threads : threads_available();
	if (b->capacity > 0 && !b->streams) /* throughput is what counts */
		b->streams = all < MAX_STREAMS ? all : MAX_STREAMS;
	b->streams = b->streams ? b->streams : 1;
	b->nthreads = all / (int)b->streams > 1 ? all / (int)b->streams : 1;
}

static int measure(struct bench *b, int *verdict, struct err *err)
{
	int s = OK;
	for (int i = 0; i < b->njobs && !s; i++)
		s = job_load(&b->job[i], err);
	if (!s && b->hint && !strcmp(b->hint, "throughput"))
		s = bench_choose_streams(b, err);
	for (int i = 0; i < b->njobs && !s; i++)
		s = streams_open(&b->job[i], (int)b->streams, b->nthreads, err);
	if (s)
		return s;
	if (b->capacity > 0)
		return bench_capacity(b, verdict, err);
	if (b->rate > 0)
		return bench_rate(b, err);
	return b->async ? bench_async(b, err) : bench_steady(b, b->seconds, err);
}

static int profile_job(struct profile *p, const struct job *j, struct err *err)
{
	struct exec_options o = job_options(j);
	return profile_run(p, j->g, j->feed[0].in, &o, err);
}

/* What is not this process's own run. */
static int measure_parts(struct bench *b, struct err *err)
{
	cJSON *calibrated = NULL, *beside = NULL;
	int s = bench_calibrated(b, &calibrated, err);
	if (!s && b->beside.n)
		s = bench_beside(b, &beside, err);
	if (calibrated)
		cJSON_AddItemToObject(b->parts, "calibrated", calibrated);
	if (beside)
		cJSON_AddItemToObject(b->parts, "beside", beside);
	return s;
}

static int run(struct bench *b, const struct list *operands, int *verdict, struct err *err)
{
	struct profile p = {0};
	int s = tool_check(b->p, err);
	if (s)
		return s;
	if (b->compare)
		return operands->n == 2
			   ? bench_compare(b, operands->v, verdict, err)
			   : fail(err, E_USAGE, "--compare takes two files of results");
	if (b->suite)
		return operands->n || b->model || b->sweep.n || b->int8_model || b->max_latency > 0
			   ? fail(err, E_USAGE, "--suite names its models and points itself")
			   : bench_suite(b, err);
	s = set_models(b, operands, err);
	s = s ? s : check(b, err);
	s = s ? s : precision_read(b->p, b->precision, &b->bf16, err);
	if (s)
		return s;
	if (b->sweep.n)
		s = bench_sweep(b, verdict, err);
	if (s || (b->sweep.n && !b->html))
		return s;
	s = measure_parts(b, err);
	set_streams(b);
	s = s ? s : b->cold ? bench_cold(b, err) : measure(b, verdict, err);
	if (!b->cold)
		b->peak_mb = peak_mb();
	if (!s && (b->profile || (b->html && b->njobs == 1 && !b->cold)))
		s = profile_job(&p, b->job, err);
	if (!s && !b->sweep.n && (!b->json || strcmp(b->json, "-")))
		bench_print(b, &p);
	if (!s && b->html)
		s = bench_html(b, &p, err);
	if (!s && b->json && !b->sweep.n)
		s = json_write(b->json, bench_json(b, &p), err);
	profile_free(&p);
	return s;
}

static const struct option_need needs[] = {
    {"requests", "async"},
    {"cache-size", "cache-dir"},
    {"rounds", "sweep|suite|beside"},
    {"int8-model", "sweep"},
    {"max-latency", "sweep"},
    {"resume", "sweep|suite"},
    {"csv", "suite"},
    {"db", "suite"},
    {"shard", "suite"},
    {"max-regression", "compare"},
    {"report", "html|json"},
    {0},
};

#define AT(field) offsetof(struct bench, field)
static const struct option_row rows[] = {
    {.kind = OPT_SECTION, .about = "Input"},
    MODEL_ROW(struct bench),
    {OPT_LIST, "data", 'd', "[NAME=]FILE",
	"data for an input: .npy, .npz or a TensorProto; what is not given is random", AT(data),
	NULL, 0, 0},
    {OPT_INT, "random", 0, "SEED", "of the random data; 1 by default", AT(seed), NULL, 0,
	INT64_MAX - MAX_SETS},
    {OPT_INT, "inputs", 0, "N", "so many sets of inputs in turn; 4 by default", AT(sets), NULL, 1,
	MAX_SETS},
    {OPT_INT, "batch", 0, "N", "run with the inputs' first dim set to this", AT(batch), NULL, 1,
	INT32_MAX},
    {OPT_STRING, "shape", 0, "SET", SHAPE_HELP, AT(shape), NULL, 0, 0},
    {OPT_FLAG, "random-weights", 0, NULL, "weights that an ONNX file was stripped of are random",
	AT(random_weights), NULL, 0, 0},
    LENIENT_ROW(struct bench),
    {.kind = OPT_SECTION, .about = "Run"},
    {OPT_INT, "threads", 't', "N", "threads of all streams; 0, the default, is all there are",
	AT(threads), NULL, 0, 256},
    {OPT_INT, "streams", 0, "N", "so many inferences at once; 1 by default", AT(streams), NULL, 1,
	MAX_STREAMS},
    {OPT_STRING, "hint", 0, "WHAT", "latency: one stream; throughput: streams are tried", AT(hint),
	NULL, 0, 0},
    {OPT_FLAG, "async", 0, NULL, "streams serve a queue; latency counts from the request",
	AT(async), NULL, 0, 0},
    {OPT_INT, "requests", 0, "N", "under way with --async; as many as streams by default",
	AT(requests), NULL, 1, MAX_STREAMS},
    {OPT_ABOVE, "rate", 0, "F", "so many requests come each second; late ones are dropped",
	AT(rate), NULL, 0, 1000000},
    {OPT_ABOVE, "capacity", 0, "F", "how many cameras of F frames a second it keeps up with",
	AT(capacity), NULL, 0, 100000},
    {OPT_FLAG, "count-copies", 0, NULL, "copying the inputs into place counts", AT(copies), NULL, 0,
	0},
    {OPT_INT, "cold", 0, "N", "so many fresh processes: read, compile, first inference", AT(cold),
	NULL, 1, MAX_RUNS},
    {OPT_ABOVE, "time", 0, "SECONDS", "how long to measure; 3 by default", AT(seconds), NULL, 0,
	MAX_SECONDS},
    {OPT_INT, "iterations", 'n', "N", "so many runs instead", AT(iterations), "niter", 1, MAX_RUNS},
    {OPT_INT, "warmup", 0, "N", "runs before that are not counted; 3 by default", AT(warmup), NULL,
	0, MAX_RUNS},
    {OPT_STRING, "infer-precision", 0, "TYPE", PRECISION_HELP, AT(precision), NULL, 0, 0},
    CACHE_ROWS(struct bench),
    {OPT_FLAG, "exact", 0, NULL, "no algorithm that trades exactness for speed (Winograd)",
	AT(exact), NULL, 0, 0},
    {.kind = OPT_SECTION, .about = "Many ways to run it, each in a process of its own"},
    {OPT_LIST, "sweep", 0, "GRID",
	"\"batch=1,2,4 streams=1,2 threads=1,2 precision=fp32,bf16,int8 mode=sync,async\"",
	AT(sweep), NULL, 0, 0},
    {OPT_STRING, "int8-model", 0, "FILE", "the quantized network, for precision=int8",
	AT(int8_model), NULL, 0, 0},
    {OPT_ABOVE, "max-latency", 0, "MS", "choose the most throughput within this; else the knee",
	AT(max_latency), NULL, 0, 0},
    {OPT_INT, "rounds", 0, "N", "each point in so many runs, in turn with the others; 3 by default",
	AT(rounds), NULL, 1, 64},
    {OPT_LIST, "beside", 0, "FILE", "another form of the network, timed in turn with it",
	AT(beside), NULL, 0, 0},
    {OPT_STRING, "suite", 0, "FILE", "the models, precisions, sizes and programs that it names",
	AT(suite), NULL, 0, 0},
    {OPT_STRING, "shard", 0, "I/N", "only every N-th case of the suite, from the I-th on",
	AT(shard), NULL, 0, 0},
    {OPT_FLAG, "compare", 0, NULL, "compare two JSON files of suites or sweeps, given as arguments",
	AT(compare), NULL, 0, 0},
    {OPT_FLOAT, "max-regression", 0, "X", "slower by more than this is a no; 0.05 by default",
	AT(max_regression), NULL, 0, INT64_MAX},
    {OPT_STRING, "resume", 0, "FILE", "finished runs are kept here, and not done again", AT(resume),
	NULL, 0, 0},
    {.kind = OPT_SECTION, .about = "Results"},
    {OPT_FLAG, "profile", 0, NULL, "runs apart that time each call: share, MACs, GFLOP/s",
	AT(profile), NULL, 0, 0},
    {OPT_OUTPUT, "html", 0, "FILE", "one page with charts: run, profile, network, sweep or suite",
	AT(html), NULL, 0, 0},
    {OPT_LIST, "report", 0, "FILE", "of mo-calibrate: what it found goes into the page",
	AT(reports), NULL, 0, 0},
    {OPT_OUTPUT, "csv", 0, "FILE", "of a suite, a line for each case", AT(csv), NULL, 0, 0},
    {OPT_OUTPUT, "db", 0, "FILE", "of a suite, added to a sqlite3 database", AT(db), NULL, 0, 0},
    {OPT_OUTPUT, "json", 'j', "FILE", "results as JSON; - is stdout", AT(json), NULL, 0, 0},
    {0},
};

int mo_bench_main(int argc, char **argv)
{
	struct list operands = {0};
	struct err err = {0};
	struct bench b = {.seed = 1,
	    .seconds = 3,
	    .warmup = 3,
	    .sets = 4,
	    .rounds = 3,
	    .max_regression = 0.05,
	    .parts = cJSON_CreateObject()};
	int code = 0;
	struct program p = {.name = "mo-bench",
	    .about = "Times ONNX or OpenVINO IR networks: reading, compiling, first and steady "
		     "inference. Several models run at the same time.",
	    .usage = "[options] MODEL ...",
	    .rows = rows,
	    .values = &b,
	    .operands = &operands,
	    .max_operands = MAX_MODELS,
	    .needs = needs};
	b.p = &p;
	options_parse(&p, argc, argv);
	if (run(&b, &operands, &code, &err))
		code = tool_error(&p, &err);
	cJSON_Delete(b.parts);
	for (int i = 0; b.job && i < b.njobs; i++)
		job_free(&b.job[i]);
	free(b.job);
	return tool_finish(&p, code);
}
