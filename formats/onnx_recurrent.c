/* LSTM, GRU and RNN as the sequence layers of the IR, which put the batch first. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "formats/onnx_translate.h"

/* What the three have in common. */
struct cell {
	int gates, dirs;
	int64_t hidden;
	bool batch_first;
	const char *direction;
	struct value *x;       /* [batch, time, in] */
	struct value *lengths; /* [batch] */
	struct value *w, *r;   /* [dirs, gates * hidden, in or hidden] */
	struct value *b;       /* [dirs, gates * hidden]; NULL: none */
};

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

static void read_cell(struct tr *t, struct cell *c, int gates)
{
	c->gates = gates;
	read_direction(t, c);
	read_weights(t, c);
	c->batch_first = tr_bool(t, "layout", false);
	tr_ignore(t, "output_sequence"); /* which outputs are asked for says it */
	c->x = tr_in(t, 0);
	struct value *dims = tr_shape_of(t, c->x);
	struct value *time = tr_gather(t, dims, tr_scalar_i64(t, c->batch_first ? 1 : 0), 0);
	struct value *batch = tr_gather(t, dims, tr_i64_1(t, c->batch_first ? 0 : 1), 0);
	if (!c->batch_first)
		c->x = tr_transpose(t, c->x, 3, (int64_t[]){1, 0, 2});
	c->lengths = tr_given(t, 4) ? t->in[4]
				    : tr_broadcast(t, tr_convert(t, time, DT_I32), batch);
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

/* The gates of [dirs, gates * hidden, ...] in another order. */
static struct value *reordered(
    struct tr *t, const struct cell *c, struct value *v, const int *order)
{
	struct value *part[4];
	struct node *n = tr_new_n(t, OP_SPLIT, c->gates, TR_LIST(v, tr_scalar_i64(t, 1)));
	tr_set_i(t, n, "num_splits", c->gates);
	struct value *all = tr_end(t, n);
	for (int i = 0; i < c->gates; i++)
		part[i] = tr_port(all, order[i]);
	return tr_concat(t, 1, part, c->gates);
}

/* Both halves of the bias [dirs, 2 * gates * hidden]. */
static void bias_halves(struct tr *t, const struct cell *c, struct value **w, struct value **r)
{
	struct node *n = tr_new_n(t, OP_SPLIT, 2, TR_LIST(c->b, tr_scalar_i64(t, 1)));
	tr_set_i(t, n, "num_splits", 2);
	*w = tr_end(t, n);
	*r = tr_port(*w, 1);
}

static struct value *no_bias(struct tr *t, const struct cell *c, int gates)
{
	return tr_broadcast(
	    t, tr_number_of(t, c->x, 0), tr_i64(t, 2, (int64_t[]){c->dirs, gates * c->hidden}));
}

/* The sum of both halves. */
static struct value *summed_bias(struct tr *t, const struct cell *c)
{
	struct value *w, *r;
	if (!c->b)
		return no_bias(t, c, c->gates);
	bias_halves(t, c, &w, &r);
	return tr_op(t, OP_ADD, w, r);
}

/* The IR has one list of activations for both directions, in lower case. */
static void set_activations(
    struct tr *t, struct node *n, const struct cell *c, int count, const char *initial)
{
	static const char *const known[] = {"sigmoid", "tanh", "relu"};
	const char **names;
	const float *v;
	char text[128] = "";
	int given = tr_strs(t, "activations", &names);
	if (given >= 0 && given != count * c->dirs && !(c->gates == 1 && given > count))
		tr_fail(t, E_FORMAT, "attribute 'activations' has %d values, expected %d", given,
		    count * c->dirs);
	for (int i = 0; i < given && t->status == OK; i++) {
		char low[16] = "";
		for (size_t k = 0; names[i][k] && k + 1 < sizeof low; k++)
			low[k] = (char)tolower((unsigned char)names[i][k]);
		bool ok = false;
		for (size_t k = 0; k < sizeof known / sizeof *known; k++)
			ok = ok || !strcmp(low, known[k]);
		if (!ok ||
		    (i >= count && i < count * c->dirs && strcmp(names[i], names[i - count])))
			tr_fail(t, E_UNSUPPORTED, "activation '%s'", names[i]);
		if (i < count) {
			size_t used = strlen(text);
			snprintf(text + used, sizeof text - used, "%s%s", i ? "," : "", low);
		}
	}
	if (tr_floats(t, "activation_alpha", &v) > 0 || tr_floats(t, "activation_beta", &v) > 0)
		tr_fail(t, E_UNSUPPORTED, "parameters of activations");
	tr_set_text(t, n, "activations", *text ? text : initial);
}

static void set_common(struct tr *t, struct node *n, const struct cell *c)
{
	tr_set_s(t, n, "direction", c->direction);
	tr_set_i(t, n, "hidden_size", c->hidden);
	tr_set_f(t, n, "clip", tr_float(t, "clip", 0));
}

/* Y [batch, dirs, time, hidden] and the states [batch, dirs, hidden] in ONNX's order. */
static void give_outputs(struct tr *t, const struct cell *c, struct value *y, int states)
{
	static const int64_t all_time[] = {2, 1, 0, 3}, all_batch[] = {0, 2, 1, 3},
			     state[] = {1, 0, 2};
	if (tr_wants(t, 0))
		tr_out(t, 0, tr_transpose(t, y, 4, c->batch_first ? all_batch : all_time));
	for (int i = 1; i <= states; i++)
		if (tr_wants(t, i))
			tr_out(t, i,
			    c->batch_first ? tr_port(y, i)
					   : tr_transpose(t, tr_port(y, i), 3, state));
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
	static const int order[] = {2, 0, 3, 1}; /* iofc to fico */
	struct cell c = {0};
	read_cell(t, &c, 4);
	if (tr_given(t, 7) && !is_zero(t->in[7]))
		tr_fail(t, E_UNSUPPORTED, "peepholes");
	if (tr_bool(t, "input_forget", false))
		tr_fail(t, E_UNSUPPORTED, "input and forget gates that are coupled");
	if (t->status != OK)
		return;
	struct value *h = initial_state(t, &c, 5), *s = initial_state(t, &c, 6);
	struct value *b = c.b ? reordered(t, &c, summed_bias(t, &c), order) : no_bias(t, &c, 4);
	struct node *n = tr_new(t, OP_LSTM_SEQUENCE, c.x, h, s, c.lengths,
	    reordered(t, &c, c.w, order), reordered(t, &c, c.r, order), b);
	set_common(t, n, &c);
	set_activations(t, n, &c, 3, "sigmoid,tanh,tanh");
	give_outputs(t, &c, tr_end(t, n), 2);
}

/* With linear_before_reset the recurrent bias of the last gate stays apart. */
static struct value *gru_bias(struct tr *t, const struct cell *c, bool linear)
{
	struct value *w, *r, *part[2];
	if (!c->b)
		return no_bias(t, c, linear ? 4 : 3);
	if (!linear)
		return summed_bias(t, c);
	bias_halves(t, c, &w, &r);
	int64_t two = 2 * c->hidden;
	part[0] = tr_op(t, OP_ADD, tr_slice(t, w, 1, 0, two), tr_slice(t, r, 1, 0, two));
	struct value *last[] = {
	    part[0], tr_slice(t, w, 1, two, INT64_MAX), tr_slice(t, r, 1, two, INT64_MAX)};
	return tr_concat(t, 1, last, 3);
}

void tr_gru(struct tr *t)
{
	struct cell c = {0};
	read_cell(t, &c, 3);
	bool linear = tr_bool(t, "linear_before_reset", false);
	if (t->status != OK)
		return;
	struct node *n = tr_new(t, OP_GRU_SEQUENCE, c.x, initial_state(t, &c, 5), c.lengths, c.w,
	    c.r, gru_bias(t, &c, linear));
	set_common(t, n, &c);
	tr_set_i(t, n, "linear_before_reset", linear);
	set_activations(t, n, &c, 2, "sigmoid,tanh");
	give_outputs(t, &c, tr_end(t, n), 1);
}

void tr_rnn(struct tr *t)
{
	struct cell c = {0};
	read_cell(t, &c, 1);
	if (t->status != OK)
		return;
	struct node *n = tr_new(t, OP_RNN_SEQUENCE, c.x, initial_state(t, &c, 5), c.lengths, c.w,
	    c.r, summed_bias(t, &c));
	set_common(t, n, &c);
	set_activations(t, n, &c, 1, "tanh");
	give_outputs(t, &c, tr_end(t, n), 1);
}
