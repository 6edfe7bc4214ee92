/* Fuzzes single operators: any attributes and inputs are refused or inferred and evaluated, and
 * what inference says of partly known inputs holds for what eval then gives. */
#include <math.h>

#include "fuzz.h"

#include "base/cursor.h"
#include "ops/op.h"

#define MAX_IN 8
#define MAX_COUNT 100000   /* elements that are worth evaluating */
#define MAX_WORK 200000000 /* those times the elements of an input, which a product may take */

/* One try: the operator, its inputs, and how much of them inference is told the second time. */
struct trial {
	struct cursor c;
	struct graph *g;
	struct node *node;
	int nin;
	int length; /* that most lists of the trial have, as strides and pads do */
	struct tensor in[MAX_IN];
	uint8_t hidden[MAX_IN]; /* bit 0: rank known, 1: type kept as constant, others: dims */
};

static int pick(struct trial *t, int n)
{
	return cursor_u8(&t->c) % n;
}

static int64_t pick_int(struct trial *t)
{
	static const int64_t odd[] = {
	    INT64_MAX, INT64_MIN, INT32_MAX, INT32_MIN, 1 << 16, -1000, INT64_C(1) << 33, 255};
	int v = cursor_u8(&t->c);
	return v < 232 ? v % 12 - 3 : odd[v % 8];
}

static double pick_float(struct trial *t)
{
	static const double odd[] = {0.5, -0.25, 1e-5, 1e30, -1e30, 1e-40, 0.1, 0.75, 1e308};
	int v = cursor_u8(&t->c);
	if (v > 250)
		return v == 255 ? (double)INFINITY : v == 254 ? (double)NAN : -0.0;
	return v < 128 ? (double)(v % 12 - 3) : odd[v % 9];
}

/* As strides, kernels, axes and sizes are. */
static int64_t pick_small(struct trial *t)
{
	int v = cursor_u8(&t->c);
	return v < 128 ? 1 + v % 2 : v < 240 ? v % 4 : v < 250 ? -1 : pick_int(t);
}

static enum dtype pick_type(struct trial *t)
{
	static const enum dtype common[] = {DT_F32, DT_I64, DT_I32, DT_BOOL, DT_F32, DT_F16};
	int v = cursor_u8(&t->c);
	return v < 224 ? common[v % 6] : (enum dtype)(1 + v % (DT_COUNT - 1));
}

static void fill(struct trial *t, struct tensor *x)
{
	int64_t n = tensor_count(x);
	bool ints = !dtype_is_float(x->type);
	uint8_t step = cursor_u8(&t->c);
	if (ints && step & 1) { /* an order, indices, or all one value */
		for (int64_t i = 0; i < n; i++)
			tensor_set_i64(x, i, step & 2 ? step / 64 : (i * (step & 4 ? 1 : -1)) % 5);
		return;
	}
	for (int64_t i = 0; i < n; i++) {
		if (i < 16 && ints)
			tensor_set_i64(x, i, x->type == DT_BOOL ? pick(t, 2) : pick_small(t));
		else if (i < 16)
			tensor_set_f64(x, i, pick_float(t));
		else
			tensor_set_f64(x, i, (double)(i * step % 7) - (ints ? 0 : 2.5));
	}
}

static int pick_shape(struct trial *t, int rank, int64_t *dims)
{
	for (int i = 0; i < rank; i++) {
		int d = cursor_u8(&t->c);
		dims[i] = d < 250 ? 1 + d % 5 : d == 250 ? 0 : 8 + d % 8;
	}
	return rank;
}

/* Shapes that go with input 0 = [N, C, ...] or the input before; the rank. */
static int pick_fitting_shape(struct trial *t, int k, int64_t *dims)
{
	const struct tensor *x = &t->in[0], *p = &t->in[k - 1];
	int form = cursor_u8(&t->c), rank = x->rank;
	int64_t c = rank > 1 ? x->dim[1] : 1;
	switch (form % 10) {
	case 0:
	case 1: /* the one before, or its last places */
		rank = p->rank && form & 128 ? p->rank - 1 : p->rank;
		if (rank)
			memcpy(dims, p->dim + (p->rank - rank), (size_t)rank * sizeof *dims);
		return rank;
	case 2: /* weights of a convolution, or indices along an axis */
		if (rank < 2 || !pick_shape(t, rank, dims))
			return 0;
		dims[form >> 7] = c;
		return rank;
	case 3: /* grouped weights */
		if (rank < 2 || rank > 4)
			return 0;
		pick_shape(t, rank + 1, dims);
		dims[0] = form & 128 ? c : 1;
		dims[form & 64 ? 1 : 2] = form & 128 ? 1 : c;
		return rank + 1;
	case 4:
		dims[0] = c;
		return 1;
	case 5:
		dims[0] = rank;
		return 1;
	case 6:
		dims[0] = rank > 2 ? rank - 2 : 1;
		return 1;
	case 7:
		return 0;
	case 8:
		dims[0] = 1 + form / 64;
		return 1;
	default:
		return pick_shape(t, form / 10 % 6, dims);
	}
}

static void pick_input(struct trial *t, int k, bool optional)
{
	struct err e = {0};
	int64_t dims[6];
	t->hidden[k] = cursor_u8(&t->c);
	if (optional && pick(t, 4) == 0)
		return;
	enum dtype type = k && pick(t, 2) ? t->in[0].type : k && pick(t, 4) ? DT_I64 : pick_type(t);
	int rank = k ? pick_fitting_shape(t, k, dims)
		     : pick_shape(t, pick(t, 3) ? t->length + 2 : pick(t, 6), dims);
	type = type == DT_NONE ? DT_F32 : type;
	EXPECT(!tensor_alloc(&t->in[k], type, rank, dims, &e));
	fill(t, &t->in[k]);
}

static void pick_string(struct trial *t, const struct attr_def *def, struct text *out)
{
	const char *w = def->allowed ? def->allowed : "a";
	for (int skip = pick(t, 6); skip && strchr(w, '|'); skip--)
		w = strchr(w, '|') + 1;
	text_addn(out, w, strcspn(w, "|"));
}

static void pick_list(struct trial *t, const struct attr_def *def, struct text *out)
{
	char buf[NUMBER_MAX];
	int n = pick(t, 8) ? t->length : pick(t, 6), same = pick(t, 8);
	for (int i = 0; i < n; i++) {
		text_add(out, i ? "," : "");
		if (def->kind == ATTR_FLOATS)
			text_add(out, number_f64(buf, pick_float(t)));
		else
			text_printf(out, "%lld", (long long)(same < 4 ? same : pick_small(t)));
	}
}

static void pick_value(struct trial *t, const struct attr_def *def, struct text *out)
{
	char buf[NUMBER_MAX];
	switch (def->kind) {
	case ATTR_INT:
		text_printf(out, "%lld", (long long)pick_small(t));
		break;
	case ATTR_BOOL:
		text_add(out, pick(t, 2) ? "true" : "false");
		break;
	case ATTR_FLOAT:
		text_add(out, number_f64(buf, pick_float(t)));
		break;
	case ATTR_STRING:
		pick_string(t, def, out);
		break;
	case ATTR_TYPE:
		text_add(out, dtype_name(pick_type(t)));
		break;
	case ATTR_SHAPE:
		text_add(out, "1,2");
		break;
	default:
		pick_list(t, def, out);
	}
}

static void pick_attrs(struct trial *t)
{
	const struct attr_def *def = t->node->op->attrs;
	for (int i = 0; def[i].name; i++) {
		struct text value = {0};
		struct err e = {0};
		if (!def[i].required && pick(t, 2))
			continue;
		text_add(&value, "");
		pick_value(t, &def[i], &value);
		int rc = attr_parse(t->node, &def[i], value.data, &e);
		if (rc)
			fuzz_check_error(rc, &e);
		text_free(&value);
	}
}

static struct value *add_const(struct trial *t, const struct tensor *x)
{
	struct err e = {0};
	struct node *n = graph_const(
	    t->g, t->node, "c", x->type, x->rank, x->dim, blob_copy(x->data, tensor_bytes(x)));
	EXPECT(n && !node_infer(n, &e));
	return n->out;
}

/* As a Parameter of which some dims, or the rank, are not known. */
static struct value *add_hidden(struct trial *t, const struct tensor *x, uint8_t hidden)
{
	struct err e = {0};
	struct shape s = tensor_shape(x);
	for (int i = 0; i < s.rank; i++)
		if (hidden >> (2 + i % 4) & 1)
			s.dim[i] = i & 1 ? dim_any()
					 : (struct dim){s.dim[i].min ? 1 : 0, s.dim[i].max + 3, 0};
	if ((hidden & 0xc1) == 1)
		s = shape_unknown();
	struct node *n = graph_insert_before(t->node, op_row(OP_PARAMETER), "p", NULL, 0, 1);
	EXPECT(n && attr_set_shape(n, "shape", &s) && attr_set_type(n, "element_type", x->type));
	EXPECT(!node_infer(n, &e));
	return n->out;
}

static void show(const struct trial *t)
{
	struct text text = {0};
	graph_print(&text, t->g);
	fprintf(stderr, "%s\n", text.data ? text.data : "");
	text_free(&text);
}

#define HOLDS(t, what)                \
	do {                          \
		if (!(what)) {        \
			show(t);      \
			EXPECT(what); \
		}                     \
	} while (0)

static void check_output(struct trial *t, int k, const struct tensor *out)
{
	const struct info *info = &t->node->out[k].info;
	HOLDS(t, info->type == out->type || info->type == DT_NONE);
	HOLDS(t, shape_fits(&info->shape, out->rank, out->dim));
	int64_t n = shape_count(&info->shape);
	for (int64_t i = 0; info->elems && i < n && n <= LIMIT_ELEMS; i++) {
		int64_t v = tensor_i64(out, i);
		HOLDS(t, v >= info->elems[i].min && v <= info->elems[i].max);
	}
}

static bool worth_evaluating(const struct trial *t)
{
	const struct node *n = t->node;
	for (int i = 0; i < n->nout; i++) {
		int64_t count = shape_count(&n->out[i].info.shape);
		for (int k = 0; k < t->nin; k++)
			if (t->in[k].type != DT_NONE &&
			    count > MAX_WORK / (tensor_count(&t->in[k]) + 1))
				return false;
		if (count > MAX_COUNT || (count < 0 && !(n->op->flags & OPF_DATA_SHAPE)))
			return false;
	}
	return true;
}

/* Infers with every input known, evaluates, infers again with less known, and compares. */
static void run_trial(struct trial *t)
{
	struct err e = {0};
	struct tensor out[16];
	for (int i = 0; i < t->nin; i++)
		if (t->in[i].type != DT_NONE)
			node_set_input(t->node, i, add_const(t, &t->in[i]));
	int rc = node_infer(t->node, &e);
	if (rc) {
		fuzz_check_error(rc, &e);
		return;
	}
	if (t->node->nout > 16 || !worth_evaluating(t))
		return;
	rc = node_eval(t->node, t->in, t->nin, out, &e);
	if (rc) {
		fuzz_check_error(rc, &e);
		return;
	}
	for (int i = 0; i < t->node->nout; i++)
		check_output(t, i, &out[i]);
	for (int i = 0; i < t->nin; i++)
		if (t->in[i].type != DT_NONE && t->hidden[i] & 2)
			node_set_input(t->node, i, add_hidden(t, &t->in[i], t->hidden[i]));
	rc = node_infer(t->node, &e);
	if (rc)
		fprintf(stderr, "%s\n", e.text);
	HOLDS(t, !rc);
	for (int i = 0; i < t->node->nout; i++) {
		check_output(t, i, &out[i]);
		tensor_free(&out[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trial t = {.c = cursor_of(data, size)};
	const struct op *op = op_row((enum op_id)(cursor_u8(&t.c) % OP_COUNT));
	if (op->id == OP_PARAMETER || op->id == OP_CONST || op->id == OP_RESULT)
		return 0;
	t.length = 1 + pick(&t, 3);
	int most = op->max_in < op->min_in + 3 ? op->max_in : op->min_in + 3;
	t.nin = op->min_in + pick(&t, most - op->min_in + 1);
	t.nin = t.nin < MAX_IN ? t.nin : MAX_IN;
	for (int i = 0; i < t.nin; i++)
		pick_input(&t, i, i >= op->min_in);
	t.g = graph_new("op");
	EXPECT(t.g);
	t.node = graph_add(
	    t.g, op, op->type, NULL, t.nin, op->nout < 0 ? 1 + pick(&t, 4) : op->nout);
	EXPECT(t.node);
	pick_attrs(&t);
	run_trial(&t);
	for (int i = 0; i < t.nin; i++)
		tensor_free(&t.in[i]);
	graph_free(t.g);
	return 0;
}
