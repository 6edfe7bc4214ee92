/* What a network costs: multiply-adds, parameters, bytes, layer by layer. */
#include "report/cost.h"

#include "base/checked.h"
#include "ops/op.h"

/* Product of the dims from first on; -1 when one is not fixed or the product overflows. */
static int64_t product(const struct shape *s, int first, int last)
{
	int64_t n = 1;
	for (int i = first; i < last; i++)
		if (!dim_static(s->dim[i]) || mul_i64(n, s->dim[i].min, &n))
			return -1;
	return s->rank < 0 ? -1 : n;
}

static int64_t times(int64_t a, int64_t b)
{
	int64_t r;
	return a < 0 || b < 0 || mul_i64(a, b, &r) ? -1 : r;
}

/* Every output element takes the weights of one output channel: [O, I, k…]; [G, O, I, k…] grouped.
 */
static int64_t conv_macs(const struct node *n, int lead)
{
	const struct shape *w = &node_in(n, 1)->info.shape;
	if (w->rank <= lead)
		return -1;
	return times(shape_count(&n->out[0].info.shape), product(w, lead, w->rank));
}

/* Every input element goes through the weights of its input channel: [I, O, k…]. */
static int64_t deconv_macs(const struct node *n, int lead)
{
	const struct shape *w = &node_in(n, 1)->info.shape;
	if (w->rank <= lead)
		return -1;
	return times(shape_count(&node_in(n, 0)->info.shape), product(w, lead, w->rank));
}

static int64_t matmul_macs(const struct node *n)
{
	const struct shape *a = &node_in(n, 0)->info.shape;
	int k = a->rank - 1 - (attr_bool(n, "transpose_a") && a->rank > 1);
	if (a->rank < 1)
		return -1;
	return times(shape_count(&n->out[0].info.shape), product(a, k, k + 1));
}

int64_t cost_macs(const struct node *n)
{
	if (n->nin < 2 || !node_in(n, 0) || !node_in(n, 1))
		return 0;
	if (node_is(n, OP_CONVOLUTION))
		return conv_macs(n, 1);
	if (node_is(n, OP_GROUP_CONVOLUTION))
		return conv_macs(n, 2);
	if (node_is(n, OP_DECONVOLUTION))
		return deconv_macs(n, 1);
	if (node_is(n, OP_GROUP_DECONVOLUTION))
		return deconv_macs(n, 2);
	return node_is(n, OP_MATMUL) ? matmul_macs(n) : 0;
}

int64_t cost_graph_macs(const struct graph *g)
{
	int64_t sum = 0;
	graph_each (g, n) {
		int64_t m = cost_macs(n);
		if (m < 0 || add_i64(sum, m, &sum))
			return -1;
	}
	return sum;
}

bool cost_is_weight(enum dtype t)
{
	return dtype_is_float(t) || (dtype_is_int(t) && dtype_bits(t) <= 8);
}

int64_t cost_parameters(const struct graph *g)
{
	int64_t sum = 0, n;
	graph_each (g, c) {
		for (int i = 0; i < c->nbodies; i++)
			sum += cost_parameters(c->body[i].graph);
		n = node_is(c, OP_CONST) && cost_is_weight(c->out[0].info.type)
			? shape_count(&c->out[0].info.shape)
			: 0;
		if (n < 0 || add_i64(sum, n, &sum))
			return INT64_MAX;
	}
	return sum;
}

/* Is v a constant, or one that is only unpacked on its way? Adds it up. */
static bool add_weights(const struct value *v, int depth, struct cost_weights *w)
{
	const struct node *n = v ? v->node : NULL;
	if (!n || depth > 6)
		return false;
	if (node_is(n, OP_CONST)) {
		int64_t count = shape_count(&v->info.shape);
		if (cost_is_weight(v->info.type) && count > 0) {
			if (count > w->elements)
				w->type = v->info.type;
			w->elements += count;
			w->bytes += dtype_bytes(v->info.type, count);
		}
		return true;
	}
	if (!node_is(n, OP_CONVERT) && !node_is(n, OP_SUBTRACT) && !node_is(n, OP_MULTIPLY) &&
	    !node_is(n, OP_RESHAPE) && !node_is(n, OP_TRANSPOSE) && !node_is(n, OP_FAKE_QUANTIZE))
		return false;
	struct cost_weights sum = {0};
	for (int i = 0; i < n->nin; i++)
		if (!add_weights(node_in(n, i), depth + 1, &sum))
			return false;
	w->type = sum.elements > w->elements ? sum.type : w->type;
	w->elements += sum.elements;
	w->bytes += sum.bytes;
	return true;
}

struct cost_weights cost_weights(const struct node *n)
{
	struct cost_weights w = {0};
	for (int i = 0; i < n->nin; i++) {
		struct cost_weights one = {0};
		if (!add_weights(node_in(n, i), 0, &one))
			continue;
		w.type = one.elements > w.elements ? one.type : w.type;
		w.elements += one.elements;
		w.bytes += one.bytes;
	}
	return w;
}

int64_t cost_output_bytes(const struct node *n)
{
	int64_t sum = 0;
	for (int i = 0; i < n->nout; i++) {
		int64_t count = shape_count(&n->out[i].info.shape);
		int64_t b = count < 0 ? -1 : dtype_bytes(n->out[i].info.type, count);
		if (b < 0)
			return -1;
		sum += b;
	}
	return sum;
}
