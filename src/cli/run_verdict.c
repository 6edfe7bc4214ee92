/* mo-run --compare on samples: what the other network loses, sample by sample. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/stream.h"
#include "cli/verdict.h"
#include "quant/choice.h"
#include "quant/command.h"

#define FLIPS_SHOWN 20

struct judge {
	struct stream s;
	struct verdict_input in;
	struct answer *original, *result;
	int64_t *label;
	struct arena *arena;
	struct groups groups;
	struct outputs *files[2]; /* for --metric-cmd: of the reference and of the network */
};

static int take_both(struct stream *s, int64_t sample, int64_t label, const struct sample_view *got,
    const struct sample_view *want, struct err *err)
{
	struct judge *j = s->user;
	char buf[DATASET_NAME];
	const char *name = source_name(s->source, sample, buf);
	int r = answer_take(got, want, label, &j->result[sample], err);
	j->label[sample] = label;
	r = r ? r : answer_take(want, NULL, label, &j->original[sample], err);
	for (int k = 0; k < 2 && j->files[k] && !r; k++)
		r = outputs_add(j->files[k], k ? got : want, sample, name, label, err);
	return r;
}

/* Runs the program of --metric-cmd on both. */
static int ask_command(struct judge *j, struct err *err)
{
	double *to[] = {&j->in.command_original, &j->in.command_result};
	int s = OK;
	for (int k = 0; k < 2 && j->files[k] && !s; k++)
		s = outputs_metric(j->files[k], j->s.r->metric_cmd, to[k], err);
	return s;
}

static int read_limits(struct judge *j, const struct run *r, struct err *err)
{
	struct verdict_input *in = &j->in;
	in->max_drop = in->max_group_drop = INFINITY;
	if (r->drop_type && strcmp(r->drop_type, "absolute") && strcmp(r->drop_type, "relative"))
		return fail(
		    err, E_USAGE, "--drop-type is absolute or relative, not '%s'", r->drop_type);
	in->relative = r->drop_type && !strcmp(r->drop_type, "relative");
	int (*parse)(const char *, double *, struct err *) = r->metric_cmd ? drop_parse_own
									   : drop_parse;
	if (r->max_drop && parse(r->max_drop, &in->max_drop, err))
		return err_in(err, "--max-drop");
	if (r->max_group_drop && drop_parse(r->max_group_drop, &in->max_group_drop, err))
		return err_in(err, "--max-group-drop");
	return OK;
}

static int prepare(struct judge *j, const struct run *r, struct err *err)
{
	int64_t n = j->s.samples.count;
	bool labelled = j->s.samples.labelled;
	j->in.metric = labelled ? METRIC_TOP1 : METRIC_COSINE;
	j->original = calloc((size_t)n, sizeof *j->original);
	j->result = calloc((size_t)n, sizeof *j->result);
	j->label = calloc((size_t)n, sizeof *j->label);
	j->arena = arena_new();
	if (!j->original || !j->result || !j->label || !j->arena)
		return fail_nomem(err);
	int s = r->metric ? metric_parse(r->metric, &j->in.metric, err) : OK;
	if (!s && metric_needs_labels(j->in.metric) && !labelled)
		s = fail(err, E_USAGE, "'%s' holds no labels for the metric %s: give --labels",
		    r->data.v[0], metric_name(j->in.metric));
	if (!s && r->groups) {
		s = verdict_groups(r->groups, j->s.source, j->arena, &j->groups, err);
		j->in.groups = &j->groups;
	}
	for (int k = 0; k < 2 && r->metric_cmd && !s; k++) {
		j->in.metric = METRIC_COMMAND;
		s = outputs_new(k ? r->g->noutputs : j->s.reference->noutputs, &j->files[k], err);
	}
	j->in.n = n;
	j->in.original = j->original;
	j->in.result = j->result;
	j->in.label = labelled ? j->label : NULL;
	return s;
}

static int tell(struct judge *j, const struct verdict *v, struct err *err)
{
	const struct run *r = j->s.r;
	struct verdict_names names = verdict_names(j->s.source, j->in.groups);
	struct text t = {0};
	if (!r->json || strcmp(r->json, "-")) {
		verdict_text(&t, v, &names, FLIPS_SHOWN);
		fputs(t.data && !t.failed ? t.data : "", stdout);
	}
	bool failed = t.failed;
	text_free(&t);
	if (failed)
		return fail_nomem(err);
	if (!r->json)
		return OK;
	cJSON *json = verdict_json(v, &names);
	cJSON_AddNumberToObject(json, "unreadable", (double)source_unreadable(j->s.source));
	return json_write(r->json, json, err);
}

static int judge(struct judge *j, int *code, struct err *err)
{
	struct verdict v;
	int s = ask_command(j, err);
	s = s ? s : verdict_make(&j->in, &v, err);
	if (s)
		return s;
	s = verdict_find_layer(&v, j->s.reference, j->s.r->g, &j->s.samples, err);
	s = s ? s : tell(j, &v, err);
	*code = v.ok ? 0 : 3;
	verdict_free(&v);
	return s;
}

/* Distances are told where detectors have not chosen yet: *out is that part of g, or NULL. */
static int before_choice(const struct run *r, struct graph *g, struct graph **out, struct err *err)
{
	enum metric m = METRIC_COSINE;
	*out = NULL;
	if (r->metric_cmd)
		return OK;
	int s = r->metric ? metric_parse(r->metric, &m, err) : OK;
	return s || !metric_needs_original(m) ? s : choice_before(g, out, err);
}

/* The part of both networks that is compared; the whole ones stay the caller's. */
static int judge_parts(struct judge *j, struct run *r, int *verdict, struct err *err)
{
	struct graph *whole[2] = {r->g, j->s.reference}, *part[2] = {NULL, NULL};
	int s = before_choice(r, r->g, &part[0], err);
	s = s ? s : before_choice(r, j->s.reference, &part[1], err);
	r->g = part[0] ? part[0] : whole[0];
	j->s.reference = part[1] ? part[1] : whole[1];
	s = s ? s : stream_open(&j->s, r, r->data.v, r->data.n, err);
	s = s ? s : prepare(j, r, err);
	s = s ? s : stream_run(&j->s, err);
	s = s ? s : judge(j, verdict, err);
	stream_close(&j->s);
	r->g = whole[0];
	j->s.reference = whole[1];
	graph_free(part[0]);
	graph_free(part[1]);
	return s;
}

int run_verdict(struct run *r, int *verdict, struct err *err)
{
	struct judge j = {.s = {.answer = take_both}};
	j.s.user = &j;
	int s = read_limits(&j, r, err);
	if (s)
		return s;
	s = run_load(r, r->compare, &j.s.reference, err);
	s = s ? s : judge_parts(&j, r, verdict, err);
	graph_free(j.s.reference);
	free(j.original);
	free(j.result);
	free(j.label);
	arena_free(j.arena);
	outputs_free(j.files[0]);
	outputs_free(j.files[1]);
	return s;
}
