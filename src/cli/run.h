/* What the parts of mo-run share. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "base/threads.h"
#include "cli/options.h"
#include "exec/exec.h"
#include "graph/graph.h"
#include "store/store.h"

struct run {
	struct program *p;
	/* options */
	const char *model;
	struct list data, dump, classify;
	int64_t seed; /* below 0: not given */
	const char *shape;
	const char *out, *compare, *labels, *preprocess, *classes, *json;
	const char *metric, *metric_cmd, *groups, *max_drop, *max_group_drop, *drop_type;
	int64_t threads, repeat, label_offset, top, max_unreadable;
	double tolerance; /* NAN: the default */
	const char *precision;
	bool eval, accuracy, lenient, bf16, no_mmap;
	const char *cache_dir;
	int64_t cache_size;
	/* state */
	struct stored net;
	struct graph *g; /* of net */
	struct pool *pool;
};

/* A model beside the one that is run. */
int run_load(struct run *r, const char *path, struct graph **out, struct err *err);
/* Says what the last run was computed in, when --infer-precision or -v asked. */
void run_tell_precision(const struct run *r, const struct exec *e);
/* Options for an exec on the pool. */
struct exec_options run_exec(const struct run *r);

/* The modes; each returns a status, and sets *verdict to 3 when the answer is no. */
int run_accuracy(struct run *r, struct err *err);
int run_classify(struct run *r, struct err *err);
int run_compare(struct run *r, int *verdict, struct err *err);
/* --compare on labelled samples, or with a --metric. */
int run_verdict(struct run *r, int *verdict, struct err *err);

#endif
