/* Writes the seeds of the target blob into a folder: seed_blob FOLDER. */
#include "blob_seeds.h"

int main(int argc, char **argv)
{
	for (size_t i = 0; i < CALL_NETWORKS && argc == 2; i++) {
		char path[4096];
		struct text t = {0};
		blob_seed(call_networks[i], &t);
		snprintf(path, sizeof path, "%s/network%zu", argv[1], i);
		FILE *f = fopen(path, "wb");
		EXPECT(f && fwrite(t.data, 1, t.len, f) == t.len && !fclose(f));
		text_free(&t);
	}
	return argc != 2;
}
