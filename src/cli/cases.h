/* A list of measurements, each in a process of its own, in interleaved rounds, that can be resumed.
 */
#ifndef CLI_CASES_H
#define CLI_CASES_H

#include <cjson/cJSON.h>

#include "base/text.h"
#include "cli/options.h"

#define CASES_MAX 4096
#define CASES_MAX_ROUNDS 64

/* One command that prints a JSON object as the last thing on its stdout. */
struct bench_case {
	char *name;       /* for people, and unique: "batch 2, 1 stream, 2 threads, fp32" */
	const char *file; /* what to start */
	char **argv;      /* ended by NULL; with the name and the identity what a result is of */
	cJSON *result[CASES_MAX_ROUNDS]; /* NULL: failed, or not run */
	char *reason;                    /* of the first failure, else NULL */
	/* Where a result has the milliseconds and the samples a second, NULL: it has not;
	 * mo-bench's own places unless changed. */
	const char *latency, *fps;
};

struct cases {
	struct bench_case *v;
	int n, rounds;
	double timeout;     /* seconds, of one run; 0: none */
	double each;        /* seconds that a run is expected to take, for the estimate */
	const char *resume; /* a file of finished runs, one a line: read first, added to; or NULL */
	const char *identity;    /* of what is measured: runs of anything else are not taken up */
	const struct program *p; /* progress is said through it */
};
/* All of cases and their words are heap. */
void cases_free(struct cases *c);
/* Adds one; its words are copied. */
int cases_add(
    struct cases *c, const char *name, const char *file, char *const *argv, struct err *err);
/* Runs what is not done yet: round by round, forth and back, so that a drift of the machine hits
 * all alike. A case that fails says why in its reason, and is not tried again. */
int cases_run(struct cases *c, struct err *err);
/* Path, size and time of the last change of a model's files, on the end of t. */
void cases_identity(struct text *t, const char *model);
/* The median over the rounds of a number in the results, "a.b" for one in an object; 0 without
 * any. */
double cases_median(const struct bench_case *c, int rounds, const char *path);
double cases_sum(const struct bench_case *c, int rounds, const char *path);

/* Adds "latencies_ms", a number for each run, and "runs", their results, to o. */
void cases_add_runs(cJSON *o, const struct bench_case *c, int rounds);

#endif
