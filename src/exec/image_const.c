/* Constants of a network as an image and back: by their bytes, or by the packed weights that have
 * these bytes in another order, so that the image has large weights once. */
#include <stdlib.h>
#include <string.h>

#include "exec/image.h"
#include "exec/pack.h"
#include "kernels/pack_f32.h"

/* What lies at the place that is named: the bytes, or panels of columns that are dim 0 of the
 * constant, or its last dim. */
enum form { FORM_BYTES, FORM_COLUMNS, FORM_LINES, FORMS };

/* The panels that a constant of this type and these dims may be unpacked from; false: none. */
static bool panels_of(const struct tensor *t, int form, int nr, struct panels_f32 *p)
{
	int64_t n = 1, cin = 1, taps = 1;
	if (t->type != DT_F32 || t->rank < 2 || nr < 2 || nr % 2 || !tensor_count(t))
		return false;
	for (int d = 0; d < t->rank; d++)
		if (d == (form == FORM_LINES ? t->rank - 1 : 0))
			n = t->dim[d];
		else if (form == FORM_LINES || d == 1)
			cin *= t->dim[d];
		else
			taps *= t->dim[d];
	*p = (struct panels_f32){nr, (int)cin, (int)taps, (int)n};
	return cin <= IMAGE_SMALL && taps <= IMAGE_SMALL / cin && n <= IMAGE_SMALL;
}

/* ---- saving ---- */

/* A place that the constant's content can be had from, and how. */
struct place {
	const void *data;
	size_t size;
	int form, nr;
};

static bool holds(const struct place *at, const struct tensor *t, float *room)
{
	struct panels_f32 p;
	if (!panels_of(t, at->form, at->nr, &p) || panels_f32_size(&p) * sizeof *room != at->size)
		return false;
	panels_f32_unpack(&p, at->form == FORM_LINES, at->data, room);
	return !memcmp(room, t->data, tensor_bytes(t));
}

/* Looks among the packs of the one layer that reads the constant. */
static bool find_pack(
    const struct network *net, const struct value *v, const struct tensor *t, struct place *out)
{
	const struct node *reader = v->nuses == 1 ? v->uses->node : NULL;
	float *room = reader && t->type == DT_F32 ? malloc(tensor_bytes(t) + 1) : NULL;
	bool found = false;
	for (int i = 0; room && i < net->npacks && !found; i++) {
		const struct pack *p = &net->pack[i];
		struct nhwc_conv_f32 k = {.s.groups = 1, .way = p->way, .row = p->row};
		if (p->node != reader || p->u8 || p->way != CONV_IGEMM)
			continue;
		*out = (struct place){p->data, p->bytes, FORM_COLUMNS, nhwc_conv_f32_panel(&k)};
		while (out->form < FORMS && !(found = holds(out, t, room)))
			out->form++;
	}
	free(room);
	return found;
}

int image_const_save(const struct network *net, struct image *im, const struct node *n,
    struct image_pieces *pieces, struct err *err)
{
	const struct value *v = &n->out[0];
	struct tensor t = value_tensor(v);
	struct place from = {t.data, blob_size(n->data), FORM_BYTES, 0};
	struct place pack;
	const char *name = n->name;
	int64_t at = 0;
	if (t.type != DT_NONE && find_pack(net, v, &t, &pack))
		from = pack;
	if (t.type == DT_NONE || !image_piece(pieces, from.data, from.size, &at))
		return fail_nomem(err);
	image_text(im, &name);
	image_tensor(im, &t);
	image_int(im, &from.form, 0, FORMS - 1);
	image_int(im, &from.nr, 0, IMAGE_SMALL);
	image_i64(im, &at, 0, IMAGE_LARGE);
	return OK;
}

/* ---- loading ---- */

struct packed {
	struct panels_f32 p;
	bool lines;
	const float *data;
};

static void unpack(const void *user, void *dst)
{
	const struct packed *k = user;
	panels_f32_unpack(&k->p, k->lines, k->data, dst);
}

static struct blob *unpacked(const struct packed *k, size_t bytes)
{
	struct packed *own = malloc(sizeof *own);
	if (own)
		*own = *k;
	return blob_made(bytes, unpack, own);
}

int image_const_load(struct image *im, const struct compiled *c, struct graph *g, struct err *err)
{
	const char *name;
	struct tensor t;
	struct packed k = {0};
	int64_t at = 0;
	int form = 0, nr = 0;
	image_text(im, &name);
	image_tensor(im, &t);
	image_int(im, &form, 0, FORMS - 1);
	image_int(im, &nr, 0, IMAGE_SMALL);
	image_i64(im, &at, 0, IMAGE_LARGE);
	bool bad = image_fails(im) || t.type == DT_NONE;
	bad = bad || (form != FORM_BYTES && !panels_of(&t, form, nr, &k.p));
	size_t bytes = bad ? 0 : tensor_bytes(&t);
	size_t there = bad || form == FORM_BYTES ? bytes : panels_f32_size(&k.p) * sizeof(float);
	k.data = compiled_bytes(c, at, (int64_t)there);
	k.lines = form == FORM_LINES;
	if (bad || !k.data)
		return fail(err, E_FORMAT, "constant '%.100s' is damaged", name);
	struct blob *b = form == FORM_BYTES ? blob_lent(k.data, bytes) : unpacked(&k, bytes);
	struct node *n = b ? graph_const(g, NULL, name, t.type, t.rank, t.dim, b) : NULL;
	return n ? OK : fail_nomem(err);
}
