/* Sequences and optionals, as far as what they hold is known here: none of them is left in the
 * graph. */
#include <string.h>

#include "formats/onnx_translate.h"

#define LONGEST 4096

/* The sequence at input k. */
static const struct onnx_list *list_in(struct tr *t, int k)
{
	if (k < t->nin && t->in_list[k] && !t->in_list[k]->absent)
		return t->in_list[k];
	tr_fail(t, E_UNSUPPORTED, "input %d is not a sequence of known length", k);
	return NULL;
}

static struct onnx_list *new_list(struct tr *t, int n)
{
	struct arena *a = t->scope->im->arena;
	struct onnx_list *l = t->status == OK ? arena_alloc(a, sizeof *l) : NULL;
	if (l) {
		l->n = n;
		l->v = arena_array(a, (size_t)n, sizeof *l->v);
	}
	if (t->status == OK && (!l || !l->v))
		tr_fail(t, E_NOMEM, "out of memory");
	return t->status == OK ? l : NULL;
}

static void give_list(struct tr *t, const struct onnx_list *l)
{
	if (t->status == OK && t->nout)
		t->out_list[0] = l;
}

/* The position at input k among n places, negative ones counted back from end; the last place when
 * none is given. */
static int position(struct tr *t, int k, int n, int end)
{
	int64_t at = n - 1;
	if (tr_given(t, k) && tr_known(t->in[k], &at, 1) != 1)
		tr_fail(t, E_UNSUPPORTED, "a position in a sequence that is not constant");
	if (at < -end || at >= n)
		tr_fail(t, E_FORMAT, "position %lld in a sequence of %d", (long long)at, n);
	return t->status == OK ? (int)(at < 0 ? at + end : at) : 0;
}

void tr_sequence_empty(struct tr *t)
{
	tr_ignore(t, "dtype");
	give_list(t, new_list(t, 0));
}

void tr_sequence_construct(struct tr *t)
{
	struct onnx_list *l = new_list(t, t->nin);
	for (int i = 0; i < t->nin && l; i++)
		l->v[i] = tr_in(t, i);
	give_list(t, l);
}

void tr_sequence_insert(struct tr *t)
{
	const struct onnx_list *from = list_in(t, 0);
	struct value *v = tr_in(t, 1);
	struct onnx_list *l = from ? new_list(t, from->n + 1) : NULL;
	int at = l ? position(t, 2, l->n, from->n) : 0;
	if (!l || t->status != OK)
		return;
	memcpy(l->v, from->v, (size_t)at * sizeof *l->v);
	l->v[at] = v;
	memcpy(l->v + at + 1, from->v + at, (size_t)(from->n - at) * sizeof *l->v);
	give_list(t, l);
}

void tr_sequence_erase(struct tr *t)
{
	const struct onnx_list *from = list_in(t, 0);
	int at = from ? position(t, 1, from->n, from->n) : 0;
	struct onnx_list *l = from && from->n ? new_list(t, from->n - 1) : NULL;
	if (!l)
		return;
	memcpy(l->v, from->v, (size_t)at * sizeof *l->v);
	memcpy(l->v + at, from->v + at + 1, (size_t)(l->n - at) * sizeof *l->v);
	give_list(t, l);
}

void tr_sequence_at(struct tr *t)
{
	const struct onnx_list *l = list_in(t, 0);
	int at = l ? position(t, 1, l->n, l->n) : 0;
	if (l && t->status == OK)
		tr_out(t, 0, l->v[at]);
}

void tr_sequence_length(struct tr *t)
{
	const struct onnx_list *l = list_in(t, 0);
	if (l)
		tr_out(t, 0, tr_scalar_i64(t, l->n));
}

void tr_concat_from_sequence(struct tr *t)
{
	const struct onnx_list *l = list_in(t, 0);
	bool fresh = tr_bool(t, "new_axis", false);
	int64_t axis = tr_int(t, "axis", 0);
	tr_require(t, "axis");
	struct onnx_list *parts = l ? new_list(t, l->n) : NULL;
	for (int i = 0; parts && i < l->n; i++)
		parts->v[i] = fresh ? tr_unsqueeze(t, l->v[i], 1, &axis) : l->v[i];
	if (parts && !l->n)
		tr_fail(t, E_UNSUPPORTED, "an empty sequence to concatenate");
	if (parts)
		tr_out(t, 0, tr_concat(t, axis, parts->v, parts->n));
}

/* Sizes of parts of one size each, the last one perhaps smaller. */
static struct value *equal_sizes(struct tr *t, int64_t whole, int64_t size, int *n)
{
	static const int64_t none;
	int64_t parts = size < 1 || whole < 0 ? -1 : whole ? (whole - 1) / size + 1 : 0;
	if (parts < 0 || parts > LONGEST) {
		tr_fail(t, E_UNSUPPORTED, "parts whose number is not known, or above %d", LONGEST);
		return NULL;
	}
	*n = (int)parts;
	int64_t *v = arena_array(t->scope->im->arena, (size_t)*n, sizeof *v);
	for (int i = 0; v && i < *n; i++)
		v[i] = i < *n - 1 ? size : whole - size * (*n - 1);
	return v ? tr_i64(t, *n, *n ? v : &none) : NULL;
}

void tr_split_to_sequence(struct tr *t)
{
	struct value *x = tr_in(t, 0), *split = tr_given(t, 1) ? t->in[1] : NULL, *sizes;
	int64_t axis = tr_axis(t, tr_int(t, "axis", 0), tr_rank(t, x)), size = 1,
		whole = tr_dim(x, (int)axis);
	bool keep = tr_bool(t, "keepdims", true) || split;
	int n = split && tr_rank(t, split) == 1 ? (int)tr_dim(split, 0) : -1;
	if (t->status != OK)
		return;
	if (n < 0 && split && tr_known(split, &size, 1) != 1)
		tr_fail(t, E_UNSUPPORTED, "a size of parts that is not constant");
	sizes = n >= 0 && n <= LONGEST ? tr_convert(t, split, DT_I64)
				       : equal_sizes(t, whole, size, &n);
	struct onnx_list *l = sizes ? new_list(t, n) : NULL;
	struct value *y = l && n ? tr_end(t, tr_new_n(t, OP_VARIADIC_SPLIT, n,
						 TR_LIST(x, tr_scalar_i64(t, axis), sizes)))
				 : NULL;
	for (int i = 0; y && i < n; i++)
		l->v[i] = keep ? tr_port(y, i) : tr_squeeze(t, tr_port(y, i), 1, &axis);
	give_list(t, l);
}

/* The body once for element i: a sequence gives its element, a tensor itself. */
static void map_element(struct tr *t, const Onnx__GraphProto *g, int i, struct onnx_list **results)
{
	struct arena *a = t->scope->im->arena;
	struct value **in = arena_array(a, (size_t)t->nin, sizeof *in);
	struct value **out = arena_array(a, (size_t)t->nout, sizeof *out);
	const char *prefix = arena_printf(a, "%s/%d/", t->name, i);
	if (!in || !out || !prefix) {
		tr_fail(t, E_NOMEM, "out of memory");
		return;
	}
	for (int k = 0; k < t->nin; k++)
		in[k] = t->in_list[k] && i < t->in_list[k]->n ? t->in_list[k]->v[i] : t->in[k];
	t->status = onnx_inline(t->scope, g, prefix, in, t->nin, out, t->nout);
	for (int k = 0; k < t->nout && t->status == OK; k++) {
		if (!out[k])
			tr_fail(t, E_UNSUPPORTED, "its body cannot be converted");
		results[k]->v[i] = out[k];
	}
}

void tr_sequence_map(struct tr *t)
{
	const struct onnx_list *over = list_in(t, 0);
	const Onnx__GraphProto *g = tr_graph(t, "body");
	struct arena *a = t->scope->im->arena;
	struct onnx_list **results = arena_array(a, (size_t)t->nout, sizeof *results);
	for (int k = 1; k < t->nin && t->status == OK; k++)
		if (t->in_list[k] && t->in_list[k]->n != over->n)
			tr_fail(t, E_FORMAT, "sequences of %d and %d elements", over->n,
			    t->in_list[k]->n);
	for (int k = 0; k < t->nout && results && t->status == OK; k++)
		results[k] = new_list(t, over->n);
	for (int i = 0; t->status == OK && results && i < over->n; i++)
		map_element(t, g, i, results);
	for (int k = 0; k < t->nout && results && t->status == OK; k++)
		t->out_list[k] = results[k];
}

/* ---- optionals: what they hold stands for them ---- */

void tr_optional(struct tr *t)
{
	tr_ignore(t, "type");
	struct onnx_list *none = t->nin ? NULL : new_list(t, 0);
	if (none)
		none->absent = true;
	if (t->nin && t->in_list[0])
		give_list(t, t->in_list[0]);
	else if (t->nin)
		tr_out(t, 0, tr_in(t, 0));
	else
		give_list(t, none);
}

void tr_optional_get_element(struct tr *t)
{
	if (t->nin && t->in_list[0] && t->in_list[0]->absent)
		tr_fail(t, E_FORMAT, "the optional holds nothing");
	else if (t->nin && t->in_list[0])
		give_list(t, t->in_list[0]);
	else
		tr_out(t, 0, tr_in(t, 0));
}

void tr_optional_has_element(struct tr *t)
{
	bool has = t->nin && (t->in[0] || (t->in_list[0] && !t->in_list[0]->absent));
	tr_out(t, 0, tr_number(t, DT_BOOL, has));
}
