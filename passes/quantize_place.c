/* Where quantizers stand: on what the layers read that 8 bits speed up, as far towards the input as
 * layers between only pass elements on. */
#include <stdlib.h>
#include <string.h>

#include "passes/quantize.h"
#include "passes/rewrite.h"

struct place {
	struct graph *g;
	const struct quantize_options *o;
	struct placement *p;
	int *set;       /* by value id: a value whose range this one's is; negative: its own */
	bool *through;  /* by value id: made by a layer that passes levels on, and all its readers
			 * want levels */
	int *quantizer; /* by value id, -1 for none */
	unsigned char *skip; /* by value id of its first output: why a layer is not in 8 bits */
	bool *weighed;       /* by value id: a layer with weights lies before it */
	struct err *err;
};

/* ---- which layers ---- */

static bool is_data(const struct value *v)
{
	return v && v->info.type == DT_F32 && !node_is(v->node, OP_CONST);
}

/* What a product gives, perhaps with a bias and an activation. */
static bool from_product(const struct value *v)
{
	while (v && !node_is(v->node, OP_MATMUL)) {
		const struct node *n = v->node;
		if (node_is(n, OP_ADD) && const_input(n) >= 0)
			v = node_in(n, 1 - const_input(n));
		else
			v = is_view(n) || n->op->flags & OPF_UNARY ? node_in(n, 0) : NULL;
	}
	return v != NULL;
}

/* Sums behind products, as between the layers of a transformer, are taken along by these: in 8 bits
 * they lose accuracy and save nothing. */
static bool adds_maps(const struct node *n)
{
	return node_is(n, OP_ADD) && is_data(node_in(n, 0)) && is_data(node_in(n, 1)) &&
	       node_in(n, 0)->info.shape.rank >= 3 &&
	       same_shapes(&node_in(n, 0)->info.shape, &node_in(n, 1)->info.shape) &&
	       !from_product(node_in(n, 0)) && !from_product(node_in(n, 1));
}

static bool from_softmax(const struct value *v)
{
	while (v && is_view(v->node))
		v = node_in(v->node, 0);
	return v && (node_is(v->node, OP_SOFTMAX) || node_is(v->node, OP_SOFTMAX_1));
}

/* Queries times keys, alone or within attention; what probabilities weigh stays in floats. */
static bool multiplies_results(const struct node *n)
{
	if (n->nin < 2 || !is_data(node_in(n, 1)))
		return false;
	return node_is(n, OP_SDPA) ||
	       (node_is(n, OP_MATMUL) && node_in(n, 0) != node_in(n, 1) &&
		   !from_softmax(node_in(n, 0)) && !from_softmax(node_in(n, 1)));
}

/* How many of its inputs, from the first, n could read in 8 bits. */
static int can_read(const struct place *l, const struct node *n)
{
	if (!n->nin || !n->nout || !is_data(node_in(n, 0)))
		return 0;
	if (quantizable_weights(n))
		return !node_is(n, OP_MATMUL) || !attr_bool(n, "transpose_a");
	return adds_maps(n) || (l->o->products && multiplies_results(n)) ? 2 : 0;
}

/* How many it does read so. */
static int reads(const struct place *l, const struct node *n)
{
	return n->nout && !l->skip[n->out[0].id] ? can_read(l, n) : 0;
}

int passes_levels(const struct node *n)
{
	if (!n->nout || !is_data(node_in(n, 0)))
		return 0;
	if (node_is(n, OP_CONCAT)) {
		for (int k = 0; k < n->nin; k++)
			if (!is_data(node_in(n, k)))
				return 0;
		return n->nin;
	}
	return is_view(n) || node_is(n, OP_TRANSPOSE) || node_is(n, OP_IDENTITY) ||
	       node_is(n, OP_MAX_POOL_1) || node_is(n, OP_MAX_POOL) || node_is(n, OP_MAX_POOL_14);
}

/* ---- along the graph ---- */

static int find(struct place *l, int v)
{
	while (l->set[v] >= 0)
		v = l->set[v];
	return v;
}

static void join(struct place *l, const struct value *a, const struct value *b)
{
	int x = find(l, (int)a->id), y = find(l, (int)b->id);
	if (x != y)
		l->set[x > y ? x : y] = x < y ? x : y;
}

static bool wants(const struct place *l, const struct use *u)
{
	const struct node *n = u->node;
	if (u->index < reads(l, n))
		return true;
	return n->nout && l->through[n->out[0].id] && u->index < passes_levels(n);
}

static bool all_want(const struct place *l, const struct value *v)
{
	if (!v->uses)
		return false;
	value_each_use (v, u)
		if (!wants(l, u))
			return false;
	return true;
}

static void follow(struct place *l)
{
	for (struct node *n = l->g->last; n; n = n->prev) {
		int k = passes_levels(n);
		if (!k || !all_want(l, &n->out[0]) || (n->nout > 1 && n->out[1].nuses))
			continue;
		l->through[n->out[0].id] = true;
		while (k-- > 0)
			join(l, &n->out[0], node_in(n, k));
	}
}

/* ---- results ---- */

/* Only depthwise layers read it: each channel may have a range of its own. */
static bool per_channel(const struct value *v)
{
	if (v->info.shape.rank < 3 || !dim_static(v->info.shape.dim[1]) || !v->uses)
		return false;
	value_each_use (v, u) {
		const struct node *n = u->node;
		if (u->index || !node_is(n, OP_GROUP_CONVOLUTION) || !quantizable_weights(n) ||
		    node_in(n, 1)->info.shape.dim[2].min != 1)
			return false;
	}
	return true;
}

/* Only products of sequences read it, some through layers that pass levels on. */
static bool is_sequence(const struct place *l, const struct value *v)
{
	value_each_use (v, u) {
		const struct node *n = u->node;
		if ((node_is(n, OP_MATMUL) || node_is(n, OP_SDPA)) && v->info.shape.rank >= 3)
			continue;
		if (!n->nout || !l->through[n->out[0].id] || !is_sequence(l, &n->out[0]))
			if (wants(l, u))
				return false;
	}
	return true;
}

/* A product of results reads it, perhaps through layers that pass levels on. */
static bool is_multiplied(const struct place *l, const struct value *v)
{
	value_each_use (v, u) {
		const struct node *n = u->node;
		if (u->index < reads(l, n) && multiplies_results(n) && !quantizable_weights(n))
			return true;
		if (n->nout && l->through[n->out[0].id] && is_multiplied(l, &n->out[0]))
			return true;
	}
	return false;
}

static int add_quantizer(struct place *l, const struct value *v)
{
	struct placement *p = l->p;
	struct quantizer *q = &p->quantizer[p->nquantizers];
	const char *name = v->node->name;
	int set = find(l, (int)v->id);
	q->name = v->port ? arena_printf(p->arena, "%s:%d", name, v->port)
			  : arena_str(p->arena, name);
	if (!q->name)
		return fail_nomem(l->err);
	q->value = v->id;
	q->channels = l->o->depthwise_channels && per_channel(v) ? v->info.shape.dim[1].min : 1;
	q->set = p->nquantizers;
	for (int i = p->nquantizers - 1; i >= 0; i--)
		if (find(l, (int)p->quantizer[i].value) == set)
			q->set = p->quantizer[i].set;
	q->sequence = is_sequence(l, v);
	q->symmetric = l->o->products && is_multiplied(l, v);
	l->quantizer[v->id] = p->nquantizers++;
	return OK;
}

static int add_inputs(struct place *l, const struct node *n, uint32_t number)
{
	bool inner = n->nout && l->through[n->out[0].id];
	int count = inner ? passes_levels(n) : reads(l, n);
	for (int k = 0; k < count; k++) {
		const struct value *v = node_in(n, k);
		if (l->through[v->id])
			continue;
		int status = l->quantizer[v->id] < 0 ? add_quantizer(l, v) : OK;
		if (status < 0)
			return status;
		l->p->input[l->p->ninputs++] = (struct quantized_input){
		    number, k, l->quantizer[v->id]};
	}
	return OK;
}

double quantize_macs(const struct node *n)
{
	const struct shape *w = &node_in(n, 1)->info.shape;
	double y = shape_count(&n->out[0].info.shape), per = 1;
	if (!quantizable_weights(n) || y < 0)
		return 0;
	for (int d = node_is(n, OP_GROUP_CONVOLUTION) ? 2 : 1; d < w->rank; d++)
		per *= w->dim[d].min;
	if (node_is(n, OP_MATMUL))
		per = w->dim[attr_bool(n, "transpose_b") ? 1 : 0].min;
	return y * per;
}

/* True when no layer with weights lies between the network's inputs and n. */
static bool pass_weights(struct place *l, const struct node *n)
{
	bool first = true;
	for (int k = 0; k < n->nin; k++)
		first &= !node_in(n, k) || !l->weighed[node_in(n, k)->id];
	for (int k = 0; k < n->nout; k++)
		l->weighed[n->out[k].id] = !first || quantizable_weights(n);
	return first;
}

static int add_group(struct place *l, const struct node *n, uint32_t number, bool first)
{
	bool half = l->o->overflow == OVERFLOW_ENABLE ||
		    (l->o->overflow == OVERFLOW_FIRST_LAYER_ONLY && first);
	struct quant_group *g = &l->p->group[l->p->ngroups++];
	*g = (struct quant_group){.name = arena_str(l->p->arena, n->name),
	    .type = n->op->type,
	    .node = number,
	    .weights = quantizable_weights(n),
	    .macs = quantize_macs(n),
	    .most = half ? 63 : 127};
	if (g->weights)
		g->bytes = 4 * shape_count(&node_in(n, 1)->info.shape);
	return g->name ? OK : fail_nomem(l->err);
}

static int add_skipped(struct place *l, const struct node *n)
{
	enum quantize_skip why = n->nout ? (enum quantize_skip)l->skip[n->out[0].id] : SKIP_NONE;
	if (why <= SKIP_KEPT || !can_read(l, n))
		return OK;
	struct quant_skipped *s = &l->p->skipped[l->p->nskipped++];
	*s = (struct quant_skipped){arena_str(l->p->arena, n->name), why};
	return s->name ? OK : fail_nomem(l->err);
}

static int collect(struct place *l)
{
	int status = OK;
	uint32_t number = 0;
	graph_each (l->g, n) {
		bool first = pass_weights(l, n);
		status = status ? status : add_inputs(l, n, number);
		if (!status && reads(l, n))
			status = add_group(l, n, number, first);
		status = status ? status : add_skipped(l, n);
		number++;
	}
	return status;
}

static bool allocate(struct place *l)
{
	size_t nvalues = (size_t)l->g->nvalues + 1, nin = 1;
	graph_each (l->g, n)
		nin += (size_t)n->nin;
	struct arena *a = l->p->arena = arena_new();
	if (!a)
		return false;
	l->set = malloc(nvalues * sizeof *l->set);
	l->quantizer = malloc(nvalues * sizeof *l->quantizer);
	l->through = calloc(nvalues, sizeof *l->through);
	l->skip = calloc(nvalues, 1);
	l->weighed = calloc(nvalues, sizeof *l->weighed);
	l->p->quantizer = arena_array(a, nvalues, sizeof *l->p->quantizer);
	l->p->input = arena_array(a, nin, sizeof *l->p->input);
	l->p->group = arena_array(a, (size_t)l->g->nnodes + 1, sizeof *l->p->group);
	l->p->skipped = arena_array(a, (size_t)l->g->nnodes + 1, sizeof *l->p->skipped);
	if (!l->set || !l->quantizer || !l->through || !l->weighed || !l->skip ||
	    !l->p->quantizer || !l->p->input || !l->p->group || !l->p->skipped)
		return false;
	memset(l->set, 0xff, nvalues * sizeof *l->set);
	memset(l->quantizer, 0xff, nvalues * sizeof *l->quantizer);
	return true;
}

int quantize_place(
    struct graph *g, const struct quantize_options *o, struct placement *out, struct err *err)
{
	struct place l = {.g = g, .o = o, .p = out, .err = err};
	*out = (struct placement){.graph = g};
	graph_number(g);
	int status = allocate(&l) ? OK : fail_nomem(err);
	if (!status) {
		quantize_skips(g, o, l.skip);
		follow(&l);
		status = collect(&l);
	}
	free(l.set);
	free(l.quantizer);
	free(l.through);
	free(l.weighed);
	free(l.skip);
	if (status)
		placement_free(out);
	return status;
}

void placement_free(struct placement *p)
{
	arena_free(p->arena);
	*p = (struct placement){0};
}
