/* A pass: one file that ends in its descriptor, and a row in passes.def, which is the pipeline in
 * order. */
#ifndef PASSES_PASS_H
#define PASSES_PASS_H

#include "base/status.h"
#include "base/text.h"
#include "graph/graph.h"
#include "ops/op.h"

/* Facts that a pass may need; the manager establishes missing ones and drops those not kept. */
enum fact {
	FACT_ORDER = 1 << 0,  /* nodes stand in topological order */
	FACT_SHAPES = 1 << 1, /* value.info is what inference gives */
};

/* Plain data that passes read: options of the run and what they report. */
struct pass_ctx {
	struct graph *graph; /* the graph at hand: the model's, then each of its bodies */
	const struct pass_options *options;
	struct arena *scratch; /* reset after every pass */
	struct log log;
	int64_t grown;              /* bytes by which folding has grown the model in this run */
	double worked;              /* operations that folding has taken */
	const struct pass *pass;    /* the one that runs */
	struct pass_report *report; /* NULL: not wanted; else pass_note adds lines */
	struct err *err;
};

struct pass {
	const char *name;  /* "fuse-bn", as in --disable-pass */
	const char *about; /* one line for --list-passes */
	unsigned needs, keeps;
	bool optional_off; /* runs only when its option asks for it (to-fp16, mean-scale) */
	int (*run)(struct pass_ctx *c); /* rewrites made (>= 0), or a negative status */
};

struct pass_options {
	/* NULL: weights keep their precision. */
	const struct weight_only {
		int bits;      /* 8 or 4 */
		int64_t group; /* 4 bits: so many inputs share a scale, where it divides them */
		const char *const *kept; /* layers whose weights stay, by name */
		int nkept;
	} * weight_only;
	bool equalize; /* channels between layers, for quantization */
	bool fp16;     /* compress constants to FP16 */
	double
	    fp16_max_error; /* relative L2 error above which a constant stays FP32; default 1e-3 */
	const char *const *keep_fp32; /* names, types or /regex/ */
	int nkeep_fp32;
	int64_t fold_bytes; /* growth that folding may cause; LIMIT_FOLD_BYTES by default */
	/* Input preprocessing, per model input (index), applied as parameter -> reverse -> mean ->
	 * scale. */
	const struct preprocess {
		int input;         /* index of the Parameter */
		bool reverse;      /* reverse the channels */
		int nmean, nscale; /* 0, 1 or channels */
		const double *mean, *scale;
		int channel_axis; /* usually 1 */
	} * preprocess;
	int npreprocess;
	const struct prune_options *prune; /* passes/prune.h; NULL: nothing is pruned */
	const char *const *disabled;       /* pass names */
	int ndisabled;
	/* Called with the graph after each named pass: --dump-after. May be NULL. */
	void (*after)(void *user, const struct pass *pass, const struct graph *g, int rewrites);
	void *user;
};

/* What each pass did, for --report: one row per pass of the pipeline, repeats summed up. */
struct pass_report {
	struct arena *arena; /* the caller's: rows and texts live in it */
	int npasses;
	struct pass_result {
		const char *name;
		int rewrites;
		/* Without Const, Parameter, Result; bodies included. after counts this pass's own
		 * changes only, of all rounds. */
		int nodes_before, nodes_after;
		double ms;
		/* lines such as "kept 'fc/weight' in f32: relative error 0.004" */
		const char **note;
		int nnotes;
	} * pass;
};

extern const struct pass *const pass_table[]; /* the pipeline, each pass once; ends with NULL */
const struct pass *pass_find(const char *name);
struct pass_options pass_defaults(void);
/* The whole pipeline; log and report may be NULL. Leaves the graph sorted, inferred and verified.
 */
int passes_run(struct graph *g, const struct pass_options *o, const struct log *log,
    struct pass_report *report, struct err *err);
/* One pass with the facts that it needs, after which all facts hold again: for tests. Rewrites
 * made, or a negative status. */
int pass_run(const struct pass *p, struct graph *g, const struct pass_options *o, struct err *err);
/* A line for the report; the same line twice is kept once. */
void pass_note(struct pass_ctx *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Nodes without Const, Parameter and Result, bodies included: the layer count that reports quote.
 */
int graph_layers(const struct graph *g);

#endif
