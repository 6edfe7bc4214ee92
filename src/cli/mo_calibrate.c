/* mo-calibrate: quantizes a network to 8 bits with samples. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/feed.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/programs.h"
#include "formats/dataset.h"
#include "formats/ir.h"
#include "formats/model.h"
#include "passes/pass.h"
#include "quant/calibrate.h"

struct calibrate {
	struct program *p;
	/* options */
	const char *model, *data, *labels, *preprocess, *preset, *output_dir, *model_name, *json;
	struct list ignored;
	int64_t samples, threads, label_offset;
	bool lenient;
	/* state */
	struct arena *arena;
	struct graph *g, *quantized;
	struct dataset *d;
	struct preprocess_spec spec;
	struct calibrate_options o;
	struct calibration *c;
	const char *xml, *bin;
	double seconds;
};

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- options ---- */

/* "dir/net.onnx" gives "net". */
static const char *default_name(struct calibrate *c)
{
	const char *slash = strrchr(c->model, '/'), *base = slash ? slash + 1 : c->model;
	const char *dot = strrchr(base, '.');
	if (!strcmp(c->model, "-"))
		return "model";
	return arena_strn(c->arena, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

static int find_paths(struct calibrate *c, struct err *err)
{
	if (!c->model_name)
		c->model_name = default_name(c);
	if (!c->model_name || !*c->model_name || strchr(c->model_name, '/'))
		return fail(err, E_USAGE, "--model-name '%s' is no file name",
		    c->model_name ? c->model_name : "");
	const char *dir = c->output_dir && *c->output_dir ? c->output_dir : ".";
	c->xml = arena_printf(c->arena, "%s/%s.xml", dir, c->model_name);
	c->bin = arena_printf(c->arena, "%s/%s.bin", dir, c->model_name);
	return c->xml && c->bin ? OK : fail_nomem(err);
}

static int check(struct calibrate *c, struct err *err)
{
	if (!c->data)
		return fail(err, E_USAGE, "no samples given (--data)");
	if (!strcmp(c->preset, "performance"))
		c->o.preset = PRESET_PERFORMANCE;
	else if (strcmp(c->preset, "mixed"))
		return fail(err, E_USAGE, "--preset is mixed or performance, not '%s'", c->preset);
	return find_paths(c, err);
}

/* ---- samples ---- */

static int get_sample(void *user, int64_t i, struct tensor *in, int64_t *label, struct err *err)
{
	return dataset_sample(user, i, &in[0], label, err);
}

static int open_samples(struct calibrate *c, struct samples *s, struct err *err)
{
	const struct graph *g = c->g;
	if (g->ninputs != 1)
		return fail(err, E_USAGE, "samples need a network of one input, this one has %d",
		    g->ninputs);
	const struct info *in = &g->inputs[0]->out[0].info;
	struct dataset_options o = {.data = c->data,
	    .labels = c->labels,
	    .label_offset = (int)c->label_offset,
	    .preprocess = &c->spec,
	    .input = {in->shape, in->type},
	    .log = tool_log(c->p)};
	int status = c->preprocess ? preprocess_parse(c->preprocess, &c->spec, err) : OK;
	status = status ? status : dataset_open(&o, &c->d, err);
	if (status)
		return status;
	*s = (struct samples){.count = dataset_count(c->d),
	    .labelled = dataset_labelled(c->d),
	    .get = get_sample,
	    .user = c->d};
	return s->count ? OK : fail(err, E_USAGE, "'%s' holds no samples", c->data);
}

/* ---- the run ---- */

static int load(struct calibrate *c, struct err *err)
{
	struct onnx_options o = {.log = tool_log(c->p), .lenient = c->lenient};
	struct pass_options po = pass_defaults();
	struct log log = tool_log(c->p);
	int status = model_read(input_path(c->model), &o, &c->g, NULL, err);
	return status ? status : passes_run(c->g, &po, &log, NULL, err);
}

static int write_ir(struct calibrate *c, struct err *err)
{
	struct ir_written w = {0};
	struct ir_write_options o = {.version = 11, .written = &w};
	int status = ir_write(c->quantized, c->xml, c->bin, &o, err);
	if (!status)
		tool_say(c->p, "wrote '%s' and '%s', %lld bytes", c->xml, c->bin,
		    (long long)(w.xml_bytes + w.bin_bytes));
	return status;
}

static int report(struct calibrate *c, struct err *err)
{
	const struct placement *p = calibration_placement(c->c);
	tool_say(c->p, "%d layers in 8 bits, %d quantizers, from %lld samples in %.1f s",
	    p->ngroups, p->nquantizers, (long long)calibration_stats(c->c)->samples, c->seconds);
	if (!c->json)
		return OK;
	cJSON *j = cJSON_CreateObject();
	cJSON_AddNumberToObject(j, "layers", p->ngroups);
	cJSON_AddNumberToObject(j, "quantizers", p->nquantizers);
	cJSON_AddNumberToObject(j, "samples", (double)calibration_stats(c->c)->samples);
	cJSON_AddNumberToObject(j, "seconds", c->seconds);
	return json_write(c->json, j, err);
}

static int calibrate(struct calibrate *c, struct err *err)
{
	struct samples s = {0};
	double start = now();
	int status = check(c, err);
	status = status ? status : load(c, err);
	status = status ? status : open_samples(c, &s, err);
	c->o.samples = c->samples;
	c->o.threads = (int)c->threads;
	c->o.ignored = c->ignored.v;
	c->o.nignored = c->ignored.n;
	c->o.log = tool_log(c->p);
	status = status ? status : calibration_new(c->g, &c->o, &c->c, err);
	status = status ? status : calibration_collect(c->c, &s, err);
	status = status ? status : calibration_quantize(c->c, NULL, 0, &c->quantized, err);
	status = status ? status : write_ir(c, err);
	c->seconds = now() - start;
	return status ? status : report(c, err);
}

#define AT(field) offsetof(struct calibrate, field)
static const struct option_row rows[] = {
    {.kind = OPT_SECTION, .about = "Files"},
    {OPT_STRING, "input", 'i', "FILE", "the model, if not given as an argument", AT(model),
	"model|m|input-model", 0, 0},
    {OPT_STRING, "output-dir", 'o', "DIR", "where to write; the current folder by default",
	AT(output_dir), NULL, 0, 0},
    {OPT_STRING, "model-name", 'n', "NAME", "NAME.xml and NAME.bin; by default the input's name",
	AT(model_name), NULL, 0, 0},
    {OPT_STRING, "json", 'j', "FILE", "results as JSON; - is stdout", AT(json), NULL, 0, 0},
    {OPT_FLAG, "lenient", 0, NULL, "unknown attributes are warnings, not errors", AT(lenient), NULL,
	0, 0},
    {.kind = OPT_SECTION, .about = "Samples"},
    {OPT_STRING, "data", 'd', "FILE",
	"an array, a folder of pictures per class, or a list of lines 'path label'", AT(data), NULL,
	0, 0},
    {OPT_STRING, "labels", 'l', "FILE",
	"their classes: an integer array, or a line for each; not needed for folders", AT(labels),
	NULL, 0, 0},
    {OPT_INT, "samples", 0, "N", "how many to calibrate with, the first ones; 300 by default",
	AT(samples), "subset-size", 1, INT64_MAX},
    {OPT_STRING, "preprocess", 'p', "TEXT",
	"resize=256,crop=224,mean=A[:B:C],scale=A[:B:C],layout=nhwc,order=rgb", AT(preprocess),
	NULL, 0, 0},
    {OPT_INT, "label-offset", 0, "K", "added to labels; 1 for networks of 1001 classes",
	AT(label_offset), NULL, -1000000, 1000000},
    {.kind = OPT_SECTION, .about = "Quantization"},
    {OPT_STRING, "preset", 0, "P",
	"mixed, the default, or performance: ranges of activations symmetric around 0", AT(preset),
	NULL, 0, 0},
    {OPT_LIST, "ignore", 0, "NAME", "a layer that stays as it is", AT(ignored), NULL, 0, 0},
    {OPT_INT, "threads", 't', "N", "threads to run with; 0, the default, is all there are",
	AT(threads), NULL, 0, 256},
    {0},
};

int mo_calibrate_main(int argc, char **argv)
{
	struct list operands = {0};
	struct err err = {0};
	struct calibrate c = {.samples = 300, .preset = "mixed"};
	int code = 0;
	struct program p = {.name = "mo-calibrate",
	    .about = "Quantizes a network to 8 bits with samples; writes OpenVINO IR.",
	    .usage = "[options] --data FILE MODEL",
	    .rows = rows,
	    .values = &c,
	    .operands = &operands,
	    .max_operands = 1};
	c.p = &p;
	options_parse(&p, argc, argv);
	c.arena = arena_new();
	if (!c.arena)
		fail_nomem(&err);
	if (err.status || tool_model(&operands, &c.model, &err) || calibrate(&c, &err))
		code = tool_error(&p, &err);
	calibration_free(c.c);
	dataset_close(c.d);
	graph_free(c.quantized);
	graph_free(c.g);
	arena_free(c.arena);
	return tool_finish(&p, code);
}
