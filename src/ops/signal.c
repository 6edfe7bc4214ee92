/* Fourier transforms of complex and real signals: DFT, IDFT, RDFT, IRDFT.
 * Cooley-Tukey by the prime factors of the length, in double precision. */
#include <math.h>
#include <string.h>

#include "ops/content.h"
#include "ops/elem.h"
#include "ops/rows.h"
#include "ops/view.h"

#ifndef M_PI
#define M_PI 3.14159265358979323846
#endif

struct complex {
	double re, im;
};

/* ---- inference ---- */

/* Rank of the signal itself: complex inputs end in a dim of 2 parts. */
static bool complex_input(const struct node *n)
{
	return !node_is(n, OP_RDFT);
}

/* The axes, normalised for the signal's rank, and the sizes asked for (-1: as it is); *n is -1 when
 * unknown. */
static int signal_axes(struct infer *s, int rank, int *axes, struct dim *sizes, int *n)
{
	int m, status = infer_axes(s, 1, rank, axes, n);
	if (status || *n < 0)
		return status;
	if (*n == 0)
		return infer_fail(s, "no axes to transform");
	for (int i = 0; i < *n; i++)
		sizes[i] = dim_of(-1);
	if (!infer_has(s, 2))
		return OK;
	status = infer_want_int(s, 2, "the signal size");
	const struct dim *e = status ? NULL : infer_content(s, 2, &m);
	if (e && m != *n)
		return infer_fail(s, "%d signal sizes for %d axes", m, *n);
	for (int i = 0; i < *n && !status; i++)
		sizes[i] = e ? e[i] : elem_any();
	return status;
}

/* The size of an axis: as given, or as it is. */
static struct dim sized(struct dim size, struct dim old)
{
	if (dim_static(size) && size.min == -1)
		return old;
	return size.min < 0 ? dim_any() : size;
}

/* Shape and settings that the complex and the inverse real transform share. */
static int complex_shape(struct infer *s, int *axes, struct dim *sizes, int *n)
{
	const struct shape *in = &s->in[0].shape;
	struct dim d;
	*n = -1;
	s->out[0].type = s->in[0].type;
	if (!dtype_is_float(s->in[0].type))
		return infer_fail(s, "the signal has type %s", dtype_name(s->in[0].type));
	int status = infer_want_rank(
	    s, 0, complex_input(s->node) ? 2 : 1, MAX_RANK - 1, "the signal");
	if (status || in->rank < 0)
		return status;
	if (complex_input(s->node) && !dim_merge(in->dim[in->rank - 1], dim_of(2), &d))
		return infer_fail(s, "the last dimension has not real and imaginary part");
	return signal_axes(s, in->rank - (complex_input(s->node) ? 1 : 0), axes, sizes, n);
}

int infer_dft(struct infer *s)
{
	int axes[MAX_RANK], n, rank = s->in[0].shape.rank;
	struct dim sizes[MAX_RANK];
	int status = complex_shape(s, axes, sizes, &n);
	if (status || rank < 0)
		return status;
	s->out[0].shape = n < 0 ? shape_any(rank) : s->in[0].shape;
	s->out[0].shape.dim[rank - 1] = dim_of(2);
	for (int i = 0; i < n; i++) {
		struct dim *d = &s->out[0].shape.dim[axes[i]];
		*d = sized(sizes[i], *d);
	}
	return OK;
}

int infer_rdft(struct infer *s)
{
	int axes[MAX_RANK], n, rank = s->in[0].shape.rank;
	struct dim sizes[MAX_RANK];
	int status = complex_shape(s, axes, sizes, &n);
	if (status || rank < 0)
		return status;
	s->out[0].shape = n < 0 ? shape_any(rank + 1) : s->in[0].shape;
	s->out[0].shape.rank = rank + 1;
	s->out[0].shape.dim[rank] = dim_of(2);
	for (int i = 0; i < n; i++) {
		struct dim *d = &s->out[0].shape.dim[axes[i]];
		*d = sized(sizes[i], *d);
		if (i == n - 1)
			*d = (struct dim){
			    d->min / 2 + 1, d->max == DIM_INF ? DIM_INF : d->max / 2 + 1, 0};
	}
	return OK;
}

int infer_irdft(struct infer *s)
{
	int axes[MAX_RANK], n, rank = s->in[0].shape.rank;
	struct dim sizes[MAX_RANK];
	int status = complex_shape(s, axes, sizes, &n);
	if (status || rank < 0)
		return status;
	s->out[0].shape = n < 0 ? shape_any(rank - 1) : s->in[0].shape;
	s->out[0].shape.rank = rank - 1;
	for (int i = 0; i < n; i++) {
		struct dim *d = &s->out[0].shape.dim[axes[i]], old = *d;
		if (i == n - 1)
			old = (struct dim){old.min > 0 ? 2 * (old.min - 1) : 0,
			    old.max >= DIM_INF / 2 ? DIM_INF
			    : old.max > 0          ? 2 * (old.max - 1)
						   : 0,
			    0};
		*d = sized(sizes[i], old);
	}
	return OK;
}

/* ---- the transform of one line ---- */

/* w: the n-th roots of unity for the whole length; part: room for the largest prime factor. */
struct fourier {
	int64_t n;
	struct complex *w, *line, *out, *part;
};

static struct complex add_product(struct complex sum, struct complex a, struct complex b)
{
	sum.re += a.re * b.re - a.im * b.im;
	sum.im += a.re * b.im + a.im * b.re;
	return sum;
}

static int64_t smallest_factor(int64_t n)
{
	for (int64_t p = 2; p * p <= n; p++)
		if (n % p == 0)
			return p;
	return n;
}

/* Transforms the n elements in[i * step] into out[0..n). */
static void transform(
    const struct fourier *f, struct complex *out, const struct complex *in, int64_t n, int64_t step)
{
	if (n == 1) {
		out[0] = in[0];
		return;
	}
	int64_t p = smallest_factor(n), m = n / p, turn = f->n / n;
	for (int64_t r = 0; r < p; r++)
		transform(f, out + r * m, in + r * step, m, step * p);
	for (int64_t k = 0; k < m; k++) {
		for (int64_t q = 0; q < p; q++) {
			struct complex sum = {0, 0};
			for (int64_t r = 0; r < p; r++)
				sum = add_product(
				    sum, out[r * m + k], f->w[r * (k + q * m) % n * turn]);
			f->part[q] = sum;
		}
		for (int64_t q = 0; q < p; q++)
			out[k + q * m] = f->part[q];
	}
}

static int fourier_new(struct eval *s, struct fourier *f, int64_t n, bool inverse)
{
	f->n = n;
	f->w = arena_array(s->scratch, (size_t)n + 1, sizeof *f->w);
	f->line = arena_array(s->scratch, (size_t)n + 1, sizeof *f->line);
	f->out = arena_array(s->scratch, (size_t)n + 1, sizeof *f->out);
	f->part = arena_array(s->scratch, (size_t)n + 1, sizeof *f->part);
	if (!f->w || !f->line || !f->out || !f->part)
		return fail_nomem(s->err);
	for (int64_t i = 0; i < n; i++) {
		double angle = 2 * M_PI * (double)i / (double)n;
		f->w[i] = (struct complex){cos(angle), inverse ? sin(angle) : -sin(angle)};
	}
	return OK;
}

/* ---- evaluation ---- */

/* A complex array on its way through the axes. */
struct field {
	int rank;
	int64_t dim[MAX_RANK];
	struct complex *v;
};

static int64_t field_product(const struct field *f, int from, int to)
{
	int64_t n = 1;
	for (int i = from; i < to; i++)
		n *= f->dim[i];
	return n;
}

/* Transforms one axis to n elements, of which keep are kept. With half set, the input holds only
 * the first n / 2 + 1 of n conjugate-symmetric ones. */
static int transform_axis(
    struct eval *s, struct field *a, int axis, int64_t n, int64_t keep, bool inverse, bool half)
{
	int64_t outer = field_product(a, 0, axis), inner = field_product(a, axis + 1, a->rank);
	int64_t old = a->dim[axis], have = half ? n / 2 + 1 : n;
	struct fourier f;
	struct complex *to = arena_array(
	    s->scratch, (size_t)(outer * keep * inner) + 1, sizeof *to);
	if (!to || fourier_new(s, &f, n, inverse))
		return fail_nomem(s->err);
	for (int64_t l = 0; n && l < outer * inner; l++) {
		const struct complex *from = a->v + l / inner * old * inner + l % inner;
		for (int64_t i = 0; i < n; i++) {
			bool mirror = i >= have;
			int64_t at = mirror ? n - i : i;
			f.line[i] = at < old ? from[at * inner] : (struct complex){0, 0};
			if (mirror)
				f.line[i].im = -f.line[i].im;
		}
		transform(&f, f.out, f.line, n, 1);
		double scale = inverse ? 1 / (double)n : 1;
		for (int64_t i = 0; i < keep; i++)
			to[(l / inner * keep + i) * inner + l % inner] = (struct complex){
			    f.out[i].re * scale, f.out[i].im * scale};
	}
	a->v = to;
	a->dim[axis] = keep;
	return OK;
}

/* Reads the input as complex numbers. */
static int read_field(struct eval *s, struct field *a)
{
	const struct tensor *in = &s->in[0];
	bool pairs = complex_input(s->node);
	int64_t count = tensor_count(in) / (pairs ? 2 : 1);
	*a = (struct field){.rank = in->rank - (pairs ? 1 : 0)};
	memcpy(a->dim, in->dim, sizeof a->dim);
	a->v = arena_array(s->scratch, (size_t)count + 1, sizeof *a->v);
	if (!a->v)
		return fail_nomem(s->err);
	for (int64_t i = 0; i < count; i++) {
		a->v[i].re = tensor_f64(in, pairs ? 2 * i : i);
		a->v[i].im = pairs ? tensor_f64(in, 2 * i + 1) : 0;
	}
	return OK;
}

static void write_field(struct eval *s, const struct field *a, bool pairs)
{
	int64_t count = field_product(a, 0, a->rank);
	for (int64_t i = 0; i < count; i++) {
		tensor_set_f64(&s->out[0], pairs ? 2 * i : i, a->v[i].re);
		if (pairs)
			tensor_set_f64(&s->out[0], 2 * i + 1, a->v[i].im);
	}
}

/* Sizes that were not given: -1, told apart from the output by the input. */
static int64_t asked_size(const struct eval *s, int i, int64_t as_is)
{
	int64_t v = eval_has(s, 2) ? index_at(&s->in[2], i) : -1;
	return v < 0 ? as_is : v;
}

/* real_out: the last listed axis goes from half a spectrum to real numbers. */
static int fourier(struct eval *s, bool inverse, bool real_in, bool real_out)
{
	struct field a;
	int n, m;
	const int64_t *axes = eval_ints(s, 1, &n);
	if (!axes || (eval_has(s, 2) && !eval_ints(s, 2, &m)))
		return s->err->status;
	if (n < 1 || (eval_has(s, 2) && m != n))
		return eval_fail(s, E_FORMAT, "the signal sizes do not fit the axes");
	if (read_field(s, &a))
		return s->err->status;
	for (int k = 0; k < n; k++) {
		/* A real input's last axis comes first, a real output's last. */
		int i = real_in ? n - 1 - k : k;
		int axis = eval_axis(s, axes[i], a.rank);
		if (axis < 0)
			return s->err->status;
		bool last = i == n - 1, half = real_out && last;
		int64_t size = asked_size(s, i, half ? 2 * (a.dim[axis] - 1) : a.dim[axis]);
		int64_t keep = real_in && last ? size / 2 + 1 : size;
		if (size < 0 || s->out[0].dim[axis] != keep)
			return eval_fail(
			    s, E_FORMAT, "axis %d gets another size than promised", axis);
		if (transform_axis(s, &a, axis, size, keep, inverse, half))
			return s->err->status;
	}
	write_field(s, &a, !real_out);
	return OK;
}

int eval_dft(struct eval *s)
{
	return fourier(s, false, false, false);
}

int eval_idft(struct eval *s)
{
	return fourier(s, true, false, false);
}

int eval_rdft(struct eval *s)
{
	return fourier(s, false, true, false);
}

int eval_irdft(struct eval *s)
{
	return fourier(s, true, false, true);
}
