/* The edges of a model: Parameter, Const, Result. */
#include "ops/rows.h"

const struct attr_def attrs_parameter[] = {
    {"shape", ATTR_SHAPE, true, NULL, NULL},
    {"element_type", ATTR_TYPE, true, NULL, NULL},
    {0},
};

/* Sizes that are not known get symbols, so that they are seen to be the same further on; those
 * from an earlier inference stay. */
int infer_parameter(struct infer *s)
{
	const struct shape *old = &s->node->out[0].info.shape;
	struct shape *out = &s->out[0].shape;
	s->out[0].type = attr_type(s->node, "element_type");
	*out = *node_attr(s->node, "shape")->shape;
	for (int i = 0; i < out->rank; i++) {
		struct dim *d = &out->dim[i];
		if (dim_static(*d) || d->symbol || !s->symbols)
			continue;
		bool kept = old->rank == out->rank && old->dim[i].min == d->min &&
			    old->dim[i].max == d->max;
		d->symbol = kept ? old->dim[i].symbol : 0;
		if (!d->symbol)
			d->symbol = graph_symbol(s->symbols);
	}
	return OK;
}

/* A Const's type and shape are set where it is made; only its integer content follows from its
 * bytes. */
int infer_const(struct infer *s)
{
	s->out[0] = s->node->out[0].info;
	return OK;
}

int infer_result(struct infer *s)
{
	(void)s;
	return OK;
}

/* Rows that the executor carries out itself. */
int eval_none(struct eval *s)
{
	return eval_fail(s, E_UNSUPPORTED, "'%s' has nothing to evaluate", s->node->op->type);
}

struct node *graph_const(struct graph *g, struct node *at, const char *name, enum dtype type,
    int rank, const int64_t *dims, struct blob *data)
{
	const struct op *row = op_row(OP_CONST);
	struct node *n = NULL;
	if (data && name)
		n = at ? graph_insert_before(at, row, name, NULL, 0, 1)
		       : graph_add(g, row, name, NULL, 0, 1);
	if (!n) {
		blob_unref(data);
		return NULL;
	}
	n->data = data;
	n->out[0].info = (struct info){.type = type, .shape = shape_of(rank, dims)};
	return n;
}

struct node *graph_const_i64(
    struct graph *g, struct node *at, const char *name, int n, const int64_t *v)
{
	int64_t dim = n, count = n < 0 ? 1 : n;
	return graph_const(
	    g, at, name, DT_I64, n >= 0, &dim, blob_copy(v, (size_t)count * sizeof *v));
}
