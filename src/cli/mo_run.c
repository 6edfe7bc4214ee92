/* mo-run: runs a network on data, measures its accuracy, compares it with another. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sorted.h"
#include "base/text.h"
#include "cli/dump.h"
#include "cli/feed.h"
#include "cli/precision.h"
#include "cli/programs.h"
#include "cli/results.h"
#include "cli/run.h"
#include "passes/pass.h"

/* Takes latency, which may be NULL. */
static int report(struct run *r, const struct tensor *out, cJSON *latency, struct err *err)
{
	if (r->out) {
		int s = results_write(r->out, r->g, out, err);
		if (s) {
			cJSON_Delete(latency);
			return s;
		}
		tool_say(r->p, "wrote %d output%s to '%s'", r->g->noutputs,
		    r->g->noutputs == 1 ? "" : "s", r->out);
	} else if (!r->json || strcmp(r->json, "-")) {
		results_print(r->g, out);
	}
	if (!r->json) {
		cJSON_Delete(latency);
		return OK;
	}
	cJSON *j = cJSON_CreateObject();
	cJSON_AddItemToObject(j, "outputs", results_json(r->g, out));
	if (latency)
		cJSON_AddItemToObject(j, "latency_ms", latency);
	return json_write(r->json, j, err);
}

/* Runs again as often as --repeat says; *latency is {min, median, max} of these runs. */
static int repeat(const struct run *r, struct exec *e, const struct feed *f, struct tensor *out,
    cJSON **latency, struct err *err)
{
	size_t n = (size_t)r->repeat;
	double *ms = calloc(n, sizeof *ms);
	int s = ms ? OK : fail_nomem(err);
	for (size_t i = 0; !s && i < n; i++) {
		double start = clock_seconds() * 1e3;
		s = exec_run(e, f->in, out, err);
		ms[i] = clock_seconds() * 1e3 - start;
	}
	if (!s) {
		qsort(ms, n, sizeof *ms, ascending_f64);
		*latency = cJSON_CreateObject();
		cJSON_AddNumberToObject(*latency, "min", ms[0]);
		cJSON_AddNumberToObject(*latency, "median", ms[n / 2]);
		cJSON_AddNumberToObject(*latency, "max", ms[n - 1]);
		tool_say(r->p, "%zu runs: %.3f ms min, %.3f median, %.3f max", n, ms[0], ms[n / 2],
		    ms[n - 1]);
	}
	free(ms);
	return s;
}

static int run_exec_once(struct run *r, const struct feed *f, struct err *err)
{
	struct exec_options o = run_exec(r);
	struct dump dump = {0};
	struct exec *e = NULL;
	cJSON *latency = NULL;
	struct tensor *out = calloc(r->g->noutputs + 1, sizeof *out);
	int s = out ? OK : fail_nomem(err);
	if (!s && r->dump.n) {
		s = dump_new(&dump, r->out, &r->dump, err);
		o.tap = dump_tap;
		o.user = &dump;
	}
	s = s ? s : exec_new(r->g, &o, &e, err);
	s = s ? s : exec_run(e, f->in, out, err);
	if (!s)
		store_made(&r->net, e);
	if (!s)
		log_say(&o.log, LOG_INFO, "workspace %zu bytes, packed weights %zu bytes",
		    exec_workspace(e), exec_packed(e));
	if (!s)
		run_tell_precision(r, e);
	if (!s && r->repeat)
		s = repeat(r, e, f, out, &latency, err);
	if (!s && r->dump.n)
		s = dump_finish(&dump, err);
	s = s ? s : report(r, out, latency, err);
	exec_free(e);
	dump_free(&dump);
	free(out);
	return s;
}

static int run_plain(struct run *r, struct err *err)
{
	struct feed f = {0};
	int s = feed_new(&f, r->g, tool_log(r->p), err);
	s = s ? s : feed_shape(&f, r->g, r->shape, err);
	s = s ? s : feed_files(&f, r->g, &r->data, err);
	if (!s && r->seed >= 0)
		s = feed_random(&f, r->g, r->seed, err);
	s = s ? s : feed_complete(&f, r->g, err);
	s = s ? s : run_exec_once(r, &f, err);
	feed_free(&f);
	return s;
}

/* Is --compare about samples rather than tensors? */
static bool on_samples(const struct run *r)
{
	return r->compare && (r->accuracy || r->labels || r->metric || r->metric_cmd ||
				 r->max_drop || r->max_group_drop || r->groups);
}

static int check_samples(const struct run *r, struct err *err)
{
	bool samples = r->accuracy || on_samples(r);
	const char *alone = r->metric           ? "--metric"
			    : r->metric_cmd     ? "--metric-cmd"
			    : r->max_drop       ? "--max-drop"
			    : r->max_group_drop ? "--max-group-drop"
			    : r->groups         ? "--groups"
			    : r->drop_type      ? "--drop-type"
						: NULL;
	if (samples && !r->data.n)
		return fail(err, E_USAGE, "--%s needs samples: give --data",
		    r->compare ? "compare" : "accuracy");
	if (r->preprocess && !samples && !r->classify.n)
		return fail(err, E_USAGE, "--preprocess goes with --accuracy or --classify");
	if (r->labels && !samples)
		return fail(err, E_USAGE, "--labels goes with --accuracy or --compare");
	if (alone && !r->compare)
		return fail(err, E_USAGE, "%s goes with --compare", alone);
	if (r->metric && r->metric_cmd)
		return fail(err, E_USAGE, "--metric and --metric-cmd do not go together");
	if (r->drop_type && !r->max_drop && !r->max_group_drop)
		return fail(err, E_USAGE, "--drop-type goes with --max-drop or --max-group-drop");
	return OK;
}

/* The last file of --out, for the folder's sake. */
static int check_outputs(const struct run *r, struct err *err)
{
	struct text t = {0};
	int s = tool_check(r->p, err);
	if (s || !r->out)
		return s;
	text_printf(&t, "%s/outputs.json", r->out);
	s = t.failed ? fail_nomem(err) : tool_check_output(r->p, t.data, err);
	text_free(&t);
	return s;
}

static int check(const struct run *r, struct err *err)
{
	int modes = (r->accuracy && !r->compare) + (r->classify.n > 0) + (r->compare != NULL);
	if (modes > 1)
		return fail(err, E_USAGE, "--classify goes with neither --accuracy nor --compare");
	if (r->dump.n && (!r->out || modes))
		return fail(err, E_USAGE, "--dump needs --out and a plain run");
	if (r->repeat && (r->dump.n || modes))
		return fail(err, E_USAGE, "--repeat is for a plain run without --dump");
	if (r->shape && modes)
		return fail(err, E_USAGE, "--shape is for a plain run");
	if (r->out && modes)
		return fail(err, E_USAGE, "--out is for a plain run");
	if (r->precision && r->compare)
		return fail(err, E_USAGE, "--infer-precision does not go with --compare");
	if (!isnan(r->tolerance) && (!r->compare || on_samples(r)))
		return fail(err, E_USAGE, "--tolerance goes with --compare of tensors");
	return check_samples(r, err);
}

/* What is to be kept in a cache is compiled as mo-compile does. */
static int load(struct run *r, struct err *err)
{
	struct pass_options passes = pass_defaults();
	struct log log = tool_log(r->p);
	struct store_options o = {.log = log,
	    .lenient = r->lenient,
	    .whole = r->eval || r->dump.n || r->compare,
	    .bf16 = r->bf16,
	    .f32 = r->precision && !r->bf16,
	    .no_mmap = r->no_mmap,
	    .cache = {r->cache_dir, r->cache_size << 20}};
	int s = store_open(input_path(r->model), &o, &r->net, err);
	r->g = r->net.g;
	sources_each(&r->net.sources, tool_depends, NULL);
	if (!s && r->net.use == CACHE_MISS && r->net.format == MODEL_ONNX)
		s = passes_run(r->g, &passes, &log, NULL, err);
	return s;
}

static int run(struct run *r, int *verdict, struct err *err)
{
	int s = check(r, err);
	s = s ? s : check_outputs(r, err);
	s = s ? s : precision_read(r->p, r->precision, &r->bf16, err);
	s = s ? s : pool_new(r->threads, &r->pool, err);
	s = s ? s : load(r, err);
	if (s)
		return s;
	if (r->accuracy && !r->compare)
		return run_accuracy(r, err);
	if (r->classify.n)
		return run_classify(r, err);
	if (on_samples(r))
		return run_verdict(r, verdict, err);
	if (r->compare)
		return run_compare(r, verdict, err);
	return run_plain(r, err);
}

static const struct option_need needs[] = {
    {"cache-size", "cache-dir"},
    {"top", "classify"},
    {"classes", "classify"},
    {"label-offset", "accuracy|labels"},
    {"max-unreadable", "accuracy|labels|compare"},
    {0},
};

#define AT(field) offsetof(struct run, field)
static const struct option_row rows[] = {
    {.kind = OPT_SECTION, .about = "Input"},
    MODEL_ROW(struct run),
    {OPT_LIST, "data", 'd', "[NAME=]FILE",
	"data for an input: .npy, .npz or a TensorProto; with --accuracy or --labels the samples: "
	"an array, a .csv, a folder of pictures per class or of ONNX test sets, or a list of "
	"lines 'path label'",
	AT(data), NULL, 0, 0},
    {OPT_INT, "random", 0, "SEED",
	"random data for inputs without --data: floats in [0,1), integers 0 to 49", AT(seed), NULL,
	0, INT64_MAX},
    {OPT_STRING, "shape", 0, "SET", SHAPE_HELP, AT(shape), NULL, 0, 0},
    LENIENT_ROW(struct run),
    {.kind = OPT_SECTION, .about = "Run"},
    {OPT_INT, "threads", 't', "N", "threads to run with; 0, the default, is all there are",
	AT(threads), NULL, 0, 256},
    {OPT_FLAG, "eval", 0, NULL, "the plain C truth of every operator, no fast kernels", AT(eval),
	NULL, 0, 0},
    {OPT_STRING, "infer-precision", 0, "TYPE", PRECISION_HELP, AT(precision), NULL, 0, 0},
    CACHE_ROWS(struct run),
    {OPT_INT, "repeat", 0, "N", "run N times more and say how long a run takes", AT(repeat), NULL,
	0, 1000000},
    {.kind = OPT_SECTION, .about = "Results"},
    {OPT_STRING, "out", 'o', "DIR", "write every output to DIR/<k>.npy, and outputs.json", AT(out),
	"output-dir", 0, 0},
    {OPT_LIST, "dump", 0, "NAME", "also write this tensor to DIR; 'all' for all of them", AT(dump),
	NULL, 0, 0},
    {OPT_OUTPUT, "json", 'j', "FILE", "results as JSON; - is stdout", AT(json), NULL, 0, 0},
    {.kind = OPT_SECTION, .about = "Comparison"},
    {OPT_STRING, "compare", 'c', "FILE",
	"run this model on the same data: the first and the worst layers that differ", AT(compare),
	NULL, 0, 0},
    {OPT_FLOAT, "tolerance", 0, "X",
	"largest error of an output over its range; 1e-4, or 1e-2 with FP16 constants",
	AT(tolerance), NULL, 0, INT64_MAX},
    {.kind = OPT_SECTION,
	.about = "Comparison on samples: --compare with one of these, or --labels"},
    {OPT_STRING, "metric", 0, "NAME",
	"top1, top5, f1, or to the reference mse, cosine, sqnr; top1 or, without labels, cosine",
	AT(metric), NULL, 0, 0},
    {OPT_STRING, "metric-cmd", 0, "CMD",
	"a program that prints a number, larger is better, for a folder of outputs", AT(metric_cmd),
	NULL, 0, 0},
    {OPT_STRING, "max-drop", 0, "X", "the metric may lose this much: 0.01 or 1%", AT(max_drop),
	NULL, 0, 0},
    {OPT_STRING, "drop-type", 0, "TYPE", "absolute, the default, or relative to the reference's",
	AT(drop_type), NULL, 0, 0},
    {OPT_STRING, "max-group-drop", 0, "X", "what the worst class or group may lose",
	AT(max_group_drop), NULL, 0, 0},
    {OPT_STRING, "groups", 0, "FILE", "lines 'sample group', instead of the classes", AT(groups),
	NULL, 0, 0},
    {.kind = OPT_SECTION, .about = "Labelled samples and pictures"},
    {OPT_FLAG, "accuracy", 'a', NULL,
	"top-1 and top-5 on the samples of --data; with --compare what is lost", AT(accuracy), NULL,
	0, 0},
    {OPT_STRING, "labels", 'l', "FILE",
	"their classes: an integer array, a line for each, or column:NAME of a .csv; not needed "
	"for folders",
	AT(labels), NULL, 0, 0},
    {OPT_STRING, "preprocess", 'p', "TEXT",
	"resize=256,filter=bicubic,crop=224,mean=A[:B:C],scale=A[:B:C],layout=nhwc,order=rgb",
	AT(preprocess), NULL, 0, 0},
    {OPT_INT, "label-offset", 0, "K", "added to labels; 1 for networks of 1001 classes",
	AT(label_offset), NULL, -1000000, 1000000},
    {OPT_INT, "max-unreadable", 0, "N",
	"how many samples may be unreadable; 1 % of them, at least 10, by default",
	AT(max_unreadable), NULL, 0, INT64_MAX},
    {OPT_LIST, "classify", 0, "FILE", "the best classes for a PNG or JPEG picture", AT(classify),
	NULL, 0, 0},
    {OPT_STRING, "classes", 0, "FILE", "names of the classes, one a line", AT(classes), NULL, 0, 0},
    {OPT_INT, "top", 0, "N", "how many classes to show; 5 by default", AT(top), NULL, 1, 1000},
    {0},
};

int mo_run_main(int argc, char **argv)
{
	struct list operands = {0};
	struct err err = {0};
	struct run r = {.seed = -1, .tolerance = NAN, .top = 5, .max_unreadable = -1};
	int code = 0;
	struct program p = {.name = "mo-run",
	    .about =
		"Runs an ONNX or OpenVINO IR network on data, compares two, measures accuracy.",
	    .usage = "[options] MODEL",
	    .rows = rows,
	    .values = &r,
	    .operands = &operands,
	    .max_operands = 1,
	    .needs = needs};
	r.p = &p;
	options_parse(&p, argc, argv);
	if (tool_model(&operands, &r.model, &err) || run(&r, &code, &err))
		code = tool_error(&p, &err);
	store_free(&r.net);
	pool_free(r.pool);
	return tool_finish(&p, code);
}
