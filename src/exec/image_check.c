/* Checks of calls that were read from an image: operands inside of their buffers, moves, and the
 * operators that eval runs. */
#include "exec/image_check.h"

#include <string.h>

#include "base/checked.h"
#include "exec/variables.h"
#include "graph/op.h"

/* ---- products and operands ---- */

bool image_product(int64_t *n, int64_t most, int count, const int64_t *factor)
{
	for (int i = 0; i < count; i++)
		if (mul_i64(*n, factor[i], n) || *n > most || *n < 0)
			return false;
	return true;
}

/* Bytes of a buffer. */
static int64_t buffer_bytes(const struct lower *l, const struct buffer *b)
{
	if (b->kind != BUFFER_INPUT)
		return (int64_t)b->size;
	return (int64_t)tensor_bytes(lower_dims(l, &l->e->graph->inputs[b->k]->out[0]));
}

bool operand_inside(struct lower *l, struct ref r, int64_t bytes, int align, bool write)
{
	const struct buffer *b = &l->p->buffer[r.buffer < l->p->nbuffers ? r.buffer : 0];
	int64_t size = buffer_bytes(l, b);
	if (b->kind == BUFFER_NONE || (write && b->kind != BUFFER_WORK) || r.offset % align ||
	    bytes < 0 || r.offset > size || bytes > size - r.offset)
		return false;
	call_uses(l, r);
	return true;
}

bool operand_reads(struct lower *l, struct ref r, int64_t floats)
{
	return floats <= IMAGE_LARGE && operand_inside(l, r, floats * 4, 4, false);
}

bool operand_writes(struct lower *l, struct ref r, int64_t floats)
{
	return floats <= IMAGE_LARGE && operand_inside(l, r, floats * 4, 4, true);
}

bool operand_absent(struct ref r)
{
	return !r.buffer;
}

int64_t operand_reach(int64_t pixels, int64_t ld, int64_t channels)
{
	return (pixels - 1) * ld + channels;
}

/* ---- moves ---- */

static bool move_ok(struct lower *l, struct call *c, bool to_last)
{
	const struct layout_move *m = &c->move;
	int64_t planar = m->size, pixels = 1, all = m->size;
	if (m->size == 3 || m->ld < m->channels ||
	    !FITS(&planar, IMAGE_LARGE, m->batch, m->channels, m->pixels) ||
	    !FITS(&pixels, IMAGE_SMALL, m->batch, m->pixels) ||
	    !FITS(&all, IMAGE_LARGE, m->ld, pixels))
		return false;
	int64_t last = operand_reach(pixels, m->ld, m->channels) * m->size;
	return operand_inside(l, c->in, to_last ? planar : last, m->size, false) &&
	       operand_inside(l, c->out, to_last ? last : planar, m->size, true);
}

bool image_check_to_channels_last(struct lower *l, struct call *c)
{
	return move_ok(l, c, true);
}

bool image_check_to_row_major(struct lower *l, struct call *c)
{
	return move_ok(l, c, false);
}

bool image_check_copy(struct lower *l, struct call *c)
{
	const struct copy *k = &c->copy;
	int64_t from = k->size, to = k->size;
	for (int d = COPY_DIMS - 1; d >= 0; d--) {
		int64_t far[2] = {k->from[d], k->to[d]}, last = k->count[d] - 1;
		/* beyond all that the dims within write */
		if ((last && (!to || k->to[d] < to)) || !FITS(&far[0], IMAGE_LARGE, last) ||
		    !FITS(&far[1], IMAGE_LARGE, last))
			return false;
		from += far[0];
		to += far[1];
	}
	return operand_inside(l, c->in, from, 1, false) && operand_inside(l, c->out, to, 1, true);
}

static bool pixels_inside(struct lower *l, struct ref r, const struct channel_shuffle *k,
    int64_t ld, int64_t channels, bool write)
{
	int64_t far = ld * k->size;
	return ld >= channels && FITS(&far, IMAGE_LARGE, k->pixels - 1) &&
	       operand_inside(l, r, far + channels * k->size, k->size, write);
}

bool image_check_shuffle(struct lower *l, struct call *c)
{
	const struct channel_shuffle *k = &c->shuffle;
	int64_t all = k->groups;
	bool two = k->groups == 2;
	return (k->size == 1 || k->size == 4) && FITS(&all, IMAGE_SMALL, k->n) &&
	       pixels_inside(l, c->in, k, k->ld_a, two ? k->n : all, false) &&
	       (!two || pixels_inside(l, c->add, k, k->ld_b, k->n, false)) &&
	       pixels_inside(l, c->out, k, k->ld_out, all, true);
}

/* ---- eval ---- */

static bool overlaps(struct ref a, int64_t na, struct ref b, int64_t nb)
{
	return a.buffer && a.buffer == b.buffer && a.offset < b.offset + nb &&
	       b.offset < a.offset + na;
}

/* Every operand in its buffer, no result in an operand or another result. */
static bool eval_operands_ok(struct lower *l, const struct call *c, int nin, int nout)
{
	const struct tensor *t = c->eval.t;
	const struct ref *ref = c->eval.ref;
	for (int k = 0; k < nin + nout; k++) {
		int bits = dtype_bits(t[k].type);
		if (t[k].type == DT_NONE) {
			if (k >= nin)
				return false;
			continue;
		}
		if (!operand_inside(
			l, ref[k], (int64_t)tensor_bytes(&t[k]), bits < 8 ? 1 : bits / 8, k >= nin))
			return false;
		for (int i = 0; i < k && k >= nin; i++)
			if (overlaps(ref[i], (int64_t)tensor_bytes(&t[i]), ref[k],
				(int64_t)tensor_bytes(&t[k])))
				return false;
	}
	return true;
}

static void describe(const struct lower *l, const struct call *c, int nin, struct tensor *t,
    struct infer_in *in, struct arena *a)
{
	for (int k = 0; k < nin; k++) {
		const struct buffer *b = &l->p->buffer[c->eval.ref[k].buffer];
		t[k] = c->eval.t[k];
		in[k] = (struct infer_in){.shape = shape_unknown()};
		if (t[k].type == DT_NONE)
			continue;
		in[k].type = t[k].type;
		in[k].shape = tensor_shape(&t[k]);
		if (b->kind != BUFFER_FIXED)
			continue;
		t[k].data = (char *)b->at + c->eval.ref[k].offset;
		in[k].tensor = &t[k];
		in[k].elems = tensor_elems(&t[k], a);
	}
}

static bool same(const struct info *info, const struct tensor *t)
{
	return info->type == t->type && shape_fits(&info->shape, t->rank, t->dim) &&
	       shape_static(&info->shape);
}

/* Do the results have the sizes that follow from the operands? */
static int eval_follows(struct lower *l, const struct call *c, struct arena *a)
{
	const struct node *n = c->node;
	struct infer_in *in = arena_array(a, (size_t)n->nin + 1, sizeof *in);
	struct tensor *t = arena_array(a, (size_t)n->nin + 1, sizeof *t);
	struct info *out = arena_array(a, (size_t)n->nout + 1, sizeof *out);
	if (!in || !t || !out)
		return fail_nomem(l->err);
	describe(l, c, n->nin, t, in, a);
	for (int k = 0; k < n->nout; k++)
		out[k].shape = shape_unknown();
	struct infer s = {.node = n,
	    .nin = n->nin,
	    .nout = n->nout,
	    .in = in,
	    .out = out,
	    .arena = a,
	    .err = l->err};
	int status = n->op->infer(&s);
	for (int k = 0; k < n->nout && status == OK; k++)
		if (!same(&out[k], &c->eval.t[n->nin + k]))
			status = fail(l->err, E_FORMAT, "output %d does not follow", k);
	return status;
}

static int check_eval(struct lower *l, const struct call *c)
{
	const struct node *n = c->node;
	if ((n->op->flags & (OPF_DATA_SHAPE | OPF_SINK)) || has_variable(n) ||
	    node_is(n, OP_CONST) || node_is(n, OP_PARAMETER) ||
	    !eval_operands_ok(l, c, n->nin, n->nout))
		return fail(l->err, E_FORMAT, "its operands do not fit");
	struct arena *a = arena_new();
	int status = a ? eval_follows(l, c, a) : fail_nomem(l->err);
	arena_free(a);
	return status;
}

int image_check(struct lower *l, struct call *c, struct err *err)
{
	static bool (*const checks[CALL_KINDS])(struct lower *, struct call *) = {
#define CALL(kind, stem, fields, name) [CALL_##kind] = image_check_##stem,
#define CALL_RUN(kind, stem, name)
#include "exec/calls.def"
#undef CALL
#undef CALL_RUN
	};
	if (c->kind == CALL_EVAL)
		return check_eval(l, c);
	if (checks[c->kind] && checks[c->kind](l, c))
		return OK;
	return fail(err, E_FORMAT, "the operands of %s do not fit", call_name(c->kind));
}
