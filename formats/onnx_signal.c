/* Fourier transforms, the windows put before them and the bands put after them; determinants. */
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
    struct tr *t, enum op_id id, struct value *x, struct value *axis, struct value *size)
{
	return size ? tr_op(t, id, x, axis, tr_reshape(t, size, 1, (int64_t[]){1}))
		    : tr_op(t, id, x, axis);
}

/* The axis as a vector of one, counted from the front. */
static struct value *dft_axis(struct tr *t, int rank)
{
	if (t->opset < 20)
		return tr_i64_1(t, tr_axis(t, tr_int(t, "axis", 1), rank));
	if (!tr_given(t, 2))
		return tr_i64_1(t, rank - 2);
	struct value *axis = tr_reshape(t, tr_convert(t, t->in[2], DT_I64), 1, (int64_t[]){1});
	return tr_op(t, OP_FLOOR_MOD, axis, tr_i64_1(t, rank));
}

/* Bins 0..n/2 of n along the axis. */
static struct value *half_spectrum(struct tr *t, struct value *x, struct value *axis)
{
	struct value *n = tr_op(t, OP_GATHER, tr_shape_of(t, x), axis, tr_scalar_i64(t, 0));
	struct value *end = tr_op(
	    t, OP_ADD, tr_op(t, OP_DIVIDE, n, tr_i64_1(t, 2)), tr_i64_1(t, 1));
	return tr_op(t, OP_SLICE, x, tr_i64_1(t, 0), end, tr_i64_1(t, 1), axis);
}

void tr_dft(struct tr *t)
{
	struct value *x = tr_in(t, 0), *size = tr_given(t, 1) ? t->in[1] : NULL;
	bool inverse = tr_bool(t, "inverse", false), onesided = tr_bool(t, "onesided", false);
	int rank = tr_rank(t, x);
	struct value *axis = t->status == OK ? dft_axis(t, rank) : NULL;
	int64_t last[] = {rank - 1}, parts = tr_dim(x, rank - 1);
	if (t->status == OK && parts != 2 && (parts != 1 || (inverse && onesided)))
		tr_fail(t, E_UNSUPPORTED, "data that are neither real nor complex");
	if (t->status != OK)
		return;
	if (inverse && onesided)
		x = tr_unsqueeze(t, transform(t, OP_IRDFT, x, axis, size), 1, last);
	else if (onesided && parts == 1)
		x = transform(t, OP_RDFT, tr_squeeze(t, x, 1, last), axis, size);
	else
		x = transform(t, inverse ? OP_IDFT : OP_DFT, as_complex(t, x, rank), axis, size);
	tr_out(t, 0, onesided && !inverse && parts == 2 ? half_spectrum(t, x, axis) : x);
}

static struct value *count_up(struct tr *t, struct value *to, struct value *step)
{
	struct node *r = tr_new(t, OP_RANGE, tr_scalar_i64(t, 0), to, step);
	tr_set_type(t, r, "output_type", DT_I64);
	return tr_end(t, r);
}

/* Indices [frame, sample] of the samples of every whole frame. */
static struct value *frame_indices(
    struct tr *t, struct value *length, struct value *size, struct value *step)
{
	struct value *room = tr_op(t, OP_SUBTRACT, length, size), *one = tr_scalar_i64(t, 1);
	struct value *starts = count_up(t, tr_op(t, OP_ADD, room, one), step);
	return tr_op(t, OP_ADD, tr_unsqueeze(t, starts, 1, (int64_t[]){1}), count_up(t, size, one));
}

/* Frames [batch, frame, sample] are gathered, windowed and transformed. */
void tr_stft(struct tr *t)
{
	struct value *x = tr_in(t, 0), *window = tr_given(t, 2) ? t->in[2] : NULL, *size = NULL;
	struct value *step = tr_scalar(t, tr_convert(t, tr_in(t, 1), DT_I64)),
		     *axis = tr_i64_1(t, 2);
	int64_t parts = tr_dim(x, 2);
	bool onesided = tr_bool(t, "onesided", true);
	if (tr_given(t, 3))
		size = tr_scalar(t, tr_convert(t, t->in[3], DT_I64));
	else if (window)
		size = tr_scalar(t, tr_shape_of(t, window));
	else
		tr_fail(t, E_FORMAT, "neither a window nor a frame length is given");
	if (t->status == OK && (tr_rank(t, x) != 3 || parts < 1))
		tr_fail(t, E_UNSUPPORTED, "a signal that is neither real nor complex");
	if (t->status != OK)
		return;
	struct value *length = tr_gather(t, tr_shape_of(t, x), tr_scalar_i64(t, 1), 0);
	struct value *y = tr_gather(t, x, frame_indices(t, length, size, step), 1);
	if (window)
		y = tr_op(t, OP_MULTIPLY, y, tr_unsqueeze(t, window, 1, (int64_t[]){1}));
	if (parts == 1 && onesided)
		y = transform(t, OP_RDFT, tr_squeeze(t, y, 1, (int64_t[]){3}), axis, NULL);
	else
		y = transform(t, OP_DFT, as_complex(t, y, 4), axis, NULL);
	tr_out(t, 0, parts != 1 && onesided ? half_spectrum(t, y, axis) : y);
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

/* ---- MelWeightMatrix ---- */

static struct value *f64(struct tr *t, double v)
{
	return tr_number(t, DT_F64, v);
}

/* Hertz to mel: 2595 log10(1 + f / 700). */
static struct value *mel_of(struct tr *t, int k)
{
	struct value *f = tr_convert(t, tr_scalar(t, tr_in(t, k)), DT_F64);
	f = tr_op(t, OP_ADD, tr_op(t, OP_DIVIDE, f, f64(t, 700)), f64(t, 1));
	f = tr_op(t, OP_DIVIDE, tr_op(t, OP_LOG, f), f64(t, log(10)));
	return tr_op(t, OP_MULTIPLY, f, f64(t, 2595));
}

/* The spectrogram's bins, as numbers of i64, where the triangles begin, peak and end. */
static struct value *mel_edges(struct tr *t, struct value *bands, struct value *length)
{
	struct value *n = tr_op(t, OP_ADD, bands, tr_scalar_i64(t, 2)), *low = mel_of(t, 3);
	struct value *span = tr_op(t, OP_SUBTRACT, mel_of(t, 4), low);
	struct value *step = tr_op(t, OP_DIVIDE, span, tr_convert(t, n, DT_F64));
	struct value *m = tr_convert(t, count_up(t, n, tr_scalar_i64(t, 1)), DT_F64);
	m = tr_op(t, OP_ADD, tr_op(t, OP_MULTIPLY, m, step), low);
	m = tr_op(t, OP_POWER, f64(t, 10), tr_op(t, OP_DIVIDE, m, f64(t, 2595)));
	m = tr_op(t, OP_MULTIPLY, tr_op(t, OP_SUBTRACT, m, f64(t, 1)), f64(t, 700));
	struct value *bins = tr_op(t, OP_ADD, length, tr_scalar_i64(t, 1));
	struct value *rate = tr_convert(t, tr_scalar(t, tr_in(t, 2)), DT_F64);
	m = tr_op(t, OP_DIVIDE, tr_op(t, OP_MULTIPLY, m, tr_convert(t, bins, DT_F64)), rate);
	return tr_convert(t, tr_op(t, OP_FLOOR, m), DT_I64);
}

/* (bin - from) / (to - from); a width of 0 counts as 1. */
static struct value *slope(struct tr *t, struct value *bin, struct value *from, struct value *to)
{
	struct value *width = tr_op(t, OP_SUBTRACT, to, from), *zero = tr_scalar_i64(t, 0);
	width = tr_op(t, OP_SELECT, tr_op(t, OP_EQUAL, width, zero), tr_scalar_i64(t, 1), width);
	return tr_op(t, OP_DIVIDE, tr_convert(t, tr_op(t, OP_SUBTRACT, bin, from), DT_F64),
	    tr_convert(t, width, DT_F64));
}

static struct value *from_to(struct tr *t, enum op_id below, struct value *a, struct value *b,
    enum op_id above, struct value *c)
{
	return tr_op(t, OP_LOGICAL_AND, tr_op(t, below, a, b), tr_op(t, above, b, c));
}

/* Triangles [bins, bands] that rise to their peak and fall to the next one's. */
static struct value *triangles(
    struct tr *t, struct value *bin, struct value *begin, struct value *peak, struct value *end)
{
	struct value *rise = slope(t, bin, begin, peak), *fall = slope(t, bin, end, peak);
	struct value *point = tr_op(t, OP_EQUAL, begin, peak), *zero = f64(t, 0);
	rise = tr_op(t, OP_SELECT, point, f64(t, 1), rise);
	struct value *rises = from_to(t, OP_LESS_EQUAL, begin, bin, OP_LESS_EQUAL, peak);
	struct value *falls = from_to(t, OP_LESS_EQUAL, peak, bin, OP_LESS, end);
	return tr_op(t, OP_SELECT, falls, fall, tr_op(t, OP_SELECT, rises, rise, zero));
}

void tr_mel_weight_matrix(struct tr *t)
{
	struct value *bands = tr_convert(t, tr_scalar(t, tr_in(t, 0)), DT_I64);
	struct value *length = tr_convert(t, tr_scalar(t, tr_in(t, 1)), DT_I64);
	enum dtype type = tr_type(t, "output_datatype", DT_F32);
	int64_t column = 1;
	struct value *edge = mel_edges(t, bands, length), *part[3], *one = tr_scalar_i64(t, 1);
	for (int i = 0; i < 3; i++) {
		struct value *from = tr_scalar_i64(t, i), *to = tr_op(t, OP_ADD, bands, from);
		from = tr_reshape(t, from, 1, &column);
		part[i] = tr_op(t, OP_SLICE, edge, from, tr_reshape(t, to, 1, &column),
		    tr_i64_1(t, 1), tr_i64_1(t, 0));
	}
	struct value *half = tr_op(t, OP_DIVIDE, length, tr_scalar_i64(t, 2));
	struct value *bin = count_up(t, tr_op(t, OP_ADD, half, one), one);
	bin = tr_unsqueeze(t, bin, 1, &column);
	tr_out(t, 0, tr_convert(t, triangles(t, bin, part[0], part[1], part[2]), type));
}
