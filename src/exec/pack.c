/* Packs weights once for each kernel that wants them in a form of its own. */
#include <stdlib.h>

#include "exec/pack.h"
#include "exec/pack_pieces.h"

/* Ways that are not of convolutions: a matrix that stays compressed, weights of a recurrent layer
 * by the input, and by the state. */
enum { PACK_CW = -1, PACK_INPUTS = -2, PACK_STATES = -3 };

static struct pool *packer(const struct exec *e)
{
	return e->packer ? e->packer : e->o.pool;
}

static struct pack *find(
    struct network *net, const struct node *n, int way, int row, bool u8, size_t bytes)
{
	for (int i = 0; i < net->npacks; i++) {
		struct pack *p = &net->pack[i];
		if (p->node == n && p->way == way && p->row == row && p->u8 == u8 &&
		    p->bytes >= bytes)
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

static bool reserve(struct network *net)
{
	if (net->npacks < net->max_packs)
		return true;
	int max = net->max_packs ? net->max_packs * 2 : 32;
	struct pack *p = reallocarray(net->pack, (size_t)max, sizeof *p);
	if (!p)
		return false;
	net->pack = p;
	net->max_packs = max;
	return true;
}

static struct pack *add(struct network *net, size_t bytes)
{
	if (!reserve(net))
		return NULL;
	struct pack *p = &net->pack[net->npacks];
	*p = (struct pack){.bytes = bytes};
	p->data = pages_take(&net->packed, bytes);
	net->npacks += p->data != NULL;
	return p->data ? p : NULL;
}

/* Weights [cout][cin] as the network has them, or its [cin][cout], or [cout][cin] made of them. */
enum weights_are { IN_PLACE, TURNED, MADE };

/* The blob that v's bytes are in, if nobody but the one who packs them reads them. */
static const struct blob *own_source(const struct network *net, const struct value *v)
{
	return net->c.wanted[v->id] <= 1 ? v->node->data : NULL;
}

static int pack(struct exec *e, const struct node *n, const struct nhwc_conv_f32 *k, const float *w,
    enum weights_are are, const void **out, struct err *err)
{
	struct network *net = e->net;
	bool first = !is_packed(net, n);
	struct pack *p = add(net, nhwc_conv_f32_packed(k));
	if (!p)
		return fail_nomem(err);
	if (are != TURNED) {
		const struct blob *source = are == IN_PLACE ? own_source(net, node_in(n, 1)) : NULL;
		pack_pieces(k, packer(e), w, source, p->data);
	} else if (!pack_pieces_turned(k, packer(e), w, p->data)) {
		net->npacks--;
		return fail_nomem(err);
	}
	p->node = n;
	p->way = k->way;
	p->row = k->row;
	*out = p->data;
	if (first)
		constants_release(&net->c, node_in(n, 1));
	return OK;
}

int pack_way(const struct network *net, const struct node *n, const struct conv_shape *s, int way,
    double most)
{
	int taken = way;
	for (int i = 0; i < net->npacks; i++) {
		const struct pack *p = &net->pack[i];
		if (p->node != n || p->u8)
			continue;
		if (p->way == way)
			return way;
		double times = nhwc_conv_f32_against(s, way, p->way);
		if (times <= most) {
			most = times;
			taken = p->way;
		}
	}
	return taken;
}

int pack_conv(struct exec *e, const struct node *n, const struct nhwc_conv_f32 *k, const void **out,
    struct err *err)
{
	struct pack *p = find(e->net, n, k->way, k->row, false, nhwc_conv_f32_packed(k));
	struct tensor w;
	if (p) {
		*out = p->data;
		return OK;
	}
	int status = constants_get(e->net, node_in(n, 1), &w, err);
	return status == OK ? pack(e, n, k, w.data, IN_PLACE, out, err) : status;
}

/* Compressed constants are not kept as floats beside their packs. */
static int pack_widened(struct exec *e, const struct node *n, const struct nhwc_conv_f32 *k,
    const struct compressed *c, const void **out, struct err *err)
{
	struct cw_source s;
	float *w = malloc((size_t)c->k.k * (size_t)c->k.n * sizeof *w);
	int status = compressed_open(c, &s, err);
	if (status == OK && !w)
		status = fail_nomem(err);
	if (status == OK) {
		linear_cw_widen(&c->k, &s, w);
		status = pack(e, n, k, w, MADE, out, err);
		blob_forget(c->data->data, 0, blob_size(c->data->data));
	}
	compressed_close(&s);
	free(w);
	return status;
}

int pack_linear(struct exec *e, const struct node *n, const struct nhwc_conv_f32 *k,
    bool transposed, const void **out, struct err *err)
{
	struct tensor w;
	struct compressed c;
	bool there = find(e->net, n, k->way, k->row, false, nhwc_conv_f32_packed(k)) != NULL;
	if (!there && compressed_find(e->net, n, &c))
		return pack_widened(e, n, k, &c, out, err);
	if (transposed || there)
		return pack_conv(e, n, k, out, err);
	int status = constants_get(e->net, node_in(n, 1), &w, err);
	return status == OK ? pack(e, n, k, w.data, TURNED, out, err) : status;
}

int pack_deconv(struct exec *e, const struct node *n, const struct nhwc_deconv_f32 *k,
    const void **out, struct err *err)
{
	int way = nhwc_deconv_f32_way(k);
	struct pack *p = find(e->net, n, way, 0, false, nhwc_deconv_f32_packed(k));
	bool first = !is_packed(e->net, n);
	struct tensor w;
	*out = p ? p->data : NULL;
	int status = p ? OK : constants_get(e->net, node_in(n, 1), &w, err);
	if (p || status < 0)
		return status;
	float *turned = calloc(nhwc_deconv_f32_turned(k), sizeof *turned);
	p = turned ? add(e->net, nhwc_deconv_f32_packed(k)) : NULL;
	if (p) {
		p->node = n;
		p->way = way;
		p->row = 0;
		nhwc_deconv_f32_pack(k, packer(e), w.data, turned, p->data);
		*out = p->data;
		if (first)
			constants_release(&e->net->c, node_in(n, 1));
	}
	free(turned);
	return p ? OK : fail_nomem(err);
}

/* The integers are read from the file, what would become of them as floats is not needed. */
static void release_weights(
    struct network *net, const struct node *n, const struct quant_weights *w)
{
	const struct value *v = node_in(n, 1);
	if (net->c.t[v->id].data)
		constants_release(&net->c, v);
	if (w->floats)
		constants_release(&net->c, node_in(w->fq, 0));
	if (w->q)
		blob_forget(w->q->data, 0, blob_size(w->q->data));
}

/* Weights that the way wants by parts, in a new room. */
static int turn_weights(
    const struct nhwc_conv_u8 *k, const int8_t **q, int8_t **room, struct err *err)
{
	size_t bytes = nhwc_conv_u8_turned(k);
	int8_t *turned = bytes ? malloc(bytes) : NULL;
	if (!bytes)
		return OK;
	if (!turned)
		return fail_nomem(err);
	nhwc_conv_u8_turn(k, *q, turned);
	free(*room);
	*q = *room = turned;
	return OK;
}

int pack_conv_u8(struct exec *e, const struct node *n, const struct quant_weights *w,
    struct nhwc_conv_u8 *k, const uint8_t *zeros, const struct pack **out, struct err *err)
{
	struct network *net = e->net;
	const int8_t *q = NULL;
	int8_t *room = NULL;
	float *scale = NULL;
	*out = find(net, n, k->way, k->row, true, nhwc_conv_u8_packed(k));
	if (*out)
		return OK;
	bool first = !is_packed(net, n);
	int status = quant_read(net, w, &q, &room, &scale, err);
	if (status == OK && !nhwc_conv_u8_holds(k, q)) {
		k->way = CONV_IGEMM;
		nhwc_conv_u8_plan(k, k->threads);
		*out = find(net, n, k->way, k->row, true, nhwc_conv_u8_packed(k));
	}
	bool found = *out;
	if (status == OK)
		status = turn_weights(k, &q, &room, err);
	struct pack *p = status == OK && !found ? add(net, nhwc_conv_u8_packed(k)) : NULL;
	if (p) {
		p->node = n;
		p->way = k->way;
		p->row = k->row;
		p->u8 = true;
		p->scale = scale;
		nhwc_conv_u8_pack(k, packer(e), q, zeros, p->data);
		if (first)
			release_weights(net, n, w);
		*out = p;
	} else {
		free(scale);
	}
	free(room);
	return p || found || status < 0 ? status : fail_nomem(err);
}

int pack_conv_u8_floats(struct exec *e, const struct node *n, const struct quant_weights *w,
    const struct nhwc_conv_u8 *k, const float *scale, const float *low, const struct pack **out,
    struct err *err)
{
	struct network *net = e->net;
	bool first = !is_packed(net, n);
	float *floats = NULL;
	*out = find(net, n, k->way, k->row, true, nhwc_conv_u8_packed(k));
	int status = *out ? OK : quant_float_weights(net, w->fq, &floats, err);
	if (*out || status < 0)
		return status;
	struct pack *p = add(net, nhwc_conv_u8_packed(k));
	if (p) {
		p->node = n;
		p->way = k->way;
		p->row = k->row;
		p->u8 = true;
		nhwc_conv_u8_pack_floats(k, floats, scale, low, p->data);
		if (first)
			release_weights(net, n, w);
		*out = p;
	}
	free(floats);
	return p ? OK : fail_nomem(err);
}

int pack_compressed(struct exec *e, const struct node *n, const struct compressed *w,
    const void **out, struct err *err)
{
	struct network *net = e->net;
	struct pack *p = find(net, n, PACK_CW, w->k.row, false, linear_cw_packed(&w->k));
	struct cw_source s;
	bool first = !is_packed(net, n);
	if (p) {
		*out = p->data;
		return OK;
	}
	int status = compressed_open(w, &s, err);
	if (status == OK && !(p = add(net, linear_cw_packed(&w->k))))
		status = fail_nomem(err);
	if (status == OK) {
		p->node = n;
		p->way = PACK_CW;
		p->row = w->k.row;
		linear_cw_pack(&w->k, &s, p->data);
		*out = p->data;
		if (first && net->c.t[node_in(n, 1)->id].data)
			constants_release(&net->c, node_in(n, 1));
		blob_forget(w->data->data, 0, blob_size(w->data->data));
	}
	compressed_close(&s);
	return status;
}

/* Input number w of n by a function that packs it. */
static int pack_by(struct network *net, const struct node *n, const struct recurrent_f32 *k, int w,
    int way, const void **out, struct err *err)
{
	bool inputs = way == PACK_INPUTS;
	int row = inputs ? k->project.row : k->row;
	size_t bytes = inputs ? recurrent_f32_packed_inputs(k) : recurrent_f32_packed_states(k);
	struct pack *p = find(net, n, way, row, false, bytes);
	struct tensor t;
	if (p) {
		*out = p->data;
		return OK;
	}
	int status = constants_get(net, node_in(n, w), &t, err);
	if (status < 0)
		return status;
	p = add(net, bytes);
	if (!p)
		return fail_nomem(err);
	p->node = n;
	p->way = way;
	p->row = row;
	(inputs ? recurrent_f32_pack_inputs : recurrent_f32_pack_states)(k, t.data, p->data);
	*out = p->data;
	constants_release(&net->c, node_in(n, w));
	return OK;
}

int pack_recurrent(struct exec *e, const struct node *n, const struct recurrent_f32 *k, int w,
    const void **inputs, const void **states, struct err *err)
{
	int status = pack_by(e->net, n, k, w, PACK_INPUTS, inputs, err);
	return status == OK ? pack_by(e->net, n, k, w + 1, PACK_STATES, states, err) : status;
}

bool pack_lend(
    struct network *net, const struct node *n, int way, int row, const void *data, size_t bytes)
{
	if (!reserve(net))
		return false;
	net->pack[net->npacks++] = (struct pack){
	    .node = n, .way = way, .row = row, .data = (void *)data, .bytes = bytes, .lent = true};
	return true;
}

void packs_free(struct network *net)
{
	for (int i = 0; i < net->npacks; i++)
		free(net->pack[i].scale);
	free(net->pack);
	pages_free(&net->packed);
}
