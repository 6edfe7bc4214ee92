/* mo-calibrate: quantizes a network to 8 bits with samples. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/calibrate.h"
#include "cli/feed.h"
#include "cli/programs.h"
#include "formats/ir.h"
#include "formats/model.h"
#include "passes/pass.h"
#include "passes/prune.h"
#include "quant/aware_fp16.h"

/* What is judged against, when the network is pruned first. */
static void keep_base(void *user, const struct graph *g)
{
	struct calibrate *c = user;
	graph_free(c->unpruned);
	c->unpruned = graph_clone(g);
}

static int load(struct calibrate *c, struct err *err)
{
	struct onnx_options o = {
	    .log = tool_log(c->p), .lenient = c->lenient, .depends = tool_depends};
	struct pass_options po = pass_defaults();
	struct log log = tool_log(c->p);
	po.equalize = !c->weights && !c->no_equalize && !strcmp(c->to, "int8"); /* pruned: later */
	struct prune_options prune = {0};
	int status = c->prune ? prune_parse(c->prune, &prune, err) : OK;
	if (status)
		return err_in(err, "--prune");
	prune.criterion = PRUNE_L2;
	prune.before = keep_base;
	prune.user = c;
	po.prune = c->prune ? &prune : NULL;
	status = model_read(input_path(c->model), &o, &c->g, NULL, err);
	status = status ? status : passes_run(c->g, &po, &log, NULL, err);
	if (!status && c->prune && !c->unpruned)
		status = fail_nomem(err);
	c->base = c->unpruned ? c->unpruned : c->g;
	return status;
}

static int write_ir(struct calibrate *c, struct err *err)
{
	struct ir_written w = {0};
	struct ir_write_options o = {.version = 11, .written = &w};
	int status = ir_write(c->result, c->xml, c->bin, &o, err);
	c->xml_bytes = (int64_t)w.xml_bytes;
	c->bin_bytes = (int64_t)w.bin_bytes;
	if (!status)
		tool_say(c->p, "wrote '%s' and '%s', %lld bytes", c->xml, c->bin,
		    (long long)(w.xml_bytes + w.bin_bytes));
	return status;
}

/* Weights alone, without samples. */
static int to_few_bits(struct calibrate *c, struct err *err)
{
	struct pass_options o = pass_defaults();
	struct log log = tool_log(c->p);
	c->few.kept = c->o.ignored;
	c->few.nkept = c->o.nignored;
	o.weight_only = &c->few;
	struct pass_report notes = {.arena = c->arena};
	int status = passes_run(c->g, &o, &log, &notes, err);
	for (int i = 0; i < notes.npasses; i++)
		for (int k = 0; k < notes.pass[i].nnotes; k++)
			if (!strcmp(notes.pass[i].name, "weight-only"))
				tool_say(c->p, "%s", notes.pass[i].note[k]);
	c->result = c->g;
	c->g = NULL;
	return status;
}

static int to_int8(struct calibrate *c, struct err *err)
{
	if (calibrate_prunes(c)) {
		struct pass_options o = pass_defaults();
		o.equalize = !c->no_equalize;
		int r = calibrate_pruned(c, err);
		r = r ? r : passes_run(c->g, &o, NULL, NULL, err);
		if (r)
			return r;
	}
	c->o.progress = calibrate_progress;
	c->o.user = &c->progress;
	if (c->collect_only)
		c->o.refine.rounding = c->o.refine.biases = false;
	int status = calibration_new(c->g, &c->o, &c->c, err);
	if (status)
		return err_in(err, "'%s'", c->model);
	status = calibrate_statistics(c, err);
	if (status || c->collect_only)
		return status;
	bool judges = calibrate_judges(c);
	status = judges ? calibrate_int8(c, err)
			: calibration_quantize(c->c, NULL, 0, &c->result, err);
	stages_end(&c->stages, judges ? STAGE_SEARCH : STAGE_WEIGHTS);
	return status;
}

static int tell(struct calibrate *c, double start, struct err *err)
{
	c->seconds = clock_seconds() - start;
	if (c->table) {
		int status = calibrate_table(c, err);
		stages_end(&c->stages, STAGE_TABLE);
		if (status)
			return status;
	}
	if (!c->c)
		return calibrate_tell(c, err);
	const struct placement *p = calibration_placement(c->c);
	if (calibrate_skipped(c, err))
		return err->status;
	tool_say(c->p, "%d layers in 8 bits, %d quantizers, from %lld samples in %.1f s",
	    p->ngroups - c->found.nkept, p->nquantizers,
	    (long long)calibration_stats(c->c)->samples, c->seconds);
	return calibrate_tell(c, err);
}

static int calibrate(struct calibrate *c, int *code, struct err *err)
{
	double start = clock_seconds();
	stages_start(&c->stages);
	int status = calibrate_check(c, err);
	status = status ? status : load(c, err);
	status = status ? status : calibrate_ignore(c, c->g, err);
	if (!status && c->weights) {
		stages_end(&c->stages, STAGE_READ);
		status = to_few_bits(c, err);
		stages_end(&c->stages, STAGE_WEIGHTS);
		status = status ? status : write_ir(c, err);
		status = status ? status : config_write(c, err);
		stages_end(&c->stages, STAGE_WRITE);
		c->seconds = clock_seconds() - start;
		return status ? status : calibrate_tell(c, err);
	}
	if (!status && c->data.n)
		status = calibrate_samples(c, err);
	status = status ? status : calibrate_outputs(c, err);
	status = status ? status : pool_new((int)c->threads, &c->pool, err);
	c->o.samples = c->fitted;
	c->o.threads = (int)c->threads;
	c->o.refine.rounding = !c->no_rounding;
	c->o.refine.biases = !c->no_bias_correction;
	c->o.smooth = c->no_smooth             ? SMOOTH_OFF
		      : isnan(c->smooth_alpha) ? SMOOTH_AUTO
					       : c->smooth_alpha;
	c->o.all = c->all_layers;
	c->o.products = c->products;
	c->o.refine_bytes = (size_t)c->rounding_mb << 20;
	c->o.full_bias_bytes = c->cache_mb << 20;
	c->o.log = tool_log(c->p);
	c->unit = "ms";
	if (!status)
		status = calibrate_quantizes(c) ? to_int8(c, err)
			 : calibrate_prunes(c)  ? calibrate_pruned(c, err)
						: calibrate_fp16(c, err);
	if (c->collect_only) {
		if (!status)
			tool_say(c->p, "wrote '%s': %lld samples", c->stats_out,
			    (long long)calibration_stats(c->c)->samples);
		return status;
	}
	status = status ? status : write_ir(c, err);
	status = status ? status : config_write(c, err);
	stages_end(&c->stages, STAGE_WRITE);
	status = status ? status : tell(c, start, err);
	if (!status && c->judged && !c->verdict.ok)
		*code = 3;
	memo_close(c->aware.memo, !status || status == E_USAGE);
	return status;
}

/* The model is an operand, or what --config says. */
static int read_config(struct calibrate *c, const struct calibrate *defaults,
    const struct list *operands, struct err *err)
{
	int status = OK;
	if (operands->n || c->model || !c->config)
		status = tool_model(operands, &c->model, err);
	if (!status && c->config)
		status = config_read(c, defaults, err);
	return status || operands->n ? status : tool_model(operands, &c->model, err);
}

static void clean(struct calibrate *c)
{
	verdict_free(&c->verdict);
	aware_free(&c->found);
	calibration_free(c->c);
	if (c->fp16)
		aware_fp16_free(c->fp16);
	source_close(c->source);
	source_close(c->test_source);
	graph_free(c->result);
	graph_free(c->unpruned);
	graph_free(c->g);
	pool_free(c->pool);
	cJSON_Delete(c->decided);
	cJSON_Delete(c->rows);
	cJSON_Delete(c->ignored_json);
	arena_free(c->arena);
}

int mo_calibrate_main(int argc, char **argv)
{
	const struct calibrate defaults = {.rounding_mb = 128,
	    .preset = "mixed",
	    .overflow_fix = "disable",
	    .bias_correction = "fast",
	    .to = "int8",
	    .metric = "top1",
	    .max_unreadable = -1,
	    .seed = -1,
	    .drop_type = "absolute",
	    .rank = "sqnr",
	    .rank_samples = 128,
	    .cache_mb = 512,
	    .prune_criterion = "activation",
	    .prune_share = NAN,
	    .smooth_alpha = NAN,
	    .time_budget = NAN};
	struct list operands = {0};
	struct err err = {0};
	struct calibrate c = defaults;
	int code = 0;
	struct program p = {.name = "mo-calibrate",
	    .about = "Quantizes a network to 8 bits with samples; writes OpenVINO IR.",
	    .usage = "[options] --data FILE MODEL",
	    .rows = calibrate_rows,
	    .values = &c,
	    .operands = &operands,
	    .max_operands = 1,
	    .needs = calibrate_needs};
	c.p = &p;
	options_parse(&p, argc, argv);
	c.arena = arena_new();
	if (!c.arena)
		fail_nomem(&err);
	if (err.status || read_config(&c, &defaults, &operands, &err) || calibrate(&c, &code, &err))
		code = tool_error(&p, &err);
	clean(&c);
	return tool_finish(&p, code);
}
