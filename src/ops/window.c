/* Sliding windows over spatial dims: attributes, output sizes and automatic pads. */
#include <string.h>

#include "ops/window.h"
#include "base/checked.h"
#include "ops/elem.h"

static bool row_has(const struct node *n, const char *name)
{
	for (const struct attr_def *d = n->op->attrs; d->name; d++)
		if (!strcmp(d->name, name))
			return true;
	return false;
}

/* Value i of a list attribute for n spatial dims, which may be left out or empty. */
static int list_value(const struct node *n, const char *name, int spatial, int i, int64_t other,
    int64_t *out, struct err *err)
{
	const int64_t *v = NULL;
	int count = row_has(n, name) ? attr_ints(n, name, &v) : 0;
	if (count && count != spatial)
		return fail(err, E_FORMAT, "attribute '%s' has %d values, expected %d", name, count,
		    spatial);
	*out = count ? v[i] : other;
	return OK;
}

static int check_range(const char *name, int64_t v, int64_t low, struct err *err)
{
	if (v < low || v > INT32_MAX)
		return fail(err, E_FORMAT, "attribute '%s' holds %lld, expected at least %lld",
		    name, (long long)v, (long long)low);
	return OK;
}

static int read_dim(struct window *w, const struct node *n, int i, struct err *err)
{
	struct {
		const char *name;
		int64_t *to, other, low;
	} part[] = {{"strides", &w->dim[i].stride, 1, 1}, {"dilations", &w->dim[i].dilation, 1, 1},
	    {"pads_begin", &w->dim[i].begin, 0, INT32_MIN},
	    {"pads_end", &w->dim[i].end, 0, INT32_MIN}};
	for (size_t k = 0; k < sizeof part / sizeof *part; k++) {
		int r = list_value(n, part[k].name, w->n, i, part[k].other, part[k].to, err);
		if (!r)
			r = check_range(part[k].name, *part[k].to, part[k].low, err);
		if (r)
			return r;
	}
	w->dim[i].kernel = dim_any();
	if (w->same_upper || w->same_lower || w->valid)
		w->dim[i].begin = w->dim[i].end = 0;
	return OK;
}

int window_read(struct window *w, const struct node *n, int spatial, struct err *err)
{
	*w = (struct window){.n = spatial};
	if (spatial < 1 || spatial > MAX_SPATIAL)
		return fail(err, E_UNSUPPORTED, "%d spatial dims are not supported, 1 to %d are",
		    spatial, MAX_SPATIAL);
	w->same_upper = attr_is(n, "auto_pad", "same_upper");
	w->same_lower = attr_is(n, "auto_pad", "same_lower");
	w->valid = attr_is(n, "auto_pad", "valid");
	for (int i = 0; i < spatial; i++) {
		int r = read_dim(w, n, i, err);
		if (r)
			return r;
	}
	return OK;
}

int64_t window_extent(int64_t kernel, int64_t dilation)
{
	int64_t e;
	return kernel < 1 || mul_i64(kernel - 1, dilation, &e) || add_i64(e, 1, &e) ? -1 : e;
}

int window_out(struct infer *s, const struct window *w, int i, struct dim in, struct dim *out)
{
	int64_t stride = w->dim[i].stride, pads = w->dim[i].begin + w->dim[i].end;
	if (in.max > INT64_MAX / 4)
		in.max = DIM_INF;
	if (in.min > INT64_MAX / 4)
		in.min = INT64_MAX / 4;
	if (w->same_upper || w->same_lower) {
		*out = (struct dim){in.min / stride + (in.min % stride != 0), DIM_INF, 0};
		if (in.max != DIM_INF)
			out->max = in.max / stride + (in.max % stride != 0);
		out->symbol = stride == 1 ? in.symbol : 0;
		return OK;
	}
	int64_t least = window_extent(
	    w->dim[i].kernel.min < 1 ? 1 : w->dim[i].kernel.min, w->dim[i].dilation);
	int64_t most = w->dim[i].kernel.max == DIM_INF
			   ? -1
			   : window_extent(w->dim[i].kernel.max, w->dim[i].dilation);
	if (in.max != DIM_INF && (least < 0 || in.max + pads < least))
		return infer_fail(s,
		    "spatial dim %d has %lld elements with its pads, the kernel covers %lld", i,
		    (long long)(in.max + pads), (long long)least);
	*out = (struct dim){0, DIM_INF, 0};
	if (in.max != DIM_INF)
		out->max = (in.max + pads - least) / stride + 1;
	if (most > 0 && in.min + pads >= most)
		out->min = (in.min + pads - most) / stride + 1;
	else
		out->min = 1;
	if (stride == 1 && most == least && pads == most - 1)
		out->symbol = in.symbol;
	return OK;
}

void window_pad(struct window *w, int i, int64_t in, int64_t out)
{
	if (!w->same_upper && !w->same_lower)
		return;
	int64_t extent = window_extent(w->dim[i].kernel.min, w->dim[i].dilation);
	int64_t total = (out - 1) * w->dim[i].stride + extent - in;
	if (total < 0)
		total = 0;
	w->dim[i].begin = w->same_upper ? total / 2 : total - total / 2;
	w->dim[i].end = total - w->dim[i].begin;
}
