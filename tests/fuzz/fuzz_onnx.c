/* Fuzzes the ONNX reader, and the passes with what it gives. */
#include "fuzz.h"

#include "formats/onnx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct graph *g = NULL;
	struct file *f = calloc(1, sizeof *f);
	uint8_t *copy = malloc(size + 1);
	EXPECT(f && copy);
	memcpy(copy, data, size);
	*f = (struct file){.data = copy, .size = size, .refs = 1};
	onnx_sniff(data, size);
	int rc = onnx_read_file(f, "m.onnx", NULL, NULL, &g, &e);
	file_unref(f);
	if (rc)
		fuzz_check_error(rc, &e);
	else
		fuzz_graph(g);
	return 0;
}
