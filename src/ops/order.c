/* Integers that stand in the order of the elements they are made from, for sorting. */
#include <math.h>
#include <string.h>

#include "ops/order.h"

static int64_t float_key(double v)
{
	int64_t bits;
	if (isnan(v))
		return INT64_MAX;
	if (v == 0)
		return 0;
	memcpy(&bits, &v, sizeof bits);
	return bits < 0 ? INT64_MIN - bits : bits;
}

int64_t order_key(const struct tensor *t, int64_t i)
{
	if (t->type == DT_F32)
		return float_key(((const float *)t->data)[i]);
	if (dtype_is_float(t->type))
		return float_key(tensor_f64(t, i));
	int64_t v = tensor_i64(t, i);
	return t->type == DT_U64 ? v ^ INT64_MIN : v;
}
