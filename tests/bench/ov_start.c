/* OpenVINO from a file to the first output through its C API, and its peak memory: the peer of
 * start.py. usage: ov_start MODEL THREADS; prints ms of reading and compiling, ms of the first
 * inference, MB */
#include <openvino/c/openvino.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void check(ov_status_e status, const char *what)
{
	if (status == OK)
		return;
	fprintf(stderr, "ov_start: %s: %s\n", what, ov_get_last_err_msg());
	exit(1);
}

int main(int argc, char **argv)
{
	ov_core_t *core;
	ov_compiled_model_t *model;
	ov_infer_request_t *request;
	ov_tensor_t *input;
	void *data;
	size_t size;
	struct rusage usage;

	if (argc != 3)
		return 2;
	check(ov_core_create(&core), "core");
	check(ov_core_set_property(core, "CPU", "INFERENCE_PRECISION_HINT", "f32"), "precision");
	check(ov_core_set_property(core, "CPU", "INFERENCE_NUM_THREADS", argv[2]), "threads");
	check(ov_core_set_property(core, "CPU", "NUM_STREAMS", "1"), "streams");
	double start = now_ms();
	check(ov_core_compile_model_from_file(core, argv[1], "CPU", 0, &model), "compile");
	double compiled = now_ms();
	check(ov_compiled_model_create_infer_request(model, &request), "request");
	check(ov_infer_request_get_input_tensor(request, &input), "input");
	check(ov_tensor_data(input, &data), "data");
	check(ov_tensor_get_byte_size(input, &size), "size");
	memset(data, 0, size);
	check(ov_infer_request_infer(request), "infer");
	double first = now_ms();
	for (int i = 0; i < 10; i++)
		check(ov_infer_request_infer(request), "infer");
	getrusage(RUSAGE_SELF, &usage);
	printf(
	    "%.2f %.2f %.1f\n", compiled - start, first - compiled, (double)usage.ru_maxrss / 1024);
	return 0;
}
