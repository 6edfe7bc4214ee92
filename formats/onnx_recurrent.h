/* What LSTM, GRU and RNN of ONNX ask for, between reading it and making layers of it. */
#ifndef FORMATS_ONNX_RECURRENT_H
#define FORMATS_ONNX_RECURRENT_H

#include "formats/onnx_translate.h"

#define CELL_FUNCTIONS 3 /* of one direction at most */
#define CELL_OUTPUTS 3   /* Y and the states */

struct activation {
	enum activation_kind {
		ACT_AFFINE,
		ACT_ELU,
		ACT_HARD_SIGMOID,
		ACT_LEAKY_RELU,
		ACT_RELU,
		ACT_SCALED_TANH,
		ACT_SIGMOID,
		ACT_SOFTPLUS,
		ACT_SOFTSIGN,
		ACT_TANH,
		ACT_THRESHOLDED_RELU
	} kind;
	double alpha, beta;
};

struct cell {
	enum op_id sequence; /* the layer that IR has for it */
	int gates, states, functions, dirs;
	int64_t hidden;
	double clip; /* 0: none */
	bool batch_first;
	bool linear;  /* GRU: linear_before_reset */
	bool coupled; /* LSTM: input_forget */
	bool ragged;  /* the lengths are given: sequences may be shorter than the whole */
	const char *direction;
	struct activation act[2][CELL_FUNCTIONS];
	struct value *x;        /* [batch, time, in] */
	struct value *lengths;  /* [batch] */
	struct value *w, *r;    /* [dirs, gates * hidden, in or hidden] */
	struct value *b;        /* [dirs, 2 * gates * hidden]; NULL: none */
	struct value *p;        /* peepholes [dirs, 3 * hidden]; NULL: none */
	struct value *state[2]; /* [batch, dirs, hidden] */
};

/* onnx_cell.c: a cell of one direction that no layer of the IR can express, written out as the body
 * of a TensorIterator. out: Y [batch, 1, time, hidden] and the states [batch, 1, hidden]. */
void tr_cell_written_out(struct tr *t, const struct cell *c, struct value **out);

#endif
