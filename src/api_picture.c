/* The public C library behind mo.h: pictures as inputs, and tensors. */
#include <string.h>

#include "api.h"
#include "formats/image.h"
#include "formats/preprocess.h"

const char *mo_type_name(enum mo_type type)
{
	return dtype_name(type > MO_NONE && type <= MO_NF4 ? (enum dtype)type : DT_NONE);
}

int64_t mo_tensor_bytes(const struct mo_tensor *t)
{
	int64_t n = 1;
	if (t->type <= MO_NONE || t->type > MO_NF4 || t->rank < 0 || t->rank > MO_MAX_RANK)
		return -1;
	for (int i = 0; i < t->rank; i++)
		if (t->dim[i] < 0 || __builtin_mul_overflow(n, t->dim[i], &n))
			return -1;
	return dtype_bytes((enum dtype)t->type, n);
}

static int target_of(const struct mo_tensor *input, struct preprocess_target *to, struct err *err)
{
	if (input->type <= MO_NONE || input->type > MO_NF4 || input->rank > MO_MAX_RANK)
		return fail(err, E_USAGE, "the input has no type, or a rank out of range");
	to->type = (enum dtype)input->type;
	to->shape = input->rank < 0 ? shape_unknown() : shape_any(input->rank);
	for (int i = 0; i < input->rank; i++)
		if (input->dim[i] >= 0)
			to->shape.dim[i] = dim_of(input->dim[i]);
	return OK;
}

static int prepare(const struct tensor *picture, const char *text, const struct mo_tensor *input,
    struct mo_tensor *out, struct err *err)
{
	struct preprocess_spec spec = {0};
	struct preprocess_target to;
	struct tensor t = {0};
	int s = target_of(input, &to, err);
	s = s || !text ? s : preprocess_parse(text, &spec, err);
	s = s ? s : preprocess_apply(&spec, &to, picture, true, &t, err);
	if (!s)
		api_give(&t, out);
	return s;
}

int mo_picture_load(
    const char *path, const char *preprocess, const struct mo_tensor *input, struct mo_tensor *out)
{
	struct err err = {0};
	struct tensor picture = {0};
	struct mo_tensor made = {0};
	int s = image_read(path, &picture, &err);
	if (!s && (s = prepare(&picture, preprocess, input, &made, &err)))
		err_in(&err, "'%s'", path);
	tensor_free(&picture);
	*out = made;
	return api_failed(s, &err);
}

int mo_picture_prepare(const void *rgb, int width, int height, const char *preprocess,
    const struct mo_tensor *input, struct mo_tensor *out)
{
	struct err err = {0};
	struct tensor picture = {
	    .type = DT_U8, .rank = 3, .dim = {height, width, 3}, .data = (void *)rgb};
	struct mo_tensor made = {0};
	int s = OK;
	if (!rgb || width < 1 || height < 1)
		s = fail(&err, E_USAGE, "a picture of %d x %d pixels", width, height);
	else if ((int64_t)width * height > LIMIT_IMAGE_PIXELS)
		s = fail(&err, E_LIMIT, "a picture of %d x %d pixels", width, height);
	s = s ? s : prepare(&picture, preprocess, input, &made, &err);
	*out = made;
	return api_failed(s, &err);
}

void mo_tensor_free(struct mo_tensor *t)
{
	struct tensor own = {.type = (enum dtype)t->type, .data = t->data};
	if (t->data)
		tensor_free(&own);
	memset(t, 0, sizeof *t);
}
