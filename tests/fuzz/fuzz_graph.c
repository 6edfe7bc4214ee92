/* Fuzzes the text form of graphs, which is the shortest way to every operator's infer and eval. */
#include "fuzz.h"

#include "ops/op.h"

/* What is printed reads back as the same, unless it holds hashes of constants. */
static void fuzz_print_again(const struct graph *g)
{
	struct text once = {0}, twice = {0};
	struct err e = {0};
	struct graph *again = NULL;
	graph_print(&once, g);
	EXPECT(!once.failed);
	if (once.data && !strstr(once.data, "hash(")) {
		if (graph_scan(once.data, op_find, node_infer, &again, &e))
			fprintf(stderr, "%s\n%s\n", once.data, e.text);
		EXPECT(again);
		graph_print(&twice, again);
		EXPECT(!strcmp(once.data, twice.data));
		graph_free(again);
	}
	text_free(&once);
	text_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct graph *g = NULL;
	char *text = malloc(size + 1);
	EXPECT(text);
	memcpy(text, data, size);
	text[size] = 0;
	int rc = graph_scan(text, op_find, node_infer, &g, &e);
	free(text);
	if (rc) {
		fuzz_check_error(rc, &e);
		return 0;
	}
	fuzz_print_again(g);
	fuzz_graph(g);
	return 0;
}
