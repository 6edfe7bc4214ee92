/* Layers with integer weights on bytes, as calls of the quantized convolution. */
#include "exec/lower.h"
#include "exec/pack.h"

struct job {
	const struct node *n;
	struct nhwc_conv_u8 k;
	enum layout order; /* of its floats */
	int axis;          /* of the channels in the output */
	const struct pack *pack;
	struct fused_u8 f;
};

static int channels(const struct job *j)
{
	return j->k.s.groups * j->k.s.cout;
}

static bool set_shape(const struct lower *l, struct job *j)
{
	const struct tensor *y = lower_dims(l, &j->n->out[0]);
	j->order = CHANNELS_LAST;
	j->axis = 1;
	if (node_is(j->n, OP_DECONVOLUTION))
		return deconv_has_kernel(l, j->n) && deconv_shape_of(l, j->n, &j->k.s);
	if (!node_is(j->n, OP_MATMUL))
		return conv_has_kernel(l, j->n) && conv_shape_of(l, j->n, &j->k.s);
	j->order = ROW_MAJOR;
	j->axis = y->rank - 1;
	return tensor_count(y) && linear_shape_of(l, j->n, &j->k.s);
}

static int way_of(const struct job *j)
{
	const struct conv_shape *s = &j->k.s;
	if (node_is(j->n, OP_DECONVOLUTION))
		return nhwc_conv_u8_fits(s, j->k.floats, CONV_TRANSPOSED) ? CONV_TRANSPOSED : -1;
	return nhwc_conv_u8_choose(s, j->k.floats);
}

/* Packs the weights. E_UNSUPPORTED: they don't fit 8 bits. */
static int pack(struct lower *l, struct job *j, const struct quant_weights *w)
{
	const struct value *v = node_in(j->n, 0);
	size_t n = (size_t)channels(j);
	nhwc_conv_u8_plan(&j->k, pool_size(l->e->o.pool));
	if (!w->floats)
		return pack_conv_u8(
		    l->e, j->n, w, &j->k, l->e->quant[v->id].zeros, &j->pack, l->err);
	struct arena_mark mark = arena_mark(l->e->scratch);
	float *scale = arena_array(l->e->scratch, n, sizeof *scale);
	float *low = arena_array(l->e->scratch, n, sizeof *low);
	int status = scale && low ? OK : fail_nomem(l->err);
	if (status == OK) {
		j->k.apart = quant_floats(l->e->net, v, (int64_t)n, scale, low);
		status = pack_conv_u8_floats(l->e, j->n, w, &j->k, scale, low, &j->pack, l->err);
	}
	arena_reset(l->e->scratch, mark);
	return status;
}

/* Scales of the sums: of the weights times that of the input. Sums of floats have none. */
static int set_scales(struct lower *l, struct job *j, const struct quant *in)
{
	int n = channels(j);
	j->f = (struct fused_u8){.channels = n,
	    .axis = j->axis,
	    .floats = j->k.floats,
	    .alone = j->k.way == CONV_TRANSPOSED};
	int status = fuse_u8_factors(l, &j->f);
	for (int i = 0; i < n && status == OK; i++)
		j->f.f[i] = j->k.floats
				? 1
				: j->pack->scale[i] *
				      (in->scales ? in->scales[i / j->k.s.cout] : in->scale);
	return status;
}

static int64_t distance(const struct job *j, const struct spot *s, int n)
{
	return j->order == CHANNELS_LAST ? s->ld : n;
}

static int place_add(struct lower *l, struct job *j, struct spot *add)
{
	const struct quant *q = j->f.add ? &l->e->quant[j->f.add->id] : NULL;
	*add = (struct spot){0};
	if (!q)
		return OK;
	j->k.add = q->on ? U8_ADD_U8 : U8_ADD_F32;
	int status = spot_need(l, j->f.add, q->on ? j->order | LAYOUT_U8 : j->order, add);
	j->k.ld_add = distance(j, add, channels(j));
	return status;
}

static void set_result(struct job *j)
{
	j->k.out = j->f.out ? U8_OUT_U8 : U8_OUT_F32;
	j->k.levels = j->f.levels;
	j->k.rounded = j->f.rounded;
	j->k.sums = j->f.sums;
	j->k.scale = j->f.scale;
	j->k.shift = j->f.shift;
	j->k.add_zero = j->f.add_zero;
	j->k.sum_scale = j->f.sum_scale;
	j->k.sum_shift = j->f.sum_shift;
	j->k.tail = j->f.tail;
	for (int i = 0; i <= j->f.levels; i++) {
		j->k.lo[i] = j->f.lo[i];
		j->k.hi[i] = j->f.hi[i];
	}
}

static int add_call(struct lower *l, struct job *j, struct spot x, struct spot add, struct spot y)
{
	nhwc_conv_u8_plan(&j->k, pool_size(l->e->o.pool));
	size_t factors = nhwc_conv_u8_factors(&j->k) * sizeof *j->f.f;
	struct call *c = call_add(l, CALL_CONV_U8, j->n);
	if (!c)
		return fail_nomem(l->err);
	void *f = arena_copy(l->p->arena, j->f.f, factors);
	int status = f ? buffer_fixed(l, j->pack->data, nhwc_conv_u8_packed(&j->k), &c->packed)
		       : fail_nomem(l->err);
	if (status == OK)
		status = buffer_fixed(l, f, factors, &c->conv_u8.f);
	c->conv_u8.k = j->k;
	call_operands(l, c, x, add, y);
	return status == OK ? call_scratch(l, c, j->k.scratch) : status;
}

static int place(struct lower *l, struct job *j)
{
	struct spot x, add, y;
	int status = spot_need(l, node_in(j->n, 0), j->order | LAYOUT_U8, &x);
	if (status == OK)
		status = place_add(l, j, &add);
	if (status == OK)
		status = spot_make(
		    l, &j->f.end->out[0], j->f.out ? j->order | LAYOUT_U8 : j->order, true, &y);
	if (status < 0)
		return status;
	j->k.ld_in = distance(j, &x, j->k.s.groups * j->k.s.cin);
	j->k.ld_out = distance(j, &y, channels(j));
	set_result(j);
	return add_call(l, j, x, add, y);
}

int lower_conv_u8(struct lower *l, int i, bool *done)
{
	struct job j = {.n = l->e->step[i].node};
	struct quant_weights w;
	if (!quant_layer(l->e->net, j.n, &w) || !set_shape(l, &j))
		return OK;
	const struct quant *in = &l->e->quant[node_in(j.n, 0)->id];
	if (in->scales && !l->p->spot[node_in(j.n, 0)->id][U8_CHANNELS_LAST].ref.buffer)
		return OK;
	j.k.zero = in->zero;
	j.k.floats = w.floats;
	j.k.way = way_of(&j);
	if (j.k.way < 0)
		return OK;
	int status = pack(l, &j, &w);
	if (status == E_UNSUPPORTED)
		return OK;
	*done = true;
	struct arena_mark mark = arena_mark(l->e->scratch);
	if (status == OK)
		status = set_scales(l, &j, in);
	if (status == OK)
		status = fuse_u8(l, i, &j.f);
	if (status == OK)
		status = place(l, &j);
	arena_reset(l->e->scratch, mark);
	return status;
}
