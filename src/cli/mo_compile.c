/* mo-compile: a network as a compiled blob, which mo-run and mo-bench map and run at once. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cpu.h"
#include "base/threads.h"
#include "cli/feed.h"
#include "cli/json.h"
#include "cli/network.h"
#include "cli/precision.h"
#include "cli/programs.h"
#include "passes/pass.h"

struct compile {
	struct program *p;
	/* options */
	const char *model, *output, *json, *precision;
	struct list data;
	bool exact, lenient, bf16;
	/* state */
	struct graph *g;
	struct feed feed;
	struct exec_products products;
};

/* What mo would do first; an IR has it behind it. */
static int load(struct compile *c, struct err *err)
{
	struct onnx_options o = {.log = tool_log(c->p), .lenient = c->lenient};
	struct pass_options passes = pass_defaults();
	struct log log = tool_log(c->p);
	enum model_format format;
	int s = model_read(c->model, &o, &c->g, &format, err);
	return s || format != MODEL_ONNX ? s : passes_run(c->g, &passes, &log, NULL, err);
}

/* Sizes that are not fixed are those of the data, else 1. */
static int shapes(struct compile *c, struct err *err)
{
	int s = feed_new(&c->feed, c->g, tool_log(c->p), err);
	s = s ? s : feed_files(&c->feed, c->g, &c->data, err);
	return s ? s : feed_random(&c->feed, c->g, 1, err);
}

/* What was written is read and checked as any reader would. */
static int check(struct compile *c, struct err *err)
{
	struct exec_options o = {.exact = c->exact, .bf16 = c->bf16};
	struct graph *g = NULL;
	struct exec *e = NULL;
	int s = network_map(c->output, true, &g, err);
	s = s ? s : exec_new(g, &o, &e, err);
	exec_free(e);
	graph_free(g);
	return s;
}

static int tell(const struct compile *c, struct err *err)
{
	struct stat st = {0};
	stat(c->output, &st);
	tool_say(
	    c->p, "wrote '%s', %.1f MB, for %s", c->output, (double)st.st_size * 1e-6, cpu_level());
	if (!c->json)
		return OK;
	cJSON *j = cJSON_CreateObject();
	cJSON_AddStringToObject(j, "output", c->output);
	cJSON_AddNumberToObject(j, "bytes", (double)st.st_size);
	cJSON_AddStringToObject(j, "isa", cpu_level());
	cJSON_AddBoolToObject(j, "exact", c->exact);
	cJSON_AddStringToObject(j, "effective_precision", precision_name(c->products));
	return json_write(c->json, j, err);
}

static int run(struct compile *c, struct err *err)
{
	struct exec_options o = {.exact = c->exact, .log = tool_log(c->p)};
	struct exec *e = NULL;
	uint64_t hash = 0;
	if (!c->output)
		return fail(err, E_USAGE, "--output says where the blob goes");
	int s = precision_read(c->p, c->precision, &c->bf16, err);
	o.bf16 = c->bf16;
	s = s ? s : load(c, err);
	s = s ? s : network_hash(c->model, &hash, err);
	s = s ? s : shapes(c, err);
	s = s ? s : exec_new(c->g, &o, &e, err);
	s = s ? s : exec_prepare(e, c->feed.in, err);
	s = s ? s : network_write(e, hash, c->output, err);
	if (!s)
		c->products = exec_products(e);
	exec_free(e);
	s = s ? s : check(c, err);
	return s ? s : tell(c, err);
}

#define AT(field) offsetof(struct compile, field)
static const struct option_row rows[] = {
    {.kind = OPT_SECTION, .about = "Input"},
    {OPT_STRING, "input", 'i', "FILE", "the model, if not given as an argument", AT(model),
	"model|m|input-model", 0, 0},
    {OPT_LIST, "data", 'd', "[NAME=]FILE",
	"data for an input (.npy, .npz, TensorProto), whose shape counts where the model leaves "
	"it open; else 1",
	AT(data), NULL, 0, 0},
    {OPT_FLAG, "lenient", 0, NULL, "unknown attributes are warnings, not errors", AT(lenient), NULL,
	0, 0},
    {.kind = OPT_SECTION, .about = "Output"},
    {OPT_STRING, "output", 'o', "FILE", "the compiled blob", AT(output), NULL, 0, 0},
    {OPT_STRING, "infer-precision", 0, "TYPE", PRECISION_HELP, AT(precision), NULL, 0, 0},
    {OPT_FLAG, "exact", 0, NULL, "no algorithm that trades exactness for speed (Winograd)",
	AT(exact), NULL, 0, 0},
    {OPT_STRING, "json", 'j', "FILE", "what was written, as JSON; - is stdout", AT(json), NULL, 0,
	0},
    {0},
};

int mo_compile_main(int argc, char **argv)
{
	struct list operands = {0};
	struct err err = {0};
	struct compile c = {0};
	int code = 0;
	struct program p = {.name = "mo-compile",
	    .about = "Compiles an ONNX or OpenVINO IR network to a blob that runs without delay.",
	    .usage = "[options] MODEL -o FILE",
	    .rows = rows,
	    .values = &c,
	    .operands = &operands,
	    .max_operands = 1};
	c.p = &p;
	options_parse(&p, argc, argv);
	if (tool_model(&operands, &c.model, &err) || run(&c, &err))
		code = tool_error(&p, &err);
	feed_free(&c.feed);
	graph_free(c.g);
	return tool_finish(&p, code);
}
