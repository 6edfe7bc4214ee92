/* Constant matrices of products that are stored in FP16, or as integers with scales: what they
 * consist of, so that a kernel may read them compressed. */
#ifndef EXEC_COMPRESSED_H
#define EXEC_COMPRESSED_H

#include "exec/state.h"
#include "kernels/linear_cw.h"

struct compressed {
	const struct node *data, *zero, *scale; /* Consts; zero and scale may be NULL */
	struct linear_cw k;                     /* k, n, type, group and zero are set */
	bool turned;                            /* the matrix is [n][k] */
};

/* Is the right operand of n such a matrix?
 *   Const f16 -> Convert
 *   Const u8|i8|u4|i4 -> Convert -> [Subtract] -> Multiply -> [Reshape] -> [Convert]
 * with one zero point and one scale for each column or group of depths, or for all. */
bool compressed_find(const struct network *net, const struct node *n, struct compressed *c);
/* The numbers, of which scale and zero are on the heap, also when it fails. */
int compressed_open(const struct compressed *c, struct cw_source *s, struct err *err);
void compressed_close(struct cw_source *s);
/* Leaves the constants that lead to the right operand of n for when they are asked for. */
void compressed_defer(struct network *net, const struct node *n);

#endif
