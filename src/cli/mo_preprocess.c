/* mo's preprocessing options: reversed channels, mean and scale of the inputs. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "cli/convert.h"
#include "base/words.h"

static struct preprocess *entry(struct convert *c, int input)
{
	for (int i = 0; i < c->npreprocess; i++)
		if (c->preprocess[i].input == input)
			return &c->preprocess[i];
	const char *l = c->layout[input].to, *at = l ? strchr(l, 'c') : NULL;
	struct preprocess *p = &c->preprocess[c->npreprocess++];
	*p = (struct preprocess){.input = input, .channel_axis = at ? at - l : 1};
	return p;
}

static const struct info *info(const struct convert *c, int input)
{
	return &c->g->inputs[input]->out[0].info;
}

/* Channels of the input when known, -1 else; E_USAGE when there is no channel dim. */
static int channels(
    const struct convert *c, const struct preprocess *p, int64_t *n, struct err *err)
{
	const struct shape *s = &info(c, p->input)->shape;
	if (s->rank >= 0 && p->channel_axis >= s->rank)
		return fail(err, E_USAGE, "input '%s' has no dim %d for channels",
		    value_name(&c->g->inputs[p->input]->out[0]), p->channel_axis);
	*n = s->rank >= 0 && dim_static(s->dim[p->channel_axis]) ? s->dim[p->channel_axis].min : -1;
	return OK;
}

static int check_count(const struct convert *c, const struct preprocess *p, int n, struct err *err)
{
	int64_t have;
	int r = n > 1 ? channels(c, p, &have, err) : OK;
	if (r || n <= 1 || have < 0 || have == n)
		return r;
	return fail(err, E_USAGE,
	    "input '%s' has %lld channels along axis %d, %d values are given (see --layout)",
	    value_name(&c->g->inputs[p->input]->out[0]), (long long)have, p->channel_axis, n);
}

static int set_values(struct convert *c, int input, bool mean, const char *text, struct err *err)
{
	double *v;
	int n, r = words_numbers(c->arena, text, &v, &n, err);
	if (r)
		return r;
	if (!dtype_is_float(info(c, input)->type))
		return fail(err, E_USAGE,
		    "input '%s' is of type %s, means and scales are for floats",
		    value_name(&c->g->inputs[input]->out[0]), dtype_name(info(c, input)->type));
	struct preprocess *p = entry(c, input);
	for (int i = 0; i < n && !mean; i++)
		if ((float)v[i] == 0)
			return fail(err, E_USAGE, "a scale of %g", v[i]);
	*(mean ? &p->nmean : &p->nscale) = n;
	*(mean ? &p->mean : &p->scale) = v;
	return check_count(c, p, n, err);
}

/* Does the text name inputs, or hold brackets, rather than plain numbers "1,2,3"? */
static bool has_brackets(const char *text)
{
	return strpbrk(text, "[(") != NULL;
}

static int apply_values(struct convert *c, const struct list *texts, bool mean, struct err *err)
{
	for (int i = 0; i < texts->n; i++) {
		struct word *w;
		int n, k, r = OK;
		if (!has_brackets(texts->v[i])) {
			r = c->g->ninputs > i ? set_values(c, i, mean, texts->v[i], err)
					      : fail(err, E_USAGE, "more lists than inputs");
			if (r)
				return err_in(err, "--%s-values", mean ? "mean" : "scale");
			continue;
		}
		r = words_split(c->arena, texts->v[i], &w, &n, err);
		for (int j = 0; j < n && !r; j++) {
			k = *w[j].name ? graph_find_input(c->g, w[j].name) : i + j;
			if (k < 0 || k >= c->g->ninputs)
				r = fail(err, E_USAGE, "no input named '%s'", w[j].name);
			else
				r = set_values(c, k, mean, w[j].value ? w[j].value : "", err);
		}
		if (r)
			return err_in(err, "--%s-values", mean ? "mean" : "scale");
	}
	return OK;
}

/* --scale is for every float input of pictures. */
static int apply_scale(struct convert *c, struct err *err)
{
	double *v = arena_alloc(c->arena, sizeof *v);
	if (!v)
		return fail_nomem(err);
	if ((float)c->scale == 0)
		return fail(err, E_USAGE, "--scale: a scale of %g", c->scale);
	if (c->scales.n)
		return fail(err, E_USAGE, "--scale and --scale-values do not go together");
	*v = c->scale;
	for (int k = 0; k < c->g->ninputs; k++) {
		struct preprocess *p;
		if (!dtype_is_float(info(c, k)->type))
			continue;
		p = entry(c, k);
		p->scale = v;
		p->nscale = 1;
	}
	return OK;
}

/* Inputs of pictures with more than one channel. */
static int apply_reverse(struct convert *c, struct err *err)
{
	bool any = false;
	for (int k = 0; k < c->g->ninputs; k++) {
		const struct shape *s = &info(c, k)->shape;
		bool pictures = s->rank == 4 || (c->layout[k].to && strchr(c->layout[k].to, 'c'));
		int64_t n;
		if (!pictures && c->g->ninputs > 1)
			continue;
		struct preprocess *p = entry(c, k);
		int r = channels(c, p, &n, err);
		if (r)
			return r;
		p->reverse = n != 1;
		any |= p->reverse;
	}
	return any ? OK
		   : fail(err, E_USAGE, "--reverse-input-channels: no input has several channels");
}

static void add_values(struct text *t, const char *what, int n, const double *v)
{
	char buf[NUMBER_MAX];
	if (n)
		text_printf(t, ", %s", what);
	for (int i = 0; i < n; i++)
		text_printf(t, " %s", number_f64(buf, v[i]));
}

static void echo(const struct convert *c)
{
	for (int i = 0; i < c->npreprocess; i++) {
		const struct preprocess *p = &c->preprocess[i];
		struct text t = {0};
		if (p->reverse)
			text_add(&t, ", reversed channels");
		add_values(&t, "minus mean", p->nmean, p->mean);
		add_values(&t, "divided by", p->nscale, p->scale);
		tool_say(c->p, "input '%s'%s, channels along axis %d",
		    value_name(&c->g->inputs[p->input]->out[0]), t.data ? t.data : "",
		    p->channel_axis);
		text_free(&t);
	}
}

int convert_preprocess(struct convert *c, struct err *err)
{
	c->preprocess = arena_array(c->arena, c->g->ninputs, sizeof *c->preprocess);
	if (!c->preprocess)
		return fail_nomem(err);
	int r = c->reverse ? apply_reverse(c, err) : OK;
	r = r ? r : apply_values(c, &c->means, true, err);
	r = r ? r : apply_values(c, &c->scales, false, err);
	if (!r && !isnan(c->scale))
		r = apply_scale(c, err);
	if (!r)
		echo(c);
	return r;
}

int convert_feed(const struct convert *c, int input, struct tensor *t, struct err *err)
{
	const struct preprocess *p = NULL;
	struct tensor raw;
	for (int i = 0; i < c->npreprocess; i++)
		if (c->preprocess[i].input == input)
			p = &c->preprocess[i];
	if (!p)
		return OK;
	int r = tensor_clone(&raw, t, err);
	if (r)
		return r;
	int64_t n = t->dim[p->channel_axis], inner = 1, count = tensor_count(t);
	for (int i = p->channel_axis + 1; i < t->rank; i++)
		inner *= t->dim[i];
	for (int64_t i = 0; i < count; i++) {
		int64_t k = i / inner % n, from = p->reverse ? i + (n - 1 - 2 * k) * inner : i;
		double v = tensor_f64(&raw, from);
		if (p->nmean)
			v -= p->mean[p->nmean > 1 ? k : 0];
		if (p->nscale)
			v /= p->scale[p->nscale > 1 ? k : 0];
		tensor_set_f64(t, i, v);
	}
	tensor_free(&raw);
	return OK;
}
