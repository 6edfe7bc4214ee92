/* The elements of an image: numbers, text, tensors, shapes, written or read with their limits. */
#include "exec/image.h"

#include <string.h>

bool image_fails(const struct image *im)
{
	return im->bad || im->in.err || im->out.failed;
}

static void bytes(struct image *im, uint64_t *v, int n)
{
	if (!im->load) {
		char b[8];
		for (int i = 0; i < n; i++)
			b[i] = (char)(*v >> (8 * i));
		text_addn(&im->out, b, (size_t)n);
	} else {
		*v = n == 8 ? cursor_u64le(&im->in) : cursor_u32le(&im->in);
	}
}

void image_i64(struct image *im, int64_t *v, int64_t least, int64_t most)
{
	uint64_t u = (uint64_t)*v;
	bytes(im, &u, 8);
	*v = (int64_t)u;
	if (*v >= least && *v <= most)
		return;
	im->bad = true;
	*v = im->load ? least : *v;
}

void image_int(struct image *im, int *v, int least, int most)
{
	uint64_t u = (uint32_t)*v;
	bytes(im, &u, 4);
	*v = (int)(uint32_t)u;
	if (*v >= least && *v <= most)
		return;
	im->bad = true;
	*v = im->load ? least : *v;
}

void image_bool(struct image *im, bool *v)
{
	int i = *v;
	image_int(im, &i, 0, 1);
	*v = i;
}

void image_float(struct image *im, float *v)
{
	uint32_t u;
	memcpy(&u, v, sizeof u);
	uint64_t wide = u;
	bytes(im, &wide, 4);
	u = (uint32_t)wide;
	memcpy(v, &u, sizeof u);
}

void image_count(struct image *im, int *n, int most)
{
	image_int(im, n, 0, most);
	if (!im->load || (!im->in.err && (size_t)*n <= cursor_left(&im->in)))
		return;
	im->bad = true;
	*n = 0;
}

void image_text(struct image *im, const char **s)
{
	int n = !im->load && *s ? (int)strlen(*s) : 0;
	image_count(im, &n, LIMIT_NAME);
	if (!im->load) {
		text_addn(&im->out, *s ? *s : "", (size_t)n);
		return;
	}
	const uint8_t *p = cursor_bytes(&im->in, (size_t)n);
	*s = p && !memchr(p, 0, (size_t)n) ? arena_strn(im->arena, (const char *)p, (size_t)n)
					   : NULL;
	if (*s)
		return;
	im->bad = true;
	*s = "";
}

void image_tensor(struct image *im, struct tensor *t)
{
	int type = (int)t->type;
	if (im->load)
		*t = (struct tensor){0};
	image_int(im, &type, DT_NONE, DT_COUNT - 1);
	image_int(im, &t->rank, 0, MAX_RANK);
	for (int d = 0; d < t->rank; d++)
		image_i64(im, &t->dim[d], 0, IMAGE_LARGE);
	t->type = (enum dtype)type;
	struct shape s = tensor_shape(t);
	if (shape_count(&s) >= 0 && (!type || dtype_bytes(t->type, shape_count(&s)) >= 0))
		return;
	im->bad = true;
	if (im->load)
		*t = (struct tensor){0};
}

void image_shape(struct image *im, struct shape *s)
{
	if (im->load)
		*s = (struct shape){0};
	image_int(im, &s->rank, 0, MAX_RANK);
	for (int d = 0; d < s->rank; d++) {
		struct dim *dim = &s->dim[d];
		image_i64(im, &dim->min, 0, IMAGE_LARGE);
		image_i64(im, &dim->max, 0, DIM_INF);
		im->bad |= dim->max < dim->min || (dim->max > IMAGE_LARGE && dim->max < DIM_INF);
	}
}
