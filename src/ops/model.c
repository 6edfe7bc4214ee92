/* The edges of a model: Parameter, Const, Result. */
#include "ops/rows.h"

const struct attr_def attrs_parameter[] = {
    {"shape", ATTR_SHAPE, true, NULL, NULL},
    {"element_type", ATTR_TYPE, true, NULL, NULL},
    {0},
};

int infer_parameter(struct infer *s)
{
	s->out[0].type = attr_type(s->node, "element_type");
	s->out[0].shape = *node_attr(s->node, "shape")->shape;
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
