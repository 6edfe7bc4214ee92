/* The constants of a batch normalization, of which opset 1 has the image behind them. */
#include "exec/batch_norm.h"

bool batch_norm_read(
    const struct lower *l, const struct node *n, const struct value *x, struct batch_norm *b)
{
	bool old = node_is(n, OP_BATCH_NORM_1);
	struct per_channel *const p[4] = {&b->gamma, &b->beta, &b->mean, &b->variance};
	if (!(old || node_is(n, OP_BATCH_NORM)) || node_in(n, old ? 2 : 0) != x)
		return false;
	b->of = node_in(n, old ? 0 : 1);
	b->epsilon = attr_f(n, "epsilon");
	for (int k = 0; k < 4; k++) {
		const struct value *v = node_in(n, old && k < 2 ? k : k + 1);
		struct tensor t;
		struct err ignored = {0};
		if (!lower_constant(l, v) || lower_dims(l, v)->type != DT_F32 ||
		    constants_get(l->e->net, v, &t, &ignored) < 0 || !t.data)
			return false;
		*p[k] = per_channel(&t);
	}
	return true;
}
