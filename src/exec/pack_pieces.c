/* Packs large weights piece by piece, so that they are not in memory twice. */
#include "exec/pack_pieces.h"

#include <stdlib.h>

#define PIECE ((size_t)32 << 20) /* bytes of weights that a piece takes, about */

static size_t column_floats(const struct nhwc_conv_f32 *k)
{
	return (size_t)k->s.cin * conv_volume(k->s.kernel);
}

/* Columns of a piece. */
static int step_of(const struct nhwc_conv_f32 *k)
{
	size_t panel = (size_t)nhwc_conv_f32_panel(k);
	if (!panel)
		return k->s.cout;
	size_t panels = PIECE / (column_floats(k) * sizeof(float) * panel);
	size_t step = (panels ? panels : 1) * panel;
	return step < (size_t)k->s.cout ? (int)step : k->s.cout;
}

/* The piece of k from a column on, of at most step of them. */
static struct nhwc_conv_f32 piece_of(const struct nhwc_conv_f32 *k, int column, int step)
{
	struct nhwc_conv_f32 piece = *k;
	int rest = k->s.cout - column;
	piece.s.cout = rest < step ? rest : step;
	return piece;
}

void pack_pieces(const struct nhwc_conv_f32 *k, struct pool *pool, const float *w,
    const struct blob *source, float *packed)
{
	size_t column = column_floats(k);
	int step = step_of(k);
	if (step == k->s.cout) { /* perhaps of several groups */
		nhwc_conv_f32_pack(k, pool, w, packed);
		return;
	}
	for (int j = 0; j < k->s.cout; j += step) {
		struct nhwc_conv_f32 piece = piece_of(k, j, step);
		size_t n = (size_t)piece.s.cout * column, from = (size_t)j * column;
		nhwc_conv_f32_pack(&piece, pool, w + from, packed);
		packed += nhwc_conv_f32_packed(&piece) / sizeof *packed;
		if (source)
			blob_forget(source, from * sizeof *w, n * sizeof *w);
	}
}

/* The first cols columns of rows that are ld apart. */
static void transpose(const float *w, size_t ld, size_t rows, size_t cols, float *out)
{
	enum { SIDE = 16 };
	for (size_t i = 0; i < rows; i += SIDE)
		for (size_t j = 0; j < cols; j++)
			for (size_t k = i; k < rows && k < i + SIDE; k++)
				out[j * rows + k] = w[k * ld + j];
}

bool pack_pieces_turned(
    const struct nhwc_conv_f32 *k, struct pool *pool, const float *w, float *packed)
{
	size_t rows = (size_t)k->s.cin, cols = (size_t)k->s.cout;
	int step = step_of(k);
	float *turned = malloc(rows * (size_t)step * sizeof *turned);
	if (!turned)
		return false;
	for (int j = 0; j < k->s.cout; j += step) {
		struct nhwc_conv_f32 piece = piece_of(k, j, step);
		transpose(w + j, cols, rows, (size_t)piece.s.cout, turned);
		nhwc_conv_f32_pack(&piece, pool, turned, packed);
		packed += nhwc_conv_f32_packed(&piece) / sizeof *packed;
	}
	free(turned);
	return true;
}
