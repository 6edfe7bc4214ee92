/* Runs every fuzz target on the files of its folder, and random operators: replay CORPUS, or
 * replay CORPUS/NAME/FILE. */
#include <dirent.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/rng.h"
#include "blob_seeds.h"

typedef int fuzz_one(const uint8_t *data, size_t size);
fuzz_one fuzz_one_onnx, fuzz_one_ir, fuzz_one_npy, fuzz_one_image, fuzz_one_graph, fuzz_one_blob,
    fuzz_one_op, fuzz_one_stats, fuzz_one_data;

#define LLVMFuzzerTestOneInput fuzz_one_onnx
#include "fuzz_onnx.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_one_ir
#include "fuzz_ir.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_one_npy
#include "fuzz_npy.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_one_image
#include "fuzz_image.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_one_graph
#include "fuzz_graph.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_one_blob
#include "fuzz_blob.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_one_op
#include "fuzz_op.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_one_stats
#include "fuzz_stats.c"
#undef LLVMFuzzerTestOneInput

#define LLVMFuzzerTestOneInput fuzz_one_data
#include "fuzz_data.c"
#undef LLVMFuzzerTestOneInput

static const struct target {
	const char *name;
	fuzz_one *run;
} target[] = {{"onnx", fuzz_one_onnx}, {"ir", fuzz_one_ir}, {"npy", fuzz_one_npy},
    {"image", fuzz_one_image}, {"graph", fuzz_one_graph}, {"blob", fuzz_one_blob},
    {"op", fuzz_one_op}, {"stats", fuzz_one_stats}, {"data", fuzz_one_data}};

static void replay_file(const struct target *t, const char *path)
{
	struct err e = {0};
	char *data;
	size_t size;
	if (file_slurp(path, 1 << 26, &data, &size, &e)) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	fprintf(stderr, "%s\n", path); /* the last one named is the one that crashed */
	t->run((const uint8_t *)data, size);
	free(data);
}

static int replay_folder(const struct target *t, const char *corpus)
{
	char path[4096];
	int n = 0;
	snprintf(path, sizeof path, "%s/%s", corpus, t->name);
	DIR *d = opendir(path);
	if (!d)
		return 0;
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s/%s", corpus, t->name, e->d_name);
		replay_file(t, path);
		n++;
	}
	closedir(d);
	return n;
}

/* Operators need no seeds: any bytes are a trial. */
static int random_ops(int trials)
{
	uint64_t state = 1;
	uint8_t bytes[256];
	for (int i = 0; i < trials; i++) {
		for (size_t k = 0; k < sizeof bytes; k++)
			bytes[k] = (uint8_t)rng_next(&state);
		bytes[0] = (uint8_t)i;
		fuzz_one_op(bytes, sizeof bytes);
	}
	return trials;
}

/* Compiled networks are for one build: their seeds are made here, and all of them run. */
static int compiled_networks(void)
{
	for (size_t i = 0; i < CALL_NETWORKS; i++) {
		struct text t = {0};
		int before = blob_runs;
		blob_seed(call_networks[i], &t);
		fuzz_one_blob((const uint8_t *)t.data, t.len);
		/* those of open sizes are planned for another one, too */
		EXPECT(blob_runs == before + 1 + (strstr(call_networks[i], "?") != NULL));
		text_free(&t);
	}
	return CALL_NETWORKS;
}

int main(int argc, char **argv)
{
	int n = compiled_networks();
	for (int i = 1; i < argc; i++) {
		struct stat st;
		bool is_file = !stat(argv[i], &st) && S_ISREG(st.st_mode);
		for (size_t k = 0; k < sizeof target / sizeof *target; k++) {
			char part[32];
			snprintf(part, sizeof part, "/%s/", target[k].name);
			if (!is_file)
				n += replay_folder(&target[k], argv[i]);
			else if (strstr(argv[i], part))
				replay_file(&target[k], argv[i]), n++;
		}
	}
	n += random_ops(5000);
	printf("%d passed, %d failed\n", n, !n);
	return !n;
}
