/* Bodies of control-flow layers while they are made, and the layer that iterates over one. */
#ifndef FORMATS_ONNX_BODY_H
#define FORMATS_ONNX_BODY_H

#include "formats/onnx_translate.h"

/* A body between tr_body_open and tr_body_close; t makes layers inside it, and what names stand for
 * around it can be asked for by its scope. After the close, body says what was captured: each
 * becomes an input of the layer that the body is given to. */
struct tr_body {
	struct tr t;
	struct onnx_scope scope;
	struct onnx_body body;
};

/* A failure inside becomes one of t at the close, which is due in any case. */
void tr_body_open(struct tr *t, struct tr_body *b, const char *name);
void tr_body_close(struct tr *t, struct tr_body *b);
/* The next Parameter. */
struct value *tr_body_in(struct tr_body *b, const char *name, const struct info *info);
/* The next Result. */
void tr_body_out(struct tr_body *b, const char *name, struct value *v);
/* v of the graph around, inside. */
struct value *tr_body_capture(struct tr_body *b, struct value *v);
/* A body that came to nothing, or is to be made anew: gives back what is not the arena's. */
void tr_body_drop(struct tr_body *b);

/* An input of a subgraph: its type and shape inside; or, where axis >= 0, those of a whole that is
 * cut along the axis into parts of size one, which lose that axis. */
struct tr_body_input {
	struct info info;
	int64_t axis;
};

/* Translates a subgraph: its own inputs become the first Parameters (inputs NULL: it has none),
 * every output of it a Result. */
void tr_body_fill(
    struct tr *t, const Onnx__GraphProto *g, const struct tr_body_input *inputs, struct tr_body *b);
/* The same, where outputs first_out.. are the next turn's inputs first_in..: shapes that change
 * from turn to turn are widened until they stay. */
void tr_body_fill_turns(struct tr *t, const Onnx__GraphProto *g, struct tr_body_input *inputs,
    int first_in, int first_out, int carried, struct tr_body *b);
/* Gives Result k a new axis, along which the turns are joined. */
void tr_body_unsqueeze(struct tr *t, struct tr_body *b, int k, int64_t axis);

/* What a Parameter gets. */
struct tr_turn {
	struct value *v; /* of the graph around */
	int64_t axis;    /* along which v is cut, one element a turn; -1: not cut */
	bool reverse;    /* from its end */
	int back;        /* the Result that takes its place in the next turn, or -1 */
};
/* What becomes of a Result. */
struct tr_joined {
	int64_t axis; /* along which the turns are joined; -1: the last one is kept */
	bool reverse;
};
/* A TensorIterator, or inside of a body a Loop, over the cut inputs, of which there is one at
 * least: in[k] feeds Parameter k, its output k is Result k. Output 0, or NULL. */
struct value *tr_iterate(struct tr *t, struct tr_body *b, const struct tr_turn *in, int nin,
    const struct tr_joined *out, int nout);

#endif
