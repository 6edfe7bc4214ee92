/* One step of the optimizers of ai.onnx.preview.training. */
#include <string.h>

#include "formats/onnx_translate.h"

/* Inputs: rate R, step T, then n tensors each of X, G and the states. */
struct step {
	int n;
	struct value *rate, *count; /* count: T as a float */
	struct value *x, *g;        /* of the tensor at hand, g with the norm's gradient added */
	double norm;
};

static void begin(struct tr *t, struct step *s, int groups)
{
	s->rate = tr_in(t, 0);
	s->count = tr_convert(t, tr_in(t, 1), tr_dtype(s->rate));
	s->n = (t->nin - 2) / groups;
	s->norm = tr_float(t, "norm_coefficient", 0);
	if (t->status == OK &&
	    (s->n < 1 || t->nin != 2 + s->n * groups || t->nout != s->n * (groups - 1)))
		tr_fail(t, E_FORMAT, "has %d inputs and %d outputs", t->nin, t->nout);
}

static struct value *times(struct tr *t, struct value *v, double k)
{
	return tr_op(t, OP_MULTIPLY, v, tr_number_of(t, v, k));
}

static void take(struct tr *t, struct step *s, int i)
{
	s->x = tr_in(t, 2 + i);
	s->g = tr_op(t, OP_ADD, times(t, s->x, s->norm), tr_in(t, 2 + s->n + i));
}

/* rate * v / (sqrt(h) + epsilon) */
static struct value *scaled_step(
    struct tr *t, struct value *rate, struct value *v, struct value *h, double epsilon)
{
	struct value *d = tr_op(t, OP_SQRT, h);
	d = tr_op(t, OP_ADD, d, tr_number_of(t, d, epsilon));
	return tr_op(t, OP_DIVIDE, tr_op(t, OP_MULTIPLY, rate, v), d);
}

void tr_adagrad(struct tr *t)
{
	struct step s;
	begin(t, &s, 3);
	double epsilon = tr_float(t, "epsilon", (double)1e-6f),
	       decay = tr_float(t, "decay_factor", 0);
	struct value *slow = times(t, s.count, decay);
	struct value *rate = tr_op(
	    t, OP_DIVIDE, s.rate, tr_op(t, OP_ADD, slow, tr_number_of(t, slow, 1)));
	for (int i = 0; i < s.n && t->status == OK; i++) {
		take(t, &s, i);
		struct value *h = tr_op(
		    t, OP_ADD, tr_in(t, 2 + 2 * s.n + i), tr_op(t, OP_MULTIPLY, s.g, s.g));
		tr_out(t, i, tr_op(t, OP_SUBTRACT, s.x, scaled_step(t, rate, s.g, h, epsilon)));
		tr_out(t, s.n + i, h);
	}
}

/* a * old + (1 - a) * new */
static struct value *blend(struct tr *t, struct value *old, struct value *new, double a)
{
	return tr_op(t, OP_ADD, times(t, old, a), times(t, new, 1 - a));
}

/* The rate of step T, for the averages start at zero; as it is in step 0. */
static struct value *adam_rate(struct tr *t, const struct step *s, double alpha, double beta)
{
	struct value *one = tr_number_of(t, s->rate, 1), *zero = tr_number_of(t, s->rate, 0);
	struct value *a = tr_op(t, OP_POWER, tr_number_of(t, s->rate, alpha), s->count);
	struct value *b = tr_op(t, OP_POWER, tr_number_of(t, s->rate, beta), s->count);
	struct value *r = tr_op(t, OP_SQRT, tr_op(t, OP_SUBTRACT, one, b));
	r = tr_op(t, OP_DIVIDE, tr_op(t, OP_MULTIPLY, s->rate, r), tr_op(t, OP_SUBTRACT, one, a));
	return tr_op(t, OP_SELECT, tr_op(t, OP_GREATER, s->count, zero), r, s->rate);
}

void tr_adam(struct tr *t)
{
	struct step s;
	begin(t, &s, 4);
	double alpha = tr_float(t, "alpha", (double)0.9f),
	       beta = tr_float(t, "beta", (double)0.999f);
	double epsilon = tr_float(t, "epsilon", (double)1e-6f),
	       post = tr_float(t, "norm_coefficient_post", 0);
	struct value *rate = adam_rate(t, &s, alpha, beta);
	for (int i = 0; i < s.n && t->status == OK; i++) {
		take(t, &s, i);
		struct value *v = blend(t, tr_in(t, 2 + 2 * s.n + i), s.g, alpha);
		struct value *h = blend(
		    t, tr_in(t, 2 + 3 * s.n + i), tr_op(t, OP_MULTIPLY, s.g, s.g), beta);
		struct value *x = tr_op(t, OP_SUBTRACT, s.x, scaled_step(t, rate, v, h, epsilon));
		tr_out(t, i, times(t, x, 1 - post));
		tr_out(t, s.n + i, v);
		tr_out(t, 2 * s.n + i, h);
	}
}

void tr_momentum(struct tr *t)
{
	struct step s;
	begin(t, &s, 3);
	double alpha = tr_float(t, "alpha", 0), beta = tr_float(t, "beta", 0);
	const char *mode = tr_str(t, "mode", "");
	bool nesterov = !strcmp(mode, "nesterov");
	if (!nesterov && strcmp(mode, "standard"))
		tr_fail(t, E_FORMAT, "attribute 'mode' is '%s'", mode);
	tr_require(t, "alpha");
	tr_require(t, "beta");
	struct value *first = tr_op(t, OP_GREATER, s.count, tr_number_of(t, s.count, 0));
	struct value *b = tr_op(
	    t, OP_SELECT, first, tr_number_of(t, s.rate, beta), tr_number_of(t, s.rate, 1));
	for (int i = 0; i < s.n && t->status == OK; i++) {
		take(t, &s, i);
		struct value *v = times(t, tr_in(t, 2 + 2 * s.n + i), alpha);
		v = tr_op(t, OP_ADD, v, tr_op(t, OP_MULTIPLY, b, s.g));
		struct value *d = nesterov ? tr_op(t, OP_ADD, s.g, times(t, v, alpha)) : v;
		tr_out(t, i, tr_op(t, OP_SUBTRACT, s.x, tr_op(t, OP_MULTIPLY, s.rate, d)));
		tr_out(t, s.n + i, v);
	}
}
