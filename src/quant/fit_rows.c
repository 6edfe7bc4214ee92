/* Gathers rows: patches of a convolution's input, rows of a product's. */
#include "quant/fit_rows.h"

#include <string.h>

#include "base/rng.h"

static bool floats(const struct value *v)
{
	return v->info.type == DT_F32;
}

/* Pads as given, or as auto_pad makes them from the sizes. */
static bool read_window(const struct node *n, struct fit_rows *r)
{
	const struct shape *x = &node_in(n, 0)->info.shape, *w = &node_in(n, 1)->info.shape;
	const int64_t *s, *d, *b, *e;
	int lead = w->rank - 2;
	if (x->rank != 4 || attr_ints(n, "strides", &s) != 2 || attr_ints(n, "dilations", &d) != 2)
		return false;
	bool given = attr_ints(n, "pads_begin", &b) == 2 && attr_ints(n, "pads_end", &e) == 2;
	bool valid = attr_is(n, "auto_pad", "valid");
	bool upper = attr_is(n, "auto_pad", "same_upper"),
	     lower = attr_is(n, "auto_pad", "same_lower");
	for (int i = 0; i < 2; i++) {
		r->window[i] = w->dim[lead + i].min;
		r->stride[i] = s[i];
		r->dilation[i] = d[i];
		r->pad[i] = given && !valid ? b[i] : 0;
		r->pad_end[i] = given && !valid ? e[i] : 0;
		if (upper || lower) {
			int64_t size = x->dim[2 + i].min, reach = (r->window[i] - 1) * d[i] + 1;
			int64_t all = ((size + s[i] - 1) / s[i] - 1) * s[i] + reach - size;
			if (!dim_static(x->dim[2 + i]))
				return false;
			all = all < 0 ? 0 : all;
			r->pad[i] = lower ? all - all / 2 : all / 2;
			r->pad_end[i] = all - r->pad[i];
		}
	}
	return true;
}

/* d: weights [groups, when grouped][outs of a group][channels of a group][window]. */
static bool conv_rows(
    const struct node *n, const struct dim *d, bool grouped, int64_t most, struct fit_rows *r)
{
	r->conv = true;
	if (!read_window(n, r))
		return false;
	if (grouped)
		r->groups = (d++)->min;
	int64_t channels = d[1].min;
	r->taps = r->window[0] * r->window[1];
	r->centre = channels * r->taps > most && r->taps > 1;
	r->taps = r->centre ? 1 : r->taps;
	r->cols = r->groups * channels * r->taps;
	r->outs = r->groups * d[0].min;
	return !grouped || !r->centre;
}

bool fit_rows_of(const struct prune_layer *l, int64_t most, struct fit_rows *r)
{
	const struct node *n = l->node;
	const struct value *x = node_in(n, 1 - l->input), *w = prune_weight(l);
	*r = (struct fit_rows){.taps = 1, .groups = 1};
	if (!value_const(w) || !floats(w) || !floats(x) || !shape_static(&w->info.shape))
		return false;
	const struct dim *d = w->info.shape.dim;
	bool grouped = node_is(n, OP_GROUP_CONVOLUTION);
	if (grouped || node_is(n, OP_CONVOLUTION))
		return w->info.shape.rank == 4 + grouped && conv_rows(n, d, grouped, most, r);
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
	return r->conv || r->turned ? o * (r->cols / r->groups) + c : c * r->outs + o;
}

static int64_t out_size(const struct fit_rows *r, const struct tensor *x, int i)
{
	int64_t reach = (r->window[i] - 1) * r->dilation[i] + 1;
	int64_t left = x->dim[2 + i] + r->pad[i] + r->pad_end[i] - reach;
	return left < 0 ? 0 : left / r->stride[i] + 1;
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

int64_t fit_rows_pick(
    const struct fit_rows *r, const struct tensor *x, int64_t most, uint64_t seed, int64_t *place)
{
	int64_t count = r->conv ? x->dim[0] * out_size(r, x, 0) * out_size(r, x, 1)
				: tensor_count(x) / x->dim[x->rank - 1];
	return pick(count, most, seed, place);
}

int64_t fit_rows_pick_out(
    const struct fit_rows *r, const struct tensor *y, int64_t most, uint64_t seed, int64_t *place)
{
	int64_t channels = y->dim[r->conv ? 1 : y->rank - 1];
	return pick(channels ? tensor_count(y) / channels : 0, most, seed, place);
}

static float at(const struct tensor *x, int64_t n, int64_t c, int64_t h, int64_t w)
{
	if (h < 0 || w < 0 || h >= x->dim[2] || w >= x->dim[3])
		return 0;
	return ((const float *)x->data)[((n * x->dim[1] + c) * x->dim[2] + h) * x->dim[3] + w];
}

static void patch(const struct fit_rows *r, const struct tensor *x, int64_t place, float *dst)
{
	int64_t wide = out_size(r, x, 1), high = out_size(r, x, 0);
	int64_t n = place / (wide * high);
	int64_t h = place / wide % high * r->stride[0] - r->pad[0];
	int64_t w = place % wide * r->stride[1] - r->pad[1];
	if (r->centre) {
		h += r->window[0] / 2 * r->dilation[0];
		w += r->window[1] / 2 * r->dilation[1];
		for (int64_t c = 0; c < x->dim[1]; c++)
			*dst++ = at(x, n, c, h, w);
		return;
	}
	for (int64_t c = 0; c < x->dim[1]; c++)
		for (int64_t i = 0; i < r->window[0]; i++)
			for (int64_t j = 0; j < r->window[1]; j++)
				*dst++ = at(
				    x, n, c, h + i * r->dilation[0], w + j * r->dilation[1]);
}

void fit_rows_in(
    const struct fit_rows *r, const struct tensor *x, int64_t n, const int64_t *place, float *dst)
{
	for (int64_t k = 0; k < n; k++) {
		if (r->conv)
			patch(r, x, place[k], dst + k * r->cols);
		else
			memcpy(dst + k * r->cols, (const float *)x->data + place[k] * r->cols,
			    r->cols * sizeof(float));
	}
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
