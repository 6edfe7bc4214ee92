/* FP32 constants are stored as FP16 behind a Convert, but for those that would lose too much. */
#include "passes/fp16.h"

/* Says why a constant stays FP32, or what compressing it loses. True: compress. */
static bool worth_it(struct pass_ctx *c, const struct node *n, const struct fp16_loss *l)
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
	struct node *half = graph_const(g, n, name, DT_F16, s->rank, dims, b);
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
static int compress(struct fp16_keep *k, struct node *n)
{
	struct pass_ctx *c = k->c;
	struct fp16_loss l;
	const char *by;
	int64_t count = node_is(n, OP_CONST) ? shape_count(&n->out[0].info.shape) : 0;
	if (!node_is(n, OP_CONST) || n->out[0].info.type != DT_F32 || count < 1)
		return 0;
	if ((by = fp16_kept_by(k, n))) {
		pass_note(c, "kept '%s' in f32: '%s' asks for it", n->name, by);
		return 0;
	}
	if (n->mark == FP16_SENSITIVE || !n->out[0].nuses || count == 1)
		return 0;
	if (fp16_few_terms(n)) {
		k->few++;
		k->few_bytes += blob_size(n->data);
		return 0;
	}
	if (fp16_measure(c, n->data, &l))
		return c->err->status;
	return worth_it(c, n, &l) ? put_half(c, n) : 0;
}

static int compress_graph(struct fp16_keep *k, struct graph *g)
{
	int done = 0;
	fp16_mark_sensitive(g);
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
	struct fp16_keep k;
	if (!c->options->fp16 || c->graph->outer)
		return 0;
	int done = fp16_keep_open(&k, c);
	if (!done)
		done = compress_graph(&k, c->graph);
	if (done >= 0 && k.few)
		pass_note(c, "kept %d biases, scales and depthwise weights in f32: %lld bytes",
		    k.few, (long long)k.few_bytes);
	for (int i = 0; done >= 0 && i < k.n; i++)
		if (!k.matched[i])
			log_say(&c->log, LOG_WARN, "'%s', to be kept in f32, matches nothing",
			    c->options->keep_fp32[i]);
	fp16_keep_close(&k);
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
