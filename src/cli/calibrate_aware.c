/* mo-calibrate: what holds a drop; the search and its verdict. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli/calibrate.h"
#include "cli/progress.h"
#include "quant/aware_int8.h"
#include "quant/command.h"

/* What the program of --metric-cmd says of a network. */
static int ask_command(void *user, struct graph *g, double *value, struct err *err)
{
	struct calibrate *c = user;
	struct verdict_names names = verdict_names(c->judge_source, NULL);
	struct command command = {.text = c->metric_cmd,
	    .samples = &c->judge_by,
	    .from = c->judge_from,
	    .pool = c->pool,
	    .names = &names,
	    .log = tool_log(c->p)};
	return command_value(&command, g, value, err);
}

int calibrate_limits(struct calibrate *c, struct err *err)
{
	struct aware_options *a = &c->aware;
	int status = metric_parse(c->metric, &a->metric, err);
	a->max_drop = INFINITY;
	if (!status && c->max_drop)
		status = c->metric_cmd ? drop_parse_own(c->max_drop, &a->max_drop, err)
				       : drop_parse(c->max_drop, &a->max_drop, err);
	if (c->metric_cmd) {
		a->metric = METRIC_COMMAND;
		a->command = ask_command;
	}
	if (status)
		return err_in(err, c->max_drop ? "--max-drop" : "--metric");
	double group;
	if (c->max_group_drop && drop_parse(c->max_group_drop, &group, err))
		return err_in(err, "--max-group-drop");
	if (strcmp(c->drop_type, "absolute") && strcmp(c->drop_type, "relative"))
		return fail(
		    err, E_USAGE, "--drop-type is absolute or relative, not '%s'", c->drop_type);
	if (strcmp(c->rank, "sqnr") && strcmp(c->rank, "metric"))
		return fail(err, E_USAGE, "--rank is sqnr or metric, not '%s'", c->rank);
	a->relative = !strcmp(c->drop_type, "relative");
	a->rank = strcmp(c->rank, "sqnr") ? AWARE_BY_METRIC : AWARE_BY_SQNR;
	a->nrank = c->rank_samples;
	a->cache_bytes = c->cache_mb << 20;
	a->seconds = isnan(c->time_budget) ? 0 : c->time_budget;
	a->log = tool_log(c->p);
	return OK;
}

/* ---- progress ---- */

static void step(void *user, const struct aware_step *s)
{
	static const char *const what[] = {"original", "all compressed", "ranked", "tuned",
	    "put back", "compressed again", "time is up", "verified"};
	struct calibrate *c = user;
	struct text t = {0};
	text_printf(&t, "%6.1f s  %s", s->seconds, what[s->event]);
	if (s->group)
		text_printf(&t, " '%s'", s->group);
	if (s->event == AWARE_RANKED)
		text_printf(
		    &t, " %d groups on %lld samples", s->groups - s->kept, (long long)s->samples);
	else if (s->event != AWARE_ORIGINAL)
		text_printf(&t, ": %d of %d in original precision", s->kept, s->groups);
	if (!isnan(s->value) && s->event != AWARE_RANKED)
		text_printf(&t, ", %s %.4f", metric_name(c->aware.metric), s->value);
	if (!isnan(s->drop) && s->event != AWARE_RANKED && s->event != AWARE_ORIGINAL)
		text_printf(&t, ", drop %.4f", s->drop);
	if (s->event >= AWARE_TUNED && isfinite(c->aware.max_drop))
		text_add(&t, s->held ? ": held" : ": not held yet");
	progress_clear();
	tool_say(c->p, "%s", t.data ? t.data : "");
	text_free(&t);
}

static void at(void *user, const char *what, int64_t done, int64_t of)
{
	struct calibrate *c = user;
	if (done)
		progress_at(&c->progress, done);
	else
		progress_start(&c->progress, c->p, what, of);
}

/* ---- the search ---- */

/* Answers at the places of their samples, as the verdict numbers them. */
static int scatter(struct calibrate *c, struct verdict_input *in, struct err *err)
{
	const struct aware_result *r = &c->found;
	size_t n = (size_t)c->judge_by.count + 1;
	struct answer *original = arena_array(c->arena, n, sizeof *original);
	struct answer *result = arena_array(c->arena, n, sizeof *result);
	int64_t *label = arena_array(c->arena, n, sizeof *label);
	if (!original || !result || !label)
		return fail_nomem(err);
	for (int64_t i = 0; i < r->n; i++) {
		original[r->sample[i]] = r->before[i];
		result[r->sample[i]] = r->after[i];
		label[r->sample[i]] = r->label[i];
	}
	in->n = c->judge_by.count;
	in->original = original;
	in->result = result;
	in->label = c->judge_by.labelled ? label : NULL;
	return OK;
}

static int judge(struct calibrate *c, struct graph *judged, struct err *err)
{
	struct verdict_input in = {.metric = c->aware.metric,
	    .groups = c->groups_file ? &c->sample_groups : NULL,
	    .max_drop = c->aware.max_drop,
	    .relative = c->aware.relative,
	    .max_group_drop = INFINITY,
	    .command_original = c->found.original,
	    .command_result = c->found.result};
	int r = scatter(c, &in, err);
	if (!r && c->max_group_drop && drop_parse(c->max_group_drop, &in.max_group_drop, err))
		r = err_in(err, "--max-group-drop");
	r = r ? r : verdict_make(&in, &c->verdict, err);
	return r ? r : verdict_find_layer(&c->verdict, c->base, judged, &c->judge_by, err);
}

/* The ways that an earlier run decided; NULL when none did. */
static int *decided(struct calibrate *c, const struct compression *k)
{
	int *way = arena_array(c->arena, (size_t)k->ngroups + 1, sizeof *way);
	bool all = way != NULL;
	for (int i = 0; i < k->ngroups && all; i++) {
		double gain;
		all = config_decided(c, k->group[i].name, &way[i], &gain) && way[i] >= AWARE_KEPT &&
		      way[i] < k->group[i].ways;
	}
	return all ? way : NULL;
}

/* Another size or time: another file. */
static void add_file(struct text *t, const char *path)
{
	struct stat st;
	if (path && !stat(path, &st))
		text_printf(t, " %lld:%lld.%09ld", (long long)st.st_size,
		    (long long)st.st_mtim.tv_sec, (long)st.st_mtim.tv_nsec);
}

int calibrate_memo(struct calibrate *c, struct err *err)
{
	struct text t = {0};
	cJSON *j = config_json(c, false);
	cJSON_DeleteItemFromObject(j, "output-dir");
	cJSON_DeleteItemFromObject(j, "model-name");
	char *options = j ? cJSON_PrintUnformatted(j) : NULL;
	text_printf(&t, "%s", options ? options : "");
	add_file(&t, c->model);
	for (int i = 0; i < c->data.n; i++)
		add_file(&t, c->data.v[i]);
	for (int i = 0; i < c->test_data.n; i++)
		add_file(&t, c->test_data.v[i]);
	add_file(&t, c->labels);
	add_file(&t, c->test_labels);
	for (size_t i = 0; i < t.len; i++)
		t.data[i] = t.data[i] == '\n' ? ' ' : t.data[i];
	int r = !options || t.failed ? fail_nomem(err)
				     : memo_open(c->state, t.data, &c->aware.memo, err);
	cJSON_free(options);
	cJSON_Delete(j);
	text_free(&t);
	if (!r && memo_found(c->aware.memo))
		tool_say(c->p, "'%s' holds %lld results of an interrupted run", c->state,
		    (long long)memo_found(c->aware.memo));
	return r;
}

int calibrate_search(struct calibrate *c, const struct compression *k, struct err *err)
{
	struct aware_options *a = &c->aware;
	a->samples = &c->judge_by;
	a->from = c->judge_from;
	a->rank_by = &c->rank_by;
	a->pool = c->pool;
	a->way = c->forced ? c->forced : decided(c, k);
	a->step = step;
	a->user = c;
	a->progress = (struct evaluate_progress){at, c};
	int r = aware_search(c->base, k, a, &c->found, err);
	c->compression = k;
	c->groups = k->group;
	c->ngroups = k->ngroups;
	c->result = c->found.graph;
	c->found.graph = NULL;
	r = r ? r : judge(c, c->result, err);
	c->judged = !r;
	return r;
}

/* What each layer saves, from an earlier or an interrupted run; false: not known. */
static bool known_gains(struct calibrate *c, double *gain)
{
	int n = calibration_ngroups(c->c), way;
	for (int k = 0; k < n; k++) {
		const char *name = calibration_group(c->c, k)->name;
		if (!config_decided(c, name, &way, &gain[k]) &&
		    !memo_get(c->aware.memo, name, &gain[k], 1))
			return false;
	}
	return true;
}

int calibrate_int8(struct calibrate *c, struct err *err)
{
	struct aware_int8 *a = arena_alloc(c->arena, sizeof *a);
	int n = calibration_ngroups(c->c);
	double *gain = arena_array(c->arena, (size_t)n + 1, sizeof *gain);
	int r = a && gain ? calibrate_memo(c, err) : fail_nomem(err);
	if (r)
		return r;
	bool known = known_gains(c, gain);
	r = aware_int8_new(a, c->c, c->g, &c->s, known ? gain : NULL, err);
	for (int k = 0; k < n && !r && !known; k++)
		r = memo_put(c->aware.memo, a->group[k].name, &a->group[k].gain, 1, err);
	a->c.changed = c->unpruned != NULL;
	return r ? r : calibrate_search(c, &a->c, err);
}
