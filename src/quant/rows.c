/* What one output of a convolution or product is made of, cut out of the layer's input. */
#include "quant/rows.h"

#include <string.h>

#include "ops/op.h"
#include "ops/window.h"

void rows_sizes(const struct node *n, int64_t *groups, int64_t *k)
{
	const struct shape *w = &node_in(n, 1)->info.shape;
	int lead = node_is(n, OP_GROUP_CONVOLUTION) ? 2 : 1;
	*groups = lead == 2 ? w->dim[0].min : 1;
	*k = 1;
	if (node_is(n, OP_MATMUL))
		*k = w->dim[attr_bool(n, "transpose_b") ? 1 : 0].min;
	else
		for (int d = lead; d < w->rank; d++)
			*k *= w->dim[d].min;
}

/* Sizes of the output along spatial dim i of w, with its pads settled. */
static int64_t settle(struct window *w, int i, int64_t in)
{
	int64_t stride = w->dim[i].stride, out = (in + stride - 1) / stride;
	if (w->same_upper || w->same_lower) {
		window_pad(w, i, in, out);
		return out;
	}
	int64_t extent = window_extent(w->dim[i].kernel.min, w->dim[i].dilation);
	int64_t room = in + w->dim[i].begin + w->dim[i].end - extent;
	return extent < 1 || room < 0 ? 0 : room / stride + 1;
}

static int open_conv(struct rows *r, const struct node *n, const struct tensor *x, struct err *err)
{
	struct window w;
	int spatial = x->rank - 2, status = window_read(&w, n, spatial, err);
	const struct shape *f = &node_in(n, 1)->info.shape;
	if (status)
		return status;
	for (int d = 0; d < 3; d++)
		r->in[d] = r->out[d] = r->kernel[d] = r->stride[d] = r->dilation[d] = 1;
	r->channels = x->dim[1] / r->groups;
	r->count = x->dim[0];
	for (int i = 0; i < spatial; i++) {
		int d = 3 - spatial + i;
		w.dim[i].kernel = f->dim[f->rank - spatial + i];
		r->kernel[d] = w.dim[i].kernel.min;
		r->in[d] = x->dim[2 + i];
		r->out[d] = settle(&w, i, r->in[d]);
		r->stride[d] = w.dim[i].stride;
		r->dilation[d] = w.dim[i].dilation;
		r->begin[d] = w.dim[i].begin;
		r->count *= r->out[d];
	}
	return OK;
}

int rows_open(struct rows *r, const struct node *n, const struct exec_view *view, struct err *err)
{
	const struct tensor *x = view->t;
	int64_t channels = x->rank > 1 ? x->dim[1] : 1, volume = 1;
	*r = (struct rows){.x = x->data, .product = node_is(n, OP_MATMUL)};
	for (int d = 2; d < x->rank; d++)
		volume *= x->dim[d];
	r->image = view->channels_last ? volume * view->ld : volume * channels;
	r->channel = view->channels_last ? 1 : volume;
	r->pixel = view->channels_last ? view->ld : 1;
	rows_sizes(n, &r->groups, &r->k);
	if (!r->product)
		return open_conv(r, n, x, err);
	r->count = r->k ? tensor_count(x) / r->k : 0;
	r->channels = channels;
	r->lines = x->rank > 2 && r->k ? volume / r->k : 1;
	if (x->rank < 3) { /* the row is that of channels, or the only one */
		r->pixel = r->channel;
		r->channels = 1;
	}
	return OK;
}

void rows_centre(struct rows *r)
{
	for (int d = 0; d < 3; d++) {
		r->begin[d] -= r->kernel[d] / 2 * r->dilation[d];
		r->kernel[d] = 1;
	}
	r->k = r->channels;
}

static bool inside(int64_t i, int64_t n)
{
	return i >= 0 && i < n;
}

static void take_product(const struct rows *r, int64_t at, float *row)
{
	int64_t line = at % r->lines, c = at / r->lines % r->channels;
	const float *x = r->x + at / r->lines / r->channels * r->image + c * r->channel +
			 line * r->k * r->pixel;
	for (int64_t i = 0; i < r->k; i++)
		row[i] = x[i * r->pixel];
}

/* One place under the kernel, of all channels: x is NULL outside. */
static void take_place(const struct rows *r, const float *x, int64_t places, float *to)
{
	int64_t n = r->groups * r->channels;
	if (x && r->channel == 1 && places == 1)
		memcpy(to, x, (size_t)n * sizeof *to);
	else
		for (int64_t c = 0; c < n; c++)
			to[c * places] = x ? x[c * r->channel] : 0;
}

void rows_take(const struct rows *r, int64_t at, float *row)
{
	if (r->product) {
		take_product(r, at, row);
		return;
	}
	const int64_t *kernel = r->kernel, *in = r->in;
	int64_t places = kernel[0] * kernel[1] * kernel[2], from[3];
	for (int d = 2; d >= 0; d--) {
		from[d] = at % r->out[d] * r->stride[d] - r->begin[d];
		at /= r->out[d];
	}
	const float *x = r->x + at * r->image;
	for (int64_t k = 0; k < places; k++) {
		int64_t a = from[0] + k / kernel[2] / kernel[1] * r->dilation[0];
		int64_t b = from[1] + k / kernel[2] % kernel[1] * r->dilation[1];
		int64_t c = from[2] + k % kernel[2] * r->dilation[2];
		bool there = inside(a, in[0]) && inside(b, in[1]) && inside(c, in[2]);
		int64_t pixel = (a * in[1] + b) * in[2] + c;
		take_place(r, there ? x + pixel * r->pixel : NULL, places, row + k);
	}
}
