/* Chooses a kernel for each step that has one, takes bias and clamp along, and packs constants. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exec/state.h"
#include "kernels/conv_f32.h"
#include "kernels/matmul_f32.h"

#define LIMIT_KERNEL (1 << 30) /* channels, or depth, of one product: kernels count in int */

static bool is_alias(const struct node *n)
{
	return node_is(n, OP_RESHAPE) || node_is(n, OP_SQUEEZE) || node_is(n, OP_SQUEEZE_15) ||
	       node_is(n, OP_UNSQUEEZE) || node_is(n, OP_IDENTITY);
}

/* The float constant behind an input; absent when it is none, or has no elements. */
static struct tensor float_constant(const struct exec *e, const struct node *n, int k)
{
	struct tensor t = e->c.t[node_in(n, k)->id];
	return t.type == DT_F32 && tensor_count(&t) > 0 ? t : (struct tensor){0};
}

/* ---- what follows a step and can be done by it ---- */

/* The one live node that uses the step's output, or NULL. */
static struct node *follower(const struct exec *e, const struct step *s)
{
	struct value *v = &s->end->out[0];
	if (e->uses[v->id] != 1 || e->o.tap)
		return NULL;
	value_each_use (v, u)
		if (u->node->nout && e->maker[u->node->out[0].id] >= 0)
			return u->node;
	return NULL;
}

static void absorb(struct exec *e, struct step *s, struct node *n)
{
	e->step[e->maker[n->out[0].id]].kind = STEP_ABSORBED;
	s->end = n;
}

/* Does t, aligned to the right of rank dims, hold one value for each index of one axis, or one for
 * all? */
static bool is_per_axis(const struct tensor *t, int rank, int axis, int64_t size)
{
	for (int d = 0; d < t->rank; d++) {
		int at = d + rank - t->rank;
		if (t->dim[d] != 1 && (at != axis || t->dim[d] != size))
			return false;
	}
	return t->rank <= rank;
}

/* Adds that are a bias of size values along axis of a result with rank dims. */
static int absorb_bias(
    struct exec *e, struct step *s, int rank, int axis, int64_t size, struct err *err)
{
	struct node *n = follower(e, s);
	if (!n || !node_is(n, OP_ADD) || !attr_is(n, "auto_broadcast", "numpy"))
		return OK;
	int k = node_in(n, 0) == &s->end->out[0];
	struct tensor t = float_constant(e, n, k);
	if (t.type == DT_NONE || !is_per_axis(&t, rank, axis, size))
		return OK;
	s->bias = malloc((size_t)size * sizeof *s->bias);
	if (!s->bias)
		return fail_nomem(err);
	bool one = tensor_count(&t) == 1;
	for (int64_t i = 0; i < size; i++)
		s->bias[i] = ((const float *)t.data)[one ? 0 : i];
	constants_release(&e->c, node_in(n, k));
	absorb(e, s, n);
	return OK;
}

static void absorb_clamp(struct exec *e, struct step *s)
{
	struct node *n = follower(e, s);
	if (n && node_is(n, OP_RELU)) {
		s->lo = 0;
		absorb(e, s, n);
	} else if (n && node_is(n, OP_CLAMP)) {
		s->lo = (float)attr_f(n, "min");
		s->hi = (float)attr_f(n, "max");
		absorb(e, s, n);
	}
}

/* ---- steps with kernels ---- */

static int take_packed(struct step *s, size_t floats, struct err *err)
{
	s->packed_bytes = (floats * sizeof(float) + 63) / 64 * 64;
	s->packed = aligned_alloc(64, s->packed_bytes ? s->packed_bytes : 64);
	return s->packed ? OK : fail_nomem(err);
}

/* Channels and kernel from the weights, [groups,] cout, cin, kernel. */
static bool conv_weights(const struct node *n, const struct tensor *w, struct conv_shape *s)
{
	int lead = node_is(n, OP_GROUP_CONVOLUTION) ? 3 : 2, spatial = w->rank - lead;
	int64_t depth = 1;
	if (spatial < 1 || spatial > 3)
		return false;
	for (int d = 0; d < w->rank; d++)
		if (w->dim[d] > LIMIT_KERNEL)
			return false;
	for (int d = lead - 1; d < w->rank; d++)
		if ((depth *= w->dim[d]) > LIMIT_KERNEL)
			return false;
	*s = (struct conv_shape){.groups = lead == 3 ? (int)w->dim[0] : 1,
	    .cout = (int)w->dim[lead - 2],
	    .cin = (int)w->dim[lead - 1]};
	for (int d = 0; d < 3; d++)
		s->kernel[d] = d < 3 - spatial ? 1 : (int)w->dim[lead + d - (3 - spatial)];
	return (int64_t)s->groups * s->cout <= LIMIT_KERNEL;
}

static int bind_conv(struct exec *e, struct step *s, struct err *err)
{
	struct node *n = s->node;
	struct tensor w = float_constant(e, n, 1);
	struct conv_shape shape;
	if (w.type == DT_NONE || !conv_weights(n, &w, &shape))
		return OK;
	s->weights = w;
	if (shape.groups > 1 && shape.cin == 1 && shape.kernel[0] == 1 &&
	    shape.kernel[1] <= ROWS_MAX_KERNEL && shape.kernel[2] <= ROWS_MAX_KERNEL) {
		s->kind = STEP_DEPTHWISE;
	} else {
		const struct gemm_f32 *row = gemm_f32_pick();
		s->kind = STEP_CONV;
		if (take_packed(s, conv_f32_packed_size(row, &shape), err) < 0)
			return E_NOMEM;
		conv_f32_pack(row, &shape, w.data, s->packed);
		s->weights.data = NULL;
		constants_release(&e->c, node_in(n, 1));
	}
	int rank = w.rank - (node_is(n, OP_GROUP_CONVOLUTION) ? 1 : 0);
	int status = absorb_bias(e, s, rank, 1, (int64_t)shape.groups * shape.cout, err);
	absorb_clamp(e, s);
	return status;
}

/* Packs the matrices of a constant right operand. */
static int pack_right(struct exec *e, struct step *s, struct tensor w, struct err *err)
{
	const struct gemm_f32 *row = gemm_f32_pick();
	bool t = w.rank > 1 && attr_bool(s->node, "transpose_b");
	int64_t rows = w.rank > 1 ? w.dim[w.rank - 2] : w.dim[0];
	int64_t cols = w.rank > 1 ? w.dim[w.rank - 1] : 1;
	int k = (int)(t ? cols : rows), n = (int)(t ? rows : cols);
	int64_t matrices = tensor_count(&w) / rows / cols;
	size_t one = gemm_f32_size_b(row, k, n);
	int status = take_packed(s, (size_t)matrices * one, err);
	for (int64_t i = 0; i < matrices && status == OK; i++)
		gemm_f32_pack_b(row, k, n, (const float *)w.data + i * rows * cols,
		    t ? 1 : (size_t)n, t ? (size_t)k : 1, 0, (n + row->nr - 1) / row->nr,
		    s->packed + (size_t)i * one);
	if (status < 0)
		return status;
	s->weights = w;
	s->weights.data = NULL;
	constants_release(&e->c, node_in(s->node, 1));
	int rank = node_in(s->node, 0)->info.shape.rank;
	rank = rank < 2 ? 2 : rank;
	return w.rank > 1 ? absorb_bias(e, s, rank, rank - 1, n, err) : OK;
}

static int bind_matmul(struct exec *e, struct step *s, struct err *err)
{
	struct tensor w = float_constant(e, s->node, 1);
	const struct value *a = node_in(s->node, 0), *b = node_in(s->node, 1);
	if (a->info.type != DT_F32 || b->info.type != DT_F32 || a->info.shape.rank < 1)
		return OK;
	if (w.type == DT_NONE && e->c.t[b->id].type != DT_NONE)
		return OK;
	for (int d = 0; d < w.rank; d++)
		if (w.dim[d] > LIMIT_KERNEL)
			return OK;
	s->kind = STEP_MATMUL;
	int status = w.type == DT_NONE || !w.rank ? OK : pack_right(e, s, w, err);
	absorb_clamp(e, s);
	return status;
}

/* Without a tap the indices of the newer versions are not asked for unless used. */
static void bind_max_pool(struct exec *e, struct step *s)
{
	const struct node *n = s->node;
	int spatial = n->out[0].info.shape.rank - 2;
	if (node_in(n, 0)->info.type == DT_F32 && (spatial == 1 || spatial == 2) && !e->o.tap &&
	    (n->nout < 2 || !e->uses[n->out[1].id]))
		s->kind = STEP_MAX_POOL;
}

static int bind_step(struct exec *e, struct step *s, struct err *err)
{
	if (s->kind != STEP_EVAL)
		return OK;
	if (node_is(s->node, OP_CONVOLUTION) || node_is(s->node, OP_GROUP_CONVOLUTION))
		return bind_conv(e, s, err);
	if (node_is(s->node, OP_MATMUL))
		return bind_matmul(e, s, err);
	if (node_is(s->node, OP_MAX_POOL_1) || node_is(s->node, OP_MAX_POOL) ||
	    node_is(s->node, OP_MAX_POOL_14))
		bind_max_pool(e, s);
	if (node_is(s->node, OP_SDPA) && attention_binds(s->node))
		s->kind = STEP_ATTENTION;
	if (is_alias(s->node))
		s->kind = STEP_ALIAS;
	return OK;
}

/* What carries a step out, for those who ask. */
static void tell(const struct exec *e, const struct step *s)
{
	const char *kernel[] = {[STEP_EVAL] = "eval",
	    [STEP_ALIAS] = "another shape of its input",
	    [STEP_ABSORBED] = "in the kernel before it",
	    [STEP_FOLDED] = "constant",
	    [STEP_CONV] = gemm_f32_pick()->name,
	    [STEP_DEPTHWISE] = dw_f32_pick()->name,
	    [STEP_MATMUL] = gemm_f32_pick()->name,
	    [STEP_MAX_POOL] = max_f32_pick()->name,
	    [STEP_ATTENTION] = gemm_f32_pick()->name};
	log_say(
	    &e->o.log, LOG_DEBUG, "%s '%s': %s", s->node->op->type, s->node->name, kernel[s->kind]);
}

int bind_steps(struct exec *e, struct err *err)
{
	int status = OK;
	for (int i = 0; i < e->nsteps && status == OK; i++) {
		e->step[i].lo = -INFINITY;
		e->step[i].hi = INFINITY;
		status = bind_step(e, &e->step[i], err);
		if (status < 0)
			err_in(err, "node '%s'", e->step[i].node->name);
		else
			tell(e, &e->step[i]);
	}
	return status;
}
