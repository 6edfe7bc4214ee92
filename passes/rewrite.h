/* What passes share: constants read as numbers, and nodes put in the place of others. */
#ifndef PASSES_REWRITE_H
#define PASSES_REWRITE_H

#include "passes/pass.h"

#define MAX_CHANNELS (1 << 20) /* more are not taken for channels */

/* The node that uses v when there is exactly one use, else NULL. */
struct node *only_use(const struct value *v);
/* True when a Result reads v: it is an output of its graph. */
bool is_output(const struct value *v);
/* True when v may take the place of old: outputs of the model keep their own value and name, so old
 * must not be an output when v is one, or an input. */
bool can_replace(const struct value *old, const struct value *v);

/* Surely equal: every dim is the same number, or not known but under the same symbol. */
bool same_shapes(const struct shape *a, const struct shape *b);

/* The same for two values of equal element count, which settles one unknown dim in the same place.
 */
bool same_reshaped(const struct shape *a, const struct shape *b);

/* The target, with special_zero, by which Reshape gives out whatever has the shape in: dims that
 * are the same in both are 0, one other may be -1. False when that does not say it all. */
bool reshape_pattern(const struct shape *in, const struct shape *out, int64_t *dims);

/* The content of a Const with aligned data, in heap memory of its own when it must be; nothing is
 * kept in the blob. To be given back by const_close. */
struct const_view {
	struct tensor t;
	bool owned;
};
int const_open(const struct value *v, struct const_view *out, struct err *err);
void const_close(struct const_view *w);

/* The content of a Const that holds one element, or the same bits everywhere (deferred or of at
 * most 65536 elements); false when it is none. Strings and absent values are none. */
bool const_number(const struct value *v, double *x);
/* The same for one finite number that, as the other operand, leaves the shape of other alone. */
bool const_scalar(const struct value *v, const struct value *other, double *x);
/* One integer that counts dims of this rank, negative ones from the end; -1 when it is none. */
int const_axis(const struct value *v, int rank);
/* True when v is a Const of integers with at most max elements: copies them, *n is their count. */
bool const_ints(const struct value *v, int64_t *x, int max, int *n);
/* Reads a Const that, broadcast against a value of this rank, varies at most along axis and leaves
 * the value's shape alone, into x[0..channels-1]. False when it does not fit or is not finite. */
bool const_channels(const struct value *v, int rank, int axis, int64_t channels, double *x);

/* Reshape, Squeeze or Unsqueeze. */
bool is_view(const struct node *n);
/* The pattern of one Reshape that gives this shape whatever is reshaped: one dim may be unknown. */
bool view_pattern(const struct shape *s, int64_t *dims);
/* True when n is a Transpose by a constant order: copies it, *rank values. An empty one reverses.
 */
bool transpose_order(const struct node *n, int64_t *order, int *rank);

/* True when the outputs hold elements of input 0 and nothing else. */
bool moves_only(const struct node *n);

/* The Convert that opens a decompression of weights from few bits, or their FakeQuantize. */
bool few_bits_weight(const struct node *n);

/* The one of a commuting node's two inputs that is Const, with its index; -1 when none is. */
int const_input(const struct node *n);

/* A float Const of any type for x[0..channels-1] along axis, 1 elsewhere, placed before at. */
struct node *add_channels(struct node *at, const char *name, enum dtype type, int rank, int axis,
    int64_t channels, const double *x);
/* An integer Const (rank 0 when n is -1), inferred, placed before at; NULL with the error set. */
struct node *add_ints(
    struct pass_ctx *c, struct node *at, const char *name, int n, const int64_t *x);
/* A node of one output placed before at, inferred; attributes have their defaults. */
struct node *add_before(struct pass_ctx *c, struct node *at, enum op_id id, const char *name,
    struct value *a, struct value *b);

/* A Reshape of v to these dims, placed before at; NULL with the error set. */
struct value *add_view(
    struct pass_ctx *c, struct node *at, struct value *v, int rank, const int64_t *dims);

/* Makes v stand for old's output: it takes the layer name and the tensor names, those that v's node
 * had are dropped since they meant another content. */
void take_over(struct value *v, struct value *old);
/* Infers made and lets it take over from n, both of one output: 1, or a negative status. */
int put_in_place(struct pass_ctx *c, struct node *made, struct node *n);
/* Removes n when nothing uses it, and then what only it used (not without limit:
 * dead-code takes the rest): nodes before n, so that a loop may go
 * on from the node after n. */
void remove_dead(struct node *n);
/* Calls fn for each node in order: 1 says that it is replaced (it goes when nothing uses it), 0
 * that nothing changed. Scratch is reset after each. The number of rewrites, or a negative status.
 */
int each_node(struct pass_ctx *c, int (*fn)(struct pass_ctx *c, struct node *n));
/* name + suffix in the graph's arena, NULL without memory. */
const char *name_with(struct node *n, const char *name, const char *suffix);

#endif
