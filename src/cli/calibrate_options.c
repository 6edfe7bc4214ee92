/* mo-calibrate's options: the table of them, and which go together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/calibrate.h"

int calibrate_outputs(const struct calibrate *c, struct err *err)
{
	const char *path[] = {c->xml, c->bin, c->settings};
	int status = tool_check(c->p, err);
	if (!status && c->config) /* which is read by now, and may be written anew */
		output_unspare(c->config);
	for (int i = 0; i < 3 && !c->collect_only && !status; i++)
		status = tool_check_output(c->p, path[i], err);
	return status;
}

static int find_paths(struct calibrate *c, struct err *err)
{
	if (!c->model_name)
		c->model_name = tool_model_name(c->arena, c->model);
	if (!c->model_name || !*c->model_name || strchr(c->model_name, '/'))
		return fail(err, E_USAGE, "--model-name '%s' is no file name",
		    c->model_name ? c->model_name : "");
	const char *dir = c->output_dir && *c->output_dir ? c->output_dir : ".";
	c->xml = arena_printf(c->arena, "%s/%s.xml", dir, c->model_name);
	c->bin = arena_printf(c->arena, "%s/%s.bin", dir, c->model_name);
	c->state = arena_printf(c->arena, "%s/%s.search", dir, c->model_name);
	c->settings = arena_printf(c->arena, "%s/%s.config.json", dir, c->model_name);
	return c->xml && c->bin && c->state && c->settings ? calibrate_outputs(c, err)
							   : fail_nomem(err);
}

bool calibrate_prunes(const struct calibrate *c)
{
	return !strncmp(c->to, "pruned", 6) && (!c->to[6] || calibrate_quantizes(c));
}

bool calibrate_quantizes(const struct calibrate *c)
{
	return !strcmp(c->to, "int8") || !strcmp(c->to, "pruned,int8");
}

/* int8, or int4 with the inputs that share a scale behind a colon; 128 by default. */
static int read_weights(struct calibrate *c, struct err *err)
{
	const char *s = c->weights;
	c->few = (struct weight_only){.bits = 8};
	if (!strcmp(s, "int8"))
		return OK;
	c->few = (struct weight_only){.bits = 4, .group = 128};
	if (!strncmp(s, "int4", 4) &&
	    (!s[4] || (s[4] == ':' && parse_i64(s + 5, &c->few.group) && c->few.group > 0)))
		return OK;
	return fail(err, E_USAGE, "--weights is int8, int4 or int4:GROUP, not '%s'", s);
}

/* Dashes and underscores are the same. */
static int read_overflow(struct calibrate *c, struct err *err)
{
	static const char *const word[] = {"disable", "first-layer-only", "enable"};
	static const char *const also[] = {"disable", "first_layer_only", "enable"};
	for (int k = 0; k < 3; k++)
		if (!strcmp(c->overflow_fix, word[k]) || !strcmp(c->overflow_fix, also[k])) {
			c->o.overflow = (enum overflow_fix)k;
			return OK;
		}
	return fail(err, E_USAGE, "--overflow-fix is disable, first-layer-only or enable, not '%s'",
	    c->overflow_fix);
}

int calibrate_check(struct calibrate *c, struct err *err)
{
	if (c->weights) {
		int r = read_weights(c, err);
		if (!r && c->data.n)
			return fail(err, E_USAGE, "--weights needs no --data");
		return r ? r : find_paths(c, err);
	}
	if (!c->data.n && (!c->stats_in.n || calibrate_judges(c)))
		return fail(err, E_USAGE, "no samples given (--data)");
	if (c->no_smooth && !isnan(c->smooth_alpha))
		return fail(err, E_USAGE, "--smooth-quant and --no-smooth-quant contradict");
	if (c->shard && (!c->collect_only || !c->stats_out || c->stats_in.n))
		return fail(err, E_USAGE, "--shard goes with --merge, --stats-out and samples");
	if (c->test_labels && !c->test_data.n)
		return fail(err, E_USAGE, "--test-labels goes with --test-data");
	if (!calibrate_prunes(c) && !calibrate_quantizes(c) && strcmp(c->to, "fp16"))
		return fail(
		    err, E_USAGE, "--to is int8, fp16, pruned or pruned,int8, not '%s'", c->to);
	if (calibrate_prunes(c) && c->prune)
		return fail(err, E_USAGE,
		    "--prune goes by the weights alone, --to %s by samples: "
		    "only one can be",
		    c->to);
	if (!calibrate_prunes(c) && (c->exact_ratio || c->no_refit || !isnan(c->prune_share) ||
					strcmp(c->prune_criterion, "activation")))
		return fail(err, E_USAGE,
		    "--prune-share, --prune-criterion, --exact-ratio and --no-refit go with --to "
		    "pruned");
	if (c->activations && strcmp(c->to, "fp16"))
		return fail(err, E_USAGE, "--activations goes with --to fp16");
	if (!strcmp(c->preset, "performance"))
		c->o.preset = PRESET_PERFORMANCE;
	else if (strcmp(c->preset, "mixed"))
		return fail(err, E_USAGE, "--preset is mixed or performance, not '%s'", c->preset);
	int status = read_overflow(c, err);
	c->o.full_bias = !strcmp(c->bias_correction, "full");
	c->no_bias_correction |= !strcmp(c->bias_correction, "none");
	if (!status && !c->no_bias_correction && !c->o.full_bias &&
	    strcmp(c->bias_correction, "fast"))
		return fail(err, E_USAGE, "--bias-correction is fast, full or none, not '%s'",
		    c->bias_correction);
	status = status ? status : calibrate_limits(c, err);
	status = status ? status : calibrate_range(c, err);
	return status ? status : find_paths(c, err);
}

/* ---- the table ---- */

#define JUDGED "max-drop|max-group-drop|test-data|table|to|config"
const struct option_need calibrate_needs[] = {
    {"drop-type", "max-drop|max-group-drop|config"},
    {"metric", JUDGED},
    {"metric-cmd", JUDGED},
    {"groups", JUDGED},
    {"rank", JUDGED},
    {"rank-samples", JUDGED},
    {"time-budget", JUDGED},
    {"labels", "data|config"},
    {"label-offset", "data|config"},
    {"preprocess", "data|config"},
    {"samples", "data|config"},
    {"max-unreadable", "data|config"},
    {"test-labels", "test-data|config"},
    {0},
};

#define AT(field) offsetof(struct calibrate, field)
const struct option_row calibrate_rows[] = {
    {.kind = OPT_SECTION, .about = "Files"},
    MODEL_ROW(struct calibrate),
    {OPT_STRING, "output-dir", 'o', "DIR", "where to write; the current folder by default",
	AT(output_dir), NULL, 0, 0},
    {OPT_STRING, "model-name", 'n', "NAME", "NAME.xml and NAME.bin; by default the input's name",
	AT(model_name), NULL, 0, 0},
    {OPT_STRING, "config", 0, "FILE",
	"options as JSON: what NAME.config.json of an earlier run says repeats it", AT(config),
	NULL, 0, 0},
    {OPT_OUTPUT, "report", 0, "FILE", "what was found out about each layer, as JSON", AT(report),
	NULL, 0, 0},
    {OPT_OUTPUT, "json", 'j', "FILE", "results as JSON; - is stdout", AT(json), NULL, 0, 0},
    LENIENT_ROW(struct calibrate),
    {.kind = OPT_SECTION, .about = "Samples"},
    {OPT_LIST, "data", 'd', "[NAME=]FILE",
	"samples: an array, a table, a folder of pictures per class, a list of lines 'path label'",
	AT(data), NULL, 0, 0},
    {OPT_STRING, "labels", 'l', "FILE",
	"their classes: an integer array, or a line for each; not needed for folders", AT(labels),
	NULL, 0, 0},
    {OPT_INT, "samples", 0, "N",
	"how many to calibrate with, the first ones, of folders of classes some of each; 300 by "
	"default, 1000 to prune with",
	AT(samples), "subset-size", 1, INT64_MAX},
    {OPT_INT, "seed", 0, "N", "draw them by this number instead of taking the first ones", AT(seed),
	NULL, 0, UINT32_MAX},
    {OPT_STRING, "preprocess", 'p', "TEXT",
	"resize=256,crop=224,mean=A[:B:C],scale=A[:B:C],layout=nhwc,order=rgb", AT(preprocess),
	NULL, 0, 0},
    {OPT_INT, "label-offset", 0, "K", "added to labels; 1 for networks of 1001 classes",
	AT(label_offset), NULL, -1000000, 1000000},
    {OPT_INT, "max-unreadable", 0, "N",
	"how many samples may be unreadable; 1 % of them, at least 10, by default",
	AT(max_unreadable), NULL, 0, INT64_MAX},
    {OPT_LIST, "test-data", 0, "[NAME=]FILE",
	"samples to judge by; by default those of --data that calibration leaves over",
	AT(test_data), NULL, 0, 0},
    {OPT_STRING, "test-labels", 0, "FILE", "their classes", AT(test_labels), NULL, 0, 0},
    {.kind = OPT_SECTION, .about = "Accuracy"},
    {OPT_STRING, "max-drop", 0, "X",
	"what may be lost of the metric: 0.01 or 1%; layers stay as they are until it holds",
	AT(max_drop), NULL, 0, 0},
    {OPT_STRING, "drop-type", 0, "TYPE",
	"absolute, the default, or relative to the original's metric", AT(drop_type), NULL, 0, 0},
    {OPT_STRING, "max-group-drop", 0, "X", "what may be lost of the worst class",
	AT(max_group_drop), NULL, 0, 0},
    {OPT_STRING, "groups", 0, "FILE", "groups of samples, judged instead of the classes",
	AT(groups_file), NULL, 0, 0},
    {OPT_STRING, "metric", 0, "METRIC",
	"top1, the default, top5, f1, or without labels mse, cosine, sqnr to the original",
	AT(metric), NULL, 0, 0},
    {OPT_STRING, "metric-cmd", 0, "CMD",
	"a program that prints a number, larger is better, for a folder of outputs", AT(metric_cmd),
	NULL, 0, 0},
    {OPT_STRING, "rank", 0, "HOW",
	"what a layer costs, by the sqnr of the outputs, the default, or by the metric", AT(rank),
	NULL, 0, 0},
    {OPT_INT, "rank-samples", 0, "N", "how many samples to rank layers with; 128 by default",
	AT(rank_samples), NULL, 1, INT32_MAX},
    {OPT_INT, "cache-mb", 0, "N",
	"memory for activations while layers are ranked or biases corrected in full; 512 by "
	"default",
	AT(cache_mb), NULL, 1, 1 << 20},
    {OPT_FLAG, "table", 0, NULL,
	"compare size, latency and metric of the network as it is, FP16, INT8 and the result",
	AT(table), NULL, 0, 0},
    {OPT_ABOVE, "time-budget", 0, "S", "seconds after which the search ends", AT(time_budget), NULL,
	0, 0},
    {.kind = OPT_SECTION, .about = "Quantization"},
    {OPT_STRING, "to", 0, "FORM", "int8, the default, fp16, pruned, or pruned,int8", AT(to), NULL,
	0, 0},
    {OPT_STRING, "prune", 0, "WHAT",
	"first prune: magnitude:0.5, filters:0.3 or 2:4; judged against the network unpruned",
	AT(prune), NULL, 0, 0},
    {OPT_FLAG, "activations", 0, NULL,
	"with --to fp16: also round activations, as a device that computes in FP16 does",
	AT(activations), NULL, 0, 0},
    {OPT_STRING, "weights", 0, "W",
	"only weights in few bits, without samples: int8, or for products int4[:GROUP]",
	AT(weights), NULL, 0, 0},
    {OPT_STRING, "preset", 0, "P",
	"mixed, the default, or performance: ranges of activations symmetric around 0", AT(preset),
	NULL, 0, 0},
    {OPT_STRING, "overflow-fix", 0, "F",
	"weights in 7 bits, for machines that add byte products in 16: disable, the default, "
	"first-layer-only or enable",
	AT(overflow_fix), NULL, 0, 0},
    {OPT_STRING, "range", 0, "METHOD",
	"ranges of activations: mean of each sample's extremes, minmax, quantile=X, percentile=P, "
	"entropy, mse; auto, the default: mean, minmax in transformers",
	AT(range), NULL, 0, 0},
    {OPT_OUTPUT, "stats-out", 0, "FILE", "keep what was seen of activations", AT(stats_out), NULL,
	0, 0},
    {OPT_LIST, "stats-in", 0, "FILE",
	"use what was kept instead of running samples; several are merged", AT(stats_in), NULL, 0,
	0},
    {OPT_FLAG, "merge", 0, NULL, "only merge --stats-in, or collect, into --stats-out",
	AT(collect_only), "collect-only", 0, 0},
    {OPT_STRING, "shard", 0, "I/N",
	"with --merge: collect only from the I-th of N parts of the samples", AT(shard), NULL, 0,
	0},
    {OPT_LIST, "ignore", 0, "NAME|TYPE|/RE/|FROM..TO", "layers that stay as they are", AT(ignored),
	NULL, 0, 0},
    {OPT_FLAG, "all-layers", 0, NULL,
	"also layers that 8 bits would not speed up, and heads of detectors", AT(all_layers), NULL,
	0, 0},
    {OPT_FLAG, "products", 0, NULL,
	"also products of two results, as of queries with keys; mo-run computes these in floats",
	AT(products), NULL, 0, 0},
    {OPT_FLAG, "no-equalization", 0, NULL,
	"leave the channels between layers as uneven as they are", AT(no_equalize), NULL, 0, 0},
    {OPT_FLOAT, "smooth-quant", 0, "ALPHA",
	"how much of uneven channels goes from activations of sequences into the weights that read "
	"them: 0 to 1, by default what leaves least noise in each",
	AT(smooth_alpha), NULL, 0, 1},
    {OPT_FLAG, "no-smooth-quant", 0, NULL, "leave such channels as they are", AT(no_smooth), NULL,
	0, 0},
    {OPT_FLAG, "no-rounding", 0, NULL,
	"round weights to nearest, not against the errors of those before them", AT(no_rounding),
	NULL, 0, 0},
    {OPT_STRING, "bias-correction", 0, "HOW",
	"fast, the default: each layer for itself; full: in the quantized network; or none",
	AT(bias_correction), NULL, 0, 0},
    {OPT_FLAG, "no-bias-correction", 0, NULL,
	"leave biases as they are, though the means of outputs change", AT(no_bias_correction),
	NULL, 0, 0},
    {OPT_INT, "rounding-mb", 0, "N",
	"memory for rounding; layers beyond it are rounded to nearest; 128 by default",
	AT(rounding_mb), NULL, 1, 1 << 20},
    {.kind = OPT_SECTION, .about = "Pruning, with --to pruned"},
    {OPT_ABOVE, "prune-share", 0, "X",
	"share of the multiply-adds to take out; as many as --max-drop allows, or 0.3",
	AT(prune_share), NULL, 0, 1},
    {OPT_STRING, "prune-criterion", 0, "C",
	"filters by activation, the default: what the next layers miss; or l1, l2, median",
	AT(prune_criterion), NULL, 0, 0},
    {OPT_FLAG, "exact-ratio", 0, NULL, "any number of filters, not only multiples of 16",
	AT(exact_ratio), NULL, 0, 0},
    {OPT_FLAG, "no-refit", 0, NULL, "leave the weights of the other filters as they are",
	AT(no_refit), NULL, 0, 0},
    {.kind = OPT_SECTION, .about = "Running"},
    {OPT_INT, "threads", 't', "N", "threads to run with; 0, the default, is all there are",
	AT(threads), NULL, 0, 256},
    {0},
};
