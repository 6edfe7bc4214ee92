/* The operator table, expanded from ops.def, and the search in it. */
#include <string.h>

#include "ops/op.h"
#include "ops/rows.h"

const struct attr_def attrs_none[] = {{0}};

const struct op op_table[OP_COUNT] = {
#define OP(id, ty, set, lo, hi, no, at, in, ev, fl) \
	[OP_##id] = {OP_##id, ty, set, lo, hi, no, attrs_##at, fl, infer_##in, eval_##ev},
#include "ops/ops.def"
#undef OP
};

/* Spellings that other writers use for a type, read but never written. */
static const char *canonical(const char *type)
{
	static const char *const alias[][2] = {
	    {"Softmax", "SoftMax"}, {"Relu", "ReLU"}, {"PRelu", "PReLU"}, {"Constant", "Const"}};
	for (size_t i = 0; i < sizeof alias / sizeof *alias; i++)
		if (!strcmp(type, alias[i][0]))
			return alias[i][1];
	return type;
}

const struct op *op_find(const char *type, int opset)
{
	type = canonical(type);
	for (int i = 0; i < OP_COUNT; i++)
		if (op_table[i].opset == opset && !strcmp(op_table[i].type, type))
			return &op_table[i];
	return NULL;
}

bool op_known(const char *type)
{
	type = canonical(type);
	for (int i = 0; i < OP_COUNT; i++)
		if (!strcmp(op_table[i].type, type))
			return true;
	return false;
}
