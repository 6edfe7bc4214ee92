/* What mo writes: the IR, and the files beside it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/convert.h"
#include "formats/ir.h"

/* Opened before the work and filled after the IR is written, so that a folder that cannot be
 * written fails before anything appears. */
static int open_early(const char *path, struct output **out, struct err *err)
{
	return path && strcmp(path, "-") ? output_open(path, out, err) : OK;
}

static int finish_early(struct output *o, const char *text, struct err *err)
{
	int r = output_write(o, text, strlen(text), err);
	r = r ? r : output_close(o, err);
	if (!r)
		return output_rename(o, err);
	output_abort(o);
	return r;
}

static int write_depfile(struct convert *c, struct output *o, struct err *err)
{
	struct text t = {0};
	const char *target[] = {c->xml, c->bin};
	const char **source = arena_array(c->arena, c->depends.n + 1, sizeof *source);
	int r = OK;
	if (!source) {
		output_abort(o);
		return fail_nomem(err);
	}
	source[0] = c->path;
	for (int i = 0; i < c->depends.n; i++)
		source[i + 1] = c->depends.v[i];
	depfile_text(&t, target, 2, source, c->depends.n + 1);
	if (!o)
		fputs(t.data ? t.data : "", stdout);
	else
		r = finish_early(o, t.data ? t.data : "", err);
	text_free(&t);
	return r;
}

static int write_report(struct convert *c, struct output *o, struct err *err)
{
	cJSON *j = convert_report(c);
	char *json = j ? cJSON_Print(j) : NULL;
	struct text t = {0};
	int r = OK;
	text_printf(&t, "%s\n", json ? json : "");
	cJSON_free(json);
	cJSON_Delete(j);
	if (!json || t.failed)
		r = fail_nomem(err);
	if (r)
		output_abort(o);
	else if (o)
		r = finish_early(o, t.data, err);
	else
		fputs(t.data, stdout);
	text_free(&t);
	return r;
}

static int prune_meta(const struct convert *c, struct meta *m, int n)
{
	const struct prune_args *a = &c->prune_args;
	m[n++] = (struct meta){.key = "prune", .value = a->what};
	if (a->criterion)
		m[n++] = (struct meta){.key = "prune_criterion", .value = a->criterion};
	if (a->scope)
		m[n++] = (struct meta){.key = "prune_scope", .value = a->scope};
	if (a->exact_ratio)
		m[n++] = (struct meta){.key = "exact_ratio", .value = "true"};
	return n;
}

/* What may change the result, for the IR's record; no paths, no times. */
static const struct meta *parameters(struct convert *c)
{
	const struct {
		const char *key;
		const struct list *list;
	} lists[] = {{"input_shape", &c->shapes}, {"layout", &c->layouts},
	    {"mean_values", &c->means}, {"scale_values", &c->scales}, {"freeze", &c->freezes},
	    {"cut_inputs", &c->cut_inputs}, {"cut_outputs", &c->cut_outputs},
	    {"keep_fp32", &c->keep_fp32}, {"disable_pass", &c->disabled}};
	struct meta *m = arena_array(c->arena, 24, sizeof *m);
	char buf[NUMBER_MAX];
	int n = 0;
	if (!m)
		return NULL;
	m[n++] = (struct meta){.key = "precision", .value = c->fp16 ? "fp16" : "fp32"};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		struct text t = {0};
		for (int k = 0; k < lists[i].list->n; k++)
			text_printf(&t, "%s%s", k ? ";" : "", lists[i].list->v[k]);
		if (t.data)
			m[n++] = (struct meta){
			    .key = lists[i].key, .value = arena_str(c->arena, t.data)};
		text_free(&t);
	}
	if (c->batch)
		m[n++] = (struct meta){
		    .key = "batch", .value = arena_printf(c->arena, "%lld", (long long)c->batch)};
	if (!isnan(c->scale))
		m[n++] = (struct meta){
		    .key = "scale", .value = arena_str(c->arena, number_f64(buf, c->scale))};
	if (c->prune_args.what)
		n = prune_meta(c, m, n);
	if (c->reverse)
		m[n++] = (struct meta){.key = "reverse_input_channels", .value = "true"};
	for (int i = 0; i + 1 < n; i++)
		m[i].next = &m[i + 1];
	return m;
}

static int write_ir(struct convert *c, struct err *err)
{
	struct ir_written w = {0};
	struct ir_write_options o = {
	    .version = c->ir_version, .parameters = parameters(c), .written = &w};
	int r = ir_write(c->g, c->xml, c->bin, &o, err);
	if (r)
		return r;
	c->after.bytes = w.xml_bytes + w.bin_bytes;
	tool_say(c->p, "wrote '%s': %d layers, was %d", c->xml, c->after.layers, c->before.layers);
	tool_say(c->p, "wrote '%s': %lld bytes", c->bin, (long long)w.bin_bytes);
	return OK;
}

int convert_open(struct convert *c, struct extras *x, struct err *err)
{
	int r = open_early(c->depfile, &x->dep, err);
	r = r ? r : open_early(c->report, &x->report, err);
	return r ? r : open_early(c->json, &x->json, err);
}

void convert_abort(struct extras *x)
{
	output_abort(x->dep);
	output_abort(x->report);
	output_abort(x->json);
}

/* Finishing takes an output, also when it fails. */
static struct output *take(struct output **o)
{
	struct output *was = *o;
	*o = NULL;
	return was;
}

int convert_write(struct convert *c, struct extras *x, struct err *err)
{
	int r = c->differs ? OK : write_ir(c, err);
	if (!r && c->depfile && !c->differs)
		r = write_depfile(c, take(&x->dep), err);
	if (!r && c->report)
		r = write_report(c, take(&x->report), err);
	if (!r && c->json)
		r = write_report(c, take(&x->json), err);
	return r;
}
