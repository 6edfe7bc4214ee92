/* Operators on quantized tensors as ONNX Runtime's tools write them: the operator itself between
 * the numbers that its integers stand for and a quantization. */
#include "formats/onnx_translate.h"

#define OPSET 13 /* whose meaning the operators have that these are made of */

static struct value *given(struct tr *t, int k)
{
	return tr_given(t, k) ? t->in[k] : NULL;
}

/* Inputs k (data), k + 1 (scale) and k + 2 (zero point). */
static struct value *real(struct tr *t, int k)
{
	return tr_dequantize(t, tr_in(t, k), tr_in(t, k + 1), given(t, k + 2), 0);
}

/* What the operator makes of these inputs. */
static struct value *apply(struct tr *t, translate_fn *op, int opset, struct value **in, int nin)
{
	struct value **own = t->in;
	int count = t->nin, version = t->opset;
	if (t->status != OK)
		return NULL;
	t->in = in;
	t->nin = nin;
	t->opset = opset;
	op(t);
	t->in = own;
	t->nin = count;
	t->opset = version;
	return t->out[0];
}

/* Output 0 is y, quantized by input k (scale) and k + 1 (zero point). */
static void quantized(struct tr *t, struct value *y, int k)
{
	tr_out(t, 0, tr_quantize(t, y, tr_in(t, k), given(t, k + 1), 0, DT_U8));
}

static void unary(struct tr *t, translate_fn *op, int opset)
{
	struct value *in[] = {real(t, 0)};
	quantized(t, apply(t, op, opset, in, 1), 3);
}

static void binary(struct tr *t, translate_fn *op)
{
	struct value *in[] = {real(t, 0), real(t, 3)};
	quantized(t, apply(t, op, OPSET, in, 2), 6);
}

void tr_qlinear_add(struct tr *t)
{
	binary(t, tr_add);
}

void tr_qlinear_mul(struct tr *t)
{
	binary(t, tr_mul);
}

void tr_qlinear_leaky_relu(struct tr *t)
{
	unary(t, tr_leaky_relu, OPSET);
}

void tr_qlinear_sigmoid(struct tr *t)
{
	unary(t, tr_sigmoid, OPSET);
}

/* The axes are an attribute, as before opset 18. */
void tr_qlinear_reduce_mean(struct tr *t)
{
	unary(t, tr_reduce_mean, OPSET);
}

void tr_qlinear_softmax(struct tr *t)
{
	unary(t, tr_softmax, tr_int(t, "opset", OPSET) < OPSET ? 11 : OPSET);
}

static void channels_first(struct tr *t)
{
	if (tr_bool(t, "channels_last", false))
		tr_fail(t, E_UNSUPPORTED, "channels in the last axis");
}

void tr_qlinear_average_pool(struct tr *t)
{
	channels_first(t);
	unary(t, tr_average_pool, OPSET);
}

void tr_qlinear_global_average_pool(struct tr *t)
{
	channels_first(t);
	unary(t, tr_global_average_pool, OPSET);
}

/* Scale and zero point of the output come first. */
void tr_qlinear_concat(struct tr *t)
{
	int n = (t->nin - 2) / 3;
	struct value **in = arena_array(t->scope->im->arena, t->nin, sizeof *in);
	if (n < 1 || t->nin != 2 + 3 * n)
		tr_fail(t, E_FORMAT, "has %d inputs, expected 2 and 3 for each tensor", t->nin);
	else if (!in)
		tr_fail(t, E_NOMEM, "out of memory");
	for (int i = 0; i < n && t->status == OK; i++)
		in[i] = real(t, 2 + 3 * i);
	quantized(t, apply(t, tr_concat_node, OPSET, in, n), 0);
}

void tr_qlinear_where(struct tr *t)
{
	struct value *in[] = {tr_in(t, 0), real(t, 1), real(t, 4)};
	quantized(t, apply(t, tr_where, OPSET, in, 3), 7);
}

/* The sum of the products and C, both in steps of alpha * a_scale * b_scale; without an output
 * scale it stays a float. */
void tr_qgemm(struct tr *t)
{
	struct value *as = tr_in(t, 1), *bs = tr_in(t, 4), *c = given(t, 6);
	double alpha = tr_float(t, "alpha", 1);
	struct value *b = tr_dequantize(
	    t, tr_in(t, 3), bs, given(t, 5), tr_bool(t, "transB", false) ? 0 : 1);
	if (c && t->status == OK) {
		struct value *unit = tr_op(t, OP_MULTIPLY, tr_scalar(t, as), bs);
		unit = tr_op(t, OP_MULTIPLY, unit, tr_number(t, DT_F32, alpha));
		c = tr_dequantize(
		    t, c, unit, NULL, c->info.shape.rank > 0 ? c->info.shape.rank - 1 : 0);
	}
	struct value *in[] = {real(t, 0), b, c};
	struct value *y = apply(t, tr_gemm, OPSET, in, 3);
	if (tr_given(t, 7))
		quantized(t, y, 7);
	else
		tr_out(t, 0, y);
}

/* Scales or zero points of weights [dirs, inputs, gates], one a direction or one a column. */
static struct value *columns(struct tr *t, struct value *v)
{
	if (!v)
		return NULL;
	return tr_unsqueeze(t, v, tr_rank(t, v) == 2 ? 1 : 2, (int64_t[]){1, 2});
}

/* Input k by the scales of input at and the zero points after it, as LSTM has its weights. */
static struct value *gate_weights(struct tr *t, int k, int at)
{
	struct value *scale = columns(t, tr_in(t, at)), *zero = columns(t, given(t, at + 1));
	return tr_transpose(
	    t, tr_dequantize(t, tr_in(t, k), scale, zero, 0), 3, (int64_t[]){0, 2, 1});
}

/* The activations stay floats: their quantization is ONNX Runtime's way to be quick. */
void tr_dynamic_quantize_lstm(struct tr *t)
{
	struct value *in[8] = {tr_in(t, 0), gate_weights(t, 1, 8), gate_weights(t, 2, 10)};
	for (int k = 3; k < 8; k++)
		in[k] = given(t, k);
	apply(t, tr_lstm, OPSET, in, 8);
}
