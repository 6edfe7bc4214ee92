/* LSTM, GRU and RNN as the sequence layers of the IR, which put the batch first; what these cannot
 * express is written out as a body. */
#include "formats/onnx_recurrent.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- what the node asks for ---- */

static void read_direction(struct tr *t, struct cell *c)
{
	const char *s = tr_str(t, "direction", "forward");
	if (!strcmp(s, "foward")) /* so spelt by version 1 of GRU */
		s = "forward";
	if (strcmp(s, "forward") && strcmp(s, "reverse") && strcmp(s, "bidirectional"))
		tr_fail(t, E_FORMAT, "attribute 'direction' is '%s'", s);
	c->direction = s;
	c->dirs = !strcmp(s, "bidirectional") ? 2 : 1;
}

static void read_weights(struct tr *t, struct cell *c)
{
	c->w = tr_in(t, 1);
	c->r = tr_in(t, 2);
	int64_t seen = tr_dim(c->r, 2);
	c->hidden = tr_int(t, "hidden_size", seen);
	if (t->status != OK)
		return;
	if (c->hidden < 1 || c->hidden > INT32_MAX)
		tr_fail(t, E_UNSUPPORTED, "the hidden size is not known, or too large");
	if (seen >= 0 && seen != c->hidden)
		tr_fail(t, E_FORMAT, "attribute 'hidden_size' is %lld, the weights have %lld",
		    (long long)c->hidden, (long long)seen);
	c->b = tr_given(t, 3) ? t->in[3] : NULL;
}

/* An initial state as [batch, dirs, hidden]; zeros when not given. */
static struct value *initial_state(struct tr *t, const struct cell *c, int input)
{
	if (tr_given(t, input))
		return c->batch_first ? t->in[input]
				      : tr_transpose(t, t->in[input], 3, (int64_t[]){1, 0, 2});
	struct value *batch = tr_gather(t, tr_shape_of(t, c->x), tr_i64_1(t, 0), 0);
	struct value *dims[] = {batch, tr_i64(t, 2, (int64_t[]){c->dirs, c->hidden})};
	return tr_broadcast(t, tr_number_of(t, c->x, 0), tr_concat(t, 0, dims, 2));
}

static void read_inputs(struct tr *t, struct cell *c)
{
	read_weights(t, c);
	c->batch_first = tr_bool(t, "layout", false);
	tr_ignore(t, "output_sequence"); /* which outputs are asked for says it */
	c->x = tr_in(t, 0);
	struct value *dims = tr_shape_of(t, c->x);
	struct value *time = tr_gather(t, dims, tr_scalar_i64(t, c->batch_first ? 1 : 0), 0);
	struct value *batch = tr_gather(t, dims, tr_i64_1(t, c->batch_first ? 0 : 1), 0);
	if (!c->batch_first)
		c->x = tr_transpose(t, c->x, 3, (int64_t[]){1, 0, 2});
	c->ragged = tr_given(t, 4);
	c->lengths = c->ragged ? t->in[4] : tr_broadcast(t, time, batch);
	for (int i = 0; i < c->states; i++)
		c->state[i] = initial_state(t, c, 5 + i);
}

/* In the order of enum activation_kind, with how many of alpha and beta each takes. */
static const struct known_activation {
	const char *name;
	double alpha, beta;
	int takes;
} known[] = {{"affine", 1, 0, 2}, {"elu", 1, 0, 1}, {"hardsigmoid", (double)0.2f, 0.5, 2},
    {"leakyrelu", (double)0.01f, 0, 1}, {"relu", 0, 0, 0}, {"scaledtanh", 1, 1, 2},
    {"sigmoid", 0, 0, 0}, {"softplus", 0, 0, 0}, {"softsign", 0, 0, 0}, {"tanh", 0, 0, 0},
    {"thresholdedrelu", 1, 0, 1}};

/* Parameters of activations, used up in the order of those that take them. */
struct parameters {
	int nalpha, nbeta;
	const float *alpha, *beta;
};

static void read_activation(
    struct tr *t, const char *name, struct parameters *p, struct activation *a)
{
	size_t k = 0;
	while (k < sizeof known / sizeof *known && strcasecmp(known[k].name, name))
		k++;
	if (k == sizeof known / sizeof *known) {
		tr_fail(t, E_UNSUPPORTED, "activation '%s'", name);
		return;
	}
	*a = (struct activation){(enum activation_kind)k, known[k].alpha, known[k].beta};
	if (known[k].takes > 0 && p->nalpha > 0) {
		a->alpha = (double)*p->alpha++;
		p->nalpha--;
	}
	if (known[k].takes > 1 && p->nbeta > 0) {
		a->beta = (double)*p->beta++;
		p->nbeta--;
	}
}

static void read_activations(struct tr *t, struct cell *c, const char *const *initial)
{
	const char **names;
	int n = c->functions, given = tr_strs(t, "activations", &names);
	struct parameters p;
	p.nalpha = tr_floats(t, "activation_alpha", &p.alpha);
	p.nbeta = tr_floats(t, "activation_beta", &p.beta);
	/* the schema's own default of RNN has one too many for one direction */
	if (given >= 0 && given != n * c->dirs && !(c->gates == 1 && given > n))
		tr_fail(t, E_FORMAT, "attribute 'activations' has %d values, expected %d", given,
		    n * c->dirs);
	for (int d = 0; d < c->dirs; d++)
		for (int i = 0; i < n && t->status == OK; i++)
			read_activation(
			    t, given < 0 ? initial[i] : names[d * n + i], &p, &c->act[d][i]);
}

static void read_cell(struct tr *t, struct cell *c)
{
	static const char *const initial[] = {"sigmoid", "tanh", "tanh"};
	read_direction(t, c);
	read_inputs(t, c);
	c->clip = tr_float(t, "clip", 0);
	read_activations(t, c, c->gates == 1 ? initial + 1 : initial);
}

/* ---- the layer of the IR ---- */

/* The gates of [dirs, gates * hidden, ...] as the layer has them. */
static struct value *reordered(struct tr *t, const struct cell *c, struct value *v)
{
	static const int order[] = {2, 0, 3, 1}; /* iofc to fico */
	struct value *part[4];
	if (c->gates != 4)
		return v;
	struct node *n = tr_new_n(t, OP_SPLIT, 4, TR_LIST(v, tr_scalar_i64(t, 1)));
	tr_set_i(t, n, "num_splits", 4);
	struct value *all = tr_end(t, n);
	for (int i = 0; i < 4; i++)
		part[i] = tr_port(all, order[i]);
	return tr_concat(t, 1, part, 4);
}

/* Both halves of the bias are summed, but for the last gate of a GRU that is linear before its
 * reset. */
static struct value *layer_bias(struct tr *t, const struct cell *c)
{
	int64_t gates = c->gates + c->linear, two = 2 * c->hidden;
	if (!c->b)
		return tr_broadcast(t, tr_number_of(t, c->x, 0),
		    tr_i64(t, 2, (int64_t[]){c->dirs, gates * c->hidden}));
	struct node *n = tr_new_n(t, OP_SPLIT, 2, TR_LIST(c->b, tr_scalar_i64(t, 1)));
	tr_set_i(t, n, "num_splits", 2);
	struct value *w = tr_end(t, n), *r = tr_port(w, 1);
	if (!c->linear)
		return reordered(t, c, tr_op(t, OP_ADD, w, r));
	struct value *parts[] = {
	    tr_op(t, OP_ADD, tr_slice(t, w, 1, 0, two), tr_slice(t, r, 1, 0, two)),
	    tr_slice(t, w, 1, two, INT64_MAX), tr_slice(t, r, 1, two, INT64_MAX)};
	return tr_concat(t, 1, parts, 3);
}

static void set_attributes(struct tr *t, struct node *n, const struct cell *c)
{
	char text[64] = "";
	for (int i = 0; i < c->functions; i++) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof text - used, "%s%s", i ? "," : "",
		    known[c->act[0][i].kind].name);
	}
	tr_set_text(t, n, "activations", text);
	tr_set_s(t, n, "direction", c->direction);
	tr_set_i(t, n, "hidden_size", c->hidden);
	tr_set_f(t, n, "clip", c->clip);
	if (c->gates == 3)
		tr_set_i(t, n, "linear_before_reset", c->linear);
}

static void as_layer(struct tr *t, const struct cell *c, struct value **out)
{
	struct value *in[7];
	int nin = 0;
	in[nin++] = c->x;
	for (int i = 0; i < c->states; i++)
		in[nin++] = c->state[i];
	in[nin++] = c->lengths;
	in[nin++] = reordered(t, c, c->w);
	in[nin++] = reordered(t, c, c->r);
	in[nin++] = layer_bias(t, c);
	struct node *n = tr_new_n(t, c->sequence, 1 + c->states, in, nin);
	set_attributes(t, n, c);
	struct value *y = tr_end(t, n);
	for (int i = 0; i <= c->states; i++)
		out[i] = tr_port(y, i);
}

static bool is_simple(const struct activation *a)
{
	return a->kind == ACT_SIGMOID || a->kind == ACT_TANH || a->kind == ACT_RELU;
}

/* Can the layer do the first dirs directions at once? */
static bool fits_layer(const struct cell *c)
{
	if (c->p || c->coupled)
		return false;
	for (int d = 0; d < c->dirs; d++)
		for (int i = 0; i < c->functions; i++)
			if (!is_simple(&c->act[d][i]) || c->act[d][i].kind != c->act[0][i].kind)
				return false;
	return true;
}

/* ---- one direction at a time ---- */

static struct value *direction_of(struct tr *t, struct value *v, int64_t axis, int d)
{
	return v ? tr_slice(t, v, axis, d, d + 1) : NULL;
}

static void one_direction(struct tr *t, const struct cell *c, int d, struct value **out)
{
	struct cell one = *c;
	if (c->dirs > 1) {
		one.dirs = 1;
		one.direction = d ? "reverse" : "forward";
		memcpy(one.act[0], c->act[d], sizeof one.act[0]);
		one.w = direction_of(t, c->w, 0, d);
		one.r = direction_of(t, c->r, 0, d);
		one.b = direction_of(t, c->b, 0, d);
		one.p = direction_of(t, c->p, 0, d);
		for (int i = 0; i < c->states; i++)
			one.state[i] = direction_of(t, c->state[i], 1, d);
	}
	if (fits_layer(&one))
		as_layer(t, &one, out);
	else
		tr_cell_written_out(t, &one, out);
}

static void make_cell(struct tr *t, const struct cell *c, struct value **out)
{
	struct value *one[2][CELL_OUTPUTS] = {{NULL}};
	if (fits_layer(c)) {
		as_layer(t, c, out);
		return;
	}
	for (int d = 0; d < c->dirs; d++)
		one_direction(t, c, d, one[d]);
	for (int i = 0; i <= c->states; i++)
		out[i] = c->dirs == 1 ? one[0][i] : tr_concat(t, 1, TR_LIST(one[0][i], one[1][i]));
}

/* Y [batch, dirs, time, hidden] and the states [batch, dirs, hidden] in ONNX's order. */
static void translate(struct tr *t, const struct cell *c)
{
	static const int64_t all_time[] = {2, 1, 0, 3}, all_batch[] = {0, 2, 1, 3},
			     state[] = {1, 0, 2};
	struct value *out[CELL_OUTPUTS] = {NULL};
	if (t->status == OK)
		make_cell(t, c, out);
	if (t->status == OK && tr_wants(t, 0))
		tr_out(t, 0, tr_transpose(t, out[0], 4, c->batch_first ? all_batch : all_time));
	for (int i = 1; i <= c->states && t->status == OK; i++)
		if (tr_wants(t, i))
			tr_out(t, i, c->batch_first ? out[i] : tr_transpose(t, out[i], 3, state));
}

static bool is_zero(const struct value *v)
{
	struct tensor c = v ? value_tensor(v) : (struct tensor){0};
	for (int64_t i = 0; c.type != DT_NONE && i < tensor_count(&c); i++)
		if (tensor_f64(&c, i) != 0)
			return false;
	return c.type != DT_NONE;
}

void tr_lstm(struct tr *t)
{
	struct cell c = {.sequence = OP_LSTM_SEQUENCE, .gates = 4, .states = 2, .functions = 3};
	read_cell(t, &c);
	c.coupled = tr_bool(t, "input_forget", false);
	c.p = tr_given(t, 7) && !is_zero(t->in[7]) ? t->in[7] : NULL;
	translate(t, &c);
}

void tr_gru(struct tr *t)
{
	struct cell c = {.sequence = OP_GRU_SEQUENCE, .gates = 3, .states = 1, .functions = 2};
	read_cell(t, &c);
	c.linear = tr_bool(t, "linear_before_reset", false);
	translate(t, &c);
}

void tr_rnn(struct tr *t)
{
	struct cell c = {.sequence = OP_RNN_SEQUENCE, .gates = 1, .states = 1, .functions = 1};
	read_cell(t, &c);
	translate(t, &c);
}
