/* MatMulNBits of ONNX Runtime: a matrix product whose weights are stored in 4 or 8 bits, scaled
 * block by block. */
#include <stdlib.h>

#include "base/checked.h"
#include "formats/onnx_translate.h"

struct nbits {
	int64_t k, n, bits, block, blocks; /* n rows of blocks of block numbers, k of them used */
};

/* Bytes of a constant input of u8, which must be count; NULL with the failure set. */
static const uint8_t *bytes_of(struct tr *t, int input, int64_t count)
{
	const struct value *v = tr_in(t, input);
	const struct node *k = v ? value_const(v) : NULL;
	if (!v)
		return NULL;
	if (!k || v->info.type != DT_U8) {
		tr_fail(t, E_UNSUPPORTED, "input %d is no constant of type uint8", input);
		return NULL;
	}
	if (blob_size(k->data) != (size_t)count) {
		tr_fail(t, E_FORMAT, "input %d has %zu bytes, expected %lld", input,
		    blob_size(k->data), (long long)count);
		return NULL;
	}
	const uint8_t *p = blob_data(k->data);
	if (!p)
		tr_fail(t, E_NOMEM, "out of memory");
	return p;
}

static void read_sizes(struct tr *t, struct nbits *q)
{
	int64_t all;
	tr_require(t, "K");
	tr_require(t, "N");
	q->k = tr_int(t, "K", 0);
	q->n = tr_int(t, "N", 0);
	q->bits = tr_int(t, "bits", 4);
	q->block = tr_int(t, "block_size", 0);
	tr_ignore(t, "accuracy_level");
	if (t->status != OK)
		return;
	if (q->bits != 4 && q->bits != 8)
		tr_fail(t, E_UNSUPPORTED, "weights of %lld bits", (long long)q->bits);
	else if (q->k < 1 || q->n < 1 || q->block < 2 || q->block > INT32_MAX || q->block % 2 ||
		 q->k > INT32_MAX || q->n > INT32_MAX)
		tr_fail(t, E_FORMAT, "attributes K, N or block_size are out of range");
	else if (tr_given(t, 4))
		tr_fail(t, E_UNSUPPORTED, "an order of the groups (g_idx)");
	if (t->status != OK)
		return;
	q->blocks = (q->k + q->block - 1) / q->block;
	if (mul_i64(q->n, q->blocks * q->block, &all) || all > LIMIT_TENSOR_BYTES)
		tr_fail(t, E_LIMIT, "has too many weights");
}

static struct value *constant(
    struct tr *t, const struct nbits *q, enum dtype type, int64_t per_block, struct blob *data)
{
	struct onnx_const c = {.type = type, .rank = 3, .data = data};
	c.dim[0] = q->n;
	c.dim[1] = q->blocks;
	c.dim[2] = per_block;
	return tr_constant(t, NULL, &c);
}

/* Without zero points the weights are signed: the middle of the unsigned ones is their 0. */
static struct value *stored(struct tr *t, const struct nbits *q, bool is_signed)
{
	int64_t count = q->n * q->blocks * q->block * q->bits / 8;
	const uint8_t *p = bytes_of(t, 1, count);
	uint8_t *own = p ? malloc((size_t)count) : NULL;
	if (p && !own)
		tr_fail(t, E_NOMEM, "out of memory");
	if (!own)
		return NULL;
	uint8_t flip = !is_signed ? 0 : q->bits == 4 ? 0x88 : 0x80;
	for (int64_t i = 0; i < count; i++)
		own[i] = p[i] ^ flip;
	enum dtype type = q->bits == 4 ? is_signed ? DT_I4 : DT_U4 : is_signed ? DT_I8 : DT_U8;
	return constant(t, q, type, q->block, blob_heap(own, (size_t)count));
}

/* Each row of packed zero points starts at a byte; ours are a byte each. */
static struct value *zero_points(struct tr *t, const struct nbits *q)
{
	int64_t row = (q->blocks * q->bits + 7) / 8;
	const uint8_t *p = bytes_of(t, 3, q->n * row);
	uint8_t *own = p ? malloc((size_t)(q->n * q->blocks)) : NULL;
	if (p && !own)
		tr_fail(t, E_NOMEM, "out of memory");
	if (!own)
		return NULL;
	for (int64_t i = 0; i < q->n; i++)
		for (int64_t j = 0; j < q->blocks; j++)
			own[i * q->blocks + j] = q->bits == 8
						     ? p[i * row + j]
						     : p[i * row + j / 2] >> 4 * (j % 2) & 15;
	return constant(t, q, DT_U8, 1, blob_heap(own, (size_t)(q->n * q->blocks)));
}

void tr_matmul_nbits(struct tr *t)
{
	struct nbits q = {0};
	struct value *x = tr_in(t, 0), *scale = tr_in(t, 2), *zero = NULL;
	enum dtype type = tr_dtype(scale);
	read_sizes(t, &q);
	if (t->status != OK)
		return;
	int64_t per_block[] = {q.n, q.blocks, 1};
	struct value *w = tr_convert(t, stored(t, &q, !tr_given(t, 3)), type);
	if (tr_given(t, 3) && tr_dtype(t->in[3]) == DT_U8)
		zero = tr_convert(t, zero_points(t, &q), type);
	else if (tr_given(t, 3))
		zero = tr_reshape(t, tr_convert(t, t->in[3], type), 3, per_block);
	if (zero)
		w = tr_op(t, OP_SUBTRACT, w, zero);
	w = tr_op(t, OP_MULTIPLY, w, tr_reshape(t, scale, 3, per_block));
	w = tr_reshape(t, w, 2, (int64_t[]){q.n, q.blocks * q.block});
	if (q.blocks * q.block != q.k)
		w = tr_slice(t, w, 1, 0, q.k);
	struct node *n = tr_new(t, OP_MATMUL, x, tr_convert(t, w, tr_dtype(x)));
	tr_set_i(t, n, "transpose_b", true);
	struct value *y = tr_end(t, n);
	tr_out(t, 0, tr_given(t, 5) ? tr_op(t, OP_ADD, y, t->in[5]) : y);
}
