/* ReadValue and Assign: one run's values for the next. The executor keeps them; by themselves a
 * variable has its initial value, and assigning is passing on. */
#include <string.h>

#include "ops/rows.h"

const struct attr_def attrs_read_value[] = {{"variable_id", ATTR_STRING, true, NULL, NULL},
    {"variable_type", ATTR_TYPE, true, NULL, NULL},
    {"variable_shape", ATTR_SHAPE, true, NULL, NULL}, {0}};
const struct attr_def attrs_variable[] = {{"variable_id", ATTR_STRING, true, NULL, NULL}, {0}};

int infer_read_value(struct infer *s)
{
	s->out[0].type = attr_type(s->node, "variable_type");
	s->out[0].shape = *node_attr(s->node, "variable_shape")->shape;
	if (infer_has(s, 0) && s->in[0].type != s->out[0].type)
		return infer_fail(s, "a variable of %s starts as %s", dtype_name(s->out[0].type),
		    dtype_name(s->in[0].type));
	return OK;
}

int infer_variable(struct infer *s)
{
	s->out[0].type = s->in[0].type;
	s->out[0].shape = s->in[0].shape;
	return OK;
}

/* The initial value may be of any size that the variable may have. */
int eval_variable(struct eval *s)
{
	if (!eval_has(s, 0)) {
		memset(s->out[0].data, 0, tensor_bytes(&s->out[0]));
		return OK;
	}
	if (tensor_bytes(&s->in[0]) != tensor_bytes(&s->out[0]))
		return eval_fail(s, E_FORMAT, "a variable starts with another size than its own");
	if (tensor_bytes(&s->in[0]))
		memcpy(s->out[0].data, s->in[0].data, tensor_bytes(&s->in[0]));
	return OK;
}
