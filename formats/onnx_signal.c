/* Fourier transforms and the windows put before them; determinants. */
#include <math.h>

#include "formats/onnx_translate.h"

/* Real data get an imaginary part of zeros. */
static struct value *as_complex(struct tr *t, struct value *x, int rank)
{
	if (tr_dim(x, rank - 1) == 2)
		return x;
	struct value *both[] = {x, tr_op(t, OP_MULTIPLY, x, tr_number_of(t, x, 0))};
	return tr_concat(t, rank - 1, both, 2);
}

static struct value *transform(
    struct tr *t, enum op_id id, struct value *x, int64_t axis, struct value *size)
{
	struct value *axes = tr_i64_1(t, axis);
	return size ? tr_op(t, id, x, axes, tr_reshape(t, size, 1, (int64_t[]){1}))
		    : tr_op(t, id, x, axes);
}

void tr_dft(struct tr *t)
{
	struct value *x = tr_in(t, 0), *size = tr_given(t, 1) ? t->in[1] : NULL;
	bool inverse = tr_bool(t, "inverse", false), onesided = tr_bool(t, "onesided", false);
	int64_t axis = t->opset < 20 ? tr_int(t, "axis", 1) : -2;
	if (t->opset >= 20 && tr_given(t, 2) && tr_known(t->in[2], &axis, 1) != 1)
		tr_fail(t, E_UNSUPPORTED, "an axis that is not constant");
	int rank = tr_rank(t, x);
	axis = tr_axis(t, axis, rank);
	if (inverse && onesided)
		tr_fail(t, E_UNSUPPORTED, "the inverse of half a spectrum");
	if (t->status == OK && tr_dim(x, rank - 1) != 1 && tr_dim(x, rank - 1) != 2)
		tr_fail(t, E_UNSUPPORTED, "data that are neither real nor complex");
	if (t->status != OK)
		return;
	if (onesided && tr_dim(x, rank - 1) == 1)
		x = transform(t, OP_RDFT, tr_squeeze(t, x, 1, (int64_t[]){rank - 1}), axis, size);
	else
		x = transform(t, inverse ? OP_IDFT : OP_DFT, as_complex(t, x, rank), axis, size);
	if (onesided && x && tr_dim(tr_in(t, 0), rank - 1) == 2) {
		int64_t n = tr_dim(x, (int)axis);
		if (n < 0)
			tr_fail(t, E_UNSUPPORTED, "half a spectrum of unknown size");
		x = tr_slice(t, x, axis, 0, n / 2 + 1);
	}
	tr_out(t, 0, x);
}

/* Frames [batch, frame, sample] are gathered, windowed and transformed. */
void tr_stft(struct tr *t)
{
	struct value *x = tr_in(t, 0), *window = tr_given(t, 2) ? t->in[2] : NULL;
	int64_t step, size = -1, length = tr_dim(x, 1), parts = tr_dim(x, 2);
	bool onesided = tr_bool(t, "onesided", true);
	if (tr_known(tr_in(t, 1), &step, 1) != 1 || step < 1)
		tr_fail(t, E_UNSUPPORTED, "a frame step that is not constant");
	if (tr_given(t, 3) && tr_known(t->in[3], &size, 1) != 1)
		tr_fail(t, E_UNSUPPORTED, "a frame length that is not constant");
	if (size < 0)
		size = tr_dim(window, 0);
	if (size < 1 || length < size || parts < 1 || tr_rank(t, x) != 3)
		tr_fail(t, E_UNSUPPORTED, "a signal or frame whose size is not known");
	if (t->status != OK)
		return;
	int64_t frames = (length - size) / step + 1;
	struct node *r[2];
	for (int i = 0; i < 2; i++) {
		r[i] = tr_new(t, OP_RANGE, tr_scalar_i64(t, 0),
		    tr_scalar_i64(t, i ? size : frames * step), tr_scalar_i64(t, i ? 1 : step));
		tr_set_type(t, r[i], "output_type", DT_I64);
	}
	struct value *starts = tr_unsqueeze(t, tr_end(t, r[0]), 1, (int64_t[]){1});
	struct value *y = tr_gather(t, x, tr_op(t, OP_ADD, starts, tr_end(t, r[1])), 1);
	if (window)
		y = tr_op(t, OP_MULTIPLY, y, tr_reshape(t, window, 2, (int64_t[]){size, 1}));
	if (parts == 1 && onesided)
		y = transform(t, OP_RDFT, tr_squeeze(t, y, 1, (int64_t[]){3}), 2, NULL);
	else
		y = transform(t, OP_DFT, as_complex(t, y, 4), 2, NULL);
	tr_out(t, 0, parts != 1 && onesided ? tr_slice(t, y, 2, 0, size / 2 + 1) : y);
}

/* a - b cos(2 pi n / N) + c cos(4 pi n / N) for n in 0..size-1, computed in f64. */
static void window(struct tr *t, double a, double b, double c)
{
	struct value *size = tr_scalar(t, tr_in(t, 0));
	enum dtype type = tr_type(t, "output_datatype", DT_F32);
	bool periodic = tr_bool(t, "periodic", true);
	struct node *r = tr_new(
	    t, OP_RANGE, tr_number_of(t, size, 0), size, tr_number_of(t, size, 1));
	tr_set_type(t, r, "output_type", tr_dtype(size));
	struct value *n = tr_convert(t, tr_end(t, r), DT_F64), *whole = tr_convert(t, size, DT_F64);
	if (!periodic)
		whole = tr_op(t, OP_SUBTRACT, whole, tr_number(t, DT_F64, 1));
	struct value *angle = tr_op(
	    t, OP_DIVIDE, tr_op(t, OP_MULTIPLY, n, tr_number(t, DT_F64, 2 * M_PI)), whole);
	struct value *w = tr_op(t, OP_MULTIPLY, tr_op(t, OP_COS, angle), tr_number(t, DT_F64, b));
	w = tr_op(t, OP_SUBTRACT, tr_number(t, DT_F64, a), w);
	if (c != 0) {
		struct value *twice = tr_op(
		    t, OP_COS, tr_op(t, OP_MULTIPLY, angle, tr_number(t, DT_F64, 2)));
		w = tr_op(t, OP_ADD, w, tr_op(t, OP_MULTIPLY, twice, tr_number(t, DT_F64, c)));
	}
	tr_out(t, 0, tr_convert(t, w, type));
}

void tr_hann_window(struct tr *t)
{
	window(t, 0.5, 0.5, 0);
}

void tr_hamming_window(struct tr *t)
{
	window(t, 25.0 / 46, 21.0 / 46, 0);
}

void tr_blackman_window(struct tr *t)
{
	window(t, 0.42, 0.5, 0.08);
}

static struct value *entry(struct tr *t, struct value *x, int row, int col)
{
	return tr_gather(t, tr_gather(t, x, tr_scalar_i64(t, row), -2), tr_scalar_i64(t, col), -1);
}

/* a d - b c of the rows p, q and columns of two. */
static struct value *minor(struct tr *t, struct value *x, int p, int q, int c, int d)
{
	struct value *down = tr_op(t, OP_MULTIPLY, entry(t, x, p, c), entry(t, x, q, d));
	return tr_op(
	    t, OP_SUBTRACT, down, tr_op(t, OP_MULTIPLY, entry(t, x, p, d), entry(t, x, q, c)));
}

void tr_det(struct tr *t)
{
	struct value *x = tr_in(t, 0), *y = NULL;
	int rank = tr_rank(t, x);
	int64_t n = tr_dim(x, rank - 1);
	if (t->status == OK && (rank < 2 || n < 1 || n > 3 || tr_dim(x, rank - 2) != n))
		tr_fail(t, E_UNSUPPORTED, "determinants of matrices that are not 1 x 1 to 3 x 3");
	if (t->status != OK)
		return;
	if (n == 1)
		y = entry(t, x, 0, 0);
	else if (n == 2)
		y = minor(t, x, 0, 1, 0, 1);
	for (int i = 0; i < 3 && n == 3; i++) {
		struct value *m = minor(t, x, 1, 2, i == 0, i == 2 ? 1 : 2);
		m = tr_op(t, OP_MULTIPLY, entry(t, x, 0, i), m);
		y = !i ? m : i == 1 ? tr_op(t, OP_SUBTRACT, y, m) : tr_op(t, OP_ADD, y, m);
	}
	tr_out(t, 0, y);
}
