/* Where the time of an inference goes, call by call. */
#ifndef CLI_BENCH_PROFILE_H
#define CLI_BENCH_PROFILE_H

#include <cjson/cJSON.h>

#include "exec/exec.h"
#include "graph/op.h"

struct profile {
	struct profile_call {
		const struct node *node; /* the first of those done together; of the graph */
		const char *kernel;
		double ms; /* the least of all runs */
		int64_t macs;
	} * call;
	int n, max, at, runs;
	bool failed;
};

/* Several timed runs on the inputs, with these options but for timed. The graph must outlive the
 * profile. */
int profile_run(struct profile *p, struct graph *g, const struct tensor *in,
    const struct exec_options *options, struct err *err);
void profile_print(const struct profile *p);
cJSON *profile_json(const struct profile *p);
void profile_free(struct profile *p);

#endif
