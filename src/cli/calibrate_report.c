/* What mo-calibrate found, as a table and as JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/calibrate.h"

#define FLIPS_SHOWN 10

static const char *decision(const struct calibrate *c, int k)
{
	const struct aware_found *f = &c->found.found[k];
	if (f->way == AWARE_KEPT)
		return f->at_once ? "kept at once" : "kept";
	if (f->way > 0)
		return "tuned";
	return f->taken ? "compressed again" : "compressed";
}

/* ---- text ---- */

static void number(char *buf, size_t size, const char *fmt, double x)
{
	if (isnan(x))
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, fmt, x);
}

static void print_groups(const struct calibrate *c)
{
	printf("\n%9s %10s %8s  %-16s %s\n", "SQNR dB", "regained", "ms", "decision", "layer");
	for (int k = 0; k < c->ngroups; k++) {
		const struct aware_found *f = &c->found.found[k];
		char sqnr[32], back[32], ms[32];
		number(sqnr, sizeof sqnr, "%.2f", f->sqnr);
		number(back, sizeof back, "%+.4f", f->regained);
		number(ms, sizeof ms, "%.4f", c->groups[k].gain);
		printf(
		    "%9s %10s %8s  %-16s %s\n", sqnr, back, ms, decision(c, k), c->groups[k].name);
	}
	printf("SQNR of the outputs with this one put back (%.2f dB with none), what the metric "
	       "regains, what the layer saves\n",
	    c->found.sqnr_compressed);
	if (!c->found.nkept)
		return;
	printf("to keep the same ones:");
	for (int k = 0; k < c->ngroups; k++)
		if (c->found.way[k] == AWARE_KEPT)
			printf(" --ignore '%s'", c->groups[k].name);
	putchar('\n');
}

static int print_verdict(const struct calibrate *c, struct err *err)
{
	struct text t = {0};
	verdict_text(&t, &c->verdict, NULL, FLIPS_SHOWN);
	if (t.failed)
		return fail_nomem(err);
	fputs(t.data ? t.data : "", stdout);
	text_free(&t);
	if (isfinite(c->found.sqnr_compressed))
		print_groups(c);
	return OK;
}

/* ---- JSON ---- */

static cJSON *groups_json(const struct calibrate *c)
{
	cJSON *list = cJSON_CreateArray();
	for (int k = 0; k < c->ngroups; k++) {
		const struct aware_found *f = &c->found.found[k];
		cJSON *j = cJSON_CreateObject();
		cJSON_AddStringToObject(j, "layer", c->groups[k].name);
		cJSON_AddItemToObject(j, "sqnr", json_number(f->sqnr));
		cJSON_AddItemToObject(j, "regained", json_number(f->regained));
		cJSON_AddItemToObject(j, "noise_share", json_number(f->share));
		cJSON_AddItemToObject(j, "saves_ms", json_number(c->groups[k].gain));
		cJSON_AddStringToObject(j, "decision", decision(c, k));
		cJSON_AddItemToArray(list, j);
	}
	return list;
}

static cJSON *kept_json(const struct calibrate *c)
{
	cJSON *list = cJSON_CreateArray();
	for (int k = 0; k < c->ngroups; k++)
		if (c->found.way[k] == AWARE_KEPT)
			cJSON_AddItemToArray(list, cJSON_CreateString(c->groups[k].name));
	return list;
}

static cJSON *flips_json(const struct calibrate *c)
{
	const struct verdict *v = &c->verdict;
	cJSON *list = cJSON_CreateArray();
	for (int64_t i = 0; i < v->nflips; i++) {
		cJSON *j = cJSON_CreateObject();
		cJSON_AddNumberToObject(j, "sample", (double)c->found.sample[v->flip[i].sample]);
		cJSON_AddNumberToObject(j, "label", (double)v->flip[i].label);
		cJSON_AddNumberToObject(j, "was", (double)v->flip[i].was);
		cJSON_AddNumberToObject(j, "is", (double)v->flip[i].is);
		cJSON_AddItemToArray(list, j);
	}
	return list;
}

static cJSON *worst_json(const struct calibrate *c)
{
	const struct verdict_group *g = c->verdict.group;
	cJSON *j = cJSON_CreateObject();
	if (!c->verdict.ngroups) {
		cJSON_Delete(j);
		return cJSON_CreateNull();
	}
	cJSON_AddNumberToObject(j, "class", (double)g->id);
	cJSON_AddNumberToObject(j, "samples", (double)g->samples);
	cJSON_AddItemToObject(j, "original", json_number(g->original));
	cJSON_AddItemToObject(j, "result", json_number(g->result));
	cJSON_AddItemToObject(j, "drop", json_number(g->drop));
	return j;
}

static void add_verdict(const struct calibrate *c, cJSON *j)
{
	const struct verdict *v = &c->verdict;
	cJSON_AddStringToObject(j, "metric", metric_name(v->metric));
	cJSON_AddItemToObject(j, "metric_original", json_number(c->found.original));
	cJSON_AddItemToObject(j, "metric_compressed", json_number(c->found.compressed));
	cJSON_AddItemToObject(j, "metric_result", json_number(c->found.result));
	cJSON_AddItemToObject(j, "drop", json_number(c->found.drop));
	cJSON_AddItemToObject(j, "drop_low", json_number(v->interval.low));
	cJSON_AddItemToObject(j, "drop_high", json_number(v->interval.high));
	cJSON_AddItemToObject(j, "max_drop", json_number(c->aware.max_drop));
	cJSON_AddStringToObject(j, "drop_type", c->drop_type);
	cJSON_AddBoolToObject(j, "verdict", v->ok);
	cJSON_AddItemToObject(j, "kept", kept_json(c));
	cJSON_AddNumberToObject(j, "samples_judged", (double)v->samples);
	cJSON_AddBoolToObject(j, "judged_on_calibration_samples", c->few_left && !c->test_data);
	cJSON_AddBoolToObject(j, "time_up", c->found.time_up);
	cJSON_AddNumberToObject(j, "evaluated", (double)c->found.evaluated);
	cJSON_AddNumberToObject(j, "lost", (double)v->lost);
	cJSON_AddNumberToObject(j, "gained", (double)v->gained);
	cJSON_AddNumberToObject(j, "not_finite", (double)v->not_finite);
	cJSON_AddItemToObject(j, "worst_class", worst_json(c));
	cJSON_AddItemToObject(j, "flips", flips_json(c));
	cJSON_AddItemToObject(j, "layers_found", groups_json(c));
}

static cJSON *report_json(const struct calibrate *c)
{
	cJSON *j = cJSON_CreateObject();
	if (c->judged)
		add_verdict(c, j);
	if (c->c) {
		const struct placement *p = calibration_placement(c->c);
		cJSON_AddNumberToObject(j, "layers", p->ngroups);
		cJSON_AddNumberToObject(j, "quantizers", p->nquantizers);
		cJSON_AddNumberToObject(j, "samples", (double)calibration_stats(c->c)->samples);
	}
	cJSON_AddNumberToObject(j, "seconds", c->seconds);
	return j;
}

int calibrate_tell(struct calibrate *c, struct err *err)
{
	int r = OK;
	if (c->judged && (!c->json || strcmp(c->json, "-")))
		r = print_verdict(c, err);
	if (!r && c->report)
		r = json_write(c->report, report_json(c), err);
	if (!r && c->json)
		r = json_write(c->json, report_json(c), err);
	return r;
}
