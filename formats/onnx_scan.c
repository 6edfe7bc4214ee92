/* Scan becomes a TensorIterator: what it scans is cut into parts, what it yields is joined. */
#include "formats/onnx_body.h"

/* One Scan, without the batch of its first version. */
struct scan {
	const Onnx__GraphProto *g;
	int states, cuts,
	    yields; /* state variables, inputs that are cut, outputs that are joined */
	struct tr_joined *cut, *yield;
};

/* Directions or axes, one per cut or yield; NULL: all 0. */
static const int64_t *read_list(struct tr *t, const char *name, int want)
{
	const int64_t *v;
	int n = tr_ints(t, name, &v);
	if (n >= 0 && n != want)
		tr_fail(t, E_FORMAT, "attribute '%s' has %d values, expected %d", name, n, want);
	return n < 0 ? NULL : v;
}

static struct tr_joined *read_ways(struct tr *t, int n, const char *axes, const char *directions)
{
	const int64_t *axis = axes ? read_list(t, axes, n) : NULL;
	const int64_t *way = directions ? read_list(t, directions, n) : NULL;
	struct tr_joined *j = arena_array(t->scope->im->arena, (size_t)n + 1, sizeof *j);
	if (!j)
		tr_fail(t, E_NOMEM, "out of memory");
	for (int i = 0; i < n && t->status == OK; i++) {
		if (way && way[i] != 0 && way[i] != 1)
			tr_fail(t, E_FORMAT, "attribute '%s' has the value %lld", directions,
			    (long long)way[i]);
		j[i] = (struct tr_joined){axis ? axis[i] : 0, way && way[i]};
	}
	return j;
}

/* How many of its inputs, of which nin are states or cut, a Scan cuts. */
static void read_scan(struct tr *t, struct scan *s, int nin)
{
	int64_t cuts = tr_int(t, "num_scan_inputs", 0);
	tr_require(t, "num_scan_inputs");
	s->g = tr_graph(t, "body");
	if (t->status == OK && (cuts < 1 || cuts > nin))
		tr_fail(t, E_FORMAT, "attribute 'num_scan_inputs' is %lld of %d inputs",
		    (long long)cuts, nin);
	if (t->status != OK)
		return;
	s->cuts = (int)cuts;
	s->states = nin - s->cuts;
	s->yields = (int)s->g->n_output - s->states;
	if (s->g->n_input != (size_t)nin || s->yields < 0)
		tr_fail(t, E_FORMAT, "its body has %zu inputs and %zu outputs for %d and %d states",
		    s->g->n_input, s->g->n_output, nin, s->states);
}

/* What the body's inputs are, for the values that go in. */
static struct tr_body_input *describe(struct tr *t, const struct scan *s, struct value *const *in)
{
	int n = s->states + s->cuts;
	struct tr_body_input *b = arena_array(t->scope->im->arena, (size_t)n, sizeof *b);
	if (!b)
		tr_fail(t, E_NOMEM, "out of memory");
	for (int i = 0; i < n && t->status == OK; i++) {
		b[i].info = in[i]->info;
		b[i].info.elems = NULL;
		b[i].axis = -1;
		if (i < s->states)
			continue;
		b[i].axis = s->cut[i - s->states].axis;
		if (b[i].info.shape.rank >= 0)
			b[i].axis = tr_axis(t, b[i].axis, b[i].info.shape.rank);
		else if (b[i].axis < 0)
			tr_rank(t, in[i]);
	}
	return b;
}

/* The TensorIterator over in: states, then what is cut. Its outputs: states, then yields. */
static struct value *scan_over(struct tr *t, const struct scan *s, struct value *const *in)
{
	int nin = s->states + s->cuts, nout = s->states + s->yields;
	struct arena *a = t->scope->im->arena;
	struct tr_turn *turn = arena_array(a, (size_t)nin, sizeof *turn);
	struct tr_joined *out = arena_array(a, (size_t)nout + 1, sizeof *out);
	struct tr_body_input *inputs = describe(t, s, in);
	struct tr_body b = {0};
	if (!turn || !out)
		tr_fail(t, E_NOMEM, "out of memory");
	tr_body_fill_turns(t, s->g, inputs, 0, 0, s->states, &b);
	for (int i = 0; i < s->yields; i++)
		tr_body_unsqueeze(t, &b, s->states + i, s->yield[i].axis);
	for (int i = 0; i < nin && t->status == OK; i++)
		turn[i] = (struct tr_turn){.v = in[i],
		    .axis = inputs[i].axis,
		    .reverse = i >= s->states && s->cut[i - s->states].reverse,
		    .back = i < s->states ? i : -1};
	for (int i = 0; i < nout && t->status == OK; i++) {
		out[i] = i < s->states ? (struct tr_joined){-1, false} : s->yield[i - s->states];
		if (out[i].axis < 0 && i >= s->states) /* the rank is known, or it had failed */
			out[i].axis += node_in(b.body.graph->outputs[i], 0)->info.shape.rank;
	}
	struct value *v = tr_iterate(t, &b, turn, nin, out, nout);
	if (t->status != OK)
		tr_body_drop(&b);
	return v;
}

static struct value **inputs_from(struct tr *t, int first)
{
	for (int i = first; i < t->nin && t->status == OK; i++)
		tr_in(t, i);
	return t->in + first;
}

void tr_scan(struct tr *t)
{
	struct scan s = {0};
	struct value **in = inputs_from(t, 0);
	read_scan(t, &s, t->nin);
	s.cut = read_ways(t, s.cuts, "scan_input_axes", "scan_input_directions");
	s.yield = read_ways(t, s.yields, "scan_output_axes", "scan_output_directions");
	if (t->status != OK)
		return;
	struct value *v = scan_over(t, &s, in);
	for (int i = 0; i < t->nout && i < s.states + s.yields; i++)
		tr_out(t, i, tr_port(v, i));
}

/* ---- version 8: every input has a batch, every item of it a length ---- */

/* v of the first axis filled up with zeros to size elements. */
static struct value *filled_up(struct tr *t, struct value *v, struct value *size)
{
	int rank = tr_rank(t, v);
	if (t->status != OK || rank < 1)
		return v;
	int64_t zeros[MAX_RANK] = {0};
	struct value *have = tr_gather(t, tr_shape_of(t, v), tr_i64_1(t, 0), 0);
	struct value *part[] = {tr_op(t, OP_SUBTRACT, size, have), tr_i64(t, rank - 1, zeros)};
	struct node *n = tr_new(t, OP_PAD, v, tr_i64(t, rank, zeros),
	    rank > 1 ? tr_concat(t, 0, part, 2) : part[0], tr_number_of(t, v, 0));
	tr_set_s(t, n, "pad_mode", "constant");
	return tr_end(t, n);
}

/* One item of the batch, inside the body over the batch. */
static void scan_item(
    struct tr_body *b, const struct scan *s, const struct tr_body_input *whole, bool lengths)
{
	struct tr *t = &b->t;
	static const int64_t first;
	int nin = s->states + s->cuts;
	struct value **in = arena_array(t->scope->im->arena, (size_t)nin + 1, sizeof *in);
	struct value *length = NULL, *size = NULL;
	if (!in)
		tr_fail(t, E_NOMEM, "out of memory");
	for (int i = 0; i < nin + lengths && t->status == OK; i++) {
		struct info info = whole[i].info;
		if (info.shape.rank > 0)
			info.shape.dim[0] = dim_of(1);
		in[i] = tr_body_in(b, arena_printf(t->scope->im->arena, "item_%d", i), &info);
		if (i < nin)
			in[i] = tr_squeeze(t, in[i], 1, &first);
	}
	if (lengths && t->status == OK)
		length = tr_convert(t, in[nin], DT_I64);
	for (int i = s->states; i < nin && length; i++) {
		if (!size)
			size = tr_gather(t, tr_shape_of(t, in[i]), tr_i64_1(t, 0), 0);
		in[i] = tr_op(
		    t, OP_SLICE, in[i], tr_i64_1(t, 0), length, tr_i64_1(t, 1), tr_i64_1(t, 0));
	}
	struct value *v = t->status == OK ? scan_over(t, s, in) : NULL;
	for (int i = 0; i < s->states + s->yields && t->status == OK; i++) {
		struct value *y = tr_port(v, i);
		if (i >= s->states && length)
			y = filled_up(t, y, size);
		tr_body_out(b, onnx_text(s->g->output[i]->name), tr_unsqueeze(t, y, 1, &first));
	}
}

void tr_scan_batch(struct tr *t)
{
	struct scan s = {0};
	struct value **in = inputs_from(t, 1);
	struct tr_body b = {0};
	bool lengths = tr_given(t, 0);
	read_scan(t, &s, t->nin - 1);
	s.cut = read_ways(t, s.cuts, NULL, "directions");
	s.yield = read_ways(t, s.yields, NULL, NULL);
	int nin = t->nin - 1, nout = s.states + s.yields;
	size_t most = (size_t)nin + (size_t)nout + 1;
	struct tr_body_input *whole = arena_array(t->scope->im->arena, most, sizeof *whole);
	struct tr_turn *turn = arena_array(t->scope->im->arena, most, sizeof *turn);
	struct tr_joined *out = arena_array(t->scope->im->arena, most, sizeof *out);
	if (!whole || !turn || !out)
		tr_fail(t, E_NOMEM, "out of memory");
	if (t->status != OK)
		return;
	for (int i = 0; i < nin + lengths; i++) {
		struct value *v = i < nin ? in[i] : t->in[0];
		whole[i].info = v->info;
		turn[i] = (struct tr_turn){.v = v, .axis = 0, .back = -1};
	}
	tr_body_open(t, &b, t->name);
	scan_item(&b, &s, whole, lengths);
	tr_body_close(t, &b);
	struct value *v = tr_iterate(t, &b, turn, nin + lengths, out, nout);
	if (t->status != OK)
		tr_body_drop(&b);
	for (int i = 0; i < t->nout && i < nout; i++)
		tr_out(t, i, tr_port(v, i));
}
