/* mo-bench --suite: models × precisions × batches × threads × streams × modes × backends. */
#ifndef CLI_SUITE_H
#define CLI_SUITE_H

#include <cjson/cJSON.h>

#include "cli/cases.h"
#include "cli/shard.h"

/* What one case measures, beside its command in cases.v of the same index. */
struct suite_case {
	const char *model, *backend, *precision, *mode; /* words of the suite's JSON */
	int64_t batch, threads, streams;
	const char *minimum; /* where its results have the least latency; NULL: nowhere */
	bool ours;           /* run by mo-bench itself */
};

struct suite {
	cJSON *json; /* the file */
	const char *name;
	cJSON *backends; /* an array: name and, if it tells it, version */
	double seconds;
	struct cases cases;
	struct suite_case *v;
	struct shard shard; /* only every n-th case, from the i-th on */
};

/* Asks the programs for their versions. */
int suite_backends(struct suite *s, struct err *err);

/* Medians over the rounds. */
struct suite_result {
	double latency, minimum, fps;
	double pass;  /* average time of a single pass, in ms; 0: not told */
	int outliers; /* of all rounds; -1: not told */
	bool ok;
};
struct suite_result suite_result(const struct suite *s, int k);

/* What came out, in its forms. */
void suite_print(const struct suite *s);
cJSON *suite_json(const struct suite *s);
int suite_csv(const struct suite *s, const char *path, struct err *err);
/* Adds a run with its machine and results to a sqlite3 database, made if it is not there. */
int suite_database(const struct suite *s, const char *path, struct err *err);

/* CPU, instruction set, cores, governor, kernel, version of mo. */
cJSON *machine_json(void);

#endif
