/* Pieces of several rows go through the operations. */
#include "kernels/tail_u8.h"

#include <string.h>

#define PIECE 1024 /* floats at once */

/* At most PIECE floats; to is where they go. */
static void piece(const struct tail_u8 *t, const float *f, size_t stride, float *x, int rows, int n,
    void *out, size_t ld)
{
	const struct span_f32 *span = &span_f32_rows[span_f32_pick()];
	float kept[PIECE];
	struct chain_piece e = {x, kept, rows, n};
	for (int k = 0; k < t->nops; k++) {
		const struct chain_op *p = &t->op[k];
		const float *const own[4] = {&p->a, &p->b, &p->c, &p->d}, *by[4];
		int operands = chain_op_operands(p);
		for (int i = 0; i < 4; i++)
			by[i] = i < operands ? f + (size_t)(p->y + i) * stride : own[i];
		if (p->op == CHAIN_BYTES) {
			span->bytes(out, ld, e.x, rows, n, by, operands > 0, p->top);
			return;
		}
		chain_f32_op(span, p, by, operands > 0, &e);
	}
	for (int i = 0; i < rows; i++)
		memcpy((float *)out + (size_t)i * ld, e.x + (size_t)i * (size_t)n,
		    (size_t)n * sizeof *x);
}

void tail_u8_run(const struct tail_u8 *t, const float *f, size_t stride, float *x, int m, int n,
    void *out, size_t ld)
{
	size_t size = chain_ends_in_bytes(t->op, t->nops) ? 1 : sizeof *x;
	int most = PIECE / n < m ? PIECE / n : m;
	for (int i = 0; i < m; i += most)
		piece(t, f, stride, x + (size_t)i * (size_t)n, m - i < most ? m - i : most, n,
		    (char *)out + (size_t)i * ld * size, ld);
}
