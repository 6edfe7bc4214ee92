/* The element types: names, precisions, widths. */
#include "graph/dtype.h"

#include <string.h>

enum { FLOAT = 1, INT = 2, SIGNED = 4 };

static const struct {
	const char *name, *precision;
	int bits;
	unsigned class;
} type[DT_COUNT] = {
    [DT_NONE] = {"undefined", "UNSPECIFIED", 0, 0},
    [DT_F32] = {"f32", "FP32", 32, FLOAT | SIGNED},
    [DT_F16] = {"f16", "FP16", 16, FLOAT | SIGNED},
    [DT_BF16] = {"bf16", "BF16", 16, FLOAT | SIGNED},
    [DT_F64] = {"f64", "FP64", 64, FLOAT | SIGNED},
    [DT_F8E4M3] = {"f8e4m3", "F8E4M3", 8, FLOAT | SIGNED},
    [DT_F8E5M2] = {"f8e5m2", "F8E5M2", 8, FLOAT | SIGNED},
    [DT_BOOL] = {"boolean", "BOOL", 8, 0},
    [DT_I8] = {"i8", "I8", 8, INT | SIGNED},
    [DT_I16] = {"i16", "I16", 16, INT | SIGNED},
    [DT_I32] = {"i32", "I32", 32, INT | SIGNED},
    [DT_I64] = {"i64", "I64", 64, INT | SIGNED},
    [DT_U8] = {"u8", "U8", 8, INT},
    [DT_U16] = {"u16", "U16", 16, INT},
    [DT_U32] = {"u32", "U32", 32, INT},
    [DT_U64] = {"u64", "U64", 64, INT},
    [DT_I4] = {"i4", "I4", 4, INT | SIGNED},
    [DT_U4] = {"u4", "U4", 4, INT},
    [DT_U1] = {"u1", "BIN", 1, INT},
    [DT_NF4] = {"nf4", "NF4", 4, FLOAT | SIGNED},
};

const char *dtype_name(enum dtype t)
{
	return type[t].name;
}

const char *dtype_precision(enum dtype t)
{
	return type[t].precision;
}

enum dtype dtype_parse(const char *s)
{
	for (int t = DT_NONE + 1; t < DT_COUNT; t++)
		if (!strcmp(s, type[t].name) || !strcmp(s, type[t].precision))
			return t;
	return !strcmp(s, "bool") ? DT_BOOL : !strcmp(s, "U1") ? DT_U1 : DT_NONE;
}

int dtype_bits(enum dtype t)
{
	return type[t].bits;
}

bool dtype_is_float(enum dtype t)
{
	return type[t].class & FLOAT;
}

bool dtype_is_int(enum dtype t)
{
	return type[t].class & INT;
}

bool dtype_is_signed(enum dtype t)
{
	return type[t].class & SIGNED;
}
