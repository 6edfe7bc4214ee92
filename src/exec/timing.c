/* What a report says of a call: what did it, and how much it moves. */
#include "exec/plan.h"

/* Of convolutions also how. */
static const char *kernel_name(const struct call *c)
{
	return c->kind == CALL_CONV ? nhwc_conv_f32_name(c->conv.way) : call_name(c->kind);
}

static void set_sizes(const struct call *c, int *read, int *written)
{
	switch (c->kind) {
	case CALL_CONV_U8:
		*read = 1;
		*written = c->conv_u8.k.out == U8_OUT_U8 ? 1 : 4;
		break;
	case CALL_QUANTIZE:
	case CALL_DEQUANTIZE:
		*read = c->kind == CALL_DEQUANTIZE ? 1 : 4;
		*written = c->kind == CALL_QUANTIZE ? 1 : 4;
		break;
	case CALL_POOL_U8:
	case CALL_REQUANTIZE:
	case CALL_ADD_U8:
		*read = *written = 1;
		break;
	case CALL_SHUFFLE:
		*read = *written = c->shuffle.size;
		break;
	case CALL_PICK:
		*read = *written = c->pick.k.size;
		break;
	case CALL_TO_CHANNELS_LAST:
	case CALL_TO_ROW_MAJOR:
		*read = *written = c->move.size;
		break;
	default:
		break;
	}
}

static int64_t fixed_bytes(const struct plan *p, const struct ref *r, int n)
{
	int64_t sum = 0;
	for (int i = 0; i < n; i++)
		if (p->buffer[r[i].buffer].kind == BUFFER_FIXED)
			sum += (int64_t)p->buffer[r[i].buffer].size;
	return sum;
}

/* Of the operands that only calls of one kind have. */
static int64_t own_constants(const struct plan *p, const struct call *c)
{
	switch (c->kind) {
	case CALL_BLOCK:
		return fixed_bytes(p, c->block.packed, c->block.k.n) +
		       fixed_bytes(p, c->block.bias, c->block.k.n);
	case CALL_RESIZE:
		return fixed_bytes(p, c->resize.table, 2);
	case CALL_CONV_U8:
		return fixed_bytes(p, &c->conv_u8.f, 1);
	case CALL_MATMUL:
		return fixed_bytes(p, &c->matmul.b, 1);
	case CALL_RECURRENT:
		return fixed_bytes(p, &c->recurrent.states, 1) +
		       fixed_bytes(p, &c->recurrent.reset, 1);
	case CALL_CHAIN:
		return fixed_bytes(p, c->chain.operand, c->chain.k.noperands);
	case CALL_NORM:
		return fixed_bytes(p, &c->norm.gamma, 1) + fixed_bytes(p, &c->norm.beta, 1);
	case CALL_EVAL:
		return fixed_bytes(p, c->eval.ref, c->node->nin);
	default:
		return 0;
	}
}

struct exec_timing call_timing(const struct plan *p, const struct call *c)
{
	const struct ref all[] = {c->in, c->add, c->packed, c->bias};
	struct exec_timing t = {.node = c->node,
	    .kernel = kernel_name(c),
	    .constants = fixed_bytes(p, all, 4) + own_constants(p, c)};
	set_sizes(c, &t.read, &t.written);
	return t;
}
