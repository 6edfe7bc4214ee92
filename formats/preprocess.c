/* Samples brought to a network's input: size, channels, layout, mean and scale. */
#include <string.h>

#include "base/text.h"
#include "formats/preprocess.h"
#include "formats/resize.h"

#define PREPROCESS_TEXT 512

static int parse_numbers(const char *key, char *s, double *v, int *n, struct err *err)
{
	char *save = NULL;
	*n = 0;
	for (char *w = strtok_r(s, ":", &save); w; w = strtok_r(NULL, ":", &save)) {
		if (*n == 4)
			return fail(err, E_USAGE, "'%s' has more than 4 values", key);
		if (!parse_f64(w, &v[*n]) || v[*n] - v[*n] != 0)
			return fail(err, E_USAGE, "'%s' has '%s' where a number belongs", key, w);
		if (!strcmp(key, "scale") && v[*n] == 0)
			return fail(err, E_USAGE, "'scale' must not be 0");
		++*n;
	}
	return *n ? OK : fail(err, E_USAGE, "'%s' has no value", key);
}

static bool pixels(const char *s, int *out)
{
	int64_t v;
	if (!parse_i64(s, &v) || v < 1 || v > 1 << 14)
		return false;
	*out = v;
	return true;
}

/* N, or WIDTHxHEIGHT; *height is then 0, or what was given. */
static int parse_size(const char *key, char *s, int *width, int *height, struct err *err)
{
	char *x = strchr(s, 'x');
	*height = 0;
	if (x)
		*x = 0;
	if (pixels(s, width) && (!x || pixels(x + 1, height)))
		return OK;
	return fail(err, E_USAGE, "'%s' needs a number of pixels, not '%s%s%s'", key, s,
	    x ? "x" : "", x ? x + 1 : "");
}

static int parse_word(
    const char *key, const char *s, const char *yes, const char *no, bool *out, struct err *err)
{
	*out = !strcmp(s, yes);
	if (!*out && strcmp(s, no))
		return fail(err, E_USAGE, "'%s' is %s or %s, not '%s'", key, no, yes, s);
	return OK;
}

static int parse_item(struct preprocess_spec *o, const char *key, char *value, struct err *err)
{
	bool cubic;
	if (!strcmp(key, "resize"))
		return parse_size(key, value, &o->resize, &o->resize_height, err);
	if (!strcmp(key, "crop"))
		return parse_size(key, value, &o->crop, &o->crop_height, err);
	if (!strcmp(key, "filter")) {
		int r = parse_word(key, value, "bicubic", "bilinear", &cubic, err);
		o->filter = cubic ? RESIZE_BICUBIC : RESIZE_BILINEAR;
		return r;
	}
	if (!strcmp(key, "mean"))
		return parse_numbers(key, value, o->mean, &o->nmean, err);
	if (!strcmp(key, "scale"))
		return parse_numbers(key, value, o->scale, &o->nscale, err);
	if (!strcmp(key, "order"))
		return parse_word(key, value, "bgr", "rgb", &o->bgr, err);
	if (strcmp(key, "layout"))
		return fail(err, E_USAGE,
		    "'%s' is none of resize, filter, crop, mean, scale, layout, order", key);
	o->layout_set = true;
	return parse_word(key, value, "nhwc", "nchw", &o->nhwc, err);
}

int preprocess_parse(const char *text, struct preprocess_spec *out, struct err *err)
{
	char copy[PREPROCESS_TEXT], *save = NULL;
	*out = (struct preprocess_spec){0};
	if (strlen(text) >= sizeof copy)
		return fail(err, E_USAGE, "preprocessing text is too long");
	memcpy(copy, text, strlen(text) + 1);
	for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(w, '=');
		if (!eq)
			return fail(err, E_USAGE, "preprocessing '%s' lacks '=value'", w);
		*eq = 0;
		int r = parse_item(out, w, eq + 1, err);
		if (r)
			return err_in(err, "preprocessing");
	}
	return OK;
}

/* How the network's input reads as pictures. */
struct picture_plan {
	bool nhwc;
	int64_t c, h, w; /* -1: any */
};

static int64_t known(struct dim d)
{
	return dim_static(d) ? d.min : -1;
}

static bool plan_picture(const struct shape *s, struct picture_plan *p)
{
	if (s->rank >= 0 && s->rank != 4)
		return false;
	*p = (struct picture_plan){false, 3, -1, -1};
	if (s->rank < 0)
		return true;
	int64_t d1 = known(s->dim[1]), d3 = known(s->dim[3]);
	p->nhwc = d1 != 1 && d1 != 3 && (d3 == 1 || d3 == 3);
	p->c = p->nhwc ? d3 : d1;
	p->h = known(s->dim[p->nhwc ? 1 : 2]);
	p->w = known(s->dim[p->nhwc ? 2 : 3]);
	return true;
}

static double load(const struct tensor *t, int64_t i)
{
	if (t->type == DT_U8)
		return ((const uint8_t *)t->data)[i];
	if (t->type == DT_F32)
		return ((const float *)t->data)[i];
	return tensor_f64(t, i);
}

static void store(struct tensor *t, int64_t i, double v)
{
	if (t->type == DT_F32)
		((float *)t->data)[i] = v;
	else
		tensor_set_f64(t, i, v);
}

static double scaled(const struct preprocess_spec *o, double x, int64_t channel)
{
	if (o->nmean)
		x -= o->mean[o->nmean > 1 ? channel : 0];
	if (o->nscale)
		x /= o->scale[o->nscale > 1 ? channel : 0];
	return x;
}

static int check_channels(const struct preprocess_spec *o, int64_t c, struct err *err)
{
	if ((o->nmean > 1 && o->nmean != c) || (o->nscale > 1 && o->nscale != c))
		return fail(err, E_USAGE, "mean and scale have %d and %d values for %lld channels",
		    o->nmean, o->nscale, (long long)c);
	return OK;
}

/* Does the row have the input's own dims (without batch)? */
static bool row_fits(const struct shape *s, const struct tensor *in)
{
	if (s->rank < 0 || s->rank != in->rank + 1)
		return false;
	for (int i = 0; i < in->rank; i++)
		if (in->dim[i] < s->dim[i + 1].min || in->dim[i] > s->dim[i + 1].max)
			return false;
	return true;
}

/* A row whose places are already right. */
static int apply_plain(const struct preprocess_spec *o, const struct preprocess_target *to,
    const struct tensor *in, struct tensor *out, struct err *err)
{
	struct picture_plan p = {0};
	int64_t dim[MAX_RANK] = {1}, channels = 1, inner = 1;
	if (plan_picture(&to->shape, &p) && in->rank == 3) {
		channels = in->dim[p.nhwc ? 2 : 0];
		inner = p.nhwc ? 1 : in->dim[1] * in->dim[2];
	} else if (o->nmean > 1 || o->nscale > 1) {
		return fail(err, E_USAGE, "the input has no channels for several means or scales");
	}
	memcpy(dim + 1, in->dim, in->rank * sizeof *dim);
	int r = check_channels(o, channels, err);
	r = r ? r : tensor_alloc(out, to->type, in->rank + 1, dim, err);
	if (r)
		return r;
	int64_t n = tensor_count(in);
	if (in->type == out->type && !o->nmean && !o->nscale)
		memcpy(out->data, in->data, tensor_bytes(in));
	else
		for (int64_t i = 0; i < n; i++)
			store(out, i, scaled(o, load(in, i), i / (inner ? inner : 1) % channels));
	return OK;
}

/* A [C,H,W] or [H,W] row as [H,W,C]. */
static int to_hwc(const struct tensor *in, bool hwc, struct tensor *out, struct err *err)
{
	int64_t c = in->rank == 2 ? 1 : in->dim[hwc ? 2 : 0];
	int64_t h = in->rank == 2 ? in->dim[0] : in->dim[hwc ? 0 : 1];
	int64_t w = in->rank == 2 ? in->dim[1] : in->dim[hwc ? 1 : 2];
	int r = tensor_alloc(out, in->type, 3, (int64_t[]){h, w, c}, err);
	if (r)
		return r;
	size_t one = dtype_bits(in->type) / 8;
	if (hwc || c == 1) {
		memcpy(out->data, in->data, tensor_bytes(in));
		return OK;
	}
	for (int64_t k = 0; k < c; k++)
		for (int64_t i = 0; i < h * w; i++)
			memcpy((char *)out->data + (i * c + k) * one,
			    (const char *)in->data + (k * h * w + i) * one, one);
	return OK;
}

/* Channel k of pixel i, in the network's order; grey is ITU-R 601-2 luma. */
static double pixel(
    const struct preprocess_spec *o, const struct tensor *t, int64_t i, int64_t k, int64_t channels)
{
	int64_t c = t->dim[2];
	if (channels == 1 && c == 3) {
		int64_t red = o->bgr ? 2 : 0;
		return (load(t, i * 3 + red) * 299 + load(t, i * 3 + 1) * 587 +
			   load(t, i * 3 + 2 - red) * 114) /
		       1000;
	}
	return load(t, i * c + (o->bgr && c == 3 ? 2 - k : k));
}

/* [H,W,C] into the network's layout. */
static int place(const struct preprocess_spec *o, const struct preprocess_target *to,
    const struct picture_plan *p, const struct tensor *in, struct tensor *out, struct err *err)
{
	int64_t h = in->dim[0], w = in->dim[1], have = in->dim[2], c = p->c < 0 ? have : p->c;
	if (have != c && !(have == 3 && c == 1))
		return fail(err, E_USAGE, "%lld channels where the network wants %lld",
		    (long long)have, (long long)c);
	if ((p->h >= 0 && p->h != h) || (p->w >= 0 && p->w != w))
		return fail(err, E_USAGE,
		    "a picture of %lldx%lld where the network wants %lldx%lld (see --preprocess)",
		    (long long)w, (long long)h, (long long)p->w, (long long)p->h);
	int64_t nhwc[] = {1, h, w, c}, nchw[] = {1, c, h, w};
	int r = check_channels(o, c, err);
	r = r ? r : tensor_alloc(out, to->type, 4, p->nhwc ? nhwc : nchw, err);
	if (r)
		return r;
	for (int64_t i = 0; i < h * w; i++)
		for (int64_t k = 0; k < c; k++)
			store(out, p->nhwc ? i * c + k : k * h * w + i,
			    scaled(o, pixel(o, in, i, k, c), k));
	return OK;
}

/* Is a row of an array [H,W,C]? As the text said; else as it fits the network. */
static bool row_is_hwc(
    const struct preprocess_spec *o, const struct picture_plan *p, const struct tensor *in)
{
	if (o->layout_set || in->rank != 3)
		return o->nhwc;
	return p->c >= 0 && in->dim[0] != p->c && in->dim[2] == p->c;
}

static int apply_picture(const struct preprocess_spec *o, const struct preprocess_target *to,
    const struct picture_plan *p, const struct tensor *hwc, struct tensor *out, struct err *err)
{
	struct tensor small = {0}, cut = {0};
	const struct tensor *now = hwc;
	int r = OK;
	if (o->resize) {
		r = o->resize_height
			? resize_picture(now, o->filter, o->resize_height, o->resize, &small, err)
			: resize_shorter(now, o->filter, o->resize, &small, err);
		now = &small;
	}
	if (!r && o->crop) {
		int height = o->crop_height ? o->crop_height : o->crop;
		r = crop_centre(now, height, o->crop, &cut, err);
		now = &cut;
	}
	r = r ? r : place(o, to, p, now, out, err);
	tensor_free(&small);
	tensor_free(&cut);
	return r;
}

int preprocess_apply(const struct preprocess_spec *spec, const struct preprocess_target *to,
    const struct tensor *in, bool is_picture, struct tensor *out, struct err *err)
{
	const struct preprocess_spec none = {0}, *o = spec ? spec : &none;
	struct picture_plan p;
	bool pictures = plan_picture(&to->shape, &p), moves = o->resize || o->crop || o->bgr;
	struct tensor hwc = {0};
	if (dtype_bits(in->type) < 8 || dtype_bits(to->type) < 8)
		return fail(err, E_UNSUPPORTED, "samples of type %s for an input of type %s",
		    dtype_name(in->type), dtype_name(to->type));
	if (!is_picture && !moves && row_fits(&to->shape, in) &&
	    !(o->layout_set && pictures && o->nhwc != p.nhwc))
		return apply_plain(o, to, in, out, err);
	if (!pictures || (in->rank != 3 && in->rank != 2)) {
		struct text t = {0};
		shape_text(&t, &to->shape);
		fail(err, E_USAGE, "a sample of rank %d does not fit the input's shape [%s]",
		    in->rank, t.data ? t.data : "");
		text_free(&t);
		return E_USAGE;
	}
	if (is_picture)
		return apply_picture(o, to, &p, in, out, err);
	int r = to_hwc(in, row_is_hwc(o, &p, in), &hwc, err);
	r = r ? r : apply_picture(o, to, &p, &hwc, out, err);
	tensor_free(&hwc);
	return r;
}

int preprocess_row_dims(
    const struct preprocess_spec *spec, const struct preprocess_target *to, int64_t dim[MAX_RANK])
{
	struct picture_plan p;
	int rank = to->shape.rank - 1;
	for (int i = 0; i < rank; i++)
		dim[i] = to->shape.dim[i + 1].min;
	if (!spec->layout_set || !plan_picture(&to->shape, &p) || p.nhwc == spec->nhwc)
		return rank;
	int64_t nhwc[] = {p.h, p.w, p.c}, nchw[] = {p.c, p.h, p.w};
	memcpy(dim, spec->nhwc ? nhwc : nchw, sizeof nhwc);
	return rank;
}
