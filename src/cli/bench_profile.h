/* Where the time of an inference goes, call by call. */
#ifndef CLI_BENCH_PROFILE_H
#define CLI_BENCH_PROFILE_H

#include <cjson/cJSON.h>

#include "base/text.h"
#include "exec/exec.h"
#include "exec/peak.h"
#include "graph/op.h"
#include "report/advice.h"

struct profile {
	struct profile_call {
		const struct node *node; /* the first of those done together; of the graph */
		const char *kernel;
		double ms;                    /* the least of all runs */
		int64_t macs, bytes, weights; /* weights: of the bytes */
	} * call;
	int n, max, at, runs;
	struct peak peak; /* of one core */
	int threads;
	bool failed;
	const struct graph *g; /* while it runs, as is computed, of match_computed */
	bool *computed;
};

/* Several timed runs on the inputs, with these options but for timed. The graph must outlive the
 * profile. */
int profile_run(struct profile *p, struct graph *g, const struct tensor *in,
    const struct exec_options *options, struct err *err);
void profile_print(const struct profile *p);
cJSON *profile_json(const struct profile *p);
/* The calls and limits for advice_write, in r; r->call is heap, the caller's. */
int profile_advice(const struct profile *p, struct advice_run *r, struct err *err);
void profile_free(struct profile *p);

#endif
