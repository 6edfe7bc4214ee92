/* What the parts of mo-calibrate share. */
#ifndef CLI_CALIBRATE_H
#define CLI_CALIBRATE_H

#include "base/threads.h"
#include "cli/calibrate_stages.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/verdict.h"
#include "passes/pass.h"
#include "quant/aware.h"
#include "quant/calibrate.h"
#include "quant/prune.h"
#include "quant/source.h"

struct calibrate {
	struct program *p;
	/* options */
	const char *model, *labels, *preprocess, *preset, *output_dir, *model_name, *json;
	const char *to, *test_labels, *metric, *max_drop, *drop_type, *rank, *report, *config,
	    *max_group_drop, *groups_file, *range, *metric_cmd, *stats_out, *prune, *shard;
	struct list data, test_data, ignored, stats_in;
	int64_t max_unreadable, samples, seed, threads, label_offset, rank_samples, cache_mb;
	const char *prune_criterion;
	double time_budget, prune_share, smooth_alpha;
	bool exact_ratio, no_refit;
	bool lenient, table, activations, collect_only, no_equalize, no_rounding,
	    no_bias_correction, no_smooth, all_layers, products;
	int64_t rounding_mb;
	const char *overflow_fix, *bias_correction;
	const char *weights; /* in few bits, without samples */
	struct weight_only few;
	/* state */
	struct arena *arena;
	cJSON *decided; /* what the --config says that an earlier run decided; or NULL */
	struct graph *g, *result;
	struct graph *base;                  /* judged against: g, or what it was before pruning */
	struct graph *unpruned;              /* owned */
	cJSON *rows;                         /* of --table */
	cJSON *ignored_json;                 /* what each --ignore stands for; or NULL */
	struct source *source, *test_source; /* owned */
	struct source *judge_source;
	struct groups sample_groups;
	struct samples s, judge_by; /* to calibrate with; to judge by */
	struct samples rank_by;     /* of the former, when the latter are others: to rank with */
	int64_t fitted; /* the first ones of s: ranges, biases and weights follow from them */
	int64_t judge_from;
	bool few_left; /* judged by the samples of the calibration too */
	struct preprocess_spec spec;
	struct calibrate_options o;
	struct calibration *c;
	struct pool *pool;
	struct progress progress;
	struct aware_options aware;
	struct aware_result found; /* by group of `groups` */
	const struct compression *compression;
	const struct aware_group *groups;
	int ngroups;
	struct verdict verdict;
	bool judged; /* found and verdict hold something */
	struct aware_fp16 *fp16;
	const int *forced; /* what --to pruned decided; NULL */
	struct pruning_group *pruned;
	int npruned;
	double pruned_share, last_drop;
	const char *unit;                         /* of what a group saves */
	const char *xml, *bin, *state, *settings; /* files to write */
	int64_t xml_bytes, bin_bytes;             /* as written */
	double seconds;
	struct stages stages;
};

/* calibrate_options.c: the options, and whether they go together; the files to write. */
/* Before the work, and again when the samples are known, which are files too. */
int calibrate_outputs(const struct calibrate *c, struct err *err);
extern const struct option_need calibrate_needs[];
extern const struct option_row calibrate_rows[];
int calibrate_check(struct calibrate *c, struct err *err);

/* calibrate_data.c: opens the samples; those to judge by as the options say. */
int calibrate_samples(struct calibrate *c, struct err *err);
/* Samples that could not be read, of both. */
int64_t calibrate_unreadable(const struct calibrate *c);
/* A network for judging needs labelled samples, or a metric that does without. */
bool calibrate_judges(const struct calibrate *c);

/* calibrate_ignore.c: finds what --ignore means in g, says it, and sets o.ignored. */
int calibrate_ignore(struct calibrate *c, struct graph *g, struct err *err);
/* Says what is left alone besides, and why. */
int calibrate_skipped(const struct calibrate *c, struct err *err);
cJSON *calibrate_skipped_json(const struct calibrate *c);

/* calibrate_range.c: --range; statistics from samples or files. */
int calibrate_range(struct calibrate *c, struct err *err);
int calibrate_statistics(struct calibrate *c, struct err *err);
void calibrate_progress(void *progress, int64_t done, int64_t of);

/* calibrate_aware.c */
/* Reads the options of the search. */
int calibrate_limits(struct calibrate *c, struct err *err);
/* What an earlier run of these options on these files has measured. */
int calibrate_memo(struct calibrate *c, struct err *err);
/* Searches, and fills in found, verdict and result. */
int calibrate_search(struct calibrate *c, const struct compression *k, struct err *err);
/* The network in 8 bits, or as FP16, that holds the drop. */
int calibrate_int8(struct calibrate *c, struct err *err);
int calibrate_fp16(struct calibrate *c, struct err *err);

/* What --to asks for: filters go; layers are computed in 8 bits. Both: first one, then the other.
 */
bool calibrate_prunes(const struct calibrate *c);
bool calibrate_quantizes(const struct calibrate *c);
/* calibrate_pruned.c: the network without as many filters as the drop allows, as the result or in
 * the place of g, which becomes `unpruned`; for the report. */
int calibrate_pruned(struct calibrate *c, struct err *err);
cJSON *calibrate_pruned_json(const struct calibrate *c);

/* calibrate_config.c */
/* Options that --config gives and the command line does not. defaults are those before parsing. */
int config_read(struct calibrate *c, const struct calibrate *defaults, struct err *err);
/* The options of this run as JSON; without what it decided unless `decided`. NULL: no memory. */
cJSON *config_json(const struct calibrate *c, bool decided);
int config_write(struct calibrate *c, struct err *err);
/* What an earlier run decided for this group: its way, and what it saves. False: nothing. */
bool config_decided(const struct calibrate *c, const char *group, int *way, double *gain);

/* calibrate_table.c: what each step made of the network, printed and kept in rows. */
int calibrate_table(struct calibrate *c, struct err *err);

/* calibrate_report.c: the table, --report and --json. */
int calibrate_tell(struct calibrate *c, struct err *err);

#endif
