/* GridSample of volumes and Col2Im over other than two axes, which IR has for pictures only: by
 * Gather and ScatterNDUpdate. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/onnx_volume.h"

#define VOLUME 3

struct volume {
	struct value *x;             /* [N, C, depth * height * width] */
	struct value *size[VOLUME];  /* width, height, depth: scalars of the grid's type */
	struct value *place[VOLUME]; /* where to sample along each, [N, do, ho, wo] */
	enum { PAD_ZEROS, PAD_BORDER, PAD_REFLECTION } pad;
	bool align, nearest;
};

static struct value *times(struct tr *t, struct value *a, struct value *b)
{
	return tr_op(t, OP_MULTIPLY, a, b);
}

static struct value *minus(struct tr *t, struct value *a, struct value *b)
{
	return tr_op(t, OP_SUBTRACT, a, b);
}

static struct value *clip(struct tr *t, struct value *v, struct value *size)
{
	struct value *last = minus(t, size, tr_number_of(t, size, 1));
	v = tr_op(t, OP_MAXIMUM, v, tr_number_of(t, v, 0));
	return tr_op(t, OP_MINIMUM, v, last);
}

/* Folds v back into low .. low + span, as often as it takes. */
static struct value *reflect(struct tr *t, struct value *v, double low, struct value *span)
{
	struct value *from = tr_number_of(t, v, low);
	span = tr_op(t, OP_MAXIMUM, span, tr_number_of(t, span, 1e-6));
	struct value *round = tr_op(t, OP_ADD, span, span);
	struct value *at = tr_op(t, OP_FLOOR_MOD, minus(t, v, from), round);
	struct value *back = tr_op(t, OP_ABS, minus(t, at, span));
	return tr_op(t, OP_ADD, from, minus(t, span, back));
}

/* Coordinate k of the grid in elements of the volume, padded. */
static struct value *place(struct tr *t, struct volume *v, struct value *grid, int k)
{
	struct value *g = tr_gather(t, grid, tr_scalar_i64(t, k), VOLUME + 1), *size = v->size[k];
	struct value *one = tr_number_of(t, g, 1), *half = tr_number_of(t, g, 0.5);
	struct value *last = minus(t, size, one);
	g = times(t, tr_op(t, OP_ADD, g, one), half);
	g = v->align ? times(t, g, last) : minus(t, times(t, g, size), half);
	if (v->pad == PAD_REFLECTION)
		g = reflect(t, g, v->align ? 0 : -0.5, v->align ? last : size);
	return v->pad == PAD_ZEROS ? g : clip(t, g, size);
}

/* Is the place inside the volume along one axis? */
static struct value *within(struct tr *t, struct value *at, struct value *size)
{
	return tr_op(t, OP_LOGICAL_AND, tr_op(t, OP_GREATER_EQUAL, at, tr_number_of(t, at, 0)),
	    tr_op(t, OP_LESS, at, size));
}

/* The elements at whole places, zero outside: [N, C, do, ho, wo]. */
static struct value *elements(struct tr *t, const struct volume *v, struct value *const *at)
{
	struct value *index = NULL, *in = NULL;
	int64_t one = 1;
	for (int k = VOLUME; k-- > 0;) {
		struct value *i = tr_convert(t, clip(t, at[k], v->size[k]), DT_I64);
		struct value *ok = within(t, at[k], v->size[k]);
		struct value *row = tr_convert(t, v->size[k], DT_I64);
		index = index ? tr_op(t, OP_ADD, times(t, index, row), i) : i;
		in = in ? tr_op(t, OP_LOGICAL_AND, in, ok) : ok;
	}
	struct node *n = tr_new(t, OP_GATHER, v->x, index, tr_scalar_i64(t, 2));
	tr_set_i(t, n, "batch_dims", 1);
	struct value *y = tr_end(t, n);
	if (v->pad != PAD_ZEROS)
		return y;
	return tr_op(t, OP_SELECT, tr_unsqueeze(t, in, 1, &one), y, tr_number_of(t, y, 0));
}

static struct value *sample_nearest(struct tr *t, const struct volume *v)
{
	struct value *at[VOLUME];
	for (int k = 0; k < VOLUME; k++) {
		struct node *n = tr_new(t, OP_ROUND, v->place[k]);
		tr_set_s(t, n, "mode", "half_to_even");
		at[k] = tr_end(t, n);
	}
	return elements(t, v, at);
}

/* The eight neighbours, each by its share. */
static struct value *sample_linear(struct tr *t, const struct volume *v)
{
	struct value *at[2][VOLUME], *share[2][VOLUME], *sum = NULL;
	int64_t one = 1;
	for (int k = 0; k < VOLUME; k++) {
		struct value *unit = tr_number_of(t, v->place[k], 1);
		at[0][k] = tr_op(t, OP_FLOOR, v->place[k]);
		at[1][k] = tr_op(t, OP_ADD, at[0][k], unit);
		share[1][k] = minus(t, v->place[k], at[0][k]);
		share[0][k] = minus(t, unit, share[1][k]);
	}
	for (int c = 0; c < 1 << VOLUME && t->status == OK; c++) {
		struct value *corner[VOLUME], *w = NULL;
		for (int k = 0; k < VOLUME; k++) {
			corner[k] = at[c >> k & 1][k];
			w = w ? times(t, w, share[c >> k & 1][k]) : share[c >> k & 1][k];
		}
		struct value *y = elements(t, v, corner);
		y = times(t, y, tr_unsqueeze(t, tr_convert(t, w, tr_dtype(y)), 1, &one));
		sum = sum ? tr_op(t, OP_ADD, sum, y) : y;
	}
	return sum;
}

struct value *volume_sample(struct tr *t, struct value *x, struct value *grid)
{
	const char *mode = tr_str(t, "mode", "linear"), *pad = tr_str(t, "padding_mode", "zeros");
	struct volume v = {.align = tr_bool(t, "align_corners", false),
	    .nearest = !strcmp(mode, "nearest"),
	    .pad = !strcmp(pad, "border")       ? PAD_BORDER
		   : !strcmp(pad, "reflection") ? PAD_REFLECTION
						: PAD_ZEROS};
	enum dtype type = tr_dtype(x), wide = type == DT_F64 ? DT_F64 : DT_F32;
	struct value *sizes = tr_shape_of(t, x);
	if (!v.nearest && strcmp(mode, "linear"))
		tr_fail(t, E_UNSUPPORTED, "sampling volumes by '%s'", mode);
	if (tr_rank(t, grid) != VOLUME + 2)
		tr_fail(t, E_FORMAT, "a grid of rank %d for a volume", tr_rank(t, grid));
	grid = tr_convert(t, grid, tr_dtype(grid) == DT_F64 ? DT_F64 : DT_F32);
	struct value *flat[] = {tr_part(t, sizes, 0, 2), tr_i64_1(t, -1)};
	v.x = tr_reshape_to(t, v.nearest ? x : tr_convert(t, x, wide), tr_concat(t, 0, flat, 2));
	for (int k = 0; k < VOLUME; k++) {
		struct value *size = tr_gather(t, sizes, tr_scalar_i64(t, VOLUME + 1 - k), 0);
		v.size[k] = tr_convert(t, size, tr_dtype(grid));
		v.place[k] = place(t, &v, grid, k);
	}
	return tr_convert(t, v.nearest ? sample_nearest(t, &v) : sample_linear(t, &v), type);
}

/* ---- columns ---- */

#define MOST_COLUMNS (1 << 24)

struct columns {
	struct tr_window w;
	int64_t image[MAX_RANK], block[MAX_RANK], steps[MAX_RANK]; /* windows along each axis */
	int64_t blocks, count, pixels; /* elements of a window, windows, elements of the image */
};

static bool product(const int64_t *v, int n, int64_t *out)
{
	*out = 1;
	for (int i = 0; i < n; i++)
		if (v[i] < 1 || mul_i64(*out, v[i], out) || *out > MOST_COLUMNS)
			return false;
	return true;
}

static void count_windows(struct tr *t, struct columns *c)
{
	int64_t all[3] = {0};
	for (int i = 0; i < c->w.n && t->status == OK; i++) {
		bool fits = c->block[i] >= 1 && c->block[i] <= TR_WINDOW_MAX && c->image[i] >= 1 &&
			    c->image[i] <= MOST_COLUMNS;
		int64_t room = c->image[i] + c->w.begin[i] + c->w.end[i] -
			       c->w.dilation[i] * (fits ? c->block[i] - 1 : 0) - 1;
		if (!fits || room < 0)
			tr_fail(t, E_FORMAT, "axis %d of the image or of the blocks is odd", i);
		else
			c->steps[i] = room / c->w.stride[i] + 1;
	}
	bool ok = t->status == OK && product(c->image, c->w.n, &all[0]) &&
		  product(c->block, c->w.n, &all[1]) && product(c->steps, c->w.n, &all[2]);
	if (t->status == OK && (!ok || all[1] > MOST_COLUMNS / all[2]))
		tr_fail(t, E_LIMIT, "columns of more than %d elements", MOST_COLUMNS);
	c->pixels = all[0];
	c->blocks = all[1];
	c->count = all[2];
}

/* The element of the image under element b of window k; the one past its end in the pads. */
static int64_t pixel(const struct columns *c, int64_t b, int64_t k)
{
	int64_t at = 0, step = 1;
	for (int i = c->w.n; i-- > 0;) {
		int64_t p = k % c->steps[i] * c->w.stride[i] + b % c->block[i] * c->w.dilation[i] -
			    c->w.begin[i];
		if (p < 0 || p >= c->image[i])
			return c->pixels;
		at += p * step;
		step *= c->image[i];
		k /= c->steps[i];
		b /= c->block[i];
	}
	return at;
}

static struct value *pixels(struct tr *t, const struct columns *c)
{
	struct onnx_const k = {.type = DT_I64, .rank = 2, .dim = {c->blocks * c->count, 1}};
	int64_t *v = t->status == OK ? malloc((size_t)k.dim[0] * sizeof *v) : NULL;
	if (!v) {
		if (t->status == OK)
			tr_fail(t, E_NOMEM, "out of memory");
		return NULL;
	}
	for (int64_t i = 0; i < k.dim[0]; i++)
		v[i] = pixel(c, i / c->count, i % c->count);
	k.data = blob_copy(v, (size_t)k.dim[0] * sizeof *v);
	free(v);
	return tr_constant(t, NULL, &k);
}

/* Columns [N, C * blocks, windows] are added up in [pixels + 1, N, C], whose last row is the pads'.
 */
struct value *volume_col2im(struct tr *t, struct value *x, const int64_t *image, int n)
{
	struct columns c = {.w = {.n = n}};
	tr_window_read(t, &c.w);
	memcpy(c.image, image, (size_t)n * sizeof *image);
	if (t->status == OK && tr_known(tr_in(t, 2), c.block, MAX_RANK) != n)
		tr_fail(t, E_UNSUPPORTED, "a block shape that is not constant");
	count_windows(t, &c);
	int64_t channels = tr_dim(x, 1), to[MAX_RANK] = {-1};
	if (t->status == OK && (tr_rank(t, x) != 3 || channels < 1 || channels % c.blocks))
		tr_fail(t, E_UNSUPPORTED, "columns whose channels are not known");
	if (t->status != OK)
		return NULL;
	to[1] = channels / c.blocks;
	memcpy(to + 2, image, (size_t)n * sizeof *image);
	int64_t rows[] = {-1, to[1], c.blocks * c.count};
	x = tr_transpose(t, tr_reshape(t, x, 3, rows), 3, (int64_t[]){2, 0, 1});
	struct value *size[] = {tr_i64_1(t, c.pixels + 1), tr_part(t, tr_shape_of(t, x), 1, 3)};
	struct value *zeros = tr_broadcast(t, tr_number_of(t, x, 0), tr_concat(t, 0, size, 2));
	struct node *s = tr_new(t, OP_SCATTER_ND, zeros, pixels(t, &c), x);
	tr_set_s(t, s, "reduction", "sum");
	struct value *y = tr_slice(t, tr_end(t, s), 0, 0, c.pixels);
	return tr_reshape(t, tr_transpose(t, y, 3, (int64_t[]){1, 2, 0}), n + 2, to);
}
