/* Recurrent layers of one step: LSTMCell, GRUCell, RNNCell, as sequences of one element. */
#include <string.h>

#include "ops/content.h"
#include "ops/elem.h"
#include "ops/recurrent.h"
#include "ops/rows.h"

#define CELL_ATTRS(acts)                                           \
	{"hidden_size", ATTR_INT, true, NULL, NULL},               \
	    {"activations", ATTR_STRINGS, false, acts, NULL},      \
	    {"activations_alpha", ATTR_FLOATS, false, NULL, NULL}, \
	    {"activations_beta", ATTR_FLOATS, false, NULL, NULL},  \
	{                                                          \
		"clip", ATTR_FLOAT, false, "0", NULL               \
	}

const struct attr_def attrs_lstm_cell[] = {CELL_ATTRS("sigmoid, tanh, tanh"), {0}};
const struct attr_def attrs_gru_cell[] = {
    CELL_ATTRS("sigmoid, tanh"), {"linear_before_reset", ATTR_BOOL, false, "false", NULL}, {0}};
const struct attr_def attrs_rnn_cell[] = {CELL_ATTRS("tanh"), {0}};

/* ---- inference ---- */

static int check_input(struct infer *s, int k, int rank, struct dim **dim)
{
	int status = infer_want_rank(s, k, rank, rank, "an input");
	for (int i = 0; i < rank && !status && s->in[k].shape.rank >= 0; i++)
		if (!dim_merge(s->in[k].shape.dim[i], *dim[i], dim[i]))
			status = infer_fail(
			    s, "dimension %d of input %d does not fit the others", i, k);
	return status;
}

static int infer_cell(struct infer *s, enum cell_kind kind)
{
	struct activation a[3];
	int64_t h = attr_i(s->node, "hidden_size");
	int w = kind == CELL_LSTM ? 3 : 2, status = OK;
	const char *bad = recurrent_activations(s->node, 3 - (int)kind, a);
	if (bad)
		return infer_fail(s, "activation '%s' is not known", bad);
	if (h < 1 || h > INT32_MAX)
		return infer_fail(s, "hidden_size is %lld", (long long)h);
	struct dim batch = dim_any(), input = dim_any(), hidden = dim_of(h);
	struct dim gates = dim_mul(dim_of(recurrent_gates_of(kind)), hidden);
	struct dim biases = dim_mul(dim_of(recurrent_bias_gates(s->node, kind)), hidden);
	struct {
		int input, rank;
		struct dim *dim[2];
	} want[] = {{0, 2, {&batch, &input}}, {1, 2, {&batch, &hidden}},
	    {w - 1, 2, {&batch, &hidden}}, {w, 2, {&gates, &input}}, {w + 1, 2, {&gates, &hidden}},
	    {w + 2, 1, {&biases}}};
	for (size_t i = 0; i < sizeof want / sizeof *want && !status; i++)
		status = check_input(s, want[i].input, want[i].rank, want[i].dim);
	for (int k = 0; k < s->nout; k++) {
		s->out[k].type = s->in[0].type;
		s->out[k].shape = shape_any(2);
		s->out[k].shape.dim[0] = batch;
		s->out[k].shape.dim[1] = hidden;
	}
	return status;
}

int infer_lstm_cell(struct infer *s)
{
	return infer_cell(s, CELL_LSTM);
}

int infer_gru_cell(struct infer *s)
{
	return infer_cell(s, CELL_GRU);
}

int infer_rnn_cell(struct infer *s)
{
	return infer_cell(s, CELL_RNN);
}

/* ---- evaluation ---- */

/* The same elements with a dimension of size 1 before dimension at. */
static struct tensor widened(const struct tensor *t, int at)
{
	struct tensor r = *t;
	r.rank++;
	for (int d = t->rank; d > at; d--)
		r.dim[d] = t->dim[d - 1];
	r.dim[at] = 1;
	return r;
}

/* Inputs of the sequence: those of the cell with a step or a direction, and lengths of 1. */
static int eval_cell(struct eval *s, enum cell_kind kind)
{
	int states = kind == CELL_LSTM ? 2 : 1, n = 0;
	int64_t batch = s->in[0].dim[0], hidden = s->out[0].dim[1];
	struct tensor in[7], out[3];
	int64_t *lengths = arena_array(s->scratch, (size_t)batch + 1, sizeof *lengths);
	out[0] = (struct tensor){s->out[0].type, 4, {batch, 1, 1, hidden}, NULL};
	out[0].data = arena_array(s->scratch, tensor_bytes(&out[0]) + 1, 1);
	if (!lengths || !out[0].data)
		return fail_nomem(s->err);
	for (int64_t b = 0; b < batch; b++)
		lengths[b] = 1;
	for (int k = 0; k <= states; k++)
		in[n++] = widened(&s->in[k], 1);
	in[n++] = (struct tensor){DT_I64, 1, {batch}, lengths};
	for (int k = states + 1; k < states + 4; k++)
		in[n++] = widened(&s->in[k], 0);
	for (int k = 0; k < states; k++)
		out[k + 1] = widened(&s->out[k], 1);
	struct eval sequence = *s;
	sequence.in = in;
	sequence.nin = n;
	sequence.out = out;
	sequence.nout = states + 1;
	return recurrent_eval(&sequence, kind, false);
}

int eval_lstm_cell(struct eval *s)
{
	return eval_cell(s, CELL_LSTM);
}

int eval_gru_cell(struct eval *s)
{
	return eval_cell(s, CELL_GRU);
}

int eval_rnn_cell(struct eval *s)
{
	return eval_cell(s, CELL_RNN);
}
