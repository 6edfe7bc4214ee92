/* What the parts of mo share. */
#ifndef CLI_CONVERT_H
#define CLI_CONVERT_H

#include "cli/json.h"
#include "cli/options.h"
#include "graph/graph.h"
#include "passes/pass.h"
#include "passes/prune.h"

struct convert {
	struct program *p;
	/* options */
	const char *input_model, *input; /* the classic --input names inputs beside --input_model */
	const char *output_dir, *model_name, *precision, *framework;
	bool compress_to_fp16, reverse, static_shape, list_passes, verify, lenient;
	struct list shapes, layouts, means, scales, freezes, cut_inputs, cut_outputs;
	struct list keep_fp32, disabled, dump_after, data;
	double scale, fp16_max_error, tolerance; /* NaN: not given */
	int64_t batch, ir_version, fold_bytes, seed;
	const char *report, *depfile, *json;
	struct prune_args {
		const char *what, *criterion, *scope;
		bool exact_ratio;
	} prune_args;
	/* state */
	const char *path; /* of the model */
	struct arena *arena;
	struct graph *g;
	struct names {
		const char **v;
		int n;
	} cut_in, cut_out; /* what cut_inputs and cut_outputs name */
	bool fp16;
	struct preprocess *preprocess;
	int npreprocess;
	struct layout {
		const char *from, *to; /* NULL: not given */
	} * layout;                    /* per input */
	const char *xml, *bin;
	struct prune_options prune;
	struct graph *unpruned; /* as it was just before --prune, or NULL */
	struct list depends;    /* external data files */
	struct pass_report passes;
	struct size {
		int layers;
		int64_t parameters, bytes; /* of files */
	} before, after;
	struct verdict *verdict; /* per output, after --verify */
	double limit;
	bool differs;
};

/* Edits of the model and its preprocessing, as the options ask. */
/* Fills cut_in and cut_out from the options: before the model is read. */
int convert_cuts(struct convert *c, struct err *err);
int convert_edit(struct convert *c, struct err *err);
int convert_preprocess(struct convert *c, struct err *err);
/* The value of an input as the passes will see it: reverse, mean, scale on a float tensor. */
int convert_feed(const struct convert *c, int input, struct tensor *t, struct err *err);

/* Runs base (before the passes) and the model on the same data; fills verdict, limit, differs. */
struct verdict {
	const char *name;
	double error; /* largest difference over the range of base's output */
};
/* --prune and what goes with it: read, handed to the passes (NULL: not asked for), told on stderr,
 * and for the report. */
int convert_prune_options(struct convert *c, struct err *err);
const struct prune_options *convert_prune(struct convert *c);
void convert_prune_say(const struct convert *c);
cJSON *convert_prune_json(const struct convert *c);
int convert_verify(struct convert *c, struct graph *base, struct err *err);

/* The files beside the IR: opened first, filled last. */
struct extras {
	struct output *dep, *report, *json;
};
int convert_open(struct convert *c, struct extras *x, struct err *err);
/* The IR and what was opened; only the reports when verification said no. */
int convert_write(struct convert *c, struct extras *x, struct err *err);
void convert_abort(struct extras *x);

/* The text of a make rule: targets, then what they are made from. */
void depfile_text(struct text *t, const char *const *target, int ntargets,
    const char *const *source, int nsources);
cJSON *convert_report(const struct convert *c);

#endif
