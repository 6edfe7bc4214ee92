/* AffineGrid: where each output element of an affine map lies in the input. */
#include "formats/onnx_translate.h"

/* The middles (or, with the corners aligned, the ends inclusive) of n steps over [-1, 1], a vector.
 */
static struct value *positions(struct tr *t, struct value *n, bool corners)
{
	struct value *one = tr_number_of(t, n, 1), *two = tr_number_of(t, n, 2);
	struct node *r = tr_new(t, OP_RANGE, tr_number_of(t, n, 0), n, one);
	tr_set_type(t, r, "output_type", tr_dtype(n));
	struct value *i = tr_op(t, OP_MULTIPLY, tr_end(t, r), two);
	struct value *steps = corners ? tr_op(t, OP_MAXIMUM, tr_op(t, OP_SUBTRACT, n, one), one)
				      : n;
	i = corners ? i : tr_op(t, OP_ADD, i, one);
	return tr_op(t, OP_SUBTRACT, tr_op(t, OP_DIVIDE, i, steps), one);
}

/* Inputs theta [N, k, k + 1] and size [N, C, (D,) H, W] of k spatial axes; output [N, (D,) H, W,
 * k]. */
void tr_affine_grid(struct tr *t)
{
	struct value *theta = tr_in(t, 0), *size = tr_convert(t, tr_in(t, 1), DT_I64), *part[4];
	bool corners = tr_bool(t, "align_corners", false);
	int64_t k = tr_dim(size, 0) - 2;
	if (k < 2 || k > 3)
		tr_fail(t, E_UNSUPPORTED, "grids of other than two or three axes");
	if (t->status != OK)
		return;
	struct value *space = tr_part(t, size, 2, INT64_MAX), *column[2] = {space, tr_i64_1(t, 1)};
	struct value *full = tr_concat(t, 0, column, 2);
	for (int i = 0; i < k && t->status == OK; i++) { /* x, y, z: the last axis first */
		struct value *n = tr_gather(t, space, tr_scalar_i64(t, k - 1 - i), 0);
		struct value *v = positions(t, tr_convert(t, n, tr_dtype(theta)), corners);
		part[i] = tr_broadcast(t, tr_along(t, v, (int)k + 1, (int)k - 1 - i), full);
	}
	part[k] = tr_broadcast(t, tr_number_of(t, theta, 1), full);
	struct value *base = tr_concat(t, k, part, (int)k + 1);
	base = tr_reshape(t, base, 3, (int64_t[]){1, -1, k + 1});
	struct node *m = tr_new(t, OP_MATMUL, base, theta);
	tr_set_i(t, m, "transpose_b", true);
	struct value *dims[] = {tr_part(t, size, 0, 1), space, tr_i64_1(t, k)};
	tr_out(t, 0, tr_reshape_to(t, tr_end(t, m), tr_concat(t, 0, dims, 3)));
}
