/* Random layers of sound make: what inference says of partly known shapes holds for what eval then
 * gives, and it never refuses what eval can do. */
#include "op_text.h"

#include "base/rng.h"

#define TRIALS 400 /* for each family */

/* A layer: its Parameters as text, once with some of their sizes hidden, the operator's line, and
 * the real sizes. */
struct layer {
	uint64_t seed;
	struct text hidden, exact, text;
	int n;
	enum dtype type[8];
	int rank[8];
	int64_t dim[8][6];
};

static int64_t pick(struct layer *l, int64_t low, int64_t high)
{
	return low + (int64_t)(rng_next(&l->seed) % (uint64_t)(high - low + 1));
}

static const char *word(struct layer *l, const char *a, const char *b, const char *c)
{
	int64_t k = pick(l, 0, 2);
	return k == 0 ? a : k == 1 ? b : c;
}

/* Input "i<k>", of which each dim may be said to be unknown or a range, or even the rank. */
static void input(struct layer *l, enum dtype type, int rank, const int64_t *dim)
{
	bool no_rank = pick(l, 0, 15) == 0;
	text_printf(&l->hidden, "i%d = Parameter-1 {shape=%s", l->n, no_rank ? "..." : "");
	text_printf(&l->exact, "i%d = Parameter-1 {shape=", l->n);
	for (int i = 0; i < rank; i++) {
		int64_t how = pick(l, 0, 5);
		l->dim[l->n][i] = dim[i];
		text_printf(&l->exact, "%s%d", i ? "," : "", (int)dim[i]);
		if (no_rank)
			continue;
		text_add(&l->hidden, i ? "," : "");
		if (how == 0)
			text_add(&l->hidden, "?");
		else if (how == 1)
			text_printf(&l->hidden, "%d..%d", (int)(dim[i] - pick(l, 0, dim[i])),
			    (int)(dim[i] + pick(l, 0, 2)));
		else
			text_printf(&l->hidden, "%d", (int)dim[i]);
	}
	text_printf(&l->hidden, " element_type=%s}\n", dtype_name(type));
	text_printf(&l->exact, " element_type=%s}\n", dtype_name(type));
	l->type[l->n] = type;
	l->rank[l->n++] = rank;
}

static void floats(struct layer *l, int rank, const int64_t *dim)
{
	input(l, DT_F32, rank, dim);
}

/* "name=a,b,c" with values of [low, high]. */
static void ints(struct layer *l, const char *name, int n, int64_t low, int64_t high)
{
	text_printf(&l->text, " %s=", name);
	for (int i = 0; i < n; i++)
		text_printf(&l->text, "%s%d", i ? "," : "", (int)pick(l, low, high));
}

static void windows(struct layer *l, int spatial)
{
	ints(l, "strides", spatial, 1, 3);
	ints(l, "dilations", spatial, 1, 2);
	ints(l, "pads_begin", spatial, 0, 2);
	ints(l, "pads_end", spatial, 0, 2);
	text_printf(&l->text, " auto_pad=%s", word(l, "explicit", "same_upper", "same_lower"));
}

static void convolution(struct layer *l)
{
	int spatial = (int)pick(l, 1, 3), group = (int)pick(l, 0, 1), at = 0;
	int64_t g = group ? pick(l, 1, 3) : 1, each = pick(l, 1, 3), x[6], f[6];
	bool back = pick(l, 0, 1);
	x[0] = pick(l, 0, 2);
	x[1] = g * each;
	if (group)
		f[at++] = g;
	int64_t out = pick(l, 1, 5);
	f[at++] = back ? each : out;
	f[at++] = back ? out : each;
	for (int i = 0; i < spatial; i++) {
		x[2 + i] = pick(l, 1, 8);
		f[at++] = pick(l, 1, 3);
	}
	if (at > 6)
		return;
	floats(l, spatial + 2, x);
	floats(l, at, f);
	text_printf(&l->text, "y = %sConvolution%s-1(i0, i1) {", group ? "Group" : "",
	    back ? "BackpropData" : "");
	windows(l, spatial);
	if (back && pick(l, 0, 1))
		ints(l, "output_padding", spatial, 0, 1);
	text_add(&l->text, "}\n");
}

static void pooling(struct layer *l)
{
	int spatial = (int)pick(l, 1, 3);
	int64_t x[6] = {pick(l, 0, 2), pick(l, 1, 3)};
	for (int i = 0; i < spatial; i++)
		x[2 + i] = pick(l, 1, 9);
	bool max = pick(l, 0, 1);
	floats(l, spatial + 2, x);
	text_printf(&l->text, "y%s {", max ? ", z = MaxPool-14(i0)" : " = AvgPool-16(i0)");
	windows(l, spatial);
	ints(l, "kernel", spatial, 1, 3);
	text_printf(&l->text, " rounding_type=%s%s}\n", word(l, "floor", "ceil", "ceil_torch"),
	    max             ? ""
	    : pick(l, 0, 1) ? " exclude-pad=true"
			    : " exclude-pad=false");
}

/* Two shapes that broadcast: dims of b are those of a or 1, and the other way round. */
static void broadcast_pair(struct layer *l, int *ra, int64_t *a, int *rb, int64_t *b)
{
	*ra = (int)pick(l, 0, 4);
	*rb = (int)pick(l, 0, 4);
	for (int i = 1; i <= 4; i++) {
		int64_t d = pick(l, 0, 4), how = pick(l, 0, 3);
		if (*ra - i >= 0)
			a[*ra - i] = how == 0 ? 1 : d;
		if (*rb - i >= 0)
			b[*rb - i] = how == 1 ? 1 : d;
	}
}

static void elementwise(struct layer *l)
{
	static const char *const op[] = {
	    "Add-1", "Multiply-1", "Maximum-1", "Less-1", "FloorMod-1", "Power-1", "Equal-1"};
	int64_t a[6], b[6];
	int ra, rb;
	broadcast_pair(l, &ra, a, &rb, b);
	enum dtype t = pick(l, 0, 1) ? DT_F32 : DT_I32;
	if (pick(l, 0, 5) == 0) {
		input(l, DT_BOOL, ra, a);
		input(l, t, rb, b);
		input(l, t, ra, a);
		text_add(&l->text, "y = Select-1(i0, i1, i2)\n");
		return;
	}
	input(l, t, ra, a);
	input(l, t, rb, b);
	text_printf(&l->text, "y = %s(i0, i1)\n", op[pick(l, 0, 6)]);
}

static void product(struct layer *l)
{
	int64_t a[6], b[6], k = pick(l, 0, 4);
	int ra, rb;
	broadcast_pair(l, &ra, a, &rb, b);
	ra = ra > 3 ? 3 : ra;
	rb = rb > 3 ? 3 : rb;
	memmove(a, a + (ra > 3), sizeof(int64_t) * 3);
	bool ta = pick(l, 0, 1), tb = pick(l, 0, 1);
	a[ra++] = ta ? k : pick(l, 0, 4);
	a[ra++] = ta ? pick(l, 0, 4) : k;
	b[rb++] = tb ? pick(l, 0, 4) : k;
	b[rb++] = tb ? k : pick(l, 0, 4);
	floats(l, ra, a);
	floats(l, rb, b);
	text_printf(&l->text, "y = MatMul-1(i0, i1) {transpose_a=%s transpose_b=%s}\n",
	    ta ? "true" : "false", tb ? "true" : "false");
}

static void reduction(struct layer *l)
{
	static const char *const op[] = {
	    "ReduceMax-1", "ReduceMean-1", "ReduceSum-1", "ReduceL2-4"};
	int rank = (int)pick(l, 1, 5), n = (int)pick(l, 0, 3);
	int64_t x[6];
	for (int i = 0; i < rank; i++)
		x[i] = pick(l, 0, 4);
	floats(l, rank, x);
	text_printf(&l->text, "a = Const i64[%d]", n);
	for (int i = 0; i < n; i++)
		text_printf(&l->text, " %d", (int)pick(l, -rank, rank - 1));
	text_printf(&l->text, "\ny = %s(i0, a) {keep_dims=%s}\n", op[pick(l, 0, 3)],
	    pick(l, 0, 1) ? "true" : "false");
}

static void einsum(struct layer *l)
{
	static const struct {
		const char *equation, *a, *b;
	} form[] = {{"ij,jk->ik", "ij", "jk"}, {"...ij,jk", "eij", "jk"},
	    {"bij,bkj->bik", "bij", "bkj"}, {"...,...->...", "ef", "ef"}, {"ii,i->i", "ii", "i"},
	    {"ab,cd->dcba", "ab", "cd"}};
	int k = (int)pick(l, 0, 5);
	int64_t size[128], a[6], b[6];
	for (int c = 0; c < 128; c++)
		size[c] = pick(l, 0, 4);
	for (int i = 0; form[k].a[i]; i++)
		a[i] = size[(int)form[k].a[i]];
	for (int i = 0; form[k].b[i]; i++)
		b[i] = size[(int)form[k].b[i]];
	floats(l, (int)strlen(form[k].a), a);
	floats(l, (int)strlen(form[k].b), b);
	text_printf(&l->text, "y = Einsum-7(i0, i1) {equation=\"%s\"}\n", form[k].equation);
}

static void attention(struct layer *l)
{
	int64_t n = pick(l, 1, 2), h = pick(l, 1, 2), q = pick(l, 0, 4), k = pick(l, 1, 4);
	int64_t e = pick(l, 1, 4), ev = pick(l, 1, 4);
	floats(l, 4, (int64_t[]){n, h, q, e});
	floats(l, 4, (int64_t[]){n, pick(l, 0, 1) ? h : 1, k, e});
	floats(l, 4, (int64_t[]){1, h, k, ev});
	bool mask = pick(l, 0, 1);
	if (mask)
		input(l, pick(l, 0, 1) ? DT_BOOL : DT_F32, 3,
		    (int64_t[]){h, pick(l, 0, 1) ? q : 1, k});
	text_printf(&l->text, "y = ScaledDotProductAttention-13(i0, i1, i2%s) {causal=%s}\n",
	    mask ? ", i3" : "", pick(l, 0, 1) ? "true" : "false");
}

static void normalisation(struct layer *l)
{
	int64_t c = 2 * pick(l, 1, 3), x[4] = {pick(l, 0, 2), c, pick(l, 1, 3), pick(l, 0, 3)};
	floats(l, 4, x);
	switch (pick(l, 0, 4)) {
	case 0:
		for (int i = 0; i < 4; i++)
			floats(l, 1, &c);
		text_add(&l->text, "y = BatchNormInference-5(i0, i1, i2, i3, i4) {epsilon=1}\n");
		break;
	case 1:
		floats(l, 1, &c);
		text_add(
		    &l->text, "y = GroupNormalization-12(i0, i1, i1) {num_groups=2 epsilon=1}\n");
		break;
	case 2:
		text_printf(&l->text, "y = SoftMax-8(i0) {axis=%d}\n", (int)pick(l, -4, 3));
		break;
	case 3:
		floats(l, 3, (int64_t[]){c, 1, 1});
		text_add(&l->text, "y = FakeQuantize-1(i0, i1, i1, i1, i1) {levels=256}\n");
		break;
	default:
		floats(l, 1, &c);
		text_add(&l->text, "y = PReLU-1(i0, i1)\n");
	}
}

static struct graph *scan_layer(const struct text *inputs, const struct text *line, struct err *e)
{
	struct graph *g = NULL;
	struct text all = {0};
	text_add(&all, inputs->data);
	text_add(&all, line->data);
	graph_scan(all.data, op_find, node_infer, &g, e);
	text_free(&all);
	return g;
}

/* Real arrays of small numbers for the Parameters; the constants are those of the graph. */
static void make_inputs(const struct layer *l, const struct node *y, struct tensor *in)
{
	for (int k = 0; k < y->nin; k++) {
		const struct node *from = node_in(y, k)->node;
		if (node_is(from, OP_CONST)) {
			struct tensor t = value_tensor(from->out);
			assert_int_equal(tensor_clone(&in[k], &t, NULL), OK);
			continue;
		}
		int i = from->name[1] - '0';
		assert_int_equal(tensor_alloc(&in[k], l->type[i], l->rank[i], l->dim[i], NULL), OK);
		for (int64_t j = 0; j < tensor_count(&in[k]); j++)
			tensor_set_i64(&in[k], j, l->type[i] == DT_BOOL ? j & 1 : j % 7 - 3);
	}
}

static void compare(const struct layer *l, const struct node *y, const struct tensor *out)
{
	for (int i = 0; i < y->nout; i++)
		if (y->out[i].info.type != out[i].type ||
		    !shape_fits(&y->out[i].info.shape, out[i].rank, out[i].dim)) {
			print_error("output %d is another\n%s%s", i, l->hidden.data, l->text.data);
			assert_true(!"fits");
		}
}

/* True when the layer is sound: then it is with less known of it too, and eval gives what both
 * inferences promise. */
static bool check_layer(const struct layer *l)
{
	struct err e = {0};
	struct tensor in[16] = {{0}}, out[4] = {{0}};
	struct graph *exact = scan_layer(&l->exact, &l->text, &e);
	if (!exact)
		return false;
	struct graph *hidden = scan_layer(&l->hidden, &l->text, &e);
	if (!hidden)
		print_error("%s\n%s%s", e.text, l->hidden.data, l->text.data);
	assert_non_null(hidden);
	struct node *y = exact->last;
	make_inputs(l, y, in);
	if (node_eval(y, in, y->nin, out, &e))
		print_error("%s\n%s%s", e.text, l->exact.data, l->text.data);
	assert_int_equal(e.status, OK);
	compare(l, y, out);
	compare(l, hidden->last, out);
	for (int i = 0; i < 16; i++)
		tensor_free(&in[i]);
	for (int i = 0; i < y->nout; i++)
		tensor_free(&out[i]);
	graph_free(exact);
	graph_free(hidden);
	return true;
}

/* Enough layers of a family must be sound, or the test tests nothing. */
static void family(void (*make)(struct layer *))
{
	int sound = 0;
	for (uint64_t i = 1; i <= TRIALS; i++) {
		struct layer l = {.seed = i};
		make(&l);
		sound += l.n && check_layer(&l);
		text_free(&l.hidden);
		text_free(&l.exact);
		text_free(&l.text);
	}
	assert_true(sound > TRIALS / 4);
}

#define FAMILY(name)                          \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		family(name);                 \
	}
FAMILY(convolution)
FAMILY(pooling)
FAMILY(elementwise)
FAMILY(product)
FAMILY(reduction)
FAMILY(einsum)
FAMILY(attention)
FAMILY(normalisation)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_convolution),
	    cmocka_unit_test(test_pooling),
	    cmocka_unit_test(test_elementwise),
	    cmocka_unit_test(test_product),
	    cmocka_unit_test(test_reduction),
	    cmocka_unit_test(test_einsum),
	    cmocka_unit_test(test_attention),
	    cmocka_unit_test(test_normalisation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
