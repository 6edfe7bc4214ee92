/* Fuzzes what samples and their labels come in, and the text files of a calibration. The first byte
 * says which reader gets the rest: lists, tables, labels, groups of samples, the state of a search,
 * or one tensor of an ONNX test set. */
#include "fuzz.h"

#include "formats/dataset.h"
#include "formats/dataset_labels.h"
#include "formats/onnx.h"
#include "quant/groups.h"
#include "quant/memo.h"

#define DATA_SAMPLES 4 /* so many are read */

static char data_dir[4096];

static void data_done(void)
{
	rmdir(data_dir);
}

/* The readers of tables and arrays go by the name's end. */
static const char *data_file(const uint8_t *data, size_t size, const char *end)
{
	static char path[sizeof data_dir + 16];
	const char *tmp = getenv("TMPDIR");
	if (!*data_dir) {
		snprintf(data_dir, sizeof data_dir, "%s/fuzz-data-XXXXXX", tmp ? tmp : "/tmp");
		EXPECT(mkdtemp(data_dir) && !atexit(data_done));
	}
	snprintf(path, sizeof path, "%s/data%s", data_dir, end);
	FILE *f = fopen(path, "wb");
	EXPECT(f && fwrite(data, 1, size, f) == size && !fclose(f));
	return path;
}

static void data_samples(const char *path)
{
	const char *names[] = {"x"};
	struct preprocess_spec spec = {0};
	struct dataset_options o = {.data = path,
	    .preprocess = &spec,
	    .input = {.type = DT_F32, .shape = {3, {dim_of(1), dim_of(3), dim_of(2)}}},
	    .names = names,
	    .nnames = 1};
	struct dataset *d = NULL;
	struct err e = {0};
	int rc = dataset_open(&o, &d, &e);
	if (rc) {
		fuzz_check_error(rc, &e);
		return;
	}
	for (int64_t i = 0; i < dataset_count(d) && i < DATA_SAMPLES; i++) {
		char name[DATASET_NAME];
		struct tensor t = {0};
		int64_t label;
		rc = dataset_sample(d, i, &t, &label, &e);
		if (rc)
			fuzz_check_error(rc, &e);
		EXPECT(*dataset_name(d, i, name));
		tensor_free(&t);
	}
	dataset_close(d);
}

static void data_labels(const char *path)
{
	struct err e = {0};
	int64_t *label = NULL;
	int rc = labels_read(path, 3, &label, &e);
	if (rc)
		fuzz_check_error(rc, &e);
	free(label);
}

static const char *data_name(void *user, int64_t i, struct arena *arena)
{
	(void)user;
	return arena_printf(arena, "a/b%d.png", (int)i);
}

static void data_groups(const char *path)
{
	struct err e = {0};
	struct groups g;
	struct arena *arena = arena_new();
	EXPECT(arena);
	int rc = groups_read(path, 3, data_name, NULL, arena, &g, &e);
	if (rc)
		fuzz_check_error(rc, &e);
	for (int i = 0; !rc && i < 3; i++)
		EXPECT(g.of[i] >= -1 && g.of[i] < g.n);
	arena_free(arena);
}

/* What was read is there again after it was written. */
static void data_memo(const char *path)
{
	struct err e = {0};
	struct memo *m;
	double v[2] = {0.5, 2};
	int rc = memo_open(path, "x", &m, &e);
	if (rc) {
		fuzz_check_error(rc, &e);
		memo_close(m, false);
		return;
	}
	int64_t found = memo_found(m);
	EXPECT(!memo_put(m, "key", v, 2, &e));
	memo_close(m, false);
	EXPECT(!memo_open(path, "x", &m, &e) && memo_found(m) == found + 1);
	EXPECT(memo_get(m, "key", v, 2) && v[0] == 0.5 && v[1] == 2);
	memo_close(m, true);
}

static void data_tensor(const char *path)
{
	struct err e = {0};
	struct tensor t = {0};
	int rc = onnx_tensor_read(path, &t, &e);
	if (rc)
		fuzz_check_error(rc, &e);
	tensor_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		const char *end;
		void (*read)(const char *path);
	} kind[] = {{"", data_samples}, {".csv", data_samples}, {".txt", data_labels},
	    {".npy", data_labels}, {".groups", data_groups}, {".search", data_memo},
	    {".pb", data_tensor}};
	if (!size)
		return 0;
	size_t k = data[0] % (sizeof kind / sizeof *kind);
	const char *path = data_file(data + 1, size - 1, kind[k].end);
	kind[k].read(path);
	unlink(path);
	return 0;
}
