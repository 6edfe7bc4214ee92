/* The parts of the two-input operators: their loops and what inference knows of their content. */
#ifndef OPS_BINARY_H
#define OPS_BINARY_H

#include "ops/op.h"

/* Loops of one operator over n pairs; NULL where the row has none for a kind of type. */
struct binary {
	void (*f64)(double *v, const double *b, int64_t n); /* v = v op b */
	void (*i64)(int64_t *v, const int64_t *b, int64_t n);
	void (*u64)(int64_t *v, const int64_t *b, int64_t n); /* NULL: as i64 */
	/* Inputs advance by sa and sb, 0 or 1; must give the bits that f64 gives. May be NULL. */
	void (*f32)(float *o, const float *a, int sa, const float *b, int sb, int64_t n);
};
/* Output 0 from inputs 0 and 1, broadcast. */
int binary_eval(struct eval *s, const struct binary *op);

/* Passes on partly known integer content, when there is some. */
void binary_elems(struct infer *s);
void select_elems(struct infer *s);
void unary_elems(struct infer *s);
/* What an arithmetic row (Divide floors) makes of two partly known integers of a type. */
struct dim content_apply(enum op_id op, struct dim a, struct dim b, enum dtype type);

#endif
