/* The best class for a picture: libmo in a few lines. Build with
 *   cc classify.c $(pkg-config --cflags --libs mo) -o classify
 * usage: classify MODEL PICTURE [PREPROCESS] */
#include <mo.h>
#include <stdio.h>

static int fail(const char *why)
{
	fprintf(stderr, "classify: %s\n", why);
	return 1;
}

int main(int argc, char **argv)
{
	struct mo_model *model;
	struct mo_request *request;
	struct mo_tensor input, in, out;
	if (argc < 3)
		return fail("give a model and a picture");
	if (mo_model_load(argv[1], &model) || mo_request_new(model, 0, &request))
		return fail(mo_error());
	if (mo_input_info(model, 0, &input) || mo_picture_load(argv[2], argv[3], &input, &in))
		return fail(mo_error());
	if (mo_request_run(request, &in, &out))
		return fail(mo_error());
	if (out.type != MO_F32)
		return fail("the first output is not of floats");
	const float *score = out.data;
	int64_t best = 0, classes = mo_tensor_bytes(&out) / (int64_t)sizeof *score;
	for (int64_t i = 1; i < classes; i++)
		best = score[i] > score[best] ? i : best;
	printf("class %d of %d, score %g\n", (int)best, (int)classes, score[best]);
	mo_tensor_free(&in);
	mo_request_free(request);
	mo_model_free(model);
	return 0;
}
