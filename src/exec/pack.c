/* Packs weights once for each kernel that wants them in a form of its own. */
#include <stdlib.h>

#include "base/pages.h"
#include "exec/pack.h"

static struct pack *find(const struct network *net, const struct node *n, int way, int row, bool u8)
{
	for (int i = 0; i < net->npacks; i++) {
		struct pack *p = &net->pack[i];
		if (p->node == n && p->way == way && p->row == row && p->u8 == u8)
			return p;
	}
	return NULL;
}

static bool is_packed(const struct network *net, const struct node *n)
{
	for (int i = 0; i < net->npacks; i++)
		if (net->pack[i].node == n)
			return true;
	return false;
}

static struct pack *add(struct network *net, size_t bytes)
{
	if (net->npacks == net->max_packs) {
		int max = net->max_packs ? net->max_packs * 2 : 32;
		struct pack *p = reallocarray(net->pack, (size_t)max, sizeof *p);
		if (!p)
			return NULL;
		net->pack = p;
		net->max_packs = max;
	}
	struct pack *p = &net->pack[net->npacks];
	*p = (struct pack){.bytes = (bytes + 63) / 64 * 64};
	p->data = pages_alloc(p->bytes);
	net->npacks += p->data != NULL;
	return p->data ? p : NULL;
}

static int pack(struct network *net, const struct node *n, const struct nhwc_conv_f32 *k,
    const float *w, const void **out, struct err *err)
{
	bool first = !is_packed(net, n);
	struct pack *p = add(net, nhwc_conv_f32_packed(k));
	if (!p)
		return fail_nomem(err);
	p->node = n;
	p->way = k->way;
	p->row = k->row;
	nhwc_conv_f32_pack(k, w, p->data);
	*out = p->data;
	if (first)
		constants_release(&net->c, node_in(n, 1));
	return OK;
}

int pack_conv(struct exec *e, const struct node *n, const struct nhwc_conv_f32 *k, const void **out,
    struct err *err)
{
	struct pack *p = find(e->net, n, k->way, k->row, false);
	struct tensor w;
	if (p) {
		*out = p->data;
		return OK;
	}
	int status = constants_get(e->net, node_in(n, 1), &w, err);
	return status == OK ? pack(e->net, n, k, w.data, out, err) : status;
}

static void transpose(const float *w, size_t rows, size_t cols, float *out)
{
	enum { SIDE = 16 };
	for (size_t i = 0; i < rows; i += SIDE)
		for (size_t j = 0; j < cols; j++)
			for (size_t k = i; k < rows && k < i + SIDE; k++)
				out[j * rows + k] = w[k * cols + j];
}

int pack_linear(struct exec *e, const struct node *n, const struct nhwc_conv_f32 *k,
    bool transposed, const void **out, struct err *err)
{
	struct tensor w;
	size_t rows = (size_t)k->s.cin, cols = (size_t)k->s.cout;
	if (transposed || find(e->net, n, k->way, k->row, false))
		return pack_conv(e, n, k, out, err);
	int status = constants_get(e->net, node_in(n, 1), &w, err);
	if (status < 0)
		return status;
	float *turned = malloc(rows * cols * sizeof *turned);
	if (!turned)
		return fail_nomem(err);
	transpose(w.data, rows, cols, turned);
	status = pack(e->net, n, k, turned, out, err);
	free(turned);
	return status;
}

/* The integers are read from the file, what would become of them as floats is not needed. */
static void release_weights(
    struct network *net, const struct node *n, const struct quant_weights *w)
{
	const struct value *v = node_in(n, 1);
	if (net->c.t[v->id].data)
		constants_release(&net->c, v);
	if (w->q)
		blob_forget(w->q->data, 0, blob_size(w->q->data));
}

int pack_conv_u8(struct exec *e, const struct node *n, const struct quant_weights *w,
    const struct nhwc_conv_u8 *k, const struct pack **out, struct err *err)
{
	struct network *net = e->net;
	int8_t *q = NULL;
	float *scale = NULL;
	*out = find(net, n, k->way, k->row, true);
	if (*out)
		return OK;
	bool first = !is_packed(net, n);
	int status = quant_read(net, w, &q, &scale, err);
	struct pack *p = status == OK ? add(net, nhwc_conv_u8_packed(k)) : NULL;
	if (p) {
		p->node = n;
		p->way = k->way;
		p->row = k->row;
		p->u8 = true;
		p->scale = scale;
		nhwc_conv_u8_pack(k, q, p->data);
		if (first)
			release_weights(net, n, w);
		*out = p;
	} else {
		free(scale);
	}
	free(q);
	return p || status < 0 ? status : fail_nomem(err);
}

void packs_free(struct network *net)
{
	for (int i = 0; i < net->npacks; i++) {
		free(net->pack[i].data);
		free(net->pack[i].scale);
	}
	free(net->pack);
}
