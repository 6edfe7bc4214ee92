/* Prototypes of every row's functions and attribute lists, expanded from ops.def. */
#ifndef OPS_ROWS_H
#define OPS_ROWS_H

#include "ops/op.h"

#define OP(id, ty, set, lo, hi, no, at, in, ev, fl) \
	extern const struct attr_def attrs_##at[];  \
	int infer_##in(struct infer *s);            \
	int eval_##ev(struct eval *s);
#include "ops/ops.def"
#undef OP
extern const struct attr_def attrs_none[];
/* Output 0 has the type and shape of input 0; checks nothing else. */
int infer_same(struct infer *s);

#endif
