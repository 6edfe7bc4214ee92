/* Rounds the weights of quantized layers by the moments of their inputs and corrects biases. */
#include "quant/refine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "exec/gram.h"
#include "passes/rewrite.h"
#include "quant/rounding.h"

#define SIDE_BY_SIDE 4 /* outputs summed up */

struct layer {
	const char *name;
	const struct node *was, *now; /* of the original and of the quantized network; solve only */
	const struct moments_layer *m;
	double *mean, *mean_q;   /* solve only: sums over rows by input */
	int64_t groups, outs, k; /* outs outputs of a group */
	bool turned;             /* the weights lie as [k][outs] */
	const float *w;          /* solve only, as all up to scale: the weights [groups][outs][k] */
	int8_t *q;               /* the same */
	const float *scale;      /* [groups][outs] */
	struct blob *levels;     /* what q became, in the order of the graph */
	double *shift;           /* by output */
};

struct refinement {
	struct arena *arena;
	struct layer *layer;
	int nlayers;
	struct refine_options o;
	const struct moments *m; /* solve only, as all below */
	struct rooms *rooms;     /* by worker */
	struct err err;          /* of a task */
};

/* Of a worker, kept from layer to layer. */
struct rooms {
	struct room weights, turned, x, sums, second, products, rounding;
};

void refinement_free(struct refinement *r)
{
	if (!r)
		return;
	for (int i = 0; i < r->nlayers; i++) {
		free(r->layer[i].q);
		blob_unref(r->layer[i].levels);
		free(r->layer[i].shift);
	}
	arena_free(r->arena);
	free(r);
}

int refinement_layers(const struct refinement *r)
{
	return r->nlayers;
}

double *refinement_shift(struct refinement *r, int k, int64_t *n)
{
	*n = r->layer[k].groups * r->layer[k].outs;
	return r->layer[k].shift;
}

const char *refinement_name(const struct refinement *r, int k)
{
	return r->layer[k].name;
}

/* ---- weights of the two networks ---- */

static struct node *weight_levels(const struct node *n)
{
	return node_in(node_in(node_in(n, 1)->node, 0)->node, 0)->node;
}

/* Are the weights Const i8 -> Convert -> Multiply? */
static bool few_bits(const struct node *n)
{
	const struct value *w = n->nin == 2 ? node_in(n, 1) : NULL;
	if (!w || !node_is(w->node, OP_MULTIPLY))
		return false;
	const struct node *wide = node_in(w->node, 0)->node;
	return node_is(wide, OP_CONVERT) && node_is(node_in(wide, 0)->node, OP_CONST);
}

/* [rows][cols] to [cols][rows]. */
static void turn_levels(const int8_t *from, int64_t rows, int64_t cols, int8_t *to)
{
	for (int64_t i = 0; i < rows; i++)
		for (int64_t j = 0; j < cols; j++)
			to[j * rows + i] = from[i * cols + j];
}

/* The content of a Const: in place, or in a room. */
static int read_const(const struct value *v, struct room *room, struct tensor *t, struct err *err)
{
	const struct blob *b = value_const(v)->data;
	const void *direct = blob_direct(b);
	*t = (struct tensor){.type = v->info.type, .rank = v->info.shape.rank};
	for (int d = 0; d < t->rank; d++)
		t->dim[d] = v->info.shape.dim[d].min;
	if (direct && (uintptr_t)direct % 8 == 0) {
		t->data = (void *)direct;
		return OK;
	}
	t->data = room_of(room, blob_size(b), 1);
	return t->data ? blob_read(b, 0, t->data, blob_size(b), err) : fail_nomem(err);
}

/* The weights t as floats by output: as they are if they lie so. */
static bool turn_weights(struct layer *l, const struct tensor *t, struct room *room)
{
	int64_t n = tensor_count(t), outs = l->turned ? l->outs : 1, k = n / outs;
	const float *from = t->data;
	l->w = from;
	if (t->type == DT_F32 && !l->turned)
		return true;
	float *to = room_of(room, (size_t)n, sizeof *to);
	for (int64_t o = 0; to && o < outs; o++)
		for (int64_t i = 0; i < k; i++)
			to[o * k + i] = t->type == DT_F32 ? from[i * outs + o]
							  : (float)tensor_f64(t, i * outs + o);
	l->w = to;
	return to;
}

static int load(struct layer *l, struct rooms *rooms, struct err *err)
{
	struct tensor w;
	struct tensor q = value_tensor(&weight_levels(l->now)->out[0]);
	struct tensor scale = value_tensor(node_in(node_in(l->now, 1)->node, 1));
	int64_t all = l->groups * l->outs, count = all * l->k;
	int status = read_const(node_in(l->was, 1), &rooms->weights, &w, err);
	if (status)
		return status;
	if (q.type != DT_I8 || scale.type != DT_F32 || tensor_count(&scale) != all ||
	    tensor_count(&q) != count || tensor_count(&w) != count)
		return fail(err, E_FORMAT, "layer '%s': weights of another form", l->name);
	l->scale = scale.data;
	l->q = malloc((size_t)count);
	l->shift = calloc((size_t)all, sizeof *l->shift);
	if (!l->q || !l->shift || !turn_weights(l, &w, &rooms->turned))
		return fail_nomem(err);
	if (l->turned)
		turn_levels(q.data, l->k, l->outs, l->q);
	else
		memcpy(l->q, q.data, (size_t)count);
	return OK;
}

/* What q became, as it will stand in networks. */
static int keep_levels(struct layer *l, struct err *err)
{
	size_t count = (size_t)(l->groups * l->outs * l->k);
	int8_t *q = l->q, *turned = l->turned ? malloc(count) : q;
	if (!turned)
		return fail_nomem(err);
	if (l->turned)
		turn_levels(q, l->outs, l->k, turned);
	else
		l->q = NULL;
	l->levels = blob_heap(turned, count);
	return l->levels ? OK : fail_nomem(err);
}

static int largest(const struct layer *l)
{
	int most = 1;
	for (int64_t i = 0; i < l->groups * l->outs * l->k; i++)
		most = abs(l->q[i]) > most ? abs(l->q[i]) : most;
	return most;
}

/* ---- solving ---- */

static int round_block(
    struct layer *l, int64_t b, int most, const float *second, struct rooms *rooms, struct err *err)
{
	int64_t g = b / l->m->nblocks, i = b % l->m->nblocks;
	int64_t at = g * l->outs * l->k + i * l->m->block;
	struct rounding_gain gain;
	struct rounding r = {.n = moments_width(l->m, (int)i),
	    .out = l->outs,
	    .stride = l->k,
	    .w = l->w + at,
	    .scale = l->scale + g * l->outs,
	    .most = most,
	    .second = second,
	    .q = l->q + at};
	return rounding_solve(&r, &rooms->rounding, &gain, err);
}

/* Rows are read by so many blocks at a time: groups may be small. */
static int64_t blocks_of_read(const struct moments_layer *m)
{
	return m->nblocks == 1 && m->block <= GRAM_SMALL ? MOMENTS_BLOCK / m->block : 1;
}

/* Blocks b..b+n-1 of all groups. */
static int solve_blocks(struct layer *l, const struct moments_rows *rows, int64_t b, int64_t n,
    int most, struct rooms *rooms, struct err *err)
{
	const struct moments_layer *m = l->m;
	int64_t from = b / m->nblocks * l->k + b % m->nblocks * m->block;
	int w = moments_width(m, (int)(b % m->nblocks)), status = OK;
	float *x = room_of(&rooms->x, (size_t)(rows->count * n * w), sizeof *x);
	float *second = room_of(&rooms->second, (size_t)w * (size_t)w, sizeof *second);
	if (!x || !second)
		return fail_nomem(err);
	moments_columns(rows, from, n * w, x, l->mean + from, l->mean_q + from);
	for (int64_t i = 0; i < n && !status && most; i++) {
		status = gram(x + i * w, n * w, (int)rows->count, w, second, &rooms->products, err);
		status = status ? status : round_block(l, b + i, most, second, rooms, err);
	}
	return status;
}

/* Adds to sum what n outputs from number o on, of one group, are by the sums of inputs, less those
 * of the quantized layer by those of quantized inputs. */
static inline void add_outputs(const struct layer *l, int64_t o, int n, double *sum)
{
	const double *mean = l->mean + o / l->outs * l->k;
	const double *mean_q = l->mean_q + o / l->outs * l->k;
	for (int64_t i = 0; i < l->k; i++)
		for (int r = 0; r < n; r++) {
			int64_t at = (o + r) * l->k + i;
			sum[r] += l->w[at] * mean[i] -
				  (double)l->scale[o + r] * l->q[at] * mean_q[i];
		}
}

/* The mean output of the original less that of the quantized layer on quantized inputs. */
static void set_shift(struct layer *l, int64_t rows)
{
	int64_t all = l->groups * l->outs;
	for (int64_t o = 0; o < all;) {
		double sum[SIDE_BY_SIDE] = {0};
		int n = SIDE_BY_SIDE;
		if (l->outs - o % l->outs >= n)
			add_outputs(l, o, SIDE_BY_SIDE, sum);
		else
			add_outputs(l, o, n = 1, sum);
		for (int r = 0; r < n; r++)
			l->shift[o + r] = sum[r] / (double)rows;
		o += n;
	}
}

static int solve(const struct moments *m, struct layer *l, const struct refine_options *o,
    struct rooms *rooms, struct err *err)
{
	struct moments_rows rows = moments_rows(m, l->m, l->now);
	int64_t all = l->groups * l->m->nblocks, each = blocks_of_read(l->m);
	int status = load(l, rooms, err);
	int most = status || !o->rounding || !l->m->products ? 0 : largest(l);
	l->mean = room_of(&rooms->sums, 2 * (size_t)(l->groups * l->k), sizeof *l->mean);
	l->mean_q = l->mean + l->groups * l->k;
	if (!status && !l->mean)
		status = fail_nomem(err);
	for (int64_t b = 0; b < all && rows.count && !status; b += each)
		status = solve_blocks(
		    l, &rows, b, all - b < each ? all - b : each, most, rooms, err);
	if (!status && o->biases && rows.count)
		set_shift(l, rows.count);
	status = status ? status : keep_levels(l, err);
	free(l->q);
	l->q = NULL;
	return status;
}

static void solve_task(void *ctx, int task, int worker)
{
	struct refinement *r = ctx;
	struct err err = {0};
	if (solve(r->m, &r->layer[task], &r->o, &r->rooms[worker], &err))
		r->err = err;
}

static int solve_all(struct refinement *r, struct err *err)
{
	struct pool *pool = NULL;
	int status = pool_new(r->o.threads, &pool, err), n = status ? 0 : pool_size(pool);
	r->rooms = calloc((size_t)n + 1, sizeof *r->rooms);
	if (!status && !r->rooms)
		status = fail_nomem(err);
	if (!status) {
		pool_run(pool, r->nlayers, solve_task, r);
		status = r->err.status;
		if (status)
			*err = r->err;
	}
	for (int i = 0; i < n && r->rooms; i++) {
		room_free(&r->rooms[i].weights);
		room_free(&r->rooms[i].turned);
		room_free(&r->rooms[i].x);
		room_free(&r->rooms[i].sums);
		room_free(&r->rooms[i].second);
		room_free(&r->rooms[i].products);
		room_free(&r->rooms[i].rounding);
	}
	free(r->rooms);
	pool_free(pool);
	return status;
}

static int add_layers(struct refinement *r, const struct graph *g, const struct graph *q,
    const struct moments *m, struct err *err)
{
	r->layer = arena_array(r->arena, (size_t)m->nlayers + 1, sizeof *r->layer);
	if (!r->layer)
		return fail_nomem(err);
	for (int i = 0; i < m->nlayers; i++) {
		const struct moments_layer *from = &m->layer[i];
		struct layer *l = &r->layer[r->nlayers];
		*l = (struct layer){.name = arena_str(r->arena, from->name),
		    .was = graph_find_node(g, from->name),
		    .now = graph_find_node(q, from->name),
		    .m = from,
		    .groups = from->groups,
		    .k = from->k};
		if (!l->name)
			return fail_nomem(err);
		if (!l->was || !l->now || !few_bits(l->now))
			continue;
		l->turned = node_is(l->was, OP_MATMUL) && !attr_bool(l->was, "transpose_b");
		l->outs = shape_count(&node_in(l->was, 1)->info.shape) / l->groups / l->k;
		r->nlayers++;
	}
	return OK;
}

int refine_solve(const struct graph *g, const struct graph *q, const struct moments *m,
    const struct refine_options *o, struct refinement **out, struct err *err)
{
	struct refinement *r = calloc(1, sizeof *r);
	if (!r)
		return fail_nomem(err);
	r->o = *o;
	r->m = m;
	r->arena = arena_new();
	int status = r->arena ? add_layers(r, g, q, m, err) : fail_nomem(err);
	status = status ? status : solve_all(r, err);
	if (status)
		refinement_free(r);
	else
		*out = r;
	return status;
}

/* ---- putting it into a network ---- */

static int put_levels(const struct layer *l, struct node *n, struct err *err)
{
	struct node *old = weight_levels(n), *wide = node_in(node_in(n, 1)->node, 0)->node;
	int64_t dims[MAX_RANK];
	int rank = old->out[0].info.shape.rank;
	for (int d = 0; d < rank; d++)
		dims[d] = old->out[0].info.shape.dim[d].min;
	struct blob *b = blob_ref(l->levels);
	struct node *new = graph_const(n->graph, old, old->name, DT_I8, rank, dims, b);
	if (!new)
		return fail_nomem(err);
	node_set_input(wide, 0, &new->out[0]);
	remove_dead(old);
	return OK;
}

static bool all_zero(const double *x, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		if (x[i] != 0)
			return false;
	return true;
}

/* Behind n, before whatever read it. */
static int insert_bias(struct node *n, struct node *bias, struct err *err)
{
	struct value *in[2] = {&n->out[0], &bias->out[0]};
	const char *name = name_with(n, n->name, "/corrected");
	struct node *add = name ? graph_insert_after(bias, op_row(OP_ADD), name, in, 2, 1) : NULL;
	if (!add)
		return fail_nomem(err);
	graph_replace(&n->out[0], &add->out[0]);
	return node_infer(add, err);
}

static int put_bias(const struct layer *l, struct node *n, struct err *err)
{
	int rank = n->out[0].info.shape.rank, axis = node_is(n, OP_MATMUL) ? rank - 1 : 1;
	int64_t outs = l->groups * l->outs;
	struct node *add = only_use(&n->out[0]);
	double *x = calloc((size_t)outs, sizeof *x);
	if (!x)
		return fail_nomem(err);
	int k = add && node_is(add, OP_ADD) ? const_input(add) : -1;
	bool there = k >= 0 && const_channels(node_in(add, k), rank, axis, outs, x);
	bool idle = rank < 2 || all_zero(l->shift, outs) || (!there && node_is(n, OP_MATMUL));
	for (int64_t i = 0; i < outs; i++)
		x[i] += l->shift[i];
	struct node *at = there ? add : n->next;
	const char *name = there ? node_in(add, k)->node->name : name_with(n, n->name, "/shift");
	struct node *bias = idle || !name ? NULL
					  : add_channels(at, name, DT_F32, rank, axis, outs, x);
	free(x);
	if (idle)
		return OK;
	if (!bias)
		return fail_nomem(err);
	if (!there)
		return insert_bias(n, bias, err);
	struct node *old = node_in(add, k)->node;
	node_set_input(add, k, &bias->out[0]);
	remove_dead(old);
	return OK;
}

int refine_apply(const struct refinement *r, struct graph *q, struct err *err)
{
	int status = OK;
	for (int i = 0; i < r->nlayers && !status; i++) {
		const struct layer *l = &r->layer[i];
		struct node *n = graph_find_node(q, l->name);
		const struct value *w = n ? node_in(n, 1) : NULL;
		if (!w || !node_is(w->node, OP_MULTIPLY) ||
		    !node_is(node_in(w->node, 0)->node, OP_CONVERT))
			continue;
		status = put_levels(l, n, err);
		if (!status && r->o.biases)
			status = put_bias(l, n, err);
	}
	return status;
}
