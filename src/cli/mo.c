/* mo: reads a network, edits it as asked, runs the passes, writes OpenVINO IR. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/convert.h"
#include "cli/feed.h"
#include "cli/programs.h"
#include "formats/model.h"
#include "graph/print.h"
#include "report/cost.h"

static int check_passes(const struct list *names, const char *option, struct err *err)
{
	const char *word[256];
	int n = 0;
	while (pass_table[n] && n < 256) {
		word[n] = pass_table[n]->name;
		n++;
	}
	for (int i = 0; i < names->n; i++) {
		if (pass_find(names->v[i]))
			continue;
		const char *near = nearest_word(names->v[i], word, n);
		return fail(err, E_USAGE, "--%s: no pass is named '%s'%s%s%s", option, names->v[i],
		    near ? ", did you mean '" : " (see --list-passes)", near ? near : "",
		    near ? "'?" : "");
	}
	return OK;
}

static int read_precision(struct convert *c, struct err *err)
{
	static const char *const names[] = {
	    "fp32", "f32", "float", "float32", "fp16", "f16", "half", "float16"};
	c->fp16 = c->compress_to_fp16;
	for (int i = 0; c->precision && i < 8; i++)
		if (!strcasecmp(c->precision, names[i])) {
			c->fp16 |= i >= 4;
			return OK;
		}
	if (c->precision)
		return fail(err, E_USAGE, "--precision is fp32 or fp16, not '%s'", c->precision);
	return OK;
}

/* With --input_model, the classic --input names the inputs to cut at. */
static int find_model(struct convert *c, const struct list *operands, struct err *err)
{
	const char *given[] = {c->input_model, c->input, operands->n ? operands->v[0] : NULL};
	if (c->input_model && c->input) {
		const char **v = realloc(c->cut_inputs.v, (c->cut_inputs.n + 1) * sizeof *v);
		if (!v)
			return fail_nomem(err);
		c->cut_inputs.v = v;
		v[c->cut_inputs.n++] = c->input;
		given[1] = NULL;
	}
	for (int i = 0; i < 3; i++) {
		if (given[i] && c->path)
			return fail(
			    err, E_USAGE, "two models given: '%s' and '%s'", c->path, given[i]);
		c->path = given[i] ? given[i] : c->path;
	}
	return c->path ? OK : fail(err, E_USAGE, "no model given (--input FILE)");
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;
	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* An IR is rewritten in place when the names say so. */
static int check_outputs(struct convert *c, struct err *err)
{
	int r = tool_check(c->p, err);
	if (!r && same_file(c->path, c->xml)) {
		output_unspare(c->xml);
		output_unspare(c->bin);
	}
	r = r ? r : tool_check_output(c->p, c->xml, err);
	return r ? r : tool_check_output(c->p, c->bin, err);
}

static int check(struct convert *c, const struct list *operands, struct err *err)
{
	int r = find_model(c, operands, err);
	r = r ? r : read_precision(c, err);
	r = r ? r : convert_prune_options(c, err);
	r = r ? r : check_passes(&c->disabled, "disable-pass", err);
	r = r ? r : check_passes(&c->dump_after, "dump-after", err);
	if (r)
		return r;
	if (c->ir_version != 10 && c->ir_version != 11)
		return fail(err, E_USAGE, "--ir-version is 10 or 11");
	if (c->framework && strcasecmp(c->framework, "onnx"))
		return fail(err, E_USAGE, "--framework '%s': only onnx is read", c->framework);
	if (!c->model_name)
		c->model_name = tool_model_name(c->arena, c->path);
	if (!c->model_name || !*c->model_name || strchr(c->model_name, '/'))
		return fail(err, E_USAGE, "--model-name '%s' is no file name",
		    c->model_name ? c->model_name : "");
	const char *dir = c->output_dir && *c->output_dir ? c->output_dir : ".";
	const char *sep = dir[strlen(dir) - 1] == '/' ? "" : "/";
	bool here = !strcmp(dir, ".");
	c->xml = arena_printf(
	    c->arena, "%s%s%s.xml", here ? "" : dir, here ? "" : sep, c->model_name);
	c->bin = arena_printf(
	    c->arena, "%s%s%s.bin", here ? "" : dir, here ? "" : sep, c->model_name);
	return c->xml && c->bin ? check_outputs(c, err) : fail_nomem(err);
}

/* A file beside the model, under the name of the folder that the user gave: make knows it by that.
 */
static const char *beside(struct convert *c, const char *path)
{
	const char *slash = strrchr(c->path, '/');
	int n = slash ? slash - c->path : 0;
	char *dir = n ? arena_strn(c->arena, c->path, n) : arena_str(c->arena, slash ? "/" : ".");
	char *real = dir ? realpath(dir, NULL) : NULL;
	size_t len = real ? strlen(real) : 0;
	const char *name = path;
	if (len && !strncmp(path, real, len) && path[len] == '/')
		name = arena_printf(c->arena, "%.*s%s", slash ? n + 1 : 0, c->path, path + len + 1);
	else
		name = arena_str(c->arena, path);
	free(real);
	return name;
}

static void depends(void *user, const char *path)
{
	struct convert *c = user;
	const char *name = beside(c, path);
	output_spare(path);
	const char **v = realloc(c->depends.v, (c->depends.n + 1) * sizeof *v);
	if (!v)
		return;
	c->depends.v = v;
	if (name)
		v[c->depends.n++] = name;
}

static int64_t file_bytes(const char *path)
{
	struct stat st;
	return stat(path, &st) ? 0 : st.st_size;
}

static struct size size_of(const struct graph *g)
{
	return (struct size){.layers = graph_layers(g), .parameters = cost_parameters(g)};
}

static int read_model(struct convert *c, struct err *err)
{
	struct onnx_options o = {
	    .log = tool_log(c->p), .lenient = c->lenient, .depends = depends, .user = c};
	int r = convert_cuts(c, err);
	if (r)
		return r;
	o.cut_inputs = c->cut_in.v;
	o.ncut_inputs = c->cut_in.n;
	o.cut_outputs = c->cut_out.v;
	o.ncut_outputs = c->cut_out.n;
	r = model_read(input_path(c->path), &o, &c->g, NULL, err);
	if (r)
		return r;
	c->before = size_of(c->g);
	c->before.bytes = file_bytes(c->path);
	for (int i = 0; i < c->depends.n; i++)
		c->before.bytes += file_bytes(c->depends.v[i]);
	return OK;
}

static void after_pass(void *user, const struct pass *pass, const struct graph *g, int rewrites)
{
	struct convert *c = user;
	for (int i = 0; i < c->dump_after.n; i++) {
		struct text t = {0};
		if (strcmp(c->dump_after.v[i], pass->name))
			continue;
		graph_print(&t, g);
		printf("# after %s: %d rewrites\n%s", pass->name, rewrites, t.data ? t.data : "");
		text_free(&t);
	}
}

static int run_passes(struct convert *c, struct err *err)
{
	struct pass_options o = pass_defaults();
	struct log log = tool_log(c->p);
	o.fp16 = c->fp16;
	if (!isnan(c->fp16_max_error))
		o.fp16_max_error = c->fp16_max_error;
	o.keep_fp32 = c->keep_fp32.v;
	o.nkeep_fp32 = c->keep_fp32.n;
	if (c->fold_bytes >= 0)
		o.fold_bytes = c->fold_bytes;
	o.preprocess = c->preprocess;
	o.npreprocess = c->npreprocess;
	o.prune = convert_prune(c);
	o.disabled = c->disabled.v;
	o.ndisabled = c->disabled.n;
	o.after = after_pass;
	o.user = c;
	c->passes.arena = c->arena;
	return passes_run(c->g, &o, &log, &c->passes, err);
}

/* Notes of the passes on stderr: constants that stay in FP32, names that matched. */
static void tell_notes(const struct convert *c)
{
	for (int i = 0; i < c->passes.npasses; i++)
		for (int k = 0; k < c->passes.pass[i].nnotes; k++)
			tool_say(c->p, "%s: %s", c->passes.pass[i].name, c->passes.pass[i].note[k]);
}

static int convert(struct convert *c, const struct list *operands, struct err *err)
{
	struct graph *base = NULL;
	struct extras x = {0};
	int r = check(c, operands, err);
	r = r ? r : read_model(c, err);
	r = r ? r : convert_edit(c, err);
	r = r ? r : convert_preprocess(c, err);
	if (!r && c->verify && !(base = graph_clone(c->g)))
		r = fail_nomem(err);
	r = r ? r : convert_open(c, &x, err);
	r = r ? r : run_passes(c, err);
	if (!r) {
		c->after = size_of(c->g);
		tell_notes(c);
		convert_prune_say(c);
	}
	if (!r && c->verify)
		r = convert_verify(c, base, err);
	r = r ? r : convert_write(c, &x, err);
	if (!r && c->differs)
		fprintf(stderr, "%s: the result differs by more than %g: nothing written\n",
		    c->p->name, c->limit);
	convert_abort(&x);
	graph_free(base);
	return r;
}

static void list_passes(void)
{
	for (int i = 0; pass_table[i]; i++)
		printf("%-20s %s%s\n", pass_table[i]->name, pass_table[i]->about,
		    pass_table[i]->optional_off ? " (when asked for)" : "");
}

static const struct option_need needs[] = {
    {"data", "verify"},
    {"random", "verify"},
    {"tolerance", "verify"},
    {"prune-criterion", "prune"},
    {"prune-scope", "prune"},
    {"exact-ratio", "prune"},
    {"fp16-max-error", "precision|compress-to-fp16"},
    {"keep-fp32", "precision|compress-to-fp16"},
    {0},
};

#define AT(field) offsetof(struct convert, field)
static const struct option_row rows[] = {
    {.kind = OPT_SECTION, .about = "Files"},
    {OPT_STRING, "input", 'i', "FILE", "the model: ONNX or IR; - is stdin", AT(input), NULL, 0, 0},
    {OPT_STRING, "input-model", 'm', "FILE", NULL, AT(input_model), "w", 0, 0},
    {OPT_STRING, "output-dir", 'o', "DIR", "where to write; the current folder by default",
	AT(output_dir), NULL, 0, 0},
    {OPT_STRING, "model-name", 'n', "NAME", "NAME.xml and NAME.bin; by default the input's name",
	AT(model_name), NULL, 0, 0},
    {OPT_INT, "ir-version", 0, "N", "10 or 11, the default", AT(ir_version), NULL, 0, 0},
    {OPT_OUTPUT, "depfile", 0, "FILE", "write a make rule that names all files read", AT(depfile),
	NULL, 0, 0},
    {OPT_OUTPUT, "report", 0, "FILE", "what each pass did and the sizes, as JSON", AT(report), NULL,
	0, 0},
    {OPT_OUTPUT, "json", 'j', "FILE", "the same; - is stdout", AT(json), NULL, 0, 0},
    {OPT_STRING, "framework", 0, "NAME", NULL, AT(framework), NULL, 0, 0},
    LENIENT_ROW(struct convert),
    {.kind = OPT_SECTION, .about = "Inputs and outputs"},
    {OPT_LIST, "input-shape", 0, "LIST", "sizes of inputs: \"x[1,3,224,224],y[1..8,?]\"",
	AT(shapes), NULL, 0, 0},
    {OPT_INT, "batch", 'b', "N", "the batch of all inputs", AT(batch), NULL, 1, 1 << 30},
    {OPT_LIST, "layout", 0, "LIST", "how inputs are laid out, and should be: \"x(nhwc->nchw)\"",
	AT(layouts), "source-layout", 0, 0},
    {OPT_FLAG, "static-shape", 0, NULL, "fail unless the sizes of all inputs are fixed",
	AT(static_shape), NULL, 0, 0},
    {OPT_LIST, "freeze", 0, "LIST", "inputs that become constants: \"x->0.5,y->[1 2]\"",
	AT(freezes), "freeze-placeholder-with-value", 0, 0},
    {OPT_LIST, "cut-inputs", 0, "LIST", "start the model at these tensors", AT(cut_inputs), NULL, 0,
	0},
    {OPT_LIST, "cut-outputs", 0, "LIST", "end the model at these tensors", AT(cut_outputs),
	"output", 0, 0},
    {.kind = OPT_SECTION,
	.about = "Preprocessing, put into the model: channels, then mean, then scale"},
    {OPT_FLAG, "reverse-input-channels", 0, NULL, "reverse the channels (RGB to BGR)", AT(reverse),
	NULL, 0, 0},
    {OPT_LIST, "mean-values", 0, "LIST", "subtract: \"x(123.7,116.3,103.5)\"", AT(means), NULL, 0,
	0},
    {OPT_LIST, "scale-values", 0, "LIST", "divide by: \"x(58.4,57.1,57.4)\"", AT(scales), NULL, 0,
	0},
    {OPT_FLOAT, "scale", 's', "X", "divide every input by X", AT(scale), NULL, 0, 0},
    {.kind = OPT_SECTION, .about = "Precision of constants"},
    {OPT_STRING, "precision", 0, "P", "fp32, the default, or fp16", AT(precision), "data-type", 0,
	0},
    {OPT_FLAG, "compress-to-fp16", 0, NULL, NULL, AT(compress_to_fp16), NULL, 0, 0},
    {OPT_LIST, "keep-fp32", 0, "NAME|TYPE|/RE/", "layers that stay FP32", AT(keep_fp32), NULL, 0,
	0},
    {OPT_FLOAT, "fp16-max-error", 0, "X",
	"constants with a larger relative error stay FP32; 1e-3 by default", AT(fp16_max_error),
	NULL, 0, INT64_MAX},
    {.kind = OPT_SECTION, .about = "Pruning, judged by the weights"},
    {OPT_STRING, "prune", 0, "WHAT",
	"filters:RATIO takes filters out; magnitude:RATIO and 2:4 put zeros", AT(prune_args.what),
	NULL, 0, 0},
    {OPT_STRING, "prune-criterion", 0, "C", "filters by l1, l2 (the default) or median",
	AT(prune_args.criterion), NULL, 0, 0},
    {OPT_STRING, "prune-scope", 0, "S", "layer, the default, or global", AT(prune_args.scope), NULL,
	0, 0},
    {OPT_FLAG, "exact-ratio", 0, NULL, "any number of filters, not only multiples of 16",
	AT(prune_args.exact_ratio), NULL, 0, 0},
    {.kind = OPT_SECTION, .about = "Passes"},
    {OPT_FLAG, "list-passes", 0, NULL, "print the passes in order and exit", AT(list_passes), NULL,
	0, 0},
    {OPT_LIST, "disable-pass", 0, "NAME", "leave this pass out", AT(disabled), NULL, 0, 0},
    {OPT_LIST, "dump-after", 0, "NAME", "print the model after this pass", AT(dump_after), NULL, 0,
	0},
    {OPT_INT, "fold-budget", 0, "BYTES",
	"how much folding may add to the model; 128 MiB by default", AT(fold_bytes), NULL, 0,
	INT64_MAX},
    {.kind = OPT_SECTION, .about = "Check"},
    {OPT_FLAG, "verify", 0, NULL,
	"run the model before and after the passes on the same data; exit 3 if they differ",
	AT(verify), NULL, 0, 0},
    {OPT_LIST, "data", 'd', "[NAME=]FILE", "data for --verify, random if not given", AT(data), NULL,
	0, 0},
    {OPT_INT, "random", 0, "SEED", "seed of random data for --verify; 1 by default", AT(seed), NULL,
	0, INT64_MAX},
    {OPT_FLOAT, "tolerance", 0, "X",
	"largest error of an output over its range; 1e-4, or 1e-2 with FP16", AT(tolerance), NULL,
	0, INT64_MAX},
    {0},
};

int mo_main(int argc, char **argv)
{
	struct list operands = {0};
	struct err err = {0};
	struct convert c = {.scale = NAN,
	    .fp16_max_error = NAN,
	    .tolerance = NAN,
	    .ir_version = 11,
	    .fold_bytes = -1,
	    .seed = -1};
	struct program p = {.name = "mo",
	    .about = "Converts an ONNX network to OpenVINO IR, or optimizes an IR.",
	    .usage = "[options] [--input] FILE",
	    .rows = rows,
	    .values = &c,
	    .operands = &operands,
	    .max_operands = 1,
	    .needs = needs};
	int code = 0;
	c.p = &p;
	options_parse(&p, argc, argv);
	c.arena = arena_new();
	if (c.list_passes)
		list_passes();
	else if (c.arena ? convert(&c, &operands, &err) : fail_nomem(&err))
		code = tool_error(&p, &err);
	else
		code = c.differs ? 3 : 0;
	graph_free(c.g);
	graph_free(c.unpruned);
	arena_free(c.arena);
	free(c.depends.v);
	return tool_finish(&p, code);
}
