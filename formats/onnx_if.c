/* An If whose condition follows from constants and known shapes becomes the branch that is taken.
 */
#include <string.h>

#include "formats/onnx_import.h"
#include "ops/op.h"

#define SMALL 1024    /* elements of a tensor worth computing to decide a branch */
#define MOST_NODES 64 /* nodes worth computing for it */

struct fold {
	int nodes; /* computed so far */
	struct arena *arena;
};

static bool fold_value(struct fold *f, const struct value *v, struct tensor *out);

/* Integers that inference knows without knowing where they come from. */
static bool fold_known(struct fold *f, const struct value *v, int64_t n, struct tensor *out)
{
	int64_t dims[MAX_RANK];
	for (int64_t i = 0; i < n; i++)
		if (!v->info.elems || !dim_static(v->info.elems[i]))
			return false;
	for (int i = 0; i < v->info.shape.rank; i++)
		dims[i] = v->info.shape.dim[i].min;
	int64_t bytes = dtype_bytes(v->info.type, n);
	*out = (struct tensor){.type = v->info.type, .rank = v->info.shape.rank};
	memcpy(out->dim, dims, sizeof dims);
	out->data = bytes >= 0 ? arena_alloc(f->arena, (size_t)bytes) : NULL;
	for (int64_t i = 0; i < n && out->data; i++)
		tensor_set_i64(out, i, v->info.elems[i].min);
	return out->data != NULL;
}

static bool keep_result(struct fold *f, struct tensor *result, struct tensor *out)
{
	*out = *result;
	out->data = arena_copy(f->arena, result->data, tensor_bytes(result));
	return out->data != NULL;
}

static bool fold_node(struct fold *f, const struct value *v, struct tensor *out)
{
	const struct node *n = v->node;
	if (++f->nodes > MOST_NODES || n->op->flags & (OPF_RANDOM | OPF_SINK) ||
	    node_is(n, OP_PARAMETER))
		return false;
	struct tensor *in = arena_array(f->arena, (size_t)n->nin, sizeof *in);
	struct tensor *res = arena_array(f->arena, (size_t)n->nout, sizeof *res);
	bool ok = in && res;
	for (int i = 0; i < n->nin && ok; i++)
		ok = !n->in[i].value || fold_value(f, n->in[i].value, &in[i]);
	ok = ok && node_eval(n, in, n->nin, res, NULL) == OK;
	ok = ok && tensor_count(&res[v->port]) <= SMALL && keep_result(f, &res[v->port], out);
	for (int i = 0; res && i < n->nout; i++)
		tensor_free(&res[i]);
	return ok;
}

/* The content of a value that follows from constants and known sizes; lives in the arena. */
static bool fold_value(struct fold *f, const struct value *v, struct tensor *out)
{
	int64_t n = shape_count(&v->info.shape);
	if (n < 0 || n > SMALL)
		return false;
	if (value_const(v)) {
		*out = value_tensor(v);
		return out->type != DT_NONE;
	}
	if (dtype_is_int(v->info.type) && v->info.elems && fold_known(f, v, n, out))
		return true;
	return fold_node(f, v, out);
}

bool onnx_decided(struct onnx_import *im, const struct value *condition, bool *taken)
{
	struct fold f = {.arena = im->arena};
	struct tensor c;
	if (!condition || !fold_value(&f, condition, &c) || tensor_count(&c) != 1)
		return false;
	*taken = tensor_f64(&c, 0) != 0;
	return true;
}

static const Onnx__GraphProto *branch_of(const Onnx__NodeProto *n, bool taken)
{
	for (size_t i = 0; i < n->n_attribute; i++)
		if (!strcmp(
			onnx_text(n->attribute[i]->name), taken ? "then_branch" : "else_branch"))
			return n->attribute[i]->g;
	return NULL;
}

static int bind_inputs(
    struct onnx_scope *s, const Onnx__GraphProto *g, struct value *const *in, int nin)
{
	int status = OK;
	if (g->n_input != (size_t)nin)
		return fail(s->im->err, E_FORMAT, "a subgraph with %zu inputs is given %d",
		    g->n_input, nin);
	for (int i = 0; i < nin && status == OK; i++)
		status = onnx_bind(s, onnx_text(g->input[i]->name), in[i], NULL);
	return status;
}

int onnx_inline(struct onnx_scope *outer, const Onnx__GraphProto *g, const char *prefix,
    struct value *const *in, int nin, struct value **out, int nout)
{
	struct onnx_import *im = outer->im;
	struct onnx_scope s = *outer;
	s.outer = outer;
	s.body = NULL;
	s.names = (struct map){0};
	s.prefix = prefix;
	s.depth++;
	if (s.depth > LIMIT_DEPTH)
		return fail(im->err, E_LIMIT, "subgraphs nested more than %d deep", LIMIT_DEPTH);
	if (g->n_output < (size_t)nout)
		return fail(im->err, E_FORMAT, "a subgraph with %zu outputs is asked for %d",
		    g->n_output, nout);
	int status = onnx_initializers(&s, g);
	if (status == OK)
		status = bind_inputs(&s, g, in, nin);
	if (status == OK)
		status = onnx_nodes(&s, g->node, g->n_node, NULL);
	for (int i = 0; i < nout && status == OK; i++)
		status = onnx_value(&s, onnx_text(g->output[i]->name), &out[i]);
	map_free(&s.names);
	return status;
}

int onnx_if_inline(
    struct onnx_scope *outer, const Onnx__NodeProto *n, bool taken, struct value **out, int nout)
{
	const Onnx__GraphProto *g = branch_of(n, taken);
	if (!g)
		return fail(outer->im->err, E_FORMAT, "an If without the branch");
	return onnx_inline(outer, g, outer->prefix, NULL, 0, out, nout);
}
