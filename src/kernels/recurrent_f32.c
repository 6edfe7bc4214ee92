/* Recurrent layers: the inputs' products at once, then steps of products and functions of rows. */
#include "kernels/recurrent_f32.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/nhwc_ways.h"

#define MAX_MR 16 /* rows of a tile in any table row */
/* Multiply-adds of a step that are worth telling another thread about: it may have to be woken. */
#define LARGE_STEP (1 << 20)

int recurrent_gates(int kind)
{
	return kind == RECURRENT_LSTM ? 4 : kind == RECURRENT_GRU ? 3 : 1;
}

static int columns_of(const struct recurrent_f32 *k)
{
	return recurrent_gates(k->kind) * k->hidden;
}

static const struct igemm_f32 *row_of(const struct recurrent_f32 *k)
{
	return &igemm_f32_rows[k->row];
}

/* ---- weights ---- */

/* GRU resets the state before its last product, for which the others must be done: columns of the
 * first product. */
static int first_columns(const struct recurrent_f32 *k)
{
	return k->kind == RECURRENT_GRU && !k->reset_last ? 2 * k->hidden : columns_of(k);
}

static size_t first_packed(const struct recurrent_f32 *k)
{
	return igemm_f32_packed(row_of(k), (size_t)k->hidden, first_columns(k));
}

static size_t direction_packed(const struct recurrent_f32 *k)
{
	int rest = columns_of(k) - first_columns(k);
	return first_packed(k) + igemm_f32_packed(row_of(k), (size_t)k->hidden, rest);
}

size_t recurrent_f32_packed_inputs(const struct recurrent_f32 *k)
{
	return nhwc_conv_f32_packed(&k->project);
}

size_t recurrent_f32_packed_states(const struct recurrent_f32 *k)
{
	return (size_t)k->dirs * direction_packed(k) * sizeof(float);
}

void recurrent_f32_pack_inputs(const struct recurrent_f32 *k, const float *w, float *packed)
{
	nhwc_conv_f32_pack(&k->project, NULL, w, packed);
}

void recurrent_f32_pack_states(const struct recurrent_f32 *k, const float *r, float *packed)
{
	int first = first_columns(k), rest = columns_of(k) - first;
	for (int d = 0; d < k->dirs; d++) {
		igemm_f32_pack(row_of(k), NULL, k->hidden, 1, first, r, packed);
		r += (size_t)first * (size_t)k->hidden;
		igemm_f32_pack(row_of(k), NULL, k->hidden, 1, rest, r, packed + first_packed(k));
		r += (size_t)rest * (size_t)k->hidden;
		packed += direction_packed(k);
	}
}

/* ---- plan ---- */

bool recurrent_fits(const struct recurrent_f32 *k)
{
	int64_t most = INT_MAX / 64, columns = (int64_t)k->dirs * 4 * k->hidden;
	return columns <= most && k->input <= most && (int64_t)k->batch * k->steps <= most &&
	       (int64_t)k->batch * k->dirs <= most;
}

static void plan_project(struct recurrent_f32 *k, int threads)
{
	struct nhwc_conv_f32 *c = &k->project;
	*c = (struct nhwc_conv_f32){.s = {.batch = k->batch * k->steps,
					.groups = 1,
					.cin = k->input,
					.cout = k->dirs * columns_of(k),
					.in = {1, 1, 1},
					.kernel = {1, 1, 1},
					.out = {1, 1, 1},
					.stride = {1, 1, 1},
					.dilation = {1, 1, 1}},
	    .ld_in = k->input,
	    .lo = -INFINITY,
	    .hi = INFINITY,
	    .way = CONV_IGEMM};
	c->ld_out = c->s.cout;
	nhwc_conv_f32_plan(c, threads);
}

void recurrent_f32_plan(struct recurrent_f32 *k, int threads)
{
	plan_project(k, threads);
	k->row = igemm_f32_pick();
	k->parts = nhwc_pieces(threads, k->dirs);
	k->parts = k->parts < k->batch ? k->parts : k->batch;
	int64_t step = (int64_t)k->batch * k->hidden * columns_of(k);
	/* Parts read all weights each; where these don't stay in the cache, columns are shared. */
	bool large = direction_packed(k) * sizeof(float) > cpu_l2() / 4 * 3;
	k->columns = k->dirs == 1 && threads > 1 && step >= LARGE_STEP && (k->parts == 1 || large);
	if (k->columns || step * k->steps < NHWC_SMALL)
		k->parts = 1;
	int rows = nhwc_pieces(k->batch, k->parts);
	size_t all = (size_t)k->batch * (size_t)k->steps * (size_t)k->project.s.cout;
	k->gates = nhwc_round64(all * sizeof(float));
	/* of each row the gates and the reset state */
	k->unit = nhwc_round64((size_t)rows * (size_t)(columns_of(k) + k->hidden) * sizeof(float));
	k->scratch = k->project.scratch + k->gates + (size_t)(k->parts * k->dirs) * k->unit;
}

/* ---- a step's products ---- */

struct recurrent_run {
	const struct recurrent_f32 *k;
	const struct recurrent_f32_args *a;
	struct pool *pool; /* for columns, or NULL */
	const float *projected;
	char *units;
};

/* Some items of the batch in one direction. */
struct unit {
	const struct recurrent_run *r;
	int d, first, rows;   /* direction, items */
	float *gates, *reset; /* scratch: [rows][gates * hidden], [rows][hidden] */
	/* the product in hand */
	const float *state, *weights;
	size_t ld;         /* from row to row of the state */
	int columns, from; /* and the first of them among the gates */
	bool back;         /* take panels from the last to the first */
};

/* Panels first..last-1 of a product, into the gates. */
static void product_panels(const struct unit *u, int first, int last)
{
	const struct recurrent_f32 *k = u->r->k;
	const struct igemm_f32 *row = row_of(k);
	int tiles = nhwc_pieces(u->rows, row->mr);
	const float *rows[MAX_MR];
	struct igemm_f32_args q = {.rows = rows,
	    .taps = 1,
	    .k = k->hidden,
	    .ldc = (size_t)columns_of(k),
	    .lo = -INFINITY,
	    .hi = INFINITY};
	for (int i = first; i < last; i++) {
		int p = u->back ? first + last - 1 - i : i;
		int j = p * row->nr, n = u->columns - j < row->nr ? u->columns - j : row->nr;
		q.b = u->weights + (size_t)j * (size_t)k->hidden;
		for (int t = 0; t < tiles; t++) {
			int at = nhwc_part(u->rows, t, tiles);
			int m = nhwc_part(u->rows, t + 1, tiles) - at;
			for (int x = 0; x < m; x++)
				rows[x] = u->state + (size_t)(at + x) * u->ld;
			q.c = u->gates + (size_t)at * q.ldc + u->from + j;
			row->run(&q, m, n);
		}
	}
}

#define COLUMN_TASKS(threads) (2 * (threads))

static void product_task(void *ctx, int task, int worker)
{
	const struct unit *u = ctx;
	int n = COLUMN_TASKS(pool_size(u->r->pool));
	int panels = nhwc_pieces(u->columns, row_of(u->r->k)->nr);
	(void)worker;
	product_panels(u, nhwc_part(panels, task, n), nhwc_part(panels, task + 1, n));
}

/* Rows of state times columns from..from+columns-1 of the weights. */
static void product(
    struct unit *u, const float *state, size_t ld, const float *weights, int from, int columns)
{
	u->state = state;
	u->ld = ld;
	u->weights = weights;
	u->from = from;
	u->columns = columns;
	if (u->r->pool)
		pool_run(u->r->pool, COLUMN_TASKS(pool_size(u->r->pool)), product_task, u);
	else
		product_panels(u, 0, nhwc_pieces(columns, row_of(u->r->k)->nr));
}

/* ---- a step's functions ---- */

static void apply(int op, float *x, const float *y, int n, float a, float b)
{
	span_f32_rows[span_f32_pick()].op[op](x, y, 1, n, a, b);
}

/* Function number f of gates' arguments. */
static void gate(const struct recurrent_f32 *k, int f, float *x, int n)
{
	if (k->clip > 0)
		apply(SPAN_CLAMP, x, NULL, n, -k->clip, k->clip);
	apply(k->act[f], x, NULL, n, k->act_a[f], k->act_b[f]);
}

/* x: what comes from the input, g: from the state. */
static void lstm_row(const struct recurrent_f32 *k, const float *x, float *g, float *h, float *c)
{
	int n = k->hidden;
	apply(SPAN_ADD, g, x, 4 * n, 0, 0);
	gate(k, 0, g, 2 * n);
	gate(k, 1, g + 2 * n, n);
	gate(k, 0, g + 3 * n, n);
	apply(SPAN_MUL, c, g, n, 0, 0);
	apply(SPAN_MUL, g + n, g + 2 * n, n, 0, 0);
	apply(SPAN_ADD, c, g + n, n, 0, 0);
	memcpy(h, c, (size_t)n * sizeof *h);
	apply(k->act[2], h, NULL, n, k->act_a[2], k->act_b[2]);
	apply(SPAN_MUL, h, g + 3 * n, n, 0, 0);
}

static void gru_gates(const struct recurrent_f32 *k, const float *x, float *g)
{
	apply(SPAN_ADD, g, x, 2 * k->hidden, 0, 0);
	gate(k, 0, g, 2 * k->hidden);
}

/* h = (1 - z) * new + z * h */
static void gru_row(const struct recurrent_f32 *k, const float *x, float *g, float *h)
{
	int n = k->hidden;
	float *new = g + 2 * n;
	apply(SPAN_ADD, new, x + 2 * n, n, 0, 0);
	gate(k, 1, new, n);
	apply(SPAN_SUB, h, new, n, 0, 0);
	apply(SPAN_MUL, h, g, n, 0, 0);
	apply(SPAN_ADD, h, new, n, 0, 0);
}

static void rnn_row(const struct recurrent_f32 *k, const float *x, float *g, float *h)
{
	apply(SPAN_ADD, g, x, k->hidden, 0, 0);
	gate(k, 0, g, k->hidden);
	memcpy(h, g, (size_t)k->hidden * sizeof *h);
}

/* ---- a sequence ---- */

static int length_of(const struct unit *u, int row)
{
	const struct recurrent_f32_args *a = u->r->a;
	return a->length ? a->length[u->first + row] : u->r->k->steps;
}

/* Which element of the sequence step s of a row is; -1 behind its end. */
static int time_of(const struct unit *u, int row, int s)
{
	int n = length_of(u, row);
	return s >= n ? -1 : u->d == 1 || u->r->k->reverse ? n - 1 - s : s;
}

static float *gates_of(const struct unit *u, int row)
{
	return u->gates + (size_t)row * (size_t)columns_of(u->r->k);
}

static size_t state_at(const struct unit *u, int row)
{
	const struct recurrent_f32 *k = u->r->k;
	return ((size_t)(u->first + row) * (size_t)k->dirs + (size_t)u->d) * (size_t)k->hidden;
}

static const float *projected_at(const struct unit *u, int row, int time)
{
	const struct recurrent_f32 *k = u->r->k;
	size_t item = (size_t)(u->first + row) * (size_t)k->steps + (size_t)time;
	return u->r->projected + (item * (size_t)k->dirs + (size_t)u->d) * (size_t)columns_of(k);
}

/* GRU: the gates, then what the last product reads, or what was reset of its result. */
static void reset_rows(struct unit *u, int s)
{
	const struct recurrent_f32 *k = u->r->k;
	int n = k->hidden;
	for (int i = 0; i < u->rows; i++) {
		float *g = gates_of(u, i), *reset = u->reset + (size_t)i * (size_t)n;
		int t = time_of(u, i, s);
		if (t < 0)
			continue;
		gru_gates(k, projected_at(u, i, t), g);
		if (k->reset_last) {
			apply(SPAN_ADD, g + 2 * n, u->r->a->reset + u->d * n, n, 0, 0);
			apply(SPAN_MUL, g + 2 * n, g + n, n, 0, 0);
		} else {
			memcpy(reset, u->r->a->h + state_at(u, i), (size_t)n * sizeof *reset);
			apply(SPAN_MUL, reset, g + n, n, 0, 0);
		}
	}
}

static void update_rows(struct unit *u, int s)
{
	const struct recurrent_f32 *k = u->r->k;
	const struct recurrent_f32_args *a = u->r->a;
	size_t n = (size_t)k->hidden;
	for (int i = 0; i < u->rows; i++) {
		size_t at = state_at(u, i);
		int t = time_of(u, i, s);
		if (t < 0)
			continue;
		if (k->kind == RECURRENT_LSTM)
			lstm_row(k, projected_at(u, i, t), gates_of(u, i), a->h + at, a->c + at);
		else if (k->kind == RECURRENT_GRU)
			gru_row(k, projected_at(u, i, t), gates_of(u, i), a->h + at);
		else
			rnn_row(k, projected_at(u, i, t), gates_of(u, i), a->h + at);
		if (a->y)
			memcpy(a->y + at * (size_t)k->steps + (size_t)t * n, a->h + at,
			    n * sizeof *a->y);
	}
}

static void start_row(const struct unit *u, int row)
{
	const struct recurrent_f32 *k = u->r->k;
	const struct recurrent_f32_args *a = u->r->a;
	size_t n = (size_t)k->hidden, at = state_at(u, row), end = (size_t)length_of(u, row);
	memcpy(a->h + at, a->h0 + at, n * sizeof *a->h);
	if (k->kind == RECURRENT_LSTM)
		memcpy(a->c + at, a->c0 + at, n * sizeof *a->c);
	if (a->y)
		memset(a->y + at * (size_t)k->steps + end * n, 0,
		    ((size_t)k->steps - end) * n * sizeof *a->y);
}

static void run_unit(struct unit *u)
{
	const struct recurrent_f32 *k = u->r->k;
	const float *w = u->r->a->states + (size_t)u->d * direction_packed(k);
	const float *h = u->r->a->h + state_at(u, 0);
	int first = first_columns(k), all = columns_of(k), steps = 0;
	for (int i = 0; i < u->rows; i++) {
		start_row(u, i);
		steps = length_of(u, i) > steps ? length_of(u, i) : steps;
	}
	for (int s = 0; s < steps; s++) {
		/* there and back, so that what the cache holds of them is read first */
		u->back = s & 1;
		product(u, h, (size_t)k->dirs * (size_t)k->hidden, w, 0, first);
		if (k->kind == RECURRENT_GRU)
			reset_rows(u, s);
		if (first < all)
			product(u, u->reset, (size_t)k->hidden, w + first_packed(k), first,
			    all - first);
		update_rows(u, s);
	}
}

static void unit_task(void *ctx, int task, int worker)
{
	const struct recurrent_run *r = ctx;
	const struct recurrent_f32 *k = r->k;
	int part = task / k->dirs, first = nhwc_part(k->batch, part, k->parts);
	struct unit u = {.r = r, .d = task % k->dirs, .first = first};
	u.rows = nhwc_part(k->batch, part + 1, k->parts) - first;
	u.gates = (float *)(r->units + (size_t)task * k->unit);
	u.reset = u.gates + (size_t)u.rows * (size_t)columns_of(k);
	(void)worker;
	run_unit(&u);
}

void recurrent_f32_run(
    const struct recurrent_f32 *k, struct pool *pool, const struct recurrent_f32_args *a)
{
	char *scratch = a->scratch;
	struct recurrent_run r = {.k = k,
	    .a = a,
	    .pool = k->columns ? pool : NULL,
	    .projected = (const float *)scratch,
	    .units = scratch + k->gates};
	struct nhwc_conv_f32_args p = {.in = a->x,
	    .packed = a->inputs,
	    .bias = a->bias,
	    .out = (float *)scratch,
	    .scratch = r.units + (size_t)(k->parts * k->dirs) * k->unit};
	nhwc_conv_f32_run(&k->project, pool, &p);
	if (k->columns)
		unit_task(&r, 0, 0);
	else
		pool_run(pool, k->parts * k->dirs, unit_task, &r);
}
