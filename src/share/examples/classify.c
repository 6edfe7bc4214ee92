/* The best class for raw float data on stdin: libmo in a few lines. Build with
 *   cc classify.c $(pkg-config --cflags --libs mo) -o classify */
#include <mo.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *why)
{
	fprintf(stderr, "classify: %s\n", why);
	return 1;
}

int main(int argc, char **argv)
{
	struct mo_model *model;
	struct mo_request *request;
	struct mo_tensor in, out;
	size_t n = 1, best = 0, classes = 1;
	if (argc != 2 || mo_model_load(argv[1], &model) || mo_request_new(model, 0, &request))
		return fail(argc == 2 ? mo_error() : "give a model");
	if (mo_input_info(model, 0, &in) || in.type != MO_F32)
		return fail("the first input is not of floats");
	for (int i = 0; i < in.rank; i++)
		n *= in.dim[i] = in.dim[i] < 0 ? 1 : in.dim[i];
	in.data = calloc(n, sizeof(float));
	if (!in.data || fread(in.data, sizeof(float), n, stdin) != n)
		return fail("stdin holds too few floats");
	if (mo_request_run(request, &in, &out))
		return fail(mo_error());
	for (int i = 0; i < out.rank; i++)
		classes *= out.dim[i];
	for (size_t i = 1; i < classes; i++)
		best = ((float *)out.data)[i] > ((float *)out.data)[best] ? i : best;
	printf("class %zu of %zu, score %g\n", best, classes, ((float *)out.data)[best]);
	free(in.data);
	mo_request_free(request);
	mo_model_free(model);
	return 0;
}
