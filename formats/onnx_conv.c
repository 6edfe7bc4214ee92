/* Convolutions and their transposes. */
#include <string.h>

#include "formats/onnx_translate.h"

/* kernel_shape only repeats what the weights say. */
static void check_kernel(struct tr *t, const struct value *w, int n)
{
	const int64_t *k;
	int count = tr_ints(t, "kernel_shape", &k);
	if (count >= 0 && count != n)
		tr_fail(
		    t, E_FORMAT, "attribute 'kernel_shape' has %d values, expected %d", count, n);
	for (int i = 0; i < count && t->status == OK; i++)
		if (tr_dim(w, i + 2) >= 0 && tr_dim(w, i + 2) != k[i])
			tr_fail(t, E_FORMAT,
			    "attribute 'kernel_shape' says %lld, the weights have %lld",
			    (long long)k[i], (long long)tr_dim(w, i + 2));
}

static int spatial_rank(struct tr *t, const struct value *x, const struct value *w)
{
	int rank = x && x->info.shape.rank >= 0 ? x->info.shape.rank : tr_rank(t, w);
	if (t->status == OK &&
	    (rank < 3 || (w && w->info.shape.rank >= 0 && w->info.shape.rank != rank)))
		tr_fail(t, E_FORMAT, "data of rank %d and weights of rank %d", rank,
		    w ? w->info.shape.rank : -1);
	return t->status == OK ? rank - 2 : 0;
}

/* [G*A, B, k...] as [G, A, B, k...]. */
static struct value *grouped(struct tr *t, struct value *w, int64_t groups)
{
	int64_t dims[MAX_RANK] = {groups};
	int rank = tr_rank(t, w);
	bool known = rank + 1 <= MAX_RANK;
	for (int i = 0; i < rank && i + 1 < MAX_RANK; i++) {
		dims[i + 1] = tr_dim(w, i);
		known = known && dims[i + 1] >= 0;
	}
	if (known) {
		if (groups < 1 || dims[1] % groups) {
			tr_fail(t, E_FORMAT, "%lld filters do not divide into %lld groups",
			    (long long)dims[1], (long long)groups);
			return NULL;
		}
		dims[1] /= groups;
		return tr_reshape(t, w, rank + 1, dims);
	}
	struct value *tail = tr_part(t, tr_shape_of(t, w), 1, INT64_MAX);
	struct value *parts[] = {tr_i64(t, 2, (int64_t[]){groups, -1}), tail};
	return tr_reshape_to(t, w, tr_concat(t, 0, parts, 2));
}

static struct value *add_bias(struct tr *t, struct value *y, struct value *bias)
{
	if (!bias || !y)
		return y;
	int rank = tr_rank(t, y);
	return tr_op(t, OP_ADD, y, tr_along(t, bias, rank, 1));
}

/* Convolution of x by w under the node's attributes. */
static struct value *convolve(struct tr *t, struct value *x, struct value *w)
{
	struct tr_window win = {.n = spatial_rank(t, x, w)};
	int64_t groups = tr_int(t, "group", 1);
	check_kernel(t, w, win.n);
	tr_window_read(t, &win);
	if (t->status != OK)
		return NULL;
	struct node *n = groups == 1 ? tr_new(t, OP_CONVOLUTION, x, w)
				     : tr_new(t, OP_GROUP_CONVOLUTION, x, grouped(t, w, groups));
	tr_window_set(t, n, &win);
	return tr_end(t, n);
}

void tr_conv(struct tr *t)
{
	struct value *y = convolve(t, tr_in(t, 0), tr_in(t, 1));
	tr_out(t, 0, add_bias(t, y, tr_given(t, 2) ? t->in[2] : NULL));
}

/* x - zero point as f32: exact for 8-bit types. A zero point per filter lies along axis 0. */
static struct value *centred(struct tr *t, struct value *x, struct value *zero, int axis)
{
	x = tr_convert(t, x, DT_F32);
	if (!zero || !x)
		return x;
	zero = tr_convert(t, zero, DT_F32);
	if (zero && zero->info.shape.rank == 1 && tr_dim(zero, 0) != 1)
		zero = tr_along(t, zero, tr_rank(t, x), axis);
	return tr_op(t, OP_SUBTRACT, x, zero);
}

void tr_conv_integer(struct tr *t)
{
	struct value *x = centred(t, tr_in(t, 0), tr_given(t, 2) ? t->in[2] : NULL, 0);
	struct value *w = centred(t, tr_in(t, 1), tr_given(t, 3) ? t->in[3] : NULL, 0);
	tr_out(t, 0, tr_convert(t, convolve(t, x, w), DT_I32));
}

/* By way of the numbers that the integers stand for: what FakeQuantize is recognised in. */
void tr_qlinear_conv(struct tr *t)
{
	struct value *xs = tr_in(t, 1), *ws = tr_in(t, 4);
	struct value *x = tr_dequantize(t, tr_in(t, 0), xs, tr_in(t, 2), 1);
	struct value *y = convolve(t, x, tr_dequantize(t, tr_in(t, 3), ws, tr_in(t, 5), 0));
	if (tr_given(t, 8)) {
		struct value *unit = tr_op(t, OP_MULTIPLY, tr_scalar(t, xs), ws);
		y = add_bias(t, y, tr_dequantize(t, t->in[8], unit, NULL, 0));
	}
	tr_out(t, 0, tr_quantize(t, y, tr_in(t, 6), tr_in(t, 7), 1, DT_U8));
}

/* ONNX gives the wanted size; the IR's explicit pads follow from it when the input's size is known.
 */
static void pads_for_output(struct tr *t, struct tr_window *w, const struct value *x,
    const struct value *f, const int64_t *want, int64_t *extra, bool upper)
{
	for (int i = 0; i < w->n && t->status == OK; i++) {
		int64_t in = tr_dim(x, i + 2), k = tr_dim(f, i + 2);
		if (in < 0 || k < 0) {
			tr_fail(t, E_UNSUPPORTED,
			    "an output size for an input whose size is not known");
			return;
		}
		int64_t size = want ? want[i] : in * w->stride[i];
		int64_t total = w->stride[i] * (in - 1) + extra[i] + (k - 1) * w->dilation[i] + 1 -
				size;
		if (total < 0) { /* more than there is: zeros at the end */
			extra[i] -= total;
			total = 0;
		}
		w->begin[i] = upper ? total / 2 : total - total / 2;
		w->end[i] = total - w->begin[i];
	}
	w->auto_pad = "explicit";
}

void tr_conv_transpose(struct tr *t)
{
	struct value *x = tr_in(t, 0), *f = tr_in(t, 1);
	struct tr_window w = {.n = spatial_rank(t, x, f)};
	int64_t extra[MAX_RANK], groups = tr_int(t, "group", 1);
	const int64_t *want;
	check_kernel(t, f, w.n);
	tr_window_read(t, &w);
	tr_ints_n(t, "output_padding", w.n, 0, extra);
	int given = tr_ints(t, "output_shape", &want);
	if (given == w.n + 2)
		want += 2; /* some writers give the batch and the channels too */
	else if (given >= 0 && given != w.n)
		tr_fail(
		    t, E_FORMAT, "attribute 'output_shape' has %d values, expected %d", given, w.n);
	for (int i = 0; i < w.n && t->status == OK; i++)
		if (extra[i] < 0 || extra[i] > TR_WINDOW_MAX ||
		    (given >= 0 && (want[i] < 0 || want[i] > LIMIT_TENSOR_BYTES)))
			tr_fail(t, E_FORMAT, "output sizes or padding are out of range");
	bool same = !strncmp(w.auto_pad, "same", 4);
	if (t->status == OK && (given >= 0 || same))
		pads_for_output(t, &w, x, f, given >= 0 ? want : NULL, extra,
		    !strcmp(w.auto_pad, "same_upper"));
	struct node *n = groups == 1 ? tr_new(t, OP_DECONVOLUTION, x, f)
				     : tr_new(t, OP_GROUP_DECONVOLUTION, x, grouped(t, f, groups));
	tr_window_set(t, n, &w);
	tr_set_ints(t, n, "output_padding", w.n, extra);
	tr_out(t, 0, add_bias(t, tr_end(t, n), tr_given(t, 2) ? t->in[2] : NULL));
}

/* Inputs x, w, offset[, bias][, mask] against data, offsets, filters[, mask]. */
void tr_deform_conv(struct tr *t)
{
	struct value *x = tr_in(t, 0), *f = tr_in(t, 1), *offset = tr_in(t, 2);
	struct tr_window w = {.n = spatial_rank(t, x, f)};
	int64_t group = tr_int(t, "group", 1), offset_group = tr_int(t, "offset_group", 1);
	check_kernel(t, f, w.n);
	tr_window_read(t, &w);
	if (w.n != 2)
		tr_fail(t, E_UNSUPPORTED, "deformable convolution of %d spatial axes", w.n);
	struct node *n = tr_given(t, 4)
			     ? tr_new(t, OP_DEFORMABLE_CONVOLUTION, x, offset, f, t->in[4])
			     : tr_new(t, OP_DEFORMABLE_CONVOLUTION, x, offset, f);
	tr_window_set(t, n, &w);
	tr_set_i(t, n, "group", group);
	tr_set_i(t, n, "deformable_group", offset_group);
	tr_set_i(t, n, "bilinear_interpolation_pad", true);
	tr_out(t, 0, add_bias(t, tr_end(t, n), tr_given(t, 3) ? t->in[3] : NULL));
}
