/* Recurrent layers over sequences: LSTMSequence, GRUSequence, RNNSequence.
 * The formulas are those of ONNX's LSTM, GRU and RNN, with the batch first. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "ops/content.h"
#include "ops/elem.h"
#include "ops/recurrent.h"
#include "ops/rows.h"
#include "ops/view.h"

#define SEQUENCE_ATTRS(acts)                                                         \
	{"hidden_size", ATTR_INT, true, NULL, NULL},                                 \
	    {"direction", ATTR_STRING, true, NULL, "forward|reverse|bidirectional"}, \
	    {"activations", ATTR_STRINGS, false, acts, NULL},                        \
	    {"activations_alpha", ATTR_FLOATS, false, NULL, NULL},                   \
	    {"activations_beta", ATTR_FLOATS, false, NULL, NULL},                    \
	{                                                                            \
		"clip", ATTR_FLOAT, false, "0", NULL                                 \
	}

const struct attr_def attrs_lstm_sequence[] = {SEQUENCE_ATTRS("sigmoid, tanh, tanh"), {0}};
const struct attr_def attrs_gru_sequence[] = {
    SEQUENCE_ATTRS("sigmoid, tanh"), {"linear_before_reset", ATTR_BOOL, false, "false", NULL}, {0}};
const struct attr_def attrs_rnn_sequence[] = {SEQUENCE_ATTRS("tanh"), {0}};

int recurrent_gates_of(enum cell_kind kind)
{
	return kind == CELL_LSTM ? 4 : kind == CELL_GRU ? 3 : 1;
}

int recurrent_bias_gates(const struct node *n, enum cell_kind kind)
{
	return recurrent_gates_of(kind) + (kind == CELL_GRU && attr_bool(n, "linear_before_reset"));
}

/* Inputs from the sequence lengths on; only LSTM has a cell state before them. */
static int lengths_at(enum cell_kind kind)
{
	return kind == CELL_LSTM ? 3 : 2;
}

/* ---- activations ---- */

static bool activation_parse(const char *name, struct activation *a)
{
	static const struct {
		const char *name;
		double alpha, beta;
	} known[] = {{"sigmoid", 0, 0}, {"tanh", 0, 0}, {"relu", 0, 0}, {"hardsigmoid", 0.2, 0.5},
	    {"elu", 1, 0}, {"leakyrelu", 0.01, 0}, {"affine", 1, 0}, {"scaledtanh", 1, 1},
	    {"softsign", 0, 0}, {"softplus", 0, 0}, {"thresholdedrelu", 1, 0}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcasecmp(name, known[i].name)) {
			a->what = (int)i;
			a->alpha = known[i].alpha;
			a->beta = known[i].beta;
			return true;
		}
	return false;
}

static double activate(const struct activation *a, double x)
{
	switch (a->what) {
	case SIGMOID:
		return 1 / (1 + exp(-x));
	case TANH:
		return tanh(x);
	case RELU:
		return x > 0 ? x : 0;
	case HARD_SIGMOID:
		return fmax(0, fmin(1, a->alpha * x + a->beta));
	case ELU:
		return x > 0 ? x : a->alpha * expm1(x);
	case LEAKY_RELU:
		return x > 0 ? x : a->alpha * x;
	case AFFINE:
		return a->alpha * x + a->beta;
	case SCALED_TANH:
		return a->alpha * tanh(a->beta * x);
	case SOFT_SIGN:
		return x / (1 + fabs(x));
	case SOFT_PLUS:
		return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
	default:
		return x > a->alpha ? x : 0;
	}
}

const char *recurrent_activations(const struct node *n, int want, struct activation *a)
{
	const struct attr *names = node_attr(n, "activations");
	const double *alpha, *beta;
	int na = attr_floats(n, "activations_alpha", &alpha);
	int nb = attr_floats(n, "activations_beta", &beta);
	if (!names->set || names->list.n < want)
		return "";
	for (int i = 0; i < want; i++) {
		if (!activation_parse(names->list.s[i], &a[i]))
			return names->list.s[i];
		if (i < na)
			a[i].alpha = alpha[i];
		if (i < nb)
			a[i].beta = beta[i];
	}
	return NULL;
}

static int activations_of(enum cell_kind kind)
{
	return kind == CELL_LSTM ? 3 : kind == CELL_GRU ? 2 : 1;
}

/* ---- inference ---- */

/* Dim i of input k, when its rank is known, must agree with *d, which learns from it. */
static int agree(struct infer *s, int k, int i, struct dim *d)
{
	if (s->in[k].shape.rank < 0 || dim_merge(s->in[k].shape.dim[i], *d, d))
		return OK;
	return infer_fail(s, "dimension %d of input %d does not fit the others", i, k);
}

struct sizes {
	struct dim batch, steps, dirs, hidden, input;
};

static int check_sizes(struct infer *s, enum cell_kind kind, struct sizes *z)
{
	int len = lengths_at(kind), h = (int)z->hidden.min, status = OK;
	struct dim gates = dim_mul(dim_of(recurrent_gates_of(kind)), z->hidden);
	struct dim biases = dim_mul(dim_of(recurrent_bias_gates(s->node, kind)), z->hidden);
	struct {
		int input, rank;
		struct dim *dim[3];
	} want[] = {{0, 3, {&z->batch, &z->steps, &z->input}},
	    {1, 3, {&z->batch, &z->dirs, &z->hidden}}, {len, 1, {&z->batch}},
	    {len + 1, 3, {&z->dirs, &gates, &z->input}},
	    {len + 2, 3, {&z->dirs, &gates, &z->hidden}}, {len + 3, 2, {&z->dirs, &biases}},
	    {kind == CELL_LSTM ? 2 : 1, 3, {&z->batch, &z->dirs, &z->hidden}}};
	if (h < 1)
		return infer_fail(s, "hidden_size is %d", h);
	for (size_t i = 0; i < sizeof want / sizeof *want && !status; i++) {
		status = infer_want_rank(s, want[i].input, want[i].rank, want[i].rank, "an input");
		for (int k = 0; k < want[i].rank && !status; k++)
			status = agree(s, want[i].input, k, want[i].dim[k]);
	}
	return status;
}

static int infer_sequence(struct infer *s, enum cell_kind kind)
{
	struct activation a[3];
	int64_t hidden = attr_i(s->node, "hidden_size");
	bool both = attr_is(s->node, "direction", "bidirectional");
	struct sizes z = {dim_any(), dim_any(), dim_of(both ? 2 : 1),
	    dim_of(hidden > INT32_MAX ? -1 : hidden), dim_any()};
	const char *bad = recurrent_activations(s->node, activations_of(kind), a);
	if (bad)
		return infer_fail(s, "activation '%s' is not known", bad);
	int status = check_sizes(s, kind, &z);
	if (!status)
		status = infer_want_int(s, lengths_at(kind), "the sequence lengths");
	for (int k = 0; k < s->nout; k++) {
		struct dim y[] = {z.batch, z.dirs, z.steps, z.hidden},
			   h[] = {z.batch, z.dirs, z.hidden};
		s->out[k].type = s->in[0].type;
		s->out[k].shape = shape_any(k ? 3 : 4);
		memcpy(s->out[k].shape.dim, k ? h : y, k ? sizeof h : sizeof y);
	}
	return status;
}

int infer_lstm_sequence(struct infer *s)
{
	return infer_sequence(s, CELL_LSTM);
}

int infer_gru_sequence(struct infer *s)
{
	return infer_sequence(s, CELL_GRU);
}

int infer_rnn_sequence(struct infer *s)
{
	return infer_sequence(s, CELL_RNN);
}

/* ---- evaluation ---- */

/* One direction. Weights are turned so that the gates lie side by side: w[input][gates * hidden],
 * r[hidden][gates * hidden]. */
struct cell {
	enum cell_kind kind;
	int64_t input, hidden;
	bool linear_before_reset;
	double clip;
	struct activation act[3];
	double *w, *r, *b;
	double *x, *h, *c;    /* one batch item: input, states */
	double *gate, *recur; /* sums of the gates: of everything, of the state alone */
};

/* Slice d of a weight tensor [dirs][rows][cols] as doubles [cols][rows]. */
static double *turned(struct eval *s, const struct tensor *t, int64_t d)
{
	int64_t rows = t->dim[1], cols = t->rank > 2 ? t->dim[2] : 1;
	double *v = arena_array(s->scratch, (size_t)(rows * cols) + 1, sizeof *v);
	for (int64_t i = 0; v && i < rows * cols; i++)
		v[i % cols * rows + i / cols] = tensor_f64(t, d * rows * cols + i);
	return v;
}

static int cell_new(struct eval *s, enum cell_kind kind, int64_t d, struct cell *c)
{
	int len = lengths_at(kind);
	int64_t hidden = attr_i(s->node, "hidden_size"), gates = recurrent_gates_of(kind) * hidden;
	*c = (struct cell){.kind = kind, .input = s->in[0].dim[2], .hidden = hidden};
	c->clip = attr_f(s->node, "clip");
	c->linear_before_reset = kind == CELL_GRU && attr_bool(s->node, "linear_before_reset");
	recurrent_activations(s->node, activations_of(kind), c->act);
	c->w = turned(s, &s->in[len + 1], d);
	c->r = turned(s, &s->in[len + 2], d);
	c->b = turned(s, &s->in[len + 3], d);
	c->x = arena_array(s->scratch, (size_t)c->input + 1, sizeof *c->x);
	c->h = arena_array(s->scratch, (size_t)hidden, sizeof *c->h);
	c->c = arena_array(s->scratch, (size_t)hidden, sizeof *c->c);
	c->gate = arena_array(s->scratch, (size_t)gates, sizeof *c->gate);
	c->recur = arena_array(s->scratch, (size_t)gates, sizeof *c->recur);
	if (!c->w || !c->r || !c->b || !c->x || !c->h || !c->c || !c->gate || !c->recur)
		return fail_nomem(s->err);
	return OK;
}

/* sum[0..n) += v[0..m) times the matrix w[m][n]. */
static VECTOR void add_matrix(double *sum, const double *v, int64_t m, const double *w, int64_t n)
{
	for (int64_t i = 0; i < m; i++)
		for (int64_t k = 0; k < n; k++)
			sum[k] += v[i] * w[i * n + k];
}

static double gate(const struct cell *c, int act, double x)
{
	if (c->clip > 0)
		x = x > c->clip ? c->clip : x < -c->clip ? -c->clip : x;
	return activate(&c->act[act], x);
}

/* Gates in the order f, i, c, o. */
static void lstm_step(struct cell *c)
{
	int64_t n = c->hidden;
	add_matrix(c->gate, c->h, n, c->r, 4 * n);
	for (int64_t i = 0; i < n; i++) {
		double f = gate(c, 0, c->gate[i]), in = gate(c, 0, c->gate[n + i]);
		double new = gate(c, 1, c->gate[2 * n + i]), out = gate(c, 0, c->gate[3 * n + i]);
		c->c[i] = f * c->c[i] + in * new;
		c->h[i] = out * activate(&c->act[2], c->c[i]);
	}
}

/* Gates in the order z, r, h. With linear_before_reset the last gate's recurrent bias comes fourth
 * and is reset too. */
static void gru_step(struct cell *c)
{
	int64_t n = c->hidden;
	memset(c->recur, 0, (size_t)(3 * n) * sizeof *c->recur);
	add_matrix(c->recur, c->h, n, c->r, 3 * n);
	for (int64_t i = 0; i < 2 * n; i++)
		c->gate[i] = gate(c, 0, c->gate[i] + c->recur[i]);
	double *last = c->gate + 2 * n, *reset = c->gate + n;
	if (c->linear_before_reset) {
		for (int64_t i = 0; i < n; i++)
			last[i] += reset[i] * (c->recur[2 * n + i] + c->b[3 * n + i]);
	} else {
		for (int64_t i = 0; i < n; i++)
			for (int64_t k = 0; k < n; k++)
				last[k] += reset[i] * c->h[i] * c->r[i * 3 * n + 2 * n + k];
	}
	for (int64_t i = 0; i < n; i++) {
		double z = c->gate[i];
		c->h[i] = (1 - z) * gate(c, 1, last[i]) + z * c->h[i];
	}
}

static void rnn_step(struct cell *c)
{
	add_matrix(c->gate, c->h, c->hidden, c->r, c->hidden);
	for (int64_t i = 0; i < c->hidden; i++)
		c->h[i] = gate(c, 0, c->gate[i]);
}

/* One step of one batch item: c->x and the states go in, the states come out. */
static void step(struct cell *c)
{
	int64_t gates = recurrent_gates_of(c->kind) * c->hidden;
	memcpy(c->gate, c->b, (size_t)gates * sizeof *c->gate);
	add_matrix(c->gate, c->x, c->input, c->w, gates);
	if (c->kind == CELL_LSTM)
		lstm_step(c);
	else if (c->kind == CELL_GRU)
		gru_step(c);
	else
		rnn_step(c);
}

/* The sequence of batch item b in direction d. */
static int run_sequence(struct eval *s, struct cell *c, int64_t b, int64_t d, bool reverse)
{
	struct tensor *y = &s->out[0];
	int64_t dirs = y->dim[1], steps = y->dim[2], n = c->hidden, state = (b * dirs + d) * n;
	int64_t length = index_at(&s->in[lengths_at(c->kind)], b);
	if (length < 0 || length > steps)
		return eval_fail(s, E_FORMAT, "sequence %lld has length %lld of %lld", (long long)b,
		    (long long)length, (long long)steps);
	span_f64(c->h, &s->in[1], state, n);
	if (c->kind == CELL_LSTM)
		span_f64(c->c, &s->in[2], state, n);
	for (int64_t i = 0; i < length; i++) {
		int64_t t = reverse ? length - 1 - i : i;
		span_f64(c->x, &s->in[0], (b * steps + t) * c->input, c->input);
		step(c);
		span_put_f64(y, (state / n * steps + t) * n, n, c->h);
	}
	for (int64_t t = length; t < steps; t++)
		for (int64_t i = 0; i < n; i++)
			tensor_set_f64(y, (state / n * steps + t) * n + i, 0);
	span_put_f64(&s->out[1], state, n, c->h);
	if (c->kind == CELL_LSTM)
		span_put_f64(&s->out[2], state, n, c->c);
	return OK;
}

int recurrent_eval(struct eval *s, enum cell_kind kind, bool reverse)
{
	for (int64_t d = 0; d < s->out[0].dim[1]; d++) {
		struct cell c;
		if (cell_new(s, kind, d, &c))
			return s->err->status;
		for (int64_t b = 0; b < s->out[0].dim[0]; b++)
			if (run_sequence(s, &c, b, d, reverse || d == 1))
				return s->err->status;
	}
	return OK;
}

static int eval_sequence(struct eval *s, enum cell_kind kind)
{
	return recurrent_eval(s, kind, attr_is(s->node, "direction", "reverse"));
}

int eval_lstm_sequence(struct eval *s)
{
	return eval_sequence(s, CELL_LSTM);
}

int eval_gru_sequence(struct eval *s)
{
	return eval_sequence(s, CELL_GRU);
}

int eval_rnn_sequence(struct eval *s)
{
	return eval_sequence(s, CELL_RNN);
}
