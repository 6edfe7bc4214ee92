/* Comparisons, logic and bits of two broadcast inputs; Select and PReLU. */
#include <string.h>

#include "ops/binary.h"
#include "ops/elem.h"
#include "ops/rows.h"

#define COMPARE(name, op)                                                                    \
	PAIR_LOOP(name##_f64, double, a op b)                                                \
	PAIR_LOOP(name##_i64, int64_t, a op b)                                               \
	PAIR_LOOP(name##_u64, int64_t, (uint64_t)a op(uint64_t) b)                           \
	int eval_##name(struct eval *s)                                                      \
	{                                                                                    \
		static const struct binary row = {name##_f64, name##_i64, name##_u64, NULL}; \
		return binary_eval(s, &row);                                                 \
	}
#define WHOLE(name, expr)                                                        \
	PAIR_LOOP(name##_i64, int64_t, expr)                                     \
	int eval_##name(struct eval *s)                                          \
	{                                                                        \
		static const struct binary row = {NULL, name##_i64, NULL, NULL}; \
		return binary_eval(s, &row);                                     \
	}

COMPARE(equal, ==)
COMPARE(not_equal, !=)
COMPARE(greater, >)
COMPARE(greater_equal, >=)
COMPARE(less, <)
COMPARE(less_equal, <=)

WHOLE(logical_and, (a != 0) & (b != 0))
WHOLE(logical_or, (a != 0) | (b != 0))
WHOLE(logical_xor, (a != 0) ^ (b != 0))
WHOLE(bitwise_and, a &b)
WHOLE(bitwise_or, a | b)
WHOLE(bitwise_xor, a ^ b)

/* Counts outside of the type's width shift everything out. The output type cuts the bits that a
 * narrow type does not have. */
static inline int64_t shift_left(int64_t a, int64_t b)
{
	return b < 0 || b > 63 ? 0 : (int64_t)((uint64_t)a << b);
}
static inline int64_t shift_right(int64_t a, int64_t b)
{
	return a >> (b < 0 || b > 63 ? 63 : b);
}
static inline int64_t shift_right_u64(int64_t a, int64_t b)
{
	return b < 0 || b > 63 ? 0 : (int64_t)((uint64_t)a >> b);
}

WHOLE(bitwise_left_shift, shift_left(a, b))
PAIR_LOOP(shift_right_loop, int64_t, shift_right(a, b))
PAIR_LOOP(shift_right_u64_loop, int64_t, shift_right_u64(a, b))
int eval_bitwise_right_shift(struct eval *s)
{
	static const struct binary row = {NULL, shift_right_loop, shift_right_u64_loop, NULL};
	return binary_eval(s, &row);
}

#define PICK(type)                                                                  \
	for (int64_t i = 0; i < w->n; i++)                                          \
		((type *)s->out[0].data)[w->out + i] =                              \
		    ((const uint8_t *)s->in[0].data)[w->at[0] + i * w->step[0]]     \
			? ((const type *)s->in[1].data)[w->at[1] + i * w->step[1]]  \
			: ((const type *)s->in[2].data)[w->at[2] + i * w->step[2]]; \
	break

static void pick_row(struct eval *s, const struct walk *w)
{
	switch (dtype_bits(s->out[0].type)) {
	case 8:
		PICK(uint8_t);
	case 16:
		PICK(uint16_t);
	case 32:
		PICK(uint32_t);
	case 64:
		PICK(uint64_t);
	default:
		for (int64_t i = 0; i < w->n; i++) {
			bool c = ((const uint8_t *)s->in[0].data)[w->at[0] + i * w->step[0]];
			int k = c ? 1 : 2;
			tensor_set_f64(&s->out[0], w->out + i,
			    tensor_f64(&s->in[k], w->at[k] + i * w->step[k]));
		}
	}
}

int eval_select(struct eval *s)
{
	struct walk w;
	for (walk_tensors(&w, &s->out[0], 3, s->in); !w.done; walk_next(&w))
		pick_row(s, &w);
	return OK;
}

/* A slope of one dim belongs to the channels, dim 1; any other broadcasts to the right. */
static void slope_dims(const struct eval *s, int *rank, int64_t dim[MAX_RANK])
{
	const struct tensor *x = &s->in[0], *slope = &s->in[1];
	int channel = x->rank > 1 ? 1 : 0;
	*rank = slope->rank;
	memcpy(dim, slope->dim, sizeof slope->dim);
	if (slope->rank != 1 || x->rank < 1 || slope->dim[0] != x->dim[channel])
		return;
	*rank = x->rank;
	for (int i = 0; i < x->rank; i++)
		dim[i] = i == channel ? slope->dim[0] : 1;
}

static void prelu_row(struct eval *s, const struct walk *w)
{
	double x[SPAN], a[SPAN];
	for (int64_t i = 0; i < w->n; i += SPAN) {
		int64_t n = w->n - i < SPAN ? w->n - i : SPAN;
		span_f64(x, &s->in[0], w->at[0] + i, n);
		if (w->step[1])
			span_f64(a, &s->in[1], w->at[1] + i, n);
		else
			span_fill_f64(a, &s->in[1], w->at[1], n);
		for (int64_t j = 0; j < n; j++)
			x[j] = x[j] < 0 ? x[j] * a[j] : x[j];
		span_put_f64(&s->out[0], w->out + i, n, x);
	}
}

int eval_prelu(struct eval *s)
{
	struct walk w;
	int64_t dim[MAX_RANK];
	int rank[2] = {s->in[0].rank, 0};
	slope_dims(s, &rank[1], dim);
	walk_start(&w, s->out[0].rank, s->out[0].dim, 2, rank,
	    (const int64_t *const[]){s->in[0].dim, dim});
	for (; !w.done; walk_next(&w))
		prelu_row(s, &w);
	return OK;
}
