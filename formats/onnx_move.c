/* Operators that move elements: concatenate, split, slice, pad, transpose, tile. */
#include <string.h>

#include "formats/onnx_translate.h"

void tr_concat_node(struct tr *t)
{
	int64_t axis = tr_int(t, "axis", 1);
	for (int i = 0; i < t->nin; i++)
		tr_in(t, i);
	if (t->opset >= 4)
		tr_require(t, "axis");
	tr_out(t, 0, t->nin == 1 ? tr_in(t, 0) : tr_concat(t, axis, t->in, t->nin));
}

void tr_transpose_node(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	const int64_t *perm;
	int64_t back[MAX_RANK];
	int n = tr_ints(t, "perm", &perm);
	if (n < 0) {
		n = tr_rank(t, x);
		for (int i = 0; i < n; i++)
			back[i] = n - 1 - i;
		perm = back;
	}
	tr_out(t, 0, tr_transpose(t, x, n, perm));
}

static void split_outputs(struct tr *t, struct value *y)
{
	for (int i = 0; i < t->nout && y; i++)
		tr_out(t, i, tr_port(y, i));
}

static void split_evenly(struct tr *t, struct value *x, int64_t axis, int n)
{
	struct node *s = tr_new_n(t, OP_SPLIT, n, TR_LIST(x, tr_scalar_i64(t, axis)));
	tr_set_i(t, s, "num_splits", n);
	split_outputs(t, tr_end(t, s));
}

/* As many equal parts as there are outputs; from opset 18 on the last one may be smaller. */
static void split_unsized(struct tr *t, struct value *x, int64_t axis)
{
	int64_t n = tr_int(t, "num_outputs", t->nout);
	int64_t size[1024], whole = -1;
	if (x && x->info.shape.rank >= 0)
		whole = tr_dim(x, tr_axis(t, axis, x->info.shape.rank));
	if (n != t->nout)
		tr_fail(t, E_FORMAT, "attribute 'num_outputs' is %lld, there are %d", (long long)n,
		    t->nout);
	if (t->status != OK)
		return;
	if (t->opset < 18 || whole < 0 || whole % n == 0 || n > 1024) {
		split_evenly(t, x, axis, t->nout);
		return;
	}
	int64_t part = (whole + n - 1) / n;
	for (int64_t i = 0; i < n; i++)
		size[i] = i < n - 1 ? part : whole - part * (n - 1);
	if (size[n - 1] < 0)
		tr_fail(t, E_FORMAT, "%lld elements do not split into %lld parts", (long long)whole,
		    (long long)n);
	struct node *s = tr_new_n(t, OP_VARIADIC_SPLIT, t->nout,
	    TR_LIST(x, tr_scalar_i64(t, axis), tr_i64(t, (int)n, size)));
	split_outputs(t, tr_end(t, s));
}

void tr_split(struct tr *t)
{
	struct value *x = tr_in(t, 0), *sizes = NULL;
	int64_t axis = tr_int(t, "axis", 0);
	const int64_t *v;
	if (t->opset < 13) {
		int n = tr_ints(t, "split", &v);
		if (n >= 0 && n != t->nout)
			tr_fail(t, E_FORMAT, "attribute 'split' has %d values for %d outputs", n,
			    t->nout);
		sizes = n >= 0 ? tr_i64(t, n, v) : NULL;
	}
	if ((t->opset >= 13 || t->opset == 1) && tr_given(t, 1))
		sizes = t->in[1];
	if (!t->nout)
		tr_fail(t, E_FORMAT, "has no outputs");
	if (t->status != OK)
		return;
	if (!sizes) {
		split_unsized(t, x, axis);
		return;
	}
	struct node *s = tr_new_n(
	    t, OP_VARIADIC_SPLIT, t->nout, TR_LIST(x, tr_scalar_i64(t, axis), sizes));
	split_outputs(t, tr_end(t, s));
}

/* A vector of as many ones (or 0, 1, 2, ...) as like has elements. */
static struct value *ones_like(struct tr *t, struct value *like)
{
	return tr_broadcast(t, tr_scalar_i64(t, 1), tr_shape_of(t, like));
}

static struct value *axes_like(struct tr *t, struct value *like)
{
	int64_t n = like ? tr_dim(like, 0) : -1;
	if (n >= 0 && n <= MAX_RANK)
		return tr_range(t, 0, (int)n);
	struct node *r = tr_new(t, OP_RANGE, tr_scalar_i64(t, 0),
	    tr_scalar(t, tr_shape_of(t, like)), tr_scalar_i64(t, 1));
	tr_set_type(t, r, "output_type", DT_I64);
	return tr_end(t, r);
}

void tr_slice_node(struct tr *t)
{
	struct value *x = tr_in(t, 0), *in[4] = {0};
	static const char *const names[] = {"starts", "ends", "axes"};
	const int64_t *v;
	for (int i = 0; i < 3 && t->opset < 10; i++) {
		int n = tr_ints(t, names[i], &v);
		in[i] = n >= 0 ? tr_i64(t, n, v) : NULL;
	}
	for (int i = 0; i < 4 && t->opset >= 10; i++)
		in[i] = tr_given(t, i + 1) ? t->in[i + 1] : NULL;
	if (!in[0] || !in[1])
		tr_fail(t, E_FORMAT, "starts or ends are missing");
	if (t->status != OK)
		return;
	int64_t n = tr_dim(in[0], 0);
	if (!in[2])
		in[2] = axes_like(t, in[0]);
	if (!in[3])
		in[3] = n == 1 ? tr_i64_1(t, 1) : ones_like(t, in[0]);
	for (int i = 0; i < 4; i++) /* one type for all, whatever the file mixes */
		in[i] = tr_convert(t, in[i], DT_I64);
	tr_out(t, 0, tr_op(t, OP_SLICE, x, in[0], in[1], in[3], in[2]));
}

/* What Pad adds before and after every axis. */
struct pads {
	struct value *begin, *end;
	int64_t v[2 * MAX_RANK];
	bool known; /* v holds them: all begins, all ends */
	int rank;
};

/* part, given for some axes only, spread over all of them. */
static struct value *spread(struct tr *t, struct value *part, struct value *axes, int rank)
{
	struct value *zeros = tr_broadcast(t, tr_scalar_i64(t, 0), tr_i64_1(t, rank));
	struct value *at = tr_op(
	    t, OP_FLOOR_MOD, tr_convert(t, axes, DT_I64), tr_scalar_i64(t, rank));
	struct node *n = tr_new(t, OP_SCATTER_ELEMENTS, zeros, at, part, tr_scalar_i64(t, 0));
	return tr_end(t, n);
}

/* The same for pads that are known. */
static void spread_known(struct tr *t, struct pads *p, const int64_t *axes, int n, int rank)
{
	int64_t part[2 * MAX_RANK];
	memcpy(part, p->v, sizeof part);
	memset(p->v, 0, sizeof p->v);
	if (p->rank != n)
		tr_fail(t, E_FORMAT, "pads of %d axes, axes are %d", p->rank, n);
	for (int i = 0; i < n && t->status == OK; i++) {
		int a = tr_axis(t, axes[i], rank);
		p->v[a] = part[i];
		p->v[a + rank] = part[i + n];
	}
	p->rank = rank;
}

static void pads_by_value(struct tr *t, struct pads *p, const struct value *x)
{
	struct value *pads = tr_convert(t, tr_in(t, 1), DT_I64);
	int rank = tr_rank(t, x);
	int64_t n = tr_dim(pads, 0);
	p->known = false;
	p->rank = tr_given(t, 3) && n >= 0 ? (int)(n / 2) : rank;
	if (tr_given(t, 3) && n < 0)
		tr_fail(t, E_UNSUPPORTED, "an unknown number of pads");
	p->begin = tr_part(t, pads, 0, p->rank);
	p->end = tr_part(t, pads, p->rank, INT64_MAX);
	if (tr_given(t, 3)) {
		p->begin = spread(t, p->begin, t->in[3], rank);
		p->end = spread(t, p->end, t->in[3], rank);
	}
	p->rank = rank;
}

static void read_pads(struct tr *t, struct pads *p, struct value *x)
{
	const int64_t *v;
	int64_t axes[MAX_RANK];
	if (t->opset < 11) {
		int n = tr_ints(t, t->opset < 2 ? "paddings" : "pads", &v);
		p->known = n >= 0 && n % 2 == 0 && n <= 2 * MAX_RANK;
		if (!p->known)
			tr_fail(t, E_FORMAT, "attribute 'pads' has %d values", n);
		else if (n)
			memcpy(p->v, v, (size_t)n * sizeof *v);
		p->rank = n / 2;
		return;
	}
	int n = tr_known(tr_in(t, 1), p->v, 2 * MAX_RANK);
	int naxes = tr_given(t, 3) ? tr_known(t->in[3], axes, MAX_RANK) : 0;
	p->known = n >= 0 && naxes >= 0;
	p->rank = n / 2;
	if (!p->known)
		pads_by_value(t, p, x);
	else if (tr_given(t, 3))
		spread_known(t, p, axes, naxes, tr_rank(t, x));
}

/* wrap: pieces of the data itself, axis by axis; the pads may exceed the data, so in whole rounds.
 */
static struct value *pad_wrap(struct tr *t, struct value *x, const struct pads *p)
{
	for (int i = 0; i < p->rank && t->status == OK; i++) {
		int64_t n = tr_dim(x, i), begin = p->v[i], end = p->v[i + p->rank];
		struct value *part[3];
		int k = 0;
		if (!begin && !end)
			continue;
		if (n < 1 || begin < 0 || end < 0 || begin > n || end > n) {
			tr_fail(t, E_UNSUPPORTED, "wrapping pads beyond the data");
			return NULL;
		}
		if (begin)
			part[k++] = tr_slice(t, x, i, n - begin, n);
		part[k++] = x;
		if (end)
			part[k++] = tr_slice(t, x, i, 0, end);
		x = tr_concat(t, i, part, k);
	}
	return x;
}

void tr_pad(struct tr *t)
{
	struct value *x = tr_in(t, 0), *fill;
	struct pads p = {0};
	const char *mode = tr_str(t, "mode", "constant");
	read_pads(t, &p, x);
	if (t->opset < 11)
		fill = tr_number_of(t, x, tr_float(t, "value", 0));
	else
		fill = tr_given(t, 2) ? tr_scalar(t, t->in[2]) : tr_number_of(t, x, 0);
	if (t->status == OK && p.known && x->info.shape.rank >= 0 && p.rank != x->info.shape.rank)
		tr_fail(
		    t, E_FORMAT, "pads of %d axes for data of rank %d", p.rank, x->info.shape.rank);
	if (!strcmp(mode, "wrap")) {
		if (!p.known)
			tr_fail(t, E_UNSUPPORTED, "wrapping pads that are not constant");
		tr_out(t, 0, t->status == OK ? pad_wrap(t, x, &p) : NULL);
		return;
	}
	if (p.known) {
		p.begin = tr_i64(t, p.rank, p.v);
		p.end = tr_i64(t, p.rank, p.v + p.rank);
	}
	struct node *n = tr_new(t, OP_PAD, x, p.begin, p.end, fill);
	if (strcmp(mode, "constant") && strcmp(mode, "reflect") && strcmp(mode, "edge"))
		tr_fail(t, E_FORMAT, "attribute 'mode' is '%s'", mode);
	tr_set_s(t, n, "pad_mode", mode);
	tr_out(t, 0, tr_end(t, n));
}

/* A constant of any type that is a whole number. */
static bool known_whole(const struct value *v, int64_t *out)
{
	double d;
	if (!tr_known_number(v, &d) || !(d >= -1e9 && d <= 1e9) || d != (double)(int64_t)d)
		return false;
	*out = (int64_t)d;
	return true;
}

void tr_tile(struct tr *t)
{
	struct value *x = tr_in(t, 0), *repeats = tr_in(t, 1);
	if (t->opset < 6) { /* so often along one axis */
		int64_t axis = 0, v[MAX_RANK], count = 0;
		int rank = tr_rank(t, x);
		if (!known_whole(tr_in(t, 2), &axis) || !known_whole(repeats, &count))
			tr_fail(t, E_UNSUPPORTED, "a repetition that is not constant");
		axis = t->status == OK ? tr_axis(t, axis, rank) : 0;
		for (int i = 0; i < rank && t->status == OK; i++)
			v[i] = i == axis ? count : 1;
		repeats = t->status == OK ? tr_i64(t, rank, v) : NULL;
	}
	tr_out(t, 0, tr_op(t, OP_TILE, x, repeats));
}

static void blocks(struct tr *t, enum op_id id, const char *mode)
{
	tr_require(t, "blocksize");
	struct node *n = tr_new(t, id, tr_in(t, 0));
	tr_set_i(t, n, "block_size", tr_int(t, "blocksize", 1));
	tr_set_s(t, n, "mode", mode);
	tr_out(t, 0, tr_end(t, n));
}

void tr_depth_to_space(struct tr *t)
{
	const char *mode = tr_str(t, "mode", "DCR");
	if (strcmp(mode, "DCR") && strcmp(mode, "CRD"))
		tr_fail(t, E_FORMAT, "attribute 'mode' is '%s'", mode);
	blocks(t, OP_DEPTH_TO_SPACE, !strcmp(mode, "CRD") ? "depth_first" : "blocks_first");
}

void tr_space_to_depth(struct tr *t)
{
	blocks(t, OP_SPACE_TO_DEPTH, "blocks_first");
}

void tr_reverse_sequence(struct tr *t)
{
	struct node *n = tr_new(t, OP_REVERSE_SEQUENCE, tr_in(t, 0), tr_in(t, 1));
	tr_set_i(t, n, "batch_axis", tr_int(t, "batch_axis", 1));
	tr_set_i(t, n, "seq_axis", tr_int(t, "time_axis", 0));
	tr_out(t, 0, tr_end(t, n));
}

/* Keeps what lies on or above (below) the k-th diagonal: column - row >= k (<= k). */
void tr_trilu(struct tr *t)
{
	struct value *x = tr_in(t, 0), *s = tr_shape_of(t, x), *index[2];
	struct value *k = tr_given(t, 1) ? tr_scalar(t, t->in[1]) : tr_scalar_i64(t, 0);
	bool upper = tr_bool(t, "upper", true);
	for (int i = 0; i < 2; i++) {
		struct value *size = tr_gather(t, s, tr_scalar_i64(t, i - 2), 0);
		struct node *r = tr_new(
		    t, OP_RANGE, tr_scalar_i64(t, 0), size, tr_scalar_i64(t, 1));
		tr_set_type(t, r, "output_type", DT_I64);
		index[i] = tr_end(t, r);
	}
	struct value *row = tr_unsqueeze(t, index[0], 1, (int64_t[]){1});
	struct value *from = tr_op(t, OP_ADD, row, k);
	struct value *keep = upper ? tr_op(t, OP_GREATER_EQUAL, index[1], from)
				   : tr_op(t, OP_LESS_EQUAL, index[1], from);
	tr_out(t, 0, tr_op(t, OP_SELECT, keep, x, tr_number_of(t, x, 0)));
}

/* Cut or padded at both ends; of an odd difference the extra element is at the end. */
void tr_center_crop_pad(struct tr *t)
{
	struct value *x = tr_in(t, 0), *want = tr_convert(t, tr_in(t, 1), DT_I64);
	const int64_t *given;
	int64_t axes[MAX_RANK];
	int n = tr_ints(t, "axes", &given), rank = tr_rank(t, x);
	bool all = n < 0;
	n = all ? rank : n;
	for (int i = 0; i < n && i < MAX_RANK; i++)
		axes[i] = all ? i : tr_axis(t, given[i], rank);
	if (n > MAX_RANK)
		tr_fail(t, E_FORMAT, "attribute 'axes' has %d values", n);
	if (t->status != OK)
		return;
	struct value *over = tr_i64(t, n, axes), *size = tr_gather(t, tr_shape_of(t, x), over, 0);
	struct value *more = tr_op(t, OP_SUBTRACT, want, size);
	struct node *half = tr_new(t, OP_DIVIDE, more, tr_i64_1(t, 2));
	tr_set_i(t, half, "m_pythondiv", false); /* towards zero: crops start at -more / 2 */
	struct value *begin = tr_end(t, half), *end = tr_op(t, OP_SUBTRACT, more, begin);
	struct node *p = tr_new(t, OP_PAD, x, spread(t, begin, over, rank),
	    spread(t, end, over, rank), tr_number_of(t, x, 0));
	tr_set_s(t, p, "pad_mode", "constant");
	tr_out(t, 0, tr_end(t, p));
}
