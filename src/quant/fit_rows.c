/* Gathers rows: patches of a convolution's input, rows of a product's. */
#include "quant/fit_rows.h"

#include "base/rng.h"
#include "quant/rows.h"

static bool floats(const struct value *v)
{
	return v->info.type == DT_F32;
}

/* d: weights [groups, when grouped][outs of a group][channels of a group][window]. */
static bool conv_rows(const struct dim *d, bool grouped, int64_t most, struct fit_rows *r)
{
	r->conv = true;
	if (grouped)
		r->groups = (d++)->min;
	int64_t channels = d[1].min;
	r->taps = d[2].min * d[3].min;
	r->middle = d[2].min / 2 * d[3].min + d[3].min / 2;
	r->centre = channels * r->taps > most && r->taps > 1;
	r->cols = r->groups * channels * (r->centre ? 1 : r->taps);
	r->outs = r->groups * d[0].min;
	return !grouped || !r->centre;
}

bool fit_rows_of(const struct prune_layer *l, int64_t most, struct fit_rows *r)
{
	const struct node *n = l->node;
	const struct value *x = node_in(n, 1 - l->input), *w = prune_weight(l);
	*r = (struct fit_rows){.node = n, .taps = 1, .groups = 1};
	if (!value_const(w) || !floats(w) || !floats(x) || !shape_static(&w->info.shape))
		return false;
	const struct dim *d = w->info.shape.dim;
	bool grouped = node_is(n, OP_GROUP_CONVOLUTION);
	if (grouped || node_is(n, OP_CONVOLUTION))
		return x->info.shape.rank == 4 && w->info.shape.rank == 4 + grouped &&
		       conv_rows(d, grouped, most, r);
	if (!node_is(n, OP_MATMUL) || l->input != 1 || w->info.shape.rank != 2 ||
	    attr_bool(n, "transpose_a") || x->info.shape.rank < 2)
		return false;
	r->turned = attr_bool(n, "transpose_b");
	r->outs = d[r->turned ? 0 : 1].min;
	r->cols = d[r->turned ? 1 : 0].min;
	return true;
}

int64_t fit_rows_weight(const struct fit_rows *r, int64_t o, int64_t c)
{
	int64_t at = r->conv || r->turned ? o * (r->cols / r->groups) + c : c * r->outs + o;
	return r->centre ? at * r->taps + r->middle : at;
}

static int64_t pick(int64_t count, int64_t most, uint64_t seed, int64_t *place)
{
	int64_t n = count < most ? count : most;
	for (int64_t i = 0; i < n; i++) {
		int64_t from = i * count / n, to = (i + 1) * count / n;
		place[i] = n == count ? i
				      : from + (int64_t)(rng_next(&seed) % (uint64_t)(to - from));
	}
	return n;
}

static bool open_rows(const struct fit_rows *r, const struct tensor *x, struct rows *rows)
{
	struct exec_view view = {.t = x};
	if (rows_open(rows, r->node, &view, NULL))
		return false;
	if (r->centre)
		rows_centre(rows);
	return true;
}

int64_t fit_rows_pick(
    const struct fit_rows *r, const struct tensor *x, int64_t most, uint64_t seed, int64_t *place)
{
	struct rows rows;
	return open_rows(r, x, &rows) ? pick(rows.count, most, seed, place) : 0;
}

int64_t fit_rows_pick_out(
    const struct fit_rows *r, const struct tensor *y, int64_t most, uint64_t seed, int64_t *place)
{
	int64_t channels = y->dim[r->conv ? 1 : y->rank - 1];
	return pick(channels ? tensor_count(y) / channels : 0, most, seed, place);
}

void fit_rows_in(
    const struct fit_rows *r, const struct tensor *x, int64_t n, const int64_t *place, float *dst)
{
	struct rows rows;
	if (open_rows(r, x, &rows))
		for (int64_t k = 0; k < n; k++)
			rows_take(&rows, place[k], dst + k * r->cols);
}

void fit_rows_out(
    const struct fit_rows *r, const struct tensor *y, int64_t n, const int64_t *place, float *dst)
{
	const float *from = y->data;
	int64_t outs = y->dim[r->conv ? 1 : y->rank - 1];
	int64_t plane = r->conv ? y->dim[2] * y->dim[3] : 1;
	for (int64_t k = 0; k < n; k++)
		for (int64_t o = 0; o < outs; o++)
			dst[k * outs + o] =
			    from[(place[k] / plane * outs + o) * plane + place[k] % plane];
}
