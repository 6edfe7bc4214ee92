/* What recurrent layers say of themselves, for their kernels. */
#ifndef OPS_RECURRENT_H
#define OPS_RECURRENT_H

#include "ops/op.h"

struct activation {
	enum {
		SIGMOID,
		TANH,
		RELU,
		HARD_SIGMOID,
		ELU,
		LEAKY_RELU,
		AFFINE,
		SCALED_TANH,
		SOFT_SIGN,
		SOFT_PLUS,
		THRESHOLDED_RELU
	} what;
	double alpha, beta;
};

/* In the order in which a kind has one function less. */
enum cell_kind { CELL_LSTM, CELL_GRU, CELL_RNN };

/* Gates by kind: of the weights, and of the biases. */
int recurrent_gates_of(enum cell_kind kind);
int recurrent_bias_gates(const struct node *n, enum cell_kind kind);
/* The node's functions, want of them; NULL, or the name that is not known. */
const char *recurrent_activations(const struct node *n, int want, struct activation *a);
/* Evaluates inputs and outputs of a sequence; a second direction is reversed always. */
int recurrent_eval(struct eval *s, enum cell_kind kind, bool reverse);

#endif
