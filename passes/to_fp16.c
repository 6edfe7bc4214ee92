/* FP32 constants are stored as FP16 behind a Convert, but for those that would lose too much. */
#include <float.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "passes/rewrite.h"

#define CHUNK 65536 /* bytes read at a time: a multiple of 64 */
#define LANES 16
#define MARK_SENSITIVE 1

/* ---- values that shapes, indices and ranges are computed from ----------------------------------
 */

static bool low_bit_weight(const struct value *v)
{
	return v && node_is(v->node, OP_CONVERT) && value_const(node_in(v->node, 0)) &&
	       dtype_bits(node_in(v->node, 0)->info.type) <= 8;
}

/* Zero point or scale of a weight that is stored in few bits. */
static bool decompresses(const struct node *n, int k)
{
	const struct value *v = k < 2 ? node_in(n, 1 - k) : NULL;
	if (node_is(n, OP_MULTIPLY) && v && node_is(v->node, OP_SUBTRACT))
		v = node_in(v->node, 0);
	return (node_is(n, OP_MULTIPLY) || node_is(n, OP_SUBTRACT)) && low_bit_weight(v);
}

static bool sensitive_input(const struct node *n, int k)
{
	static const struct {
		enum op_id id;
		int from; /* inputs from this one on */
	} list[] = {{OP_RANGE, 0}, {OP_INTERPOLATE, 1}, {OP_INTERPOLATE_4, 1}, {OP_NMS, 2},
	    {OP_NMS_5, 2}, {OP_TOP_K, 1}, {OP_TOP_K_1, 1}, {OP_TOP_K_3, 1}, {OP_FAKE_QUANTIZE, 1},
	    {OP_FAKE_CONVERT, 1}, {OP_BUCKETIZE, 1}};
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (node_is(n, list[i].id))
			return k >= list[i].from;
	if (node_is(n, OP_CONVERT))
		return !dtype_is_float(attr_type(n, "destination_type"));
	return decompresses(n, k);
}

/* Marks the nodes whose content such inputs come from, through layers that only move elements or
 * work on them one by one. */
static void mark_sensitive(struct graph *g)
{
	const unsigned through = OPF_BROADCAST | OPF_UNARY | OPF_MOVES;
	graph_each (g, n)
		n->mark = 0;
	for (struct node *n = g->last; n; n = n->prev)
		for (int k = 0; k < n->nin; k++)
			if (node_in(n, k) &&
			    ((n->mark && n->op->flags & through) || sensitive_input(n, k)))
				node_in(n, k)->node->mark = MARK_SENSITIVE;
}

/* ---- constants whose rounding does not average out ---------------------------------------------
 */

/* A bias or a scale per channel: varies along one axis at most. */
static bool one_axis(const struct shape *s)
{
	int axes = 0;
	for (int i = 0; i < s->rank; i++)
		axes += s->dim[i].min != 1;
	return axes <= 1;
}

/* A result of a convolution of single channels sums a few products, a bias is the only one of its
 * kind: each rounding is seen in full, while such constants hold a few hundredths of a network's
 * bytes. Measured: MobileNets differ four times less from FP32 with these kept. */
static bool few_terms(const struct node *n)
{
	static const enum op_id arithmetic[] = {
	    OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE, OP_PRELU};
	const struct shape *s = &n->out[0].info.shape;
	value_each_use (&n->out[0], u) {
		bool depthwise = node_is(u->node, OP_GROUP_CONVOLUTION) && u->index == 1 &&
				 s->rank > 2 && s->dim[2].min == 1;
		bool found = depthwise;
		for (size_t i = 0; i < sizeof arithmetic / sizeof *arithmetic; i++)
			found = found || (node_is(u->node, arithmetic[i]) && one_axis(s));
		if (!found)
			return false;
	}
	return true;
}

/* ---- what the user wants kept ------------------------------------------------------------------
 */

struct keep {
	struct pass_ctx *c;
	int n;
	int few; /* constants kept by few_terms, and their bytes */
	int64_t few_bytes;
	regex_t *regex; /* used for /…/ only */
	bool *matched;
};

static bool is_regex(const char *s)
{
	size_t n = strlen(s);
	return n > 2 && s[0] == '/' && s[n - 1] == '/';
}

static void keep_close(struct keep *k)
{
	for (int i = 0; k->regex && i < k->n; i++)
		if (is_regex(k->c->options->keep_fp32[i]))
			regfree(&k->regex[i]);
	free(k->regex);
	free(k->matched);
}

static int keep_open(struct keep *k, struct pass_ctx *c)
{
	int count = c->options->nkeep_fp32;
	*k = (struct keep){.c = c};
	k->regex = calloc(count + 1, sizeof *k->regex);
	k->matched = calloc(count + 1, sizeof *k->matched);
	if (!k->regex || !k->matched)
		return fail_nomem(c->err);
	for (; k->n < count; k->n++) {
		const char *s = c->options->keep_fp32[k->n];
		if (!is_regex(s))
			continue;
		char *inside = arena_strn(c->scratch, s + 1, strlen(s) - 2);
		if (!inside)
			return fail_nomem(c->err);
		if (regcomp(&k->regex[k->n], inside, REG_EXTENDED | REG_NOSUB))
			return fail(c->err, E_USAGE, "'%s' is no regular expression", s);
	}
	return OK;
}

static bool name_matches(const struct keep *k, int i, const char *name)
{
	const char *s = k->c->options->keep_fp32[i];
	return is_regex(s) ? !regexec(&k->regex[i], name, 0, NULL, 0) : !strcmp(s, name);
}

static bool node_matches(const struct keep *k, int i, const struct node *n)
{
	if (name_matches(k, i, n->name))
		return true;
	for (int o = 0; o < n->nout; o++)
		for (int j = 0; j < n->out[o].nnames; j++)
			if (name_matches(k, i, n->out[o].names[j]))
				return true;
	return false;
}

/* The first pattern that asks for this constant, by its names, or those or the type of a layer that
 * reads it; NULL when none does. All that match count as matched. */
static const char *kept_by(struct keep *k, const struct node *n)
{
	const char *by = NULL;
	for (int i = k->n - 1; i >= 0; i--) {
		const char *s = k->c->options->keep_fp32[i];
		bool yes = node_matches(k, i, n);
		value_each_use (&n->out[0], u)
			yes = yes || node_matches(k, i, u->node) || !strcmp(s, u->node->op->type);
		if (yes) {
			k->matched[i] = true;
			by = s;
		}
	}
	return by;
}

/* ---- what it would cost ------------------------------------------------------------------------
 */

struct loss {
	double error;   /* relative: |x - f16(x)| / |x|, Euclidean norms */
	int64_t zeros;  /* elements that would become 0 */
	int64_t beyond; /* finite elements that would become infinite */
	double largest; /* of those */
	double diff[LANES], norm[LANES];
};

/* One element that does not fit the plain case, or may not. */
static void add_odd(struct loss *l, float x, float y)
{
	if (!isfinite(x))
		return;
	if (!isfinite(y)) {
		l->beyond++;
		l->largest = fmax(l->largest, fabs(x));
		return;
	}
	double d = (double)x - y;
	l->zeros += y == 0 && x != 0;
	l->diff[0] += d * d;
	l->norm[0] += (double)x * x;
}

static inline void add_block(
    struct loss *restrict l, const float *restrict x, const float *restrict y)
{
	for (int i = 0; i < LANES; i++) {
		double d = (double)x[i] - (double)y[i], v = x[i];
		l->diff[i] += d * d;
		l->norm[i] += v * v;
	}
}

/* Is each of the elements finite and kept other than 0? */
static inline bool plain_block(const float *x, const float *y)
{
	int odd = 0;
	for (int i = 0; i < LANES; i++)
		odd |= (!(fabsf(y[i]) <= 65504)) | ((y[i] == 0) & (x[i] != 0));
	return !odd;
}

/* x, and y as FP16 keeps it. The sums run in lanes, in an order that no machine changes. */
static void add_loss(struct loss *l, const float *x, const float *y, size_t n)
{
	size_t i = 0;
	for (; i + LANES <= n; i += LANES) {
		if (plain_block(x + i, y + i))
			add_block(l, x + i, y + i);
		else
			for (size_t k = i; k < i + LANES; k++)
				add_odd(l, x[k], y[k]);
	}
	for (; i < n; i++)
		add_odd(l, x[i], y[i]);
}

struct loss_buffer {
	_Alignas(64) float x[CHUNK / 4], y[CHUNK / 4];
	uint16_t h[CHUNK / 4];
};

static int measure(struct pass_ctx *c, const struct blob *b, struct loss *l)
{
	struct loss_buffer *buf = aligned_alloc(64, sizeof *buf);
	size_t size = blob_size(b);
	double diff = 0, norm = 0;
	int e = buf ? OK : fail_nomem(c->err);
	*l = (struct loss){0};
	for (size_t off = 0; !e && off < size; off += CHUNK) {
		size_t part = size - off < CHUNK ? size - off : CHUNK;
		e = blob_read(b, off, buf->x, part, c->err);
		if (e)
			break;
		f32_to_f16_n(buf->h, buf->x, part / 4);
		f16_to_f32_n(buf->y, buf->h, part / 4);
		add_loss(l, buf->x, buf->y, part / 4);
	}
	free(buf);
	blob_forget(b, 0, size);
	for (int i = 0; i < LANES; i++) {
		diff += l->diff[i];
		norm += l->norm[i];
	}
	l->error = diff > 0 ? sqrt(diff / norm) : 0;
	return e;
}

/* Says why a constant stays FP32, or what compressing it loses. True: compress. */
static bool worth_it(struct pass_ctx *c, const struct node *n, const struct loss *l)
{
	if (l->beyond) {
		pass_note(c,
		    "kept '%s' in f32: %lld values beyond the range of f16, the largest %.6g",
		    n->name, (long long)l->beyond, l->largest);
		return false;
	}
	if (!(l->error <= c->options->fp16_max_error)) {
		pass_note(c,
		    "kept '%s' in f32: relative error %.3g, %lld of %lld elements would become 0",
		    n->name, l->error, (long long)l->zeros,
		    (long long)shape_count(&n->out[0].info.shape));
		return false;
	}
	if (l->zeros)
		pass_note(c, "'%s' in f16: %lld of %lld elements became 0", n->name,
		    (long long)l->zeros, (long long)shape_count(&n->out[0].info.shape));
	return true;
}

/* ---- compressing -------------------------------------------------------------------------------
 */

/* Elements of one row of products in the layer that reads a weight, where they lie side by side;
 * else 0. */
static int64_t row_of(const struct node *n)
{
	const struct shape *s = &n->out[0].info.shape;
	const struct use *u = n->out[0].uses;
	int from = s->rank;
	if (n->out[0].nuses != 1 || u->index != 1)
		return 0;
	if (node_is(u->node, OP_CONVOLUTION))
		from = 1;
	else if (node_is(u->node, OP_GROUP_CONVOLUTION))
		from = 2;
	else if (node_is(u->node, OP_MATMUL) && attr_bool(u->node, "transpose_b"))
		from = s->rank - 1;
	int64_t row = from > 0 && from < s->rank ? 1 : 0;
	for (int i = from; i < s->rank; i++)
		row *= s->dim[i].min;
	return row;
}

static int put_half(struct pass_ctx *c, struct node *n)
{
	struct graph *g = n->graph;
	const struct shape *s = &n->out[0].info.shape;
	int64_t dims[MAX_RANK], count = shape_count(s);
	for (int i = 0; i < s->rank; i++)
		dims[i] = s->dim[i].min;
	struct blob *b = blob_half(n->data, row_of(n), count);
	const char *name = name_with(n, n->name, "_compressed");
	struct node *half = b && name ? graph_const(g, n, name, DT_F16, s->rank, dims, b) : NULL;
	struct value *in[] = {half ? &half->out[0] : NULL};
	struct node *wide = half ? graph_insert_before(n, op_row(OP_CONVERT), n->name, in, 1, 1)
				 : NULL;
	if (!wide || !attr_set_type(wide, "destination_type", DT_F32) ||
	    !node_add_meta(wide, "decompression", "0", ""))
		return fail_nomem(c->err);
	if (!is_output(
		&n->out[0])) { /* the stored constant keeps the tensor names, as ovc has it */
		half->out[0].names = n->out[0].names;
		half->out[0].nnames = n->out[0].nnames;
		n->out[0].nnames = 0;
	}
	graph_replace(&n->out[0], &wide->out[0]);
	return node_infer(wide, c->err) ? c->err->status : 1;
}

/* A single number stays: it would save two bytes and cost a layer. */
static int compress(struct keep *k, struct node *n)
{
	struct pass_ctx *c = k->c;
	struct loss l;
	const char *by;
	int64_t count = shape_count(&n->out[0].info.shape);
	if (!node_is(n, OP_CONST) || n->out[0].info.type != DT_F32 || count < 1)
		return 0;
	if ((by = kept_by(k, n))) {
		pass_note(c, "kept '%s' in f32: '%s' asks for it", n->name, by);
		return 0;
	}
	if (n->mark == MARK_SENSITIVE || !n->out[0].nuses || count == 1)
		return 0;
	if (few_terms(n)) {
		k->few++;
		k->few_bytes += blob_size(n->data);
		return 0;
	}
	if (measure(c, n->data, &l))
		return c->err->status;
	return worth_it(c, n, &l) ? put_half(c, n) : 0;
}

static int compress_graph(struct keep *k, struct graph *g)
{
	int done = 0;
	mark_sensitive(g);
	graph_each (g, n) {
		int r = compress(k, n);
		for (int i = 0; r >= 0 && i < n->nbodies; i++) {
			int inner = compress_graph(k, n->body[i].graph);
			r = inner < 0 ? inner : r + inner;
		}
		if (r < 0)
			return err_in(k->c->err, "node '%s'", n->name);
		if (r && node_is(n, OP_CONST))
			graph_remove(n);
		done += r;
	}
	return done;
}

static int to_fp16(struct pass_ctx *c)
{
	struct keep k;
	if (!c->options->fp16 || c->graph->outer)
		return 0;
	int done = keep_open(&k, c);
	if (!done)
		done = compress_graph(&k, c->graph);
	if (done >= 0 && k.few)
		pass_note(c, "kept %d biases, scales and depthwise weights in f32: %lld bytes",
		    k.few, (long long)k.few_bytes);
	for (int i = 0; done >= 0 && i < k.n; i++)
		if (!k.matched[i])
			log_say(&c->log, LOG_WARN, "'%s', to be kept in f32, matches nothing",
			    c->options->keep_fp32[i]);
	keep_close(&k);
	return done;
}

const struct pass pass_to_fp16 = {
    .name = "to-fp16",
    .about = "store constants as FP16, but for those that would lose too much (--precision fp16)",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .optional_off = true,
    .run = to_fp16,
};
