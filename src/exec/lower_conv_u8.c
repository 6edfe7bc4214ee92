/* Layers with integer weights on bytes, as calls of the quantized convolution. */
#include <math.h>

#include "exec/lower.h"
#include "exec/pack.h"

struct job {
	const struct node *n;
	struct nhwc_conv_u8 k;
	enum layout order; /* of its floats */
	int axis;          /* of the channels in the output */
	const struct pack *pack;
	float *scale;
	struct fused f;
	const struct quant *out; /* of the result, NULL: floats */
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
	if (!node_is(j->n, OP_MATMUL))
		return conv_has_kernel(l, j->n) && conv_shape_of(l, j->n, &j->k.s);
	j->order = ROW_MAJOR;
	j->axis = y->rank - 1;
	return tensor_count(y) && linear_shape_of(l, j->n, &j->k.s);
}

/* Scales of the sums: of the weights times that of the input. */
static int set_scales(struct lower *l, struct job *j, const struct quant *in)
{
	float *s = arena_array(l->p->arena, (size_t)channels(j), sizeof *s);
	for (int c = 0; s && c < channels(j); c++)
		s[c] = j->pack->scale[c] * (in->scales ? in->scales[c / j->k.s.cout] : in->scale);
	j->scale = s;
	return s ? OK : fail_nomem(l->err);
}

/* The result as bytes: with fewer than 256 levels the last one is a clamp's. */
static void set_result(struct job *j)
{
	const struct quant *q = j->out;
	j->k.out = q ? U8_OUT_U8 : U8_OUT_F32;
	j->k.lo = j->f.lo;
	j->k.hi = j->f.hi;
	if (!q)
		return;
	j->k.out_scale = q->scale;
	j->k.out_zero = q->zero;
	float hi = (float)(q->top - q->zero) * q->scale;
	if (q->top < 255 && j->k.hi > hi)
		j->k.hi = hi;
}

/* Is v, with a scale for each channel, read as bytes? */
static bool bytes_are_read(const struct lower *l, const struct value *v)
{
	struct nhwc_conv_u8 k = {0};
	const struct node *n = follower(l, v);
	return n && conv_has_kernel(l, n) && conv_shape_of(l, n, &k.s) &&
	       nhwc_conv_u8_choose(&k.s) >= 0;
}

/* A FakeQuantize behind with a scale for each channel: the clamp before it must be that of its
 * levels, so that scale and bias of the sums can carry its scales. */
static bool takes_channels(const struct lower *l, const struct job *j, const struct node *n)
{
	const struct quant *q = n && n->nout == 1 ? &l->e->quant[n->out[0].id] : NULL;
	if (!q || !q->on || !q->scales || j->f.add || j->axis != 1 || j->f.lo > 0 ||
	    (q->clamped && j->f.lo < 0) || !bytes_are_read(l, &n->out[0]))
		return false;
	for (int c = 0; c < channels(j); c++)
		if (j->f.hi < q->scales[c] * 255 * 0.99999f)
			return false;
	return true;
}

static void fuse_channels(struct lower *l, struct job *j)
{
	const struct node *n = follower(l, &j->f.end->out[0]);
	if (j->out || !takes_channels(l, j, n))
		return;
	j->out = &l->e->quant[n->out[0].id];
	j->f.end = n;
	j->f.lo = -INFINITY;
	j->f.hi = INFINITY;
	l->absorbed[l->e->maker[n->out[0].id]] = true;
	for (int c = 0; c < channels(j); c++) {
		j->scale[c] /= j->out->scales[c];
		if (j->f.bias)
			j->f.bias[c] /= j->out->scales[c];
	}
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
	j->k.add_scale = q->scale;
	j->k.add_zero = q->zero;
	int status = spot_need(l, j->f.add, q->on ? j->order | LAYOUT_U8 : j->order, add);
	j->k.ld_add = distance(j, add, channels(j));
	return status;
}

static int add_call(struct lower *l, struct job *j, struct spot x, struct spot add, struct spot y)
{
	nhwc_conv_u8_plan(&j->k, pool_size(l->e->o.pool));
	size_t row = (size_t)j->k.s.groups * (size_t)j->k.s.cout * sizeof(float);
	struct call *c = call_add(l, CALL_CONV_U8, j->n);
	if (!c)
		return fail_nomem(l->err);
	int status = buffer_fixed(l, j->pack->data, nhwc_conv_u8_packed(&j->k), &c->packed);
	if (status == OK)
		status = buffer_fixed(l, j->scale, row, &c->conv_u8.scale);
	if (status == OK)
		status = buffer_fixed(l, j->f.bias, row, &c->bias);
	c->conv_u8.k = j->k;
	c->in = x.ref;
	c->add = add.ref;
	c->out = y.ref;
	call_uses(l, c->in);
	call_uses(l, c->add);
	call_uses(l, c->out);
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
		    l, &j->f.end->out[0], j->out ? j->order | LAYOUT_U8 : j->order, true, &y);
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
	j.k.way = nhwc_conv_u8_choose(&j.k.s);
	if (j.k.way < 0)
		return OK;
	nhwc_conv_u8_plan(&j.k, pool_size(l->e->o.pool));
	int status = pack_conv_u8(l->e, j.n, &w, &j.k, &j.pack, l->err);
	if (status == E_UNSUPPORTED)
		return OK;
	*done = true;
	if (status == OK)
		status = set_scales(l, &j, in);
	if (status == OK)
		status = fuse(l, i, j.n, j.axis, channels(&j), &j.f);
	if (status < 0)
		return status;
	j.out = fuse_quantize(l, &j.f.end);
	fuse_channels(l, &j);
	return place(l, &j);
}
