/* LSTM, GRU and RNN over sequences in FP32, the batch first, with constant weights: one product of
 * all inputs at once, then step by step a product with the states and the gates' functions.
 *
 * Use: set everything up to act_b; plan; pack; run as often as wanted. Results have the same bits
 * for any number of threads. */
#ifndef KERNELS_RECURRENT_F32_H
#define KERNELS_RECURRENT_F32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/nhwc_conv_f32.h"

enum recurrent_kind { RECURRENT_LSTM, RECURRENT_GRU, RECURRENT_RNN, RECURRENT_KINDS };
/* The functions of a layer: of the gates, of the new values, of LSTM's cell. */
enum { RECURRENT_ACTS = 3 };

/* Plain data, no pointers. */
struct recurrent_f32 {
	int kind; /* enum recurrent_kind */
	int batch, steps, dirs, input, hidden;
	bool reverse;    /* the first direction; the second one, if any, is reversed always */
	bool reset_last; /* GRU: the new values' product with the state is made, then reset */
	float clip;      /* of the gates' arguments; 0: none */
	int act[RECURRENT_ACTS]; /* enum span_op, of one operand */
	float act_a[RECURRENT_ACTS], act_b[RECURRENT_ACTS];
	/* Set by the plan. */
	struct nhwc_conv_f32 project; /* of the inputs, all directions side by side */
	int row;                      /* of igemm_f32_rows */
	int parts;                    /* of the batch, each worked on by itself */
	bool columns;                 /* else: workers share the columns of a step */
	size_t gates, unit;           /* bytes of scratch: of projected inputs, of each part */
	size_t scratch;
};

/* Gates of the weights, in this order: LSTM f, i, c, o; GRU z, r, h; RNN one. */
int recurrent_gates(int kind);
/* Can the kernel count that far? */
bool recurrent_fits(const struct recurrent_f32 *k);
void recurrent_f32_plan(struct recurrent_f32 *k, int threads);
/* Bytes of the packed weights of the inputs, and of the states. They depend on kind, dirs, input,
 * hidden, reset_last and the tables' rows only. */
size_t recurrent_f32_packed_inputs(const struct recurrent_f32 *k);
size_t recurrent_f32_packed_states(const struct recurrent_f32 *k);
/* w is [dirs][gates * hidden][input], r [dirs][gates * hidden][hidden]. */
void recurrent_f32_pack_inputs(const struct recurrent_f32 *k, const float *w, float *packed);
void recurrent_f32_pack_states(const struct recurrent_f32 *k, const float *r, float *packed);

/* packed and scratch are aligned to 64 bytes. Results must not overlap operands. */
struct recurrent_f32_args {
	const float *x;               /* [batch][steps][input] */
	const float *h0, *c0;         /* [batch][dirs][hidden]; c0 of LSTM only */
	const int *length;            /* [batch], from 0 to steps; NULL: all of them */
	const float *inputs, *states; /* packed */
	const float *bias;            /* [dirs][gates * hidden] */
	const float *reset; /* with reset_last: [dirs][hidden], of the product that is reset */
	float *y;           /* [batch][dirs][steps][hidden], 0 behind a sequence's end; or NULL */
	float *h, *c;       /* the last states, as the first; c of LSTM only */
	void *scratch;
};
void recurrent_f32_run(
    const struct recurrent_f32 *k, struct pool *pool, const struct recurrent_f32_args *a);

#endif
