/* Finds constant matrices that are stored in few bits, and reads their scales. */
#include "exec/compressed.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "exec/quant.h"

/* ---- the pattern ---- */

static bool is_float(const struct value *v)
{
	return v->info.type == DT_F32 || v->info.type == DT_F16;
}

/* What is behind conversions that lose nothing, and changes of shape when moved is set. */
static const struct value *behind(const struct value *v, bool moved)
{
	while (v) {
		const struct node *n = v->node;
		const struct value *from = n->nin ? n->in[0].value : NULL;
		bool wide = from && is_float(v) && from->info.type != DT_F32 &&
			    (is_float(from) || dtype_is_int(from->info.type));
		bool same = from && from->info.type == v->info.type;
		if (!(node_is(n, OP_CONVERT) && (wide || same)) &&
		    !(moved && node_is(n, OP_RESHAPE)))
			break;
		v = from;
	}
	return v;
}

static const struct node *const_behind(const struct value *v)
{
	v = behind(v, false);
	return v && node_is(v->node, OP_CONST) ? v->node : NULL;
}

static bool is_one_use(const struct network *net, const struct value *v)
{
	return net->uses[v->id] == 1;
}

/* Const -> Convert -> [Subtract] -> Multiply. */
static bool find_integers(const struct network *net, const struct value *v, struct compressed *c)
{
	if (!node_is(v->node, OP_MULTIPLY) || !is_one_use(net, v))
		return false;
	c->scale = const_behind(node_in(v->node, 1));
	v = behind(node_in(v->node, 0), false);
	if (v && node_is(v->node, OP_SUBTRACT)) {
		c->zero = const_behind(node_in(v->node, 1));
		if (!c->zero || !is_one_use(net, v))
			return false;
		v = behind(node_in(v->node, 0), false);
	}
	if (!v || !node_is(v->node, OP_CONST) || !c->scale || !is_float(&c->scale->out[0]))
		return false;
	enum dtype type = v->info.type;
	c->data = v->node;
	c->k.type = type == DT_I8 || type == DT_U8 ? CW_I8 : CW_I4;
	c->k.zero = c->zero || !dtype_is_signed(type);
	return c->k.type == CW_I8 || type == DT_I4 || type == DT_U4;
}

static bool find_data(const struct network *net, const struct value *v, struct compressed *c)
{
	const struct value *from = behind(v, true);
	if (!from || from == v)
		from = v;
	if (!node_is(from->node, OP_CONST))
		return find_integers(net, from, c);
	c->data = from->node;
	c->k.type = CW_F16;
	return from->info.type == DT_F16;
}

/* ---- dims ---- */

/* Dims of the integers: [outer][inner] of groups, depths and columns. */
struct grid {
	int rank, column, group; /* axes; group -1: one group */
	int64_t dim[3];
};

static bool find_grid(const struct compressed *c, struct grid *g)
{
	struct tensor t = value_tensor(&c->data->out[0]);
	*g = (struct grid){.rank = t.rank, .group = -1};
	if (t.rank < 2 || t.rank > 3)
		return false;
	for (int d = 0; d < t.rank; d++)
		g->dim[d] = t.dim[d];
	g->column = c->turned ? 0 : t.rank - 1;
	if (t.rank == 3)
		g->group = c->turned ? 1 : 0;
	int depth = c->turned ? t.rank - 1 : t.rank - 2;
	int64_t groups = g->group < 0 ? 1 : g->dim[g->group];
	return g->dim[g->column] == c->k.n && g->dim[depth] > 0 && groups > 0 &&
	       g->dim[depth] <= c->k.k && groups * g->dim[depth] == c->k.k;
}

static int groups_of(const struct grid *g)
{
	return g->group < 0 ? 1 : (int)g->dim[g->group];
}

/* Is t, aligned to the right, constant within a group of a column? */
static bool is_per_group(const struct grid *g, const struct tensor *t)
{
	if (!t->data || t->rank > g->rank)
		return false;
	for (int d = 0; d < t->rank; d++) {
		int at = d + g->rank - t->rank;
		if (t->dim[d] != 1 &&
		    !((at == g->column || at == g->group) && t->dim[d] == g->dim[at]))
			return false;
	}
	return true;
}

static double at_group(const struct grid *g, const struct tensor *t, int group, int column)
{
	int64_t at = 0;
	for (int d = 0; d < t->rank; d++) {
		int axis = d + g->rank - t->rank;
		int64_t i = axis == g->column ? column : axis == g->group ? group : 0;
		at = at * t->dim[d] + (t->dim[d] == 1 ? 0 : i);
	}
	return tensor_f64(t, at);
}

/* Whole numbers that the type of the elements has. */
static bool zeros_fit(const struct compressed *c)
{
	struct tensor t = value_tensor(&c->zero->out[0]);
	bool is_signed = dtype_is_signed(c->data->out[0].info.type);
	int range = c->k.type == CW_I8 ? 256 : 16, low = is_signed ? -range / 2 : 0;
	for (int64_t i = 0; i < tensor_count(&t); i++) {
		double z = tensor_f64(&t, i);
		if (!(z >= low && z < low + range) || z != nearbyint(z))
			return false;
	}
	return true;
}

static bool scales_fit(const struct compressed *c, struct linear_cw *k)
{
	struct grid g;
	struct tensor scale = value_tensor(&c->scale->out[0]), zero = {0};
	if (c->zero)
		zero = value_tensor(&c->zero->out[0]);
	if (!find_grid(c, &g) || !is_per_group(&g, &scale) ||
	    (c->zero && (!is_per_group(&g, &zero) || !zeros_fit(c))))
		return false;
	k->group = k->k / groups_of(&g);
	return k->type == CW_I8 || k->group == k->k || k->group % 8 == 0;
}

bool compressed_find(const struct network *net, const struct node *n, struct compressed *c)
{
	*c = (struct compressed){0};
	if (!node_is(n, OP_MATMUL) || attr_bool(n, "transpose_a") ||
	    n->out[0].info.type != DT_F32 || node_in(n, 0)->info.shape.rank < 2)
		return false;
	const struct value *w = node_in(n, 1);
	const struct shape *s = &w->info.shape;
	struct quant_weights ignored;
	c->turned = attr_bool(n, "transpose_b");
	if (s->rank != 2 || shape_count(s) < 1 || s->dim[0].min > INT_MAX / 64 ||
	    s->dim[1].min > INT_MAX / 64 || quant_layer(net, n, &ignored))
		return false;
	c->k.k = c->k.group = (int)s->dim[c->turned].min;
	c->k.n = (int)s->dim[!c->turned].min;
	return find_data(net, w, c) && (c->k.type == CW_F16 || scales_fit(c, &c->k));
}

/* ---- reading ---- */

int compressed_open(const struct compressed *c, struct cw_source *s, struct err *err)
{
	struct tensor t = value_tensor(&c->data->out[0]), scale, zero = {0};
	struct grid g;
	*s = (struct cw_source){.data = t.data, .turned = c->turned};
	s->is_signed = dtype_is_signed(t.type);
	if (c->k.type == CW_F16 || !find_grid(c, &g))
		return OK;
	int groups = groups_of(&g);
	scale = value_tensor(&c->scale->out[0]);
	float *scales = calloc((size_t)groups * (size_t)c->k.n + 1, sizeof *scales);
	int16_t *zeros = c->zero ? calloc((size_t)groups * (size_t)c->k.n + 1, sizeof *zeros)
				 : NULL;
	s->scale = scales;
	s->zero = zeros;
	if (!scales || (c->zero && !zeros))
		return fail_nomem(err);
	if (c->zero)
		zero = value_tensor(&c->zero->out[0]);
	for (int i = 0; i < groups; i++)
		for (int j = 0; j < c->k.n; j++) {
			*scales++ = (float)at_group(&g, &scale, i, j);
			if (c->zero)
				*zeros++ = (int16_t)at_group(&g, &zero, i, j);
		}
	return OK;
}

void compressed_close(struct cw_source *s)
{
	free((void *)s->scale);
	free((void *)s->zero);
}

void compressed_defer(struct network *net, const struct node *n)
{
	const struct value *v = node_in(n, 1);
	while (v && net->maker[v->id] >= 0 && is_one_use(net, v) && v->node->nout == 1 &&
	       shape_count(&v->info.shape) >= 0) {
		net->step[net->maker[v->id]].deferred = true;
		v = node_in(v->node, 0);
	}
}
