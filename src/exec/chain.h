/* Chains of layers that work element by element, before they become calls. */
#ifndef EXEC_CHAIN_H
#define EXEC_CHAIN_H

#include "exec/lower.h"

struct chain {
	const struct node *end; /* the last layer, NULL: none yet */
	struct chain_f32 k;     /* operations */
	bool forks;             /* begins with two ways from one value */
	const struct value *in, *operand[CHAIN_OPERANDS];
	const struct tensor *dims[CHAIN_OPERANDS]; /* of the operands */
	const float *made[CHAIN_OPERANDS];         /* what stands for the operand's content */
	const struct quant *out;                   /* of the result, which is bytes then, or NULL */
};

static inline bool chain_same_dims(const struct tensor *a, const struct tensor *b)
{
	for (int d = 0; d < a->rank; d++)
		if (a->rank != b->rank || a->dim[d] != b->dim[d])
			return false;
	return a->rank == b->rank;
}

/* Appends n to a chain whose value flows through its input k. */
bool chain_take(struct lower *l, struct chain *c, const struct node *n, int k);
/* Appends the layers between v, where the chain is, and one that joins both of the ways on which
 * alone v is read, as in x * sigmoid(x). */
bool chain_take_both(struct lower *l, struct chain *c, const struct value *v);
/* The operations from number from on, which multiply two ways from x, become one where that is a
 * function: x * sigmoid(x), x * hsigmoid(x), GELU. Followed by a product with 2, if GELU was. */
void chain_one_function(struct chain *c, int from);
/* Appends the layers behind that only the chain feeds, as far as the longer chain fits. */
void chain_follow(struct lower *l, struct chain *c,
    bool (*fits)(struct lower *l, const struct chain *c, const void *user), const void *user);
/* Marks the layers of the chain from those that read v on as done, up to its end. */
void chain_absorb(struct lower *l, const struct chain *c, const struct value *v);

#endif
