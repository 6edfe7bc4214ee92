/* What the files of mo-bench share: options, models, and the streams that run them. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <pthread.h>

#include "cli/bench_profile.h"
#include "cli/feed.h"
#include "cli/json.h"
#include "exec/exec.h"
#include "store/store.h"

#define MAX_SECONDS 86400
#define MAX_RUNS 1000000 /* times kept, of each stream */
#define MAX_SETS 64      /* of inputs */
#define MAX_STREAMS 64
#define MAX_MODELS 16

enum { COLD_READ, COLD_COMPILE, COLD_FIRST, COLD_PROCESS, COLD_TIMES };

struct bench {
	struct program *p;
	/* options */
	const char *model, *shape, *json, *precision, *hint, *int8_model, *resume, *suite, *csv,
	    *db, *shard, *html;
	struct list data, sweep, beside, reports;
	double peak_mb; /* before a profile; of cold runs, the largest of their processes */
	int64_t threads, streams, iterations, warmup, seed, batch, sets, cold, requests, rounds;
	double seconds, rate, capacity, max_latency, max_regression;
	bool compare, profile, lenient, exact, bf16, async, copies, no_mmap, random_weights;
	const char *cache_dir;
	int64_t cache_size;
	/* state */
	struct job *job; /* one for each model, all run at once */
	int njobs;
	int nthreads; /* of one stream */
	cJSON *parts; /* what else results hold: "beside", "calibrated", … */
};

/* Sorted times. */
struct times {
	double *ms;
	int n;
};

/* What waits for a stream: when each came, the first one first. */
struct queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	double *at;
	int first, n, max;
	bool closed;
	double newest; /* when what the newest result is of came; negative: no result yet */
	struct times age;
	int64_t issued, dropped;
};

/* One model. */
struct job {
	const struct bench *b;
	const char *model;
	struct stored net;
	struct graph *g; /* of net */
	struct feed feed[MAX_SETS];
	int nsets;
	struct pool *pool;
	struct exec *exec; /* what the streams share */
	struct tensor *out;
	struct stream *stream;
	int nstreams;
	struct queue queue;
	struct exec_products products;
	bool loaded; /* the plan, with a compiled network */
	double read_ms, compile_ms, first_ms, total_ms;
	struct times latency;
	struct times cold[COLD_TIMES]; /* read, compile, first, the process with these alone */
	char cold_cache[8];            /* what the last process had of the cache */
};

/* One run at a time. */
struct stream {
	struct job *job;
	int index;
	struct pool *pool;
	struct exec *exec;
	bool borrowed; /* pool and exec are the job's */
	struct tensor *in, *out;
	double end; /* when to stop, in milliseconds of now_ms */
	double *ms;
	int n, turn;
	pthread_t thread;
	bool started;
	int status;
	struct err err;
};

/* bench_stats.c */
double now_ms(void);
double peak_mb(void);
int times_new(struct times *t, struct err *err);
void times_sort(struct times *t);
/* The smallest that at least this share did not pass. */
double times_at(const struct times *t, double share);
double times_mean(const struct times *t);
/* How many lie more than three standard deviations from the mean. */
int times_outliers(const struct times *t);
cJSON *times_json(const struct times *t);

/* bench_load.c: reads, compiles and runs once. */
struct exec_options job_options(const struct job *j);
int job_load(struct job *j, struct err *err);
void job_free(struct job *j);

/* bench_run.c: closed loops. */
int streams_open(struct job *j, int n, int threads, struct err *err);
void streams_close(struct job *j);
int stream_once(struct stream *s, double *end, struct err *err);
/* Runs main in a thread for each stream of all models and waits. */
int streams_run(struct bench *b, void *(*run)(void *stream), struct err *err);
/* Gathers what the streams of j have measured, sorted. */
int streams_gather(struct job *j, double start, struct err *err);
/* Runs of every stream that are not counted. */
int bench_warm_up(struct bench *b, struct err *err);
int bench_steady(struct bench *b, double seconds, struct err *err);
/* The hint throughput: the fewest streams within 3 % of the best throughput. */
int bench_choose_streams(struct bench *b, struct err *err);

/* bench_queue.c: a queue between those who ask and the streams. */
int bench_async(struct bench *b, struct err *err);
int bench_rate(struct bench *b, struct err *err);
/* Lets the streams serve what feed puts; of each model at most max wait. */
int bench_serve(struct bench *b, int max, void (*feed)(struct bench *b, double start, void *user),
    void *user, struct err *err);
/* Waits until then, in milliseconds of now_ms, and puts one for every model. */
void queues_put(struct bench *b, double at);

/* bench_capacity.c: *verdict is 3 when not even one camera is kept up with. */
int bench_capacity(struct bench *b, int *verdict, struct err *err);

/* bench_cold.c: fresh processes. */
int bench_cold(struct bench *b, struct err *err);
void cold_print(const struct bench *b);
cJSON *cold_json(const struct job *j);

/* bench_compare.c: two files of results. *verdict is 3 when a case is slower than the limit says.
 */
int bench_compare(struct bench *b, const char *const file[2], int *verdict, struct err *err);

/* bench_suite.c: what the options above ask of a suite. */
int bench_suite(struct bench *b, struct err *err);

/* bench_sweep.c: many ways to run it, each in a process of its own. *verdict is 3 when none is
 * within the latency asked for. With --html it becomes a part of the results, and the options are
 * those of the point chosen. */
int bench_sweep(struct bench *b, int *verdict, struct err *err);

/* bench_beside.c: the model and its other forms, each in processes of its own; in *out an array. */
int bench_beside(struct bench *b, cJSON **out, struct err *err);

/* bench_calibrated.c: the reports of mo-calibrate, as an array in *out; NULL without any. */
int bench_calibrated(const struct bench *b, cJSON **out, struct err *err);

/* bench_tell.c */
void bench_print(struct bench *b, const struct profile *p);
cJSON *bench_json(struct bench *b, const struct profile *p);

/* bench_html.c: with the layers of the one model when p was measured; o is freed in every case. */
int bench_html(struct bench *b, const struct profile *p, struct err *err);
int html_write(const char *path, cJSON *o, struct err *err);

#endif
