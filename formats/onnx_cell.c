/* LSTM, GRU and RNN written out: the products with the inputs stand before a TensorIterator, one
 * step of the cell is its body. The formulas are those of ONNX's own text. */
#include <string.h>

#include "formats/onnx_body.h"
#include "formats/onnx_recurrent.h"

static struct value *apply(struct tr *t, const struct activation *a, struct value *v)
{
	struct value *alpha = tr_number_of(t, v, a->alpha), *beta = tr_number_of(t, v, a->beta);
	struct node *n;
	switch (a->kind) {
	case ACT_AFFINE:
		return tr_op(t, OP_ADD, tr_op(t, OP_MULTIPLY, v, alpha), beta);
	case ACT_ELU:
		n = tr_new(t, OP_ELU, v);
		tr_set_f(t, n, "alpha", a->alpha);
		return tr_end(t, n);
	case ACT_HARD_SIGMOID:
		return tr_op(t, OP_HARD_SIGMOID, v, alpha, beta);
	case ACT_LEAKY_RELU:
		return tr_op(t, OP_PRELU, v, tr_reshape(t, alpha, 1, (int64_t[]){1}));
	case ACT_RELU:
		return tr_op(t, OP_RELU, v);
	case ACT_SCALED_TANH:
		v = tr_op(t, OP_TANH, tr_op(t, OP_MULTIPLY, v, beta));
		return tr_op(t, OP_MULTIPLY, v, alpha);
	case ACT_SIGMOID:
		return tr_op(t, OP_SIGMOID, v);
	case ACT_SOFTPLUS:
		return tr_op(t, OP_SOFT_PLUS, v);
	case ACT_SOFTSIGN:
		return tr_op(t, OP_SOFT_SIGN, v);
	case ACT_TANH:
		return tr_op(t, OP_TANH, v);
	default:
		return tr_op(
		    t, OP_SELECT, tr_op(t, OP_GREATER, v, alpha), v, tr_number_of(t, v, 0));
	}
}

/* One step, inside the body. */
struct step {
	struct tr *t;
	const struct cell *c;
	struct value *x;     /* of the gates: from the input, with the biases */
	struct value *h, *s; /* the states; s: LSTM's cell */
	struct value *p;
};

/* Gate k of v, [batch, gates * hidden] or a vector. */
static struct value *gate_of(const struct step *s, struct value *v, int k)
{
	int64_t n = s->c->hidden, axis = v && v->info.shape.rank == 1 ? 0 : 1;
	return s->c->gates == 1 ? v : tr_slice(s->t, v, axis, k * n, (k + 1) * n);
}

/* Function f of a sum, which the cell may clip. */
static struct value *gate(const struct step *s, int f, struct value *v)
{
	struct node *n = s->c->clip > 0 ? tr_new(s->t, OP_CLAMP, v) : NULL;
	tr_set_f(s->t, n, "min", -s->c->clip);
	tr_set_f(s->t, n, "max", s->c->clip);
	return apply(s->t, &s->c->act[0][f], n ? tr_end(s->t, n) : v);
}

static struct value *times_transposed(struct tr *t, struct value *a, struct value *b)
{
	struct node *n = tr_new(t, OP_MATMUL, a, b);
	tr_set_i(t, n, "transpose_b", true);
	return tr_end(t, n);
}

/* Adds a peephole (k: i, o, f) to a sum. */
static struct value *peep(const struct step *s, struct value *sum, struct value *state, int k)
{
	struct tr *t = s->t;
	if (!s->p)
		return sum;
	return tr_op(t, OP_ADD, sum, tr_op(t, OP_MULTIPLY, gate_of(s, s->p, k), state));
}

static void step_lstm(struct step *s, struct value *r)
{
	struct tr *t = s->t;
	struct value *all = tr_op(t, OP_ADD, s->x, times_transposed(t, s->h, r));
	struct value *in = gate(s, 0, peep(s, gate_of(s, all, 0), s->s, 0));
	struct value *forget = s->c->coupled ? tr_op(t, OP_SUBTRACT, tr_number_of(t, in, 1), in)
					     : gate(s, 0, peep(s, gate_of(s, all, 2), s->s, 2));
	struct value *new = gate(s, 1, gate_of(s, all, 3));
	s->s = tr_op(
	    t, OP_ADD, tr_op(t, OP_MULTIPLY, forget, s->s), tr_op(t, OP_MULTIPLY, in, new));
	struct value *out = gate(s, 0, peep(s, gate_of(s, all, 1), s->s, 1));
	s->h = tr_op(t, OP_MULTIPLY, out, apply(t, &s->c->act[0][2], s->s));
}

/* rb: the recurrent bias of the last gate, where that is linear before its reset. */
static void step_gru(struct step *s, struct value *r, struct value *rb)
{
	struct tr *t = s->t;
	int64_t n = s->c->hidden;
	struct value *some = times_transposed(t, s->h, tr_slice(t, r, 0, 0, 2 * n));
	struct value *z = gate(s, 0, tr_op(t, OP_ADD, gate_of(s, s->x, 0), gate_of(s, some, 0)));
	struct value *e = gate(s, 0, tr_op(t, OP_ADD, gate_of(s, s->x, 1), gate_of(s, some, 1)));
	struct value *last = tr_slice(t, r, 0, 2 * n, 3 * n), *h;
	if (s->c->linear) {
		h = times_transposed(t, s->h, last);
		h = tr_op(t, OP_MULTIPLY, e, rb ? tr_op(t, OP_ADD, h, rb) : h);
	} else {
		h = times_transposed(t, tr_op(t, OP_MULTIPLY, e, s->h), last);
	}
	h = gate(s, 1, tr_op(t, OP_ADD, gate_of(s, s->x, 2), h));
	struct value *rest = tr_op(t, OP_SUBTRACT, tr_number_of(t, z, 1), z);
	s->h = tr_op(t, OP_ADD, tr_op(t, OP_MULTIPLY, rest, h), tr_op(t, OP_MULTIPLY, z, s->h));
}

/* ---- around the body ---- */

/* What stands outside of the body: of the gates from the inputs, and what the steps share. */
struct outside {
	struct value *x;      /* [batch, time, gates * hidden] */
	struct value *r;      /* [gates * hidden, hidden] */
	struct value *rb;     /* recurrent bias of a GRU's last gate, apart; or NULL */
	struct value *p;      /* [3 * hidden], or NULL */
	struct value *within; /* [batch, time, 1]: is the step within the sequence? or NULL */
};

static struct value *reversed(struct tr *t, const struct cell *c, struct value *v)
{
	struct node *n = tr_new(t, OP_REVERSE_SEQUENCE, v, c->lengths);
	tr_set_i(t, n, "batch_axis", 0);
	tr_set_i(t, n, "seq_axis", 1);
	return tr_end(t, n);
}

/* The sum of the biases' halves; the last gate's recurrent one may stay apart. */
static struct value *gate_bias(struct tr *t, const struct cell *c, struct outside *o)
{
	int64_t n = c->gates * c->hidden, last = n - c->hidden;
	struct value *b = tr_squeeze(t, c->b, 1, (int64_t[]){0});
	struct value *w = tr_slice(t, b, 0, 0, n), *r = tr_slice(t, b, 0, n, 2 * n);
	if (!c->linear)
		return tr_op(t, OP_ADD, w, r);
	o->rb = tr_slice(t, r, 0, last, n);
	struct value *some = tr_op(
	    t, OP_ADD, tr_slice(t, w, 0, 0, last), tr_slice(t, r, 0, 0, last));
	return tr_concat(t, 0, TR_LIST(some, tr_slice(t, w, 0, last, n)));
}

static struct value *steps_within(struct tr *t, const struct cell *c)
{
	struct value *time = tr_gather(t, tr_shape_of(t, c->x), tr_scalar_i64(t, 1), 0);
	struct node *n = tr_new(t, OP_RANGE, tr_scalar_i64(t, 0), time, tr_scalar_i64(t, 1));
	tr_set_type(t, n, "output_type", DT_I64);
	struct value *step = tr_unsqueeze(t, tr_end(t, n), 2, (int64_t[]){0, 2});
	struct value *length = tr_convert(t, c->lengths, DT_I64);
	return tr_op(t, OP_LESS, step, tr_unsqueeze(t, length, 2, (int64_t[]){1, 2}));
}

static struct outside make_outside(struct tr *t, const struct cell *c, bool reverse)
{
	struct outside o = {0};
	static const int64_t first;
	struct value *x = c->ragged && reverse ? reversed(t, c, c->x) : c->x;
	o.x = times_transposed(t, x, tr_squeeze(t, c->w, 1, &first));
	o.r = tr_squeeze(t, c->r, 1, &first);
	if (c->b)
		o.x = tr_op(t, OP_ADD, o.x, gate_bias(t, c, &o));
	if (c->p)
		o.p = tr_squeeze(t, c->p, 1, &first);
	if (c->ragged)
		o.within = steps_within(t, c);
	return o;
}

/* The Parameter for a value of which each turn gets one element along axis 1, without that axis. */
static struct value *part_in(struct tr_body *b, const char *name, const struct value *whole)
{
	struct info info = {.type = tr_dtype(whole), .shape = shape_unknown()};
	if (b->t.status != OK)
		return NULL;
	info.shape = whole->info.shape;
	if (info.shape.rank > 1)
		info.shape.dim[1] = dim_of(1);
	return tr_squeeze(&b->t, tr_body_in(b, name, &info), 1, (int64_t[]){1});
}

static struct value *state_in(struct tr_body *b, const char *name, const struct value *v)
{
	struct info info = {.type = tr_dtype(v), .shape = shape_unknown()};
	if (b->t.status != OK)
		return NULL;
	info.shape = v->info.shape;
	return tr_body_in(b, name, &info);
}

static void run_step(struct tr_body *b, struct step *s, const struct outside *o)
{
	struct value *r = tr_body_capture(b, o->r), *rb = tr_body_capture(b, o->rb);
	s->p = tr_body_capture(b, o->p);
	if (b->t.status != OK)
		return;
	if (s->c->gates == 4)
		step_lstm(s, r);
	else if (s->c->gates == 3)
		step_gru(s, r, rb);
	else /* the product first: with x first OpenVINO 2026.4 was seen to give wrong results */
		s->h = gate(s, 0, tr_op(s->t, OP_ADD, times_transposed(s->t, s->h, r), s->x));
}

/* Parameters: gates, states, perhaps whether the step is within. Results: states, Y. */
static void fill_step(
    struct tr_body *b, const struct cell *c, const struct outside *o, struct value *const *state)
{
	struct tr *t = &b->t;
	struct step s = {.t = t, .c = c, .x = part_in(b, "gates", o->x)};
	struct value *h = s.h = state_in(b, "state", state[0]), *old = NULL, *y, *in = NULL;
	if (c->states > 1)
		s.s = old = state_in(b, "cell", state[1]);
	if (o->within)
		in = part_in(b, "within", o->within);
	run_step(b, &s, o);
	y = s.h;
	if (in) {
		y = tr_op(t, OP_SELECT, in, s.h, tr_number_of(t, s.h, 0));
		s.h = tr_op(t, OP_SELECT, in, s.h, h);
		s.s = old ? tr_op(t, OP_SELECT, in, s.s, old) : NULL;
	}
	tr_body_out(b, "state", s.h);
	if (old)
		tr_body_out(b, "cell", s.s);
	tr_body_out(b, "y", tr_unsqueeze(t, y, 1, (int64_t[]){1}));
}

void tr_cell_written_out(struct tr *t, const struct cell *c, struct value **out)
{
	static const int64_t one = 1;
	bool reverse = !strcmp(c->direction, "reverse"), backward = reverse && !c->ragged;
	struct outside o = make_outside(t, c, reverse);
	struct value *state[2] = {NULL, NULL};
	struct tr_turn in[4] = {{o.x, 1, backward, -1}};
	struct tr_joined join[CELL_OUTPUTS] = {{-1, false}, {-1, false}, {-1, false}};
	struct tr_body b;
	int nin = 1;
	for (int i = 0; i < c->states; i++) {
		state[i] = tr_squeeze(t, c->state[i], 1, &one);
		in[nin++] = (struct tr_turn){state[i], -1, false, i};
	}
	if (o.within)
		in[nin++] = (struct tr_turn){o.within, 1, false, -1};
	join[c->states] = (struct tr_joined){1, backward};
	tr_body_open(t, &b, t->name);
	fill_step(&b, c, &o, state);
	tr_body_close(t, &b);
	struct value *v = tr_iterate(t, &b, in, nin, join, c->states + 1);
	if (t->status != OK)
		tr_body_drop(&b);
	struct value *y = tr_port(v, c->states);
	if (c->ragged && reverse)
		y = reversed(t, c, y);
	out[0] = tr_unsqueeze(t, y, 1, &one);
	for (int i = 0; i < c->states; i++)
		out[1 + i] = tr_unsqueeze(t, tr_port(v, i), 1, &one);
}
