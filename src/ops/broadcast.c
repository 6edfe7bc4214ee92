/* Inference of operators that broadcast two or three inputs against each other. */
#include "ops/binary.h"
#include "ops/elem.h"
#include "ops/rows.h"

const struct attr_def attrs_broadcast[] = {
    {"auto_broadcast", ATTR_STRING, false, "numpy", "none|numpy|explicit"}, {0}};
const struct attr_def attrs_divide[] = {
    {"auto_broadcast", ATTR_STRING, false, "numpy", "none|numpy|explicit"},
    {"m_pythondiv", ATTR_BOOL, false, "true", NULL}, {0}};

/* The shape of a against b under the node's auto_broadcast. */
static int join_shapes(
    struct infer *s, const struct shape *a, const struct shape *b, struct shape *out)
{
	bool none = attr_is(s->node, "auto_broadcast", "none") ||
		    attr_is(s->node, "auto_broadcast", "explicit");
	if (none ? shape_merge(a, b, out) : shape_broadcast(a, b, out))
		return OK;
	struct text ta = {0}, tb = {0};
	shape_text(&ta, a);
	shape_text(&tb, b);
	int r = infer_fail(s, "shapes [%s] and [%s] %s", ta.data ? ta.data : "",
	    tb.data ? tb.data : "", none ? "are not equal" : "do not broadcast");
	text_free(&ta);
	text_free(&tb);
	return r;
}

static int check_type(struct infer *s)
{
	enum dtype t = s->in[0].type;
	int id = s->node->op->id;
	if (id == OP_LOGICAL_AND || id == OP_LOGICAL_OR || id == OP_LOGICAL_XOR)
		return infer_type(s, 0, DT_BOOL);
	if (id == OP_BITWISE_LEFT_SHIFT || id == OP_BITWISE_RIGHT_SHIFT)
		return infer_integer(s, 0);
	if ((id == OP_BITWISE_AND || id == OP_BITWISE_OR || id == OP_BITWISE_XOR) && !type_whole(t))
		return infer_fail(s, "input 0 is of type '%s', expected an integer type or boolean",
		    dtype_name(t));
	return OK;
}

int infer_binary(struct infer *s)
{
	int r = infer_same_types(s, 0, 1);
	if (!r)
		r = check_type(s);
	if (!r)
		r = join_shapes(s, &s->in[0].shape, &s->in[1].shape, &s->out[0].shape);
	if (r)
		return r;
	s->out[0].type = s->in[0].type;
	binary_elems(s);
	return OK;
}

int infer_compare(struct infer *s)
{
	int r = infer_binary(s);
	s->out[0].type = DT_BOOL;
	return r;
}

int infer_select(struct infer *s)
{
	int r = infer_type(s, 0, DT_BOOL);
	if (!r)
		r = infer_same_types(s, 1, 2);
	struct shape values;
	if (!r)
		r = join_shapes(s, &s->in[1].shape, &s->in[2].shape, &values);
	if (!r)
		r = join_shapes(s, &s->in[0].shape, &values, &s->out[0].shape);
	if (r)
		return r;
	s->out[0].type = s->in[1].type;
	select_elems(s);
	return OK;
}

/* The slope stretches to the data, or has one value per channel. */
int infer_prelu(struct infer *s)
{
	const struct shape *x = &s->in[0].shape, *slope = &s->in[1].shape;
	struct shape joined;
	struct dim d;
	int r = infer_same_types(s, 0, 1);
	infer_same(s);
	if (r || x->rank < 0 || slope->rank < 0)
		return r;
	if (slope->rank == 1 && x->rank > 0 &&
	    dim_merge(slope->dim[0], x->dim[x->rank > 1 ? 1 : 0], &d))
		return OK;
	if (slope->rank > x->rank || !shape_broadcast(x, slope, &joined))
		return infer_fail(s, "the slope does not broadcast to the data");
	return OK;
}
