/* What lies between two calls whose sizes only the data tell: a network of its own, with a plan for
 * each set of sizes that comes. */
#include <stdlib.h>
#include <string.h>

#include "exec/dynamic.h"
#include "exec/segment.h"

/* Borrows the exec's values; the graph shares its constants. */
struct segment {
	struct segment *next;
	int *step; /* indices, in order */
	int nsteps;
	struct graph *graph;
	struct exec *exec;
	const struct value **in,
	    **out; /* of the whole network, by the graph's inputs and outputs */
	struct tensor *tin, *tout;
};

/* ---- which steps ------------------------------------------------------------------------------
 */

static bool is_dynamic(const struct plan *p, const struct value *v)
{
	return v && p->dynamic[v->id];
}

/* Sizes that are not known although those of all inputs are, or will be. */
static bool is_source(const struct plan *p, const struct node *n)
{
	bool follows = false;
	for (int k = 0; k < n->nin; k++)
		follows |= is_dynamic(p, n->in[k].value);
	return !follows || n->op->flags & (OPF_DATA_SHAPE | OPF_RANDOM) || n->nbodies;
}

static bool all_typed(const struct node *n)
{
	for (int k = 0; k < n->nin; k++)
		if (n->in[k].value && n->in[k].value->info.type == DT_NONE)
			return false;
	return true;
}

/* Layers whose kernels make a plan worth while. */
static bool has_kernel(const struct node *n)
{
	static const enum op_id heavy[] = {OP_CONVOLUTION, OP_GROUP_CONVOLUTION, OP_MATMUL, OP_SDPA,
	    OP_MAX_POOL_1, OP_MAX_POOL, OP_MAX_POOL_14, OP_AVG_POOL, OP_AVG_POOL_14, OP_AVG_POOL_16,
	    OP_SOFTMAX_1, OP_SOFTMAX, OP_MVN};
	for (size_t i = 0; i < sizeof heavy / sizeof *heavy; i++)
		if (node_is(n, heavy[i]))
			return true;
	return false;
}

/* Members of one run between sources get the index of its last step; where nothing has a kernel,
 * eval does as well. */
static void close_run(const struct exec *e, int *last, int from, int to)
{
	bool worth = false;
	int end = -1;
	for (int i = from; i < to; i++)
		if (last[i] >= 0) {
			worth |= has_kernel(e->step[i].node);
			end = i;
		}
	for (int i = from; i < to; i++)
		if (last[i] >= 0)
			last[i] = worth ? end : -1;
}

void segment_ends(const struct exec *e, const struct plan *p, int *last)
{
	int from = 0;
	for (int i = 0; i < e->nsteps; i++) {
		const struct node *n = e->step[i].node;
		bool dynamic = n->nout && p->dynamic[n->out[0].id];
		last[i] = -1;
		if (!dynamic || e->o.tap || e->o.watch || e->o.eval_only)
			continue;
		if (is_source(p, n) || !all_typed(n)) {
			close_run(e, last, from, i);
			from = i;
		} else {
			last[i] = i;
		}
	}
	close_run(e, last, from, e->nsteps);
}

/* ---- building ---------------------------------------------------------------------------------
 */

/* What of the network has a twin in the segment, by value id. */
struct build {
	struct exec *e;
	struct segment *s;
	struct value **twin;
	struct err *err;
};

static struct value *add_constant(struct build *b, const struct value *v)
{
	const struct node *n = v->node;
	struct tensor t = b->e->c->t[v->id];
	struct blob *data;
	if (n->data)
		data = blob_ref(n->data);
	else if (constants_get(b->e->net, v, &t, b->err) < 0)
		return NULL;
	else
		data = t.data || !tensor_bytes(&t) ? blob_copy(t.data, tensor_bytes(&t)) : NULL;
	struct node *k = graph_const(b->s->graph, NULL, n->name, t.type, t.rank, t.dim, data);
	return k && !node_infer(k, b->err) ? &k->out[0] : NULL;
}

static struct value *add_parameter(struct build *b, const struct value *v)
{
	struct segment *s = b->s;
	struct node *p = graph_add(s->graph, op_row(OP_PARAMETER), value_name(v), NULL, 0, 1);
	if (!p || !attr_set_shape(p, "shape", &v->info.shape) ||
	    !attr_set_type(p, "element_type", v->info.type) || node_infer(p, b->err))
		return NULL;
	s->in[s->graph->ninputs - 1] = v;
	return &p->out[0];
}

static struct value *twin_of(struct build *b, const struct value *v)
{
	struct value **t = &b->twin[v->id];
	if (!*t)
		*t = b->e->c->t[v->id].type != DT_NONE ? add_constant(b, v) : add_parameter(b, v);
	return *t;
}

static int add_member(struct build *b, const struct node *n)
{
	struct value **in = calloc((size_t)n->nin + 1, sizeof *in);
	bool ok = in != NULL;
	for (int k = 0; ok && k < n->nin; k++)
		if (n->in[k].value)
			ok = (in[k] = twin_of(b, n->in[k].value)) != NULL;
	struct node *m = ok ? graph_add(b->s->graph, n->op, n->name, in, n->nin, n->nout) : NULL;
	free(in);
	if (!m || !node_copy_attrs(m, n))
		return b->err->status < 0 ? b->err->status : fail_nomem(b->err);
	for (int k = 0; k < n->nout; k++)
		b->twin[n->out[k].id] = &m->out[k];
	return node_infer(m, b->err);
}

/* Whoever uses a member's value comes behind it: if it has a twin, that is a member. */
static bool is_member(const struct build *b, const struct node *n)
{
	return n->nout && b->twin[n->out[0].id];
}

/* Values that others want: they are the outputs. */
static int add_results(struct build *b, const struct node *n)
{
	struct segment *s = b->s;
	for (int k = 0; k < n->nout; k++) {
		bool wanted = false;
		value_each_use (&n->out[k], u)
			wanted |= !is_member(b, u->node);
		if (!wanted)
			continue;
		if (!graph_add(s->graph, op_row(OP_RESULT), n->name, &b->twin[n->out[k].id], 1, 0))
			return fail_nomem(b->err);
		s->out[s->graph->noutputs - 1] = &n->out[k];
	}
	return OK;
}

static int build_graph(struct build *b)
{
	struct segment *s = b->s;
	int status = OK, nin = 0, nout = 0;
	for (int i = 0; i < s->nsteps; i++) {
		nin += b->e->step[s->step[i]].node->nin;
		nout += b->e->step[s->step[i]].node->nout;
	}
	s->in = calloc((size_t)nin + 1, sizeof *s->in);
	s->out = calloc((size_t)nout + 1, sizeof *s->out);
	s->tin = calloc((size_t)nin + 1, sizeof *s->tin);
	s->tout = calloc((size_t)nout + 1, sizeof *s->tout);
	if (!s->in || !s->out || !s->tin || !s->tout)
		return fail_nomem(b->err);
	s->graph->nsymbols = b->e->graph->nsymbols; /* shapes bring theirs along */
	for (int i = 0; i < s->nsteps && !status; i++)
		status = add_member(b, b->e->step[s->step[i]].node);
	for (int i = 0; i < s->nsteps && !status; i++)
		status = add_results(b, b->e->step[s->step[i]].node);
	return status;
}

static void segment_free(struct segment *s)
{
	exec_free(s->exec);
	graph_free(s->graph);
	free(s->step);
	free(s->in);
	free(s->out);
	free(s->tin);
	free(s->tout);
	free(s);
}

void segments_free(struct exec *e)
{
	for (struct segment *s = e->segments, *next; s; s = next) {
		next = s->next;
		segment_free(s);
	}
}

const struct exec *segment_exec(const struct segment *s)
{
	return s->exec;
}

/* Takes the list of steps over. */
static int segment_new(struct exec *e, int *step, int nsteps, struct segment **out, struct err *err)
{
	struct segment *s = calloc(1, sizeof *s);
	struct exec_options o = {.pool = e->o.pool,
	    .exact = e->o.exact,
	    .bf16 = e->o.bf16,
	    .share = e->o.share,
	    .log = e->o.log};
	if (!s) {
		free(step);
		return fail_nomem(err);
	}
	s->step = step;
	s->nsteps = nsteps;
	s->graph = graph_new("segment");
	struct build b = {.e = e, .s = s, .err = err};
	b.twin = calloc((size_t)e->graph->nvalues + 1, sizeof *b.twin);
	int status = s->graph && b.twin ? build_graph(&b) : fail_nomem(err);
	free(b.twin);
	if (status == OK)
		status = exec_new(s->graph, &o, &s->exec, err);
	if (status < 0) {
		segment_free(s);
		return status;
	}
	s->next = e->segments;
	e->segments = *out = s;
	return OK;
}

int segment_get(struct exec *e, const int *last, int end, struct segment **out, struct err *err)
{
	int n = 0, from = end;
	while (from > 0 && (last[from - 1] == end || last[from - 1] < 0))
		from--;
	int *step = malloc((size_t)(end - from + 1) * sizeof *step);
	if (!step)
		return fail_nomem(err);
	for (int i = from; i <= end; i++)
		if (last[i] == end)
			step[n++] = i;
	for (struct segment *s = e->segments; s; s = s->next)
		if (s->nsteps == n && !memcmp(s->step, step, (size_t)n * sizeof *step)) {
			free(step);
			*out = s;
			return OK;
		}
	return segment_new(e, step, n, out, err);
}

/* ---- running ----------------------------------------------------------------------------------
 */

const struct value *segment_input(const struct segment *s, int k)
{
	return k < s->graph->ninputs ? s->in[k] : NULL;
}

int run_segment(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	struct segment *s = c->segment.s;
	for (int k = 0; k < s->graph->ninputs; k++)
		s->tin[k] = dynamic_operand(p, s->in[k], c->segment.ref[k]);
	int status = exec_run(s->exec, s->tin, s->tout, err);
	for (int k = 0; k < s->graph->noutputs && status == OK; k++)
		status = tensor_clone(&p->value[s->out[k]->id], &s->tout[k], err);
	for (int i = 0; i < s->nsteps && status == OK; i++)
		dynamic_used(p, e->step[s->step[i]].node);
	return status;
}
