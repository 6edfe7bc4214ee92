/* Fuzzes compiled networks: whole files, whose checksums stop most of it, and the sections behind
 * them. The first eight bytes are the lengths of the graph and of the network (little-endian) then,
 * which follow; the rest are the plans. Weights and constants are zeros. What is accepted runs, for
 * the shapes that it has plans for and for another one. */
#include "exec/compiled.h"
#include "fuzz.h"

#include "base/cpu.h"
#include "base/cursor.h"
#include "store/store.h"

#define BLOB_WEIGHTS (1 << 20)
#define BLOB_WORK (1 << 24) /* bytes of a workspace that is run */
#define BLOB_EDGES 8        /* inputs, and outputs, at most */

static int blob_runs; /* that came to their end */

/* Tensors of a plan's shapes, one longer in the last dim of the last input when other is set. */
static bool blob_inputs(const struct graph *g, int plan, bool other, struct tensor *in)
{
	const struct tensor *shape = exec_planned(g) ? exec_planned_for(g, plan) : NULL;
	bool ok = g->ninputs <= BLOB_EDGES;
	for (int k = 0; ok && shape && k < g->ninputs; k++) {
		struct tensor t = shape[k];
		if (other && k == g->ninputs - 1 && t.rank)
			t.dim[t.rank - 1]++;
		struct shape s = tensor_shape(&t);
		ok = shape_count(&s) >= 0 && shape_count(&s) <= 1 << 20 &&
		     tensor_alloc(&in[k], t.type, t.rank, t.dim, NULL) == OK;
	}
	return ok && shape;
}

static void blob_run(const struct graph *g, struct exec *e, int plan, bool other)
{
	struct tensor in[BLOB_EDGES] = {0}, out[BLOB_EDGES];
	struct err err = {0};
	bool ok = g->noutputs <= BLOB_EDGES && blob_inputs(g, plan, other, in);
	int rc = ok ? exec_prepare(e, in, &err) : OK;
	bool runs = ok && !rc && exec_workspace(e) < BLOB_WORK;
	if (runs)
		rc = exec_run(e, in, out, &err);
	if (rc)
		fuzz_check_error(rc, &err);
	blob_runs += runs && !rc;
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
	for (int i = 0; !rc && i < exec_planned(g); i++)
		blob_run(g, e, i, false);
	if (!rc && exec_planned_open(g))
		blob_run(g, e, 0, true);
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
	size_t length = cursor_u32le(&c), whole = cursor_u32le(&c);
	struct graph *g = NULL;
	struct err err = {0};
	const uint8_t *bytes = cursor_bytes(&c, length), *more = cursor_bytes(&c, whole);
	if (c.err)
		return;
	struct blob *graph = blob_copy(bytes, length);
	struct blob *network = whole ? blob_copy(more, whole) : NULL;
	struct blob *plan = blob_copy(c.p, cursor_left(&c));
	char *zeros = aligned_alloc(64, BLOB_WEIGHTS);
	EXPECT(graph && plan && zeros);
	memset(zeros, 0, BLOB_WEIGHTS);
	struct blob *weights = blob_heap(zeros, BLOB_WEIGHTS);
	struct exec_sections sections = {graph, plan, weights, network, network ? weights : NULL};
	int rc = exec_load(&sections, &g, &err);
	blob_unref(graph);
	blob_unref(network);
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
