/* Matrix products. */
#include "formats/onnx_translate.h"

void tr_matmul(struct tr *t)
{
	tr_out(t, 0, tr_op(t, OP_MATMUL, tr_in(t, 0), tr_in(t, 1)));
}

void tr_gemm(struct tr *t)
{
	struct node *n = tr_new(t, OP_MATMUL, tr_in(t, 0), tr_in(t, 1));
	double alpha = tr_float(t, "alpha", 1), beta = tr_float(t, "beta", 1);
	tr_set_i(t, n, "transpose_a", tr_bool(t, "transA", false));
	tr_set_i(t, n, "transpose_b", tr_bool(t, "transB", false));
	if (t->opset < 7)
		tr_ignore(t, "broadcast");
	struct value *y = tr_end(t, n);
	if (alpha != 1)
		y = tr_op(t, OP_MULTIPLY, y, tr_number_of(t, y, alpha));
	if (tr_given(t, 2) && beta != 0) {
		struct value *c = t->in[2];
		if (beta != 1)
			c = tr_op(t, OP_MULTIPLY, c, tr_number_of(t, c, beta));
		y = tr_op(t, OP_ADD, y, c);
	}
	tr_out(t, 0, y);
}

/* Zero points per row of A lie down its rows, per column of B along its columns. */
static struct value *centred(struct tr *t, int k, int zero, bool rows)
{
	struct value *x = tr_convert(t, tr_in(t, k), DT_F32);
	if (!tr_given(t, zero))
		return x;
	struct value *z = tr_convert(t, t->in[zero], DT_F32);
	if (rows && z && z->info.shape.rank == 1 && tr_dim(z, 0) != 1)
		z = tr_unsqueeze(t, z, 1, (int64_t[]){1});
	return tr_op(t, OP_SUBTRACT, x, z);
}

void tr_matmul_integer(struct tr *t)
{
	struct value *y = tr_op(t, OP_MATMUL, centred(t, 0, 2, true), centred(t, 1, 3, false));
	tr_out(t, 0, tr_convert(t, y, DT_I32));
}

/* Scales per row of a, per column of b. */
void tr_qlinear_matmul(struct tr *t)
{
	struct value *a = tr_in(t, 0), *b = tr_in(t, 3);
	int rows = a && tr_rank(t, a) > 1 ? tr_rank(t, a) - 2 : 0;
	int columns = b && tr_rank(t, b) > 0 ? tr_rank(t, b) - 1 : 0;
	a = tr_dequantize(t, a, tr_in(t, 1), tr_in(t, 2), rows);
	b = tr_dequantize(t, b, tr_in(t, 4), tr_in(t, 5), columns);
	struct value *y = tr_op(t, OP_MATMUL, a, b);
	int last = y && tr_rank(t, y) > 0 ? tr_rank(t, y) - 1 : 0;
	tr_out(t, 0, tr_quantize(t, y, tr_in(t, 6), tr_in(t, 7), last, DT_U8));
}

/* Without the spaces that ONNX allows and the IR does not. */
static const char *squeezed(struct tr *t, const char *s)
{
	char *p = arena_str(t->scope->im->arena, s), *to = p;
	for (const char *from = s; p && *from; from++)
		if (*from != ' ')
			*to++ = *from;
	if (!p)
		tr_fail(t, E_NOMEM, "out of memory");
	else
		*to = '\0';
	return p ? p : "";
}

void tr_einsum(struct tr *t)
{
	for (int i = 0; i < t->nin; i++)
		tr_in(t, i);
	struct node *n = tr_new_n(t, OP_EINSUM, 1, t->in, t->nin);
	tr_set_s(t, n, "equation", squeezed(t, tr_str(t, "equation", "")));
	tr_out(t, 0, tr_end(t, n));
}
