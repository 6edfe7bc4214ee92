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

/* As a shell reads it. */
static void print_quoted(const char *s)
{
	putchar('\'');
	for (; *s; s++)
		if (*s == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*s);
	putchar('\'');
}

/* What the verdict's samples had to do with the search. */
static void print_ranking(const struct calibrate *c)
{
	const struct aware_result *f = &c->found;
	if (f->nranked_judged)
		printf(
		    "ranked on %" PRId64 " of the %" PRId64 " samples judged by", f->nranked, f->n);
	else
		printf("ranked on %" PRId64 " samples of the calibration, judged on %" PRId64
		       " others",
		    f->nranked, f->n);
	printf("; put back as all of these said: on other samples the drop may be a little more\n");
}

static void print_groups(const struct calibrate *c)
{
	printf("\n%9s %10s %8s  %-16s %s\n", "SQNR dB", "regained", c->unit, "decision", "layer");
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
	print_ranking(c);
	if (!c->found.nkept)
		return;
	printf("to keep the same ones:");
	for (int k = 0; k < c->ngroups; k++)
		if (c->found.way[k] == AWARE_KEPT) {
			fputs(" --ignore ", stdout);
			print_quoted(c->groups[k].name);
		}
	putchar('\n');
}

static int print_verdict(const struct calibrate *c, struct err *err)
{
	struct text t = {0};
	struct verdict_names names = verdict_names(c->judge_source, &c->sample_groups);
	verdict_text(&t, &c->verdict, &names, FLIPS_SHOWN);
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
		cJSON_AddItemToObject(j, "saves", json_number(c->groups[k].gain));
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

static cJSON *found_json(const struct calibrate *c)
{
	struct verdict_names names = verdict_names(c->judge_source, &c->sample_groups);
	cJSON *j = verdict_json(&c->verdict, &names);
	cJSON_AddItemToObject(j, "metric_compressed", json_number(c->found.compressed));
	cJSON_AddItemToObject(j, "kept", kept_json(c));
	cJSON_AddBoolToObject(j, "judged_on_calibration_samples", c->few_left && !c->test_data.n);
	cJSON_AddNumberToObject(j, "ranking_samples", (double)c->found.nranked);
	cJSON_AddNumberToObject(j, "ranking_samples_judged", (double)c->found.nranked_judged);
	cJSON_AddNumberToObject(j, "judging_samples", (double)c->found.n);
	cJSON_AddBoolToObject(j, "time_up", c->found.time_up);
	cJSON_AddNumberToObject(j, "evaluated", (double)c->found.evaluated);
	cJSON_AddItemToObject(j, "layers_found", groups_json(c));
	return j;
}

static cJSON *smoothed_json(const struct smooth *s)
{
	cJSON *list = cJSON_CreateArray();
	for (int i = 0; i < s->n; i++) {
		if (!s->site[i].after)
			continue;
		cJSON *j = cJSON_CreateObject();
		cJSON_AddStringToObject(j, "value", s->site[i].value);
		cJSON_AddNumberToObject(j, "alpha", s->site[i].alpha);
		cJSON_AddItemToArray(list, j);
	}
	return list;
}

static cJSON *report_json(const struct calibrate *c)
{
	cJSON *j = c->judged ? found_json(c) : cJSON_CreateObject();
	if (c->c) {
		const struct placement *p = calibration_placement(c->c);
		cJSON_AddNumberToObject(j, "layers", p->ngroups);
		cJSON_AddNumberToObject(j, "quantizers", p->nquantizers);
		cJSON_AddItemToObject(j, "left_alone", calibrate_skipped_json(c));
		cJSON_AddItemToObject(j, "smoothed", smoothed_json(calibration_smooth(c->c)));
		cJSON_AddNumberToObject(
		    j, "calibration_samples", (double)calibration_stats(c->c)->samples);
	}
	if (c->ignored_json)
		cJSON_AddItemReferenceToObject(j, "ignored", c->ignored_json);
	if (c->rows)
		cJSON_AddItemReferenceToObject(j, "table", c->rows);
	if (c->pruned)
		cJSON_AddItemToObject(j, "pruned", calibrate_pruned_json(c));
	cJSON_AddNumberToObject(j, "unreadable", (double)calibrate_unreadable(c));
	cJSON *bytes = cJSON_AddObjectToObject(j, "bytes");
	cJSON_AddNumberToObject(bytes, "xml", (double)c->xml_bytes);
	cJSON_AddNumberToObject(bytes, "bin", (double)c->bin_bytes);
	cJSON_AddNumberToObject(j, "seconds", c->seconds);
	cJSON_AddItemToObject(j, "stage_seconds", stages_json(&c->stages));
	return j;
}

int calibrate_tell(struct calibrate *c, struct err *err)
{
	int r = OK;
	struct log log = tool_log(c->p);
	stages_say(&c->stages, &log);
	if (calibrate_unreadable(c))
		log_say(&log, LOG_WARN, "%" PRId64 " samples cannot be read and do not count",
		    calibrate_unreadable(c));
	if (c->judged && (!c->json || strcmp(c->json, "-")))
		r = print_verdict(c, err);
	if (!r && c->report)
		r = json_write(c->report, report_json(c), err);
	if (!r && c->json)
		r = json_write(c->json, report_json(c), err);
	return r;
}
