/* mo-calibrate --to fp16: constants as FP16, with a verdict. */
#include <stdio.h>
#include <string.h>

#include "cli/calibrate.h"
#include "quant/aware_fp16.h"

#define OVERFLOW_SAMPLES 64
#define RANK_MOST 32 /* rounding each activation is slow */

/* What the pass left alone, and why. */
static void tell_notes(const struct calibrate *c, const struct pass_report *r)
{
	if (c->json && !strcmp(c->json, "-"))
		return;
	for (int i = 0; i < r->npasses; i++)
		for (int k = 0; k < r->pass[i].nnotes && !strcmp(r->pass[i].name, "to-fp16"); k++)
			printf("%s\n", r->pass[i].note[k]);
}

static void tell_overflows(const struct calibrate *c, const struct aware_fp16 *a)
{
	struct log log = tool_log(c->p);
	for (int i = 0; i < a->noverflows; i++)
		log_say(&log, LOG_WARN, "'%s' goes beyond f16: %.6g; it and its readers stay f32",
		    a->overflow[i].layer, a->overflow[i].largest);
}

/* The search judges what a device computes; what is written has no rounding in it. */
static int finish(struct calibrate *c, struct aware_fp16 *a, struct err *err)
{
	struct pass_report notes = {.arena = c->arena};
	graph_free(c->result);
	c->result = NULL;
	int r = aware_fp16_finish(a, c->found.way, &c->result, &notes, err);
	if (!r)
		tell_notes(c, &notes);
	return r;
}

int calibrate_fp16(struct calibrate *c, struct err *err)
{
	struct aware_fp16 *a = arena_alloc(c->arena, sizeof *a);
	struct deal d = {0};
	stages_end(&c->stages, STAGE_READ);
	int r = a ? deal_new(&d, &c->judge_by, 0, OVERFLOW_SAMPLES, c->g, err) : fail_nomem(err);
	c->fp16 = a;
	c->unit = "bytes";
	r = r ? r : aware_fp16_new(a, c->g, c->o.ignored, c->o.nignored, c->activations, &d, err);
	deal_free(&d);
	if (r)
		return r;
	tell_overflows(c, a);
	if (c->activations && c->aware.nrank > RANK_MOST)
		c->aware.nrank = RANK_MOST;
	r = calibrate_memo(c, err);
	a->c.changed = c->unpruned != NULL;
	r = r ? r : calibrate_search(c, &a->c, err);
	r = r ? r : finish(c, a, err);
	stages_end(&c->stages, STAGE_SEARCH);
	return r;
}
