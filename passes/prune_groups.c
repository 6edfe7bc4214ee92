/* The layers that make and read channels, and the groups of units that may go. */
#include <stdlib.h>

#include "passes/prune.h"

#define DEPTH 12 /* nodes that are looked through from a weight to its constants */
#define CHANNEL_STEP 16

/* ---- layers ------------------------------------------------------------------------------------
 */

static bool constant(const struct value *v, int depth)
{
	const struct node *n = v ? v->node : NULL;
	if (!n || !depth || n->nbodies || n->op->flags & OPF_RANDOM || node_is(n, OP_PARAMETER))
		return false;
	for (int i = 0; i < n->nin; i++)
		if (node_in(n, i) && !constant(node_in(n, i), depth - 1))
			return false;
	return true;
}

/* Is v computed from constants alone? */
static bool is_constant(const struct value *v)
{
	return constant(v, DEPTH);
}

static int evaluate(const struct value *v, struct const_view *out, struct err *err)
{
	const struct node *n = v->node;
	struct const_view *in = calloc(n->nin + 1, sizeof *in);
	struct tensor *t = calloc(n->nin + 1, sizeof *t), *got = calloc(n->nout + 1, sizeof *got);
	int e = in && t && got ? OK : fail_nomem(err);
	for (int i = 0; !e && i < n->nin; i++) {
		e = node_in(n, i) ? prune_content(node_in(n, i), &in[i], err) : OK;
		t[i] = in[i].t;
	}
	e = e ? e : node_eval(n, t, n->nin, got, err);
	for (int k = 0; !e && k < n->nout; k++) {
		if (k == v->port)
			*out = (struct const_view){.t = got[k], .owned = true};
		else
			tensor_free(&got[k]);
	}
	for (int i = 0; in && i < n->nin; i++)
		const_close(&in[i]);
	free(in);
	free(t);
	free(got);
	return e;
}

int prune_content(const struct value *v, struct const_view *out, struct err *err)
{
	return value_const(v) ? const_open(v, out, err) : evaluate(v, out, err);
}

static bool product_layer(struct prune_layer *l, const struct node *n)
{
	int rank[2];
	for (int i = 0; i < 2; i++)
		rank[i] = node_in(n, i)->info.shape.rank;
	bool first = is_constant(node_in(n, 0));
	if (rank[0] < 2 || rank[1] < 2 || first == is_constant(node_in(n, 1)))
		return false;
	bool turned = attr_bool(n, first ? "transpose_a" : "transpose_b");
	int r = rank[first ? 0 : 1], made = turned != first ? r - 2 : r - 1;
	l->input = first ? 0 : 1;
	l->out[0] = made;
	l->in[0] = made == r - 1 ? r - 2 : r - 1;
	l->channel = n->out[0].info.shape.rank - (first ? 2 : 1);
	return true;
}

bool prune_layer_of(struct node *n, struct prune_layer *l)
{
	*l = (struct prune_layer){.node = n, .input = 1, .out = {0, -1}, .in = {-1, -1}};
	if (node_is(n, OP_MATMUL))
		return product_layer(l, n);
	bool grouped = node_is(n, OP_GROUP_CONVOLUTION) || node_is(n, OP_GROUP_DECONVOLUTION);
	bool turned = node_is(n, OP_DECONVOLUTION) || node_is(n, OP_GROUP_DECONVOLUTION);
	if (!grouped && !turned && !node_is(n, OP_CONVOLUTION))
		return false;
	const struct shape *s = &node_in(n, 1)->info.shape;
	if (s->rank < 3 + grouped || !shape_static(s) || !is_constant(node_in(n, 1)))
		return false;
	l->channel = 1;
	l->out[0] = !grouped && turned;
	l->in[0] = !grouped && !turned;
	if (grouped) {
		l->out[1] = 1 + turned;
		l->in[0] = 0;
		l->in[1] = 2 - turned;
		l->through = s->dim[1].min == 1 && s->dim[2].min == 1;
	}
	return true;
}

/* ---- groups ------------------------------------------------------------------------------------
 */

/* What is gathered for each class. */
struct finder {
	struct units *u;
	struct prune_groups *g;
	uint64_t *sign; /* of what makes the unit; 0: nothing */
	int32_t *group;
};

static uint64_t mix(uint64_t h, uint64_t x)
{
	h = (h ^ (x + 1)) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

/* One more value whose channels the units are. */
static void sign_axis(struct finder *f, const struct value *v, int axis, uint64_t what)
{
	for (int64_t i = 0; unit_has(f->u, v, axis) && i < v->info.shape.dim[axis].min; i++) {
		int32_t x = unit_at(f->u, v, axis, i);
		if (!f->u->fixed[x])
			f->sign[x] = mix(f->sign[x], what);
	}
}

/* Parts that are cut from one axis are groups of their own, so that none vanishes. */
static void sign_parts(struct finder *f, const struct node *n, uint64_t what)
{
	bool cuts = node_is(n, OP_SPLIT) || node_is(n, OP_VARIADIC_SPLIT) || node_is(n, OP_SLICE) ||
		    node_is(n, OP_STRIDED_SLICE);
	for (int k = 0; cuts && k < n->nout; k++)
		for (int a = 0; a < n->out[k].info.shape.rank; a++)
			for (int64_t i = 0;
			     unit_has(f->u, &n->out[k], a) && i < n->out[k].info.shape.dim[a].min;
			     i++) {
				int32_t x = unit_at(f->u, &n->out[k], a, i);
				if (f->sign[x])
					f->sign[x] = mix(f->sign[x], what + k);
			}
}

static int find_layers(struct units *u, struct prune_groups *g, struct err *err)
{
	struct prune_layer l;
	g->nlayers = 0;
	graph_each (u->graph, n)
		g->nlayers += prune_layer_of(n, &l);
	g->layer = arena_array(g->arena, g->nlayers + 1, sizeof *g->layer);
	if (!g->layer)
		return fail_nomem(err);
	int k = 0;
	graph_each (u->graph, n)
		if (prune_layer_of(n, &l))
			g->layer[k++] = l;
	return OK;
}

/* Classes of one sign are a group; the first label of the first class gives its place. */
static int number_groups(struct finder *f, struct err *err)
{
	struct prune_groups *g = f->g;
	int room = 0, last = 0;
	uint64_t *sign = NULL;
	for (int32_t x = 0; x < f->u->nlabels; x++) {
		f->group[x] = -1;
		if (f->u->parent[x] != x || !f->sign[x])
			continue;
		int k = last < g->ngroups && sign[last] == f->sign[x] ? last : 0;
		while (k < g->ngroups && sign[k] != f->sign[x])
			k++;
		last = k;
		if (k == room) {
			room = room ? room * 2 : 64;
			uint64_t *more = realloc(sign, room * sizeof *sign);
			if (!more) {
				free(sign);
				return fail_nomem(err);
			}
			sign = more;
		}
		if (k == g->ngroups)
			sign[g->ngroups++] = f->sign[x];
		f->group[x] = k;
	}
	free(sign);
	g->group = arena_array(g->arena, g->ngroups + 1, sizeof *g->group);
	return g->group ? OK : fail_nomem(err);
}

static int fill_groups(struct finder *f, struct err *err)
{
	struct prune_groups *g = f->g;
	for (int32_t x = 0; x < f->u->nlabels; x++)
		if (f->group[x] >= 0)
			g->group[f->group[x]].n++;
	for (int k = 0; k < g->ngroups; k++) {
		g->group[k].unit = arena_array(g->arena, g->group[k].n, sizeof(int32_t));
		if (!g->group[k].unit)
			return fail_nomem(err);
		g->group[k].n = 0;
		g->group[k].step = 1;
	}
	for (int32_t x = 0; x < f->u->nlabels; x++)
		if (f->group[x] >= 0) {
			struct prune_group *p = &g->group[f->group[x]];
			p->unit[p->n++] = x;
		}
	return OK;
}

/* Units of the layer's group that make CHANNEL_STEP channels. */
static int step_of(int channels)
{
	int a = CHANNEL_STEP, b = channels;
	while (b) {
		int r = a % b;
		a = b;
		b = r;
	}
	return CHANNEL_STEP / a;
}

/* Names the groups whose channels l makes, and counts by their first units how many each has. */
static void describe(struct finder *f, const struct prune_layer *l, int *channels)
{
	const struct value *v = &l->node->out[0];
	int64_t count = unit_has(f->u, v, l->channel) ? v->info.shape.dim[l->channel].min : 0;
	for (int64_t i = 0; i < count; i++) {
		int32_t x = unit_at(f->u, v, l->channel, i), k = f->group[x];
		if (k >= 0)
			channels[k] += x == f->g->group[k].unit[0];
	}
	for (int64_t i = 0; i < count; i++) {
		int32_t k = f->group[unit_at(f->u, v, l->channel, i)];
		if (k < 0 || !channels[k])
			continue;
		struct prune_group *p = &f->g->group[k];
		p->name = p->name ? p->name : l->node->name;
		p->layers++;
		if (step_of(channels[k]) > p->step)
			p->step = step_of(channels[k]);
		channels[k] = 0;
	}
}

static int describe_all(struct finder *f, struct err *err)
{
	int *channels = calloc(f->g->ngroups + 1, sizeof *channels);
	for (int i = 0; channels && i < f->g->nlayers; i++)
		if (!f->g->layer[i].through)
			describe(f, &f->g->layer[i], channels);
	free(channels);
	return channels ? OK : fail_nomem(err);
}

static int find_groups(struct finder *f, struct err *err)
{
	uint64_t what = 1;
	for (int i = 0; i < f->g->nlayers; i++) {
		struct prune_layer *l = &f->g->layer[i];
		if (!l->through)
			sign_axis(f, &l->node->out[0], l->channel, what++);
	}
	graph_each (f->u->graph, n)
		sign_parts(f, n, (what += 1 + n->nout));
	int e = number_groups(f, err);
	e = e ? e : fill_groups(f, err);
	return e ? e : describe_all(f, err);
}

int prune_find_groups(
    struct units *u, struct arena *arena, struct prune_groups *out, struct err *err)
{
	struct finder f = {.u = u, .g = out};
	*out = (struct prune_groups){.arena = arena};
	f.sign = calloc(u->nlabels + 1, sizeof *f.sign);
	f.group = calloc(u->nlabels + 1, sizeof *f.group);
	int e = f.sign && f.group ? find_layers(u, out, err) : fail_nomem(err);
	e = e ? e : find_groups(&f, err);
	free(f.sign);
	free(f.group);
	return e;
}
