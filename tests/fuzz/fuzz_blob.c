/* Fuzzes compiled networks: whole files, whose checksums stop most of it, and the sections behind
 * them. The first four bytes are the length of the graph (little-endian) then, the bytes after it
 * the plan; the weights are zeros. What is accepted runs. */
#include "fuzz.h"

#include "base/cpu.h"
#include "base/cursor.h"
#include "store/store.h"

#define BLOB_WEIGHTS (1 << 20)
#define BLOB_WORK (1 << 24) /* bytes of a workspace that is run */
#define BLOB_EDGES 8        /* inputs, and outputs, at most */

static int blob_runs; /* that came to their end */

static bool blob_input(const struct value *v, struct tensor *t)
{
	const struct shape *s = &v->info.shape;
	int64_t dim[MAX_RANK];
	for (int d = 0; d < s->rank; d++)
		dim[d] = s->dim[d].min;
	if (shape_count(s) < 0 || shape_count(s) > 1 << 20)
		return false;
	return tensor_alloc(t, v->info.type, s->rank, dim, NULL) == OK;
}

static void blob_run(const struct graph *g, struct exec *e)
{
	struct tensor in[BLOB_EDGES] = {0}, out[BLOB_EDGES];
	struct err err = {0};
	bool ok = g->ninputs <= BLOB_EDGES && g->noutputs <= BLOB_EDGES &&
		  exec_workspace(e) < BLOB_WORK;
	for (int k = 0; ok && k < g->ninputs; k++)
		ok = blob_input(&g->inputs[k]->out[0], &in[k]);
	int rc = ok ? exec_run(e, in, out, &err) : OK;
	if (rc)
		fuzz_check_error(rc, &err);
	blob_runs += ok && !rc;
	for (int k = 0; k < BLOB_EDGES; k++)
		tensor_free(&in[k]);
}

/* Takes the graph over. */
static void blob_try(int rc, struct graph *g, struct err *err)
{
	struct exec *e = NULL;
	rc = rc ? rc : exec_new(g, NULL, &e, err);
	if (rc)
		fuzz_check_error(rc, err);
	else
		blob_run(g, e);
	exec_free(e);
	graph_free(g);
}

static void blob_file(const uint8_t *data, size_t size)
{
	struct store_options o = {0};
	struct stored s = {0};
	struct err err = {0};
	struct file *f = file_of(data, size);
	int rc = f ? store_open_file(f, "fuzz", &o, &s, &err) : OK;
	if (f)
		blob_try(rc, s.g, &err);
	file_unref(f);
}

static void blob_sections(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_of(data, size);
	size_t length = cursor_u32le(&c);
	struct graph *g = NULL;
	struct err err = {0};
	if (c.err || length > cursor_left(&c))
		return;
	struct blob *graph = blob_copy(c.p, length);
	struct blob *plan = blob_copy(c.p + length, cursor_left(&c) - length);
	char *zeros = aligned_alloc(64, BLOB_WEIGHTS);
	EXPECT(graph && plan && zeros);
	memset(zeros, 0, BLOB_WEIGHTS);
	struct blob *weights = blob_heap(zeros, BLOB_WEIGHTS);
	int rc = exec_load(graph, plan, weights, &g, &err);
	blob_unref(graph);
	blob_unref(plan);
	blob_unref(weights);
	blob_try(rc, g, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cpu_limit("ref"); /* the same everywhere, and so are the seeds */
	if (blob_file_sniff(data, size))
		blob_file(data, size);
	else
		blob_sections(data, size);
	cpu_limit("bf16");
	return 0;
}
