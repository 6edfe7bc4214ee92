/* mo-info: what a network is made of, what it costs, and what tells it from another. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/feed.h"
#include "cli/info.h"
#include "cli/programs.h"
#include "passes/pass.h"

int info_read(const struct info_run *r, const char *path, struct graph **out,
    enum model_format *format, struct err *err)
{
	struct onnx_options o = {
	    .log = tool_log(r->p), .lenient = r->lenient, .depends = tool_depends};
	return model_read(input_path(path), &o, out, format, err);
}

bool info_prints(const struct info_run *r)
{
	return !r->json || strcmp(r->json, "-") != 0;
}

static int tell(struct info_run *r, struct err *err)
{
	cJSON *j = r->json ? info_json(r) : NULL;
	if (info_prints(r))
		info_print(r);
	int s = r->advice ? info_advice(r, j, err) : OK;
	if (!s && r->json)
		return json_write(r->json, j, err);
	cJSON_Delete(j);
	return s;
}

/* A quantized ONNX file has its 8 bits spelled out until mo has fused them: looks at what comes of
 * it then. */
static int find_products(struct info_run *r, struct err *err)
{
	struct pass_options o = pass_defaults();
	int s = products_find(r->g, &r->products, err);
	int64_t small = r->t.weights[DT_I8] + r->t.weights[DT_U8];
	if (s || r->format != MODEL_ONNX || !small || r->products.count[PRODUCT_INT8])
		return s;
	r->fused = graph_clone(r->g);
	s = r->fused ? passes_run(r->fused, &o, NULL, NULL, err) : fail_nomem(err);
	products_free(&r->products);
	return s ? s : products_find(r->fused, &r->products, err);
}

/* A network that cannot be run can still be looked at. */
static int look(struct info_run *r, struct err *err)
{
	struct log log = tool_log(r->p);
	int s = find_products(r, err);
	if (!s || s == E_NOMEM)
		return s;
	log_say(&log, LOG_WARN, "what is computed in 8 bits is not known: %s", err->text);
	err_clear(err);
	graph_free(r->fused);
	r->fused = NULL;
	products_free(&r->products);
	return OK;
}

static int info(struct info_run *r, struct err *err)
{
	if (info_is_blob(r))
		return info_blob(r, err);
	int s = info_read(r, r->model, &r->g, &r->format, err);
	if (s)
		return s;
	totals_sum(&r->t, r->g);
	s = look(r, err);
	s = s ? s : tell(r, err);
	if (!s && (r->svg || r->html))
		s = info_picture(r, err);
	return s;
}

/* "diff A B", or one model. */
static int check(struct info_run *r, const struct list *words, bool *diff, struct err *err)
{
	*diff = words->n > 0 && !strcmp(words->v[0], "diff");
	if (!*diff && words->n > 1)
		return fail(err, E_USAGE, "one model, or 'diff' and two: too many words at '%s'",
		    words->v[1]);
	if (!*diff && !isnan(r->tolerance))
		return fail(err, E_USAGE, "--tolerance goes with diff");
	r->tolerance = isnan(r->tolerance) ? 0 : r->tolerance;
	if (!*diff)
		return tool_model(words, &r->model, err);
	if (words->n != 3 || r->model)
		return fail(err, E_USAGE, "diff takes two models");
	if (r->svg || r->html || r->advice)
		return fail(err, E_USAGE, "diff goes with --layers, --json and --tolerance");
	r->model = words->v[1];
	r->other = words->v[2];
	return OK;
}

#define AT(field) offsetof(struct info_run, field)
static const struct option_row rows[] = {
    {.kind = OPT_SECTION, .about = "Options"},
    MODEL_ROW(struct info_run),
    {OPT_FLAG, "layers", 'l', NULL, "also a line for every layer; of diff, all that differ",
	AT(all), NULL, 0, 0},
    {OPT_FLAG, "advice", 'a', NULL, "also what could be better, with its numbers", AT(advice), NULL,
	0, 0},
    {OPT_OUTPUT, "svg", 0, "FILE", "a picture of the network, drawn by graphviz", AT(svg), NULL, 0,
	0},
    {OPT_OUTPUT, "html", 0, "FILE", "the picture on a page to move about in", AT(html), NULL, 0, 0},
    {OPT_FLOAT, "tolerance", 0, "X",
	"of diff: constants that differ by at most X of their range are the same; 0 by default",
	AT(tolerance), NULL, 0, INT64_MAX},
    {OPT_OUTPUT, "json", 'j', "FILE", "all of it as JSON; - is stdout", AT(json), NULL, 0, 0},
    LENIENT_ROW(struct info_run),
    {0},
};

int mo_info_main(int argc, char **argv)
{
	struct list operands = {0};
	struct err err = {0};
	struct info_run r = {.tolerance = NAN};
	bool diff = false;
	int code = 0;
	struct program p = {.name = "mo-info",
	    .about = "Shows what a network is made of and what it costs, or tells two apart.",
	    .usage = "[options] MODEL | diff MODEL MODEL",
	    .rows = rows,
	    .values = &r,
	    .operands = &operands,
	    .max_operands = 3};
	r.p = &p;
	options_parse(&p, argc, argv);
	int s = check(&r, &operands, &diff, &err);
	s = s ? s : tool_check(&p, &err);
	s = s ? s : diff ? info_diff(&r, &code, &err) : info(&r, &err);
	if (s)
		code = tool_error(&p, &err);
	products_free(&r.products);
	graph_free(r.fused);
	graph_free(r.g);
	return tool_finish(&p, code);
}
