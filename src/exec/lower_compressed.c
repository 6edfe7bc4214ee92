/* Products with constant matrices that stay compressed, as calls of their kernel. */
#include "exec/compressed.h"
#include "exec/lower.h"
#include "exec/pack.h"

static int operands(
    struct lower *l, struct call *c, const struct fused *f, const void *packed, struct spot *s)
{
	const struct linear_cw *k = &c->linear_cw;
	int status = buffer_fixed(l, packed, linear_cw_packed(k), &c->packed);
	if (status == OK)
		status = buffer_fixed(l, f->bias, (size_t)k->n * sizeof *f->bias, &c->bias);
	call_operands(l, c, s[0], s[1], s[2]);
	return status == OK ? call_scratch(l, c, k->scratch) : status;
}

static int product(struct lower *l, const struct node *n, struct linear_cw *k,
    const struct fused *f, const void *packed)
{
	struct spot s[3] = {0};
	int status = spot_need(l, node_in(n, 0), ROW_MAJOR, &s[0]);
	if (status == OK && f->add)
		status = spot_need(l, f->add, ROW_MAJOR, &s[1]);
	if (status == OK)
		status = spot_make(l, &f->end->out[0], ROW_MAJOR, true, &s[2]);
	k->lo = f->lo;
	k->hi = f->hi;
	k->act = f->act.op;
	k->act_a = f->act.a;
	k->act_b = f->act.b;
	struct call *c = status == OK ? call_add(l, CALL_LINEAR_CW, n) : NULL;
	if (!c)
		return status == OK ? fail_nomem(l->err) : status;
	c->linear_cw = *k;
	return operands(l, c, f, packed, s);
}

int lower_compressed(struct lower *l, int i, const struct conv_shape *s, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct compressed w;
	struct fused f;
	const void *packed;
	if (!compressed_find(l->e->net, n, &w) || !linear_cw_pays(s->batch, s->cin, s->cout))
		return OK;
	*done = true;
	w.k.m = s->batch;
	w.k.ld_in = s->cin;
	w.k.ld_out = w.k.ld_add = s->cout;
	linear_cw_plan(&w.k, pool_size(l->e->o.pool));
	int status = pack_compressed(l->e, n, &w, &packed, l->err);
	if (status == OK)
		status = fuse(l, i, n, lower_dims(l, &n->out[0])->rank - 1, s->cout, &f);
	if (status < 0)
		return status;
	fuse_act(l, &f);
	return product(l, n, &w.k, &f, packed);
}
