/* Preprocessing of inputs becomes part of the network: parameter, reverse channels, minus mean,
 * over scale. */
#include <math.h>
#include <stdio.h>

#include "passes/rewrite.h"

/* The chain that grows behind one Parameter. */
struct chain {
	struct pass_ctx *c;
	const struct preprocess *p;
	struct node *input, *last;
	int64_t channels; /* -1: not known, one number serves them all */
};

static struct node *grow(
    struct chain *s, enum op_id id, const char *suffix, struct value *b, struct value *axis)
{
	struct value *in[] = {&s->last->out[0], b, axis};
	const char *name = name_with(s->input, s->input->name, suffix);
	struct node *n = name && b
			     ? graph_insert_after(b->node, op_row(id), name, in, axis ? 3 : 2, 1)
			     : NULL;
	if (!n) {
		fail_nomem(s->c->err);
		return NULL;
	}
	if (node_infer(n, s->c->err))
		return NULL;
	return s->last = n;
}

static int reverse(struct chain *s)
{
	if (s->channels < 1)
		return fail(s->c->err, E_USAGE,
		    "input '%s': its channels cannot be reversed, their number is not known",
		    s->input->name);
	int64_t *order = arena_array(s->c->scratch, s->channels, sizeof *order), axis;
	if (!order || s->channels > LIMIT_PORTS)
		return fail_nomem(s->c->err);
	for (int64_t i = 0; i < s->channels; i++)
		order[i] = s->channels - 1 - i;
	axis = s->p->channel_axis;
	struct node *at = s->last->next;
	const char *name = name_with(s->input, s->input->name, "/channel_order");
	const char *axis_name = name_with(s->input, s->input->name, "/channel_axis");
	struct node *k = add_ints(s->c, at, axis_name, -1, &axis);
	struct node *o = add_ints(s->c, at, name, (int)s->channels, order);
	if (!k || !o)
		return s->c->err->status;
	return grow(s, OP_GATHER, "/reverse_channels", &o->out[0], &k->out[0]) ? OK
									       : s->c->err->status;
}

static int check_count(struct chain *s, const char *what, int n)
{
	if (n == 1 || n == s->channels)
		return OK;
	return fail(s->c->err, E_USAGE, "input '%s' has %lld channels, but %d %s values are given",
	    s->input->name, (long long)s->channels, n, what);
}

/* Subtract or Divide with 1 or channels numbers. */
static int arithmetic(struct chain *s, enum op_id id, const char *what, int n, const double *x)
{
	const struct info *info = &s->input->out[0].info;
	if (check_count(s, what, n))
		return s->c->err->status;
	for (int i = 0; i < n; i++)
		if (!isfinite(x[i]) || (id == OP_DIVIDE && x[i] == 0))
			return fail(s->c->err, E_USAGE, "input '%s': %g is no %s value",
			    s->input->name, x[i], what);
	char suffix[32];
	snprintf(suffix, sizeof suffix, "/%s_values", what);
	const char *name = name_with(s->input, s->input->name, suffix);
	struct node *at = s->last->next;
	struct node *k = name && at ? add_channels(at, name, info->type, info->shape.rank,
					  n == 1 ? -1 : s->p->channel_axis, n, x)
				    : NULL;
	if (!k)
		return fail_nomem(s->c->err);
	snprintf(suffix, sizeof suffix, "/%s", what);
	return grow(s, id, suffix, &k->out[0], NULL) ? OK : s->c->err->status;
}

/* What read the Parameter before reads the chain's end. */
static void connect(struct chain *s, struct use **use, int n)
{
	for (int i = 0; i < n; i++)
		node_set_input(use[i]->node, use[i]->index, &s->last->out[0]);
}

static int check_input(struct chain *s)
{
	const struct info *info = &s->input->out[0].info;
	int axis = s->p->channel_axis;
	if (info->shape.rank <= axis || axis < 0)
		return fail(s->c->err, E_USAGE, "input '%s' has no dimension %d for channels",
		    s->input->name, axis);
	if ((s->p->nmean || s->p->nscale) && !dtype_is_float(info->type))
		return fail(s->c->err, E_USAGE,
		    "input '%s' is %s: mean and scale need a float input", s->input->name,
		    dtype_name(info->type));
	if (dim_static(info->shape.dim[axis]))
		s->channels = info->shape.dim[axis].min;
	return OK;
}

static int preprocess_input(struct pass_ctx *c, const struct preprocess *p)
{
	struct chain s = {.c = c, .p = p, .channels = -1};
	if (p->input < 0 || p->input >= c->graph->ninputs)
		return fail(c->err, E_USAGE, "the model has no input %d", p->input);
	s.input = s.last = c->graph->inputs[p->input];
	struct value *v = &s.input->out[0];
	int n = 0, e = check_input(&s);
	if (!e && !v->nuses)
		return 0;
	struct use **use = arena_array(c->scratch, v->nuses + 1, sizeof *use);
	if (!use)
		return fail_nomem(c->err);
	value_each_use (v, u)
		use[n++] = u;
	if (!e && p->reverse)
		e = reverse(&s);
	if (!e && p->nmean)
		e = arithmetic(&s, OP_SUBTRACT, "mean", p->nmean, p->mean);
	if (!e && p->nscale)
		e = arithmetic(&s, OP_DIVIDE, "scale", p->nscale, p->scale);
	if (!e)
		connect(&s, use, n);
	return e ? e : 1;
}

static int mean_scale(struct pass_ctx *c)
{
	int done = 0;
	if (c->graph->outer)
		return 0;
	for (int i = 0; i < c->options->npreprocess; i++) {
		int r = preprocess_input(c, &c->options->preprocess[i]);
		if (r < 0)
			return r;
		done += r;
	}
	return done;
}

const struct pass pass_mean_scale = {
    .name = "mean-scale",
    .about = "put reversal of channels, mean and scale behind the inputs (--mean-values, ...)",
    .needs = FACT_ORDER | FACT_SHAPES,
    .optional_off = true,
    .run = mean_scale,
};
