/* Winograd's transforms and products in integers in plain C. */
#include "kernels/epilogue_u8.h"

#define MR 4
#define NR 8
#define INVERSE_9 0x38e38e39u

static const int image[6][6] = {{4, 0, -5, 0, 1, 0}, {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
    {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
static const int filter[6][3] = {
    {6, 0, 0}, {-1, -1, -1}, {-1, 1, -1}, {1, 2, 4}, {1, -2, 4}, {0, 0, 6}};
/* Results times 3 << bits. */
static const int result[4][6] = {
    {1, 4, 4, 1, 1, 0}, {0, 2, -2, 1, -1, 0}, {0, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 1}};
static const int bits[4] = {3, 2, 1, 1};

void wino_u8_in__ref(const struct wino_u8_in *q)
{
	for (int c = 0; c < (q->n + WINO_U8_CHUNK - 1) / WINO_U8_CHUNK * WINO_U8_CHUNK; c++) {
		int16_t *to = q->v + (size_t)(c / WINO_U8_CHUNK) * q->chunk +
			      (size_t)(c % WINO_U8_CHUNK);
		for (int i = 0; i < 36; i++) {
			int sum = 0;
			for (int p = 0; p < 36 && c < q->n; p++)
				sum += image[i / 6][p / 6] * image[i % 6][p % 6] *
				       (q->pixel[p][c] - 128);
			to[(size_t)i * q->ldv] = (int16_t)sum;
		}
	}
}

void wino_u8_weights__ref(const int16_t *g, int n, int16_t *u, size_t ldu)
{
	for (int i = 0; i < 36; i++)
		for (int j = 0; j < n; j++) {
			int sum = 0;
			for (int t = 0; t < 9; t++)
				sum += filter[i / 6][t / 3] * filter[i % 6][t % 3] * g[t * n + j];
			u[(size_t)i * ldu + (size_t)j] = (int16_t)sum;
		}
}

void wino_u8_product__ref(const struct wino_u8_product *q, int m, int n)
{
	int groups = igemm_u8_tiles(m, MR), nr = n > NR / 2 ? NR : NR / 2;
	int chunks = (q->k + WINO_U8_CHUNK - 1) / WINO_U8_CHUNK;
	const int16_t *a = q->a;
	int32_t *c = q->c;
	for (int t = 0; t < groups; t++) {
		int rows = igemm_u8_tile(m, groups, t);
		for (int i = 0; i < rows; i++, c += nr)
			for (int j = 0; j < nr; j++) {
				uint32_t sum = 0;
				for (int p = 0; p < q->k; p++)
					sum += (uint32_t)(a[(p / WINO_U8_CHUNK * rows + i) *
								  WINO_U8_CHUNK +
							      p % WINO_U8_CHUNK] *
							  q->b[(p / 2 * nr + j) * 2 + p % 2]);
				c[j] = (int32_t)sum;
			}
		a += rows * chunks * WINO_U8_CHUNK;
	}
}

/* The sum of column j, pixel y, x of a tile at m. */
static int32_t sum_at(const struct wino_u8_out *q, const int32_t *m, int y, int x)
{
	uint32_t sum = 0;
	for (int i = 0; i < 36; i++)
		sum += (uint32_t)(result[y][i / 6] * result[x][i % 6]) *
		       (uint32_t)m[(size_t)i * q->ldm];
	return (int32_t)(sum * INVERSE_9) >> (bits[y] + bits[x]);
}

void wino_u8_out__ref(const struct wino_u8_out *q)
{
	const struct u8_result *to = &q->to;
	int nr = q->n > NR / 2 ? NR : NR / 2;
	for (int y = 0; y < q->ny; y++)
		for (int x = 0; x < q->nx; x++)
			for (int j = 0; j < q->n; j++) {
				size_t add = (size_t)y * q->next_add + (size_t)x * to->ld_add;
				size_t c = (size_t)y * q->next_c + (size_t)x * to->ldc;
				int32_t sum = q->start[j] +
					      sum_at(q, q->m + x / 4 * nr + j, y, x % 4);
				u8_finish(&to->e, to->add, add + (size_t)j, to->c, c + (size_t)j, 1,
				    u8_scale(&to->e, to->f + j, (float)sum));
			}
}
