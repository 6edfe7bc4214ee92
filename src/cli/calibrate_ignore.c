/* mo-calibrate --ignore: which layers stay as they are, and how that is told. */
#include <string.h>

#include "base/text.h"
#include "cli/calibrate.h"
#include "passes/pick.h"
#include "passes/rewrite.h"

static int tell_one(const struct calibrate *c, const struct picked *p, struct err *err)
{
	struct text t = {0};
	text_printf(&t, "--ignore '%s': %d layer%s:", p->text, p->n, p->n > 1 ? "s" : "");
	for (int i = 0; i < p->n; i++)
		text_printf(&t, "%s '%s'", i ? "," : "", p->node[i]->name);
	int status = t.failed ? fail_nomem(err) : OK;
	if (!status)
		tool_say(c->p, "%s", t.data);
	text_free(&t);
	return status;
}

/* Constants are meant only where they are named one by one. */
static void drop_constants(struct picked *p)
{
	int n = 0, all = p->n;
	for (int i = 0; i < all; i++)
		if (!node_is(p->node[i], OP_CONST) && !node_is(p->node[i], OP_RESULT))
			p->node[n++] = p->node[i];
	p->n = n ? n : all;
}

static bool add_names(struct calibrate *c, const struct picked *p)
{
	int n = c->o.nignored;
	const char **all = arena_array(c->arena, (size_t)(n + p->n) + 1, sizeof *all);
	for (int i = 0; all && i < n; i++)
		all[i] = c->o.ignored[i];
	for (int i = 0; all && i < p->n; i++)
		all[n++] = arena_str(c->arena, p->node[i]->name);
	c->o.ignored = all;
	c->o.nignored = n;
	return all && (!p->n || all[n - 1]);
}

static int json_add(struct calibrate *c, const struct picked *p, struct err *err)
{
	cJSON *j = cJSON_CreateObject(), *layers = cJSON_CreateArray();
	if (!c->ignored_json)
		c->ignored_json = cJSON_CreateArray();
	cJSON_AddStringToObject(j, "by", p->text);
	for (int i = 0; i < p->n; i++)
		cJSON_AddItemToArray(layers, cJSON_CreateString(p->node[i]->name));
	cJSON_AddItemToObject(j, "layers", layers);
	return c->ignored_json && cJSON_AddItemToArray(c->ignored_json, j) ? OK : fail_nomem(err);
}

/* The layer whose name is closest to what names none. */
static void suggest(const struct calibrate *c, struct graph *g, const char *text, struct err *err)
{
	int n = 0;
	const char **word = arena_array(c->arena, (size_t)g->nnodes + 1, sizeof *word);
	graph_each (g, m)
		if (word && !node_is(m, OP_CONST))
			word[n++] = m->name;
	const char *near = word ? nearest_word(text, word, n) : NULL;
	if (near)
		fail(err, E_USAGE, "'%s' is no layer's name or type, did you mean '%s'?", text,
		    near);
}

static bool is_several(const char *s)
{
	return strstr(s, "..") || (s[0] == '/' && s[1] && s[strlen(s) - 1] == '/');
}

int calibrate_ignore(struct calibrate *c, struct graph *g, struct err *err)
{
	int status = OK;
	c->o.ignored = NULL;
	c->o.nignored = 0;
	for (int i = 0; i < c->ignored.n && !status; i++) {
		struct picked p;
		if ((status = pick_layers(g, c->ignored.v[i], c->arena, &p, err))) {
			if (status == E_USAGE && !is_several(c->ignored.v[i]))
				suggest(c, g, c->ignored.v[i], err);
			return err_in(err, "--ignore");
		}
		drop_constants(&p);
		status = tell_one(c, &p, err);
		status = status ? status : json_add(c, &p, err);
		if (!status && !add_names(c, &p))
			status = fail_nomem(err);
	}
	return status;
}

/* ---- what is better left alone ---- */

int calibrate_skipped(const struct calibrate *c, struct err *err)
{
	const struct placement *p = calibration_placement(c->c);
	int status = OK;
	for (int why = SKIP_HEAD; why <= SKIP_ALONE && !status; why++) {
		struct text t = {0};
		for (int i = 0; i < p->nskipped; i++)
			if ((int)p->skipped[i].why == why)
				text_printf(&t, "%s'%s'", t.len ? ", " : "", p->skipped[i].name);
		status = t.failed ? fail_nomem(err) : OK;
		if (!status && t.len)
			tool_say(c->p, "left alone, since %s: %s",
			    quantize_skip_reason((enum quantize_skip)why), t.data);
		text_free(&t);
	}
	return status;
}

cJSON *calibrate_skipped_json(const struct calibrate *c)
{
	const struct placement *p = calibration_placement(c->c);
	cJSON *list = cJSON_CreateArray();
	for (int i = 0; i < p->nskipped; i++) {
		cJSON *j = cJSON_CreateObject();
		cJSON_AddStringToObject(j, "layer", p->skipped[i].name);
		cJSON_AddStringToObject(j, "reason", quantize_skip_reason(p->skipped[i].why));
		cJSON_AddItemToArray(list, j);
	}
	return list;
}
