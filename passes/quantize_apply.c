/* Puts quantizers into a clone of a network: FakeQuantize on activations, 8-bit weights. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "passes/quantize.h"
#include "passes/rewrite.h"

#define LEVELS 256

struct apply {
	const struct placement *p;
	const struct quant_range *range;
	struct weight_levels *levels; /* or NULL */
	struct node **node;           /* of the clone, by number */
	struct value **value;         /* of the clone, by id */
	struct value **fq;            /* by quantizer: its output, NULL when it is not there yet */
	struct err *err;
};

/* Moves the ends so that 0 is a level: -high * 128 / 127 when symmetric, 0 when nothing is below
 * it, else the end nearer to 0 gives way. */
static void settle(const struct quant_range *r, int64_t c, float *low, float *high)
{
	double lo = fmin(r->low[c], 0), hi = fmax(r->high[c], 0);
	if (r->symmetric && lo < 0) {
		hi = fmax(hi, -lo * 127 / 128);
		lo = -hi * 128 / 127;
	}
	double least = fmax(FLT_MIN * 1024., 1e-6 * fmax(-lo, hi));
	if (hi - lo < least)
		hi = lo + least;
	double zero = nearbyint(-lo / (hi - lo) * (LEVELS - 1));
	if (!r->symmetric && zero > 0 && zero < LEVELS - 1) {
		double to = -hi * zero / (LEVELS - 1 - zero);
		if (to <= lo)
			lo = to;
		else
			hi = -lo * (LEVELS - 1 - zero) / zero;
	} else if (!r->symmetric) {
		lo = zero > 0 ? lo : 0;
		hi = zero > 0 ? 0 : hi;
	}
	*low = (float)lo;
	*high = (float)hi;
}

static struct node *range_end(struct node *at, const char *name, int rank, int64_t n, float *x)
{
	int64_t dims[MAX_RANK];
	for (int d = 0; d < rank; d++)
		dims[d] = d == 1 ? n : 1;
	struct blob *b = blob_copy(x, (size_t)n * sizeof *x);
	return graph_const(at->graph, at, name, DT_F32, n > 1 ? rank : 0, dims, b);
}

/* Both ends as constants before at, the same before and behind; false without memory. */
static bool add_ends(struct apply *a, int k, struct node *at, const char *name, struct value **in)
{
	static const char *const suffix[] = {"/low", "/high"};
	const struct quant_range *r = &a->range[k];
	float *end = calloc(2 * (size_t)r->channels, sizeof *end);
	bool ok = end;
	for (int64_t c = 0; ok && c < r->channels; c++)
		settle(r, c, &end[c], &end[r->channels + c]);
	for (int i = 0; ok && i < 2; i++) {
		struct node *e = range_end(at, name_with(at, name, suffix[i]),
		    in[0]->info.shape.rank, r->channels, end + i * r->channels);
		ok = e;
		in[i + 1] = in[i + 3] = ok ? &e->out[0] : NULL;
	}
	free(end);
	return ok;
}

static int add_fq(struct apply *a, int k)
{
	struct value *v = a->value[a->p->quantizer[k].value], *in[5] = {v};
	struct node *at = v->node->next;
	const char *name = name_with(at, a->p->quantizer[k].name, "/fq_output_0");
	if (!name || !add_ends(a, k, at, name, in))
		return fail_nomem(a->err);
	struct node *fq = graph_insert_before(at, op_row(OP_FAKE_QUANTIZE), name, in, 5, 1);
	if (!fq || !attr_set_i(fq, "levels", LEVELS))
		return fail_nomem(a->err);
	a->fq[k] = &fq->out[0];
	return node_infer(fq, a->err);
}

static int put_inputs(struct apply *a)
{
	int status = OK;
	for (int i = 0; i < a->p->ninputs && !status; i++) {
		const struct quantized_input *u = &a->p->input[i];
		if (!a->fq[u->quantizer])
			status = add_fq(a, u->quantizer);
		if (!status)
			node_set_input(a->node[u->node], u->index, a->fq[u->quantizer]);
	}
	return status;
}

static int put_weights(struct apply *a)
{
	int status = OK;
	for (int i = 0; i < a->p->ngroups && !status; i++)
		if (a->p->group[i].weights)
			status = quantize_weights(
			    a->node[a->p->group[i].node], a->p->group[i].most, a->levels, a->err);
	return status;
}

static bool allocate(struct apply *a, struct graph *g)
{
	uint32_t number = 0;
	a->node = calloc((size_t)g->nnodes + 1, sizeof *a->node);
	a->value = calloc((size_t)g->nvalues + 1, sizeof *a->value);
	a->fq = calloc((size_t)a->p->nquantizers + 1, sizeof *a->fq);
	if (!a->node || !a->value || !a->fq)
		return false;
	graph_each (g, n) {
		a->node[number++] = n;
		for (int k = 0; k < n->nout; k++)
			a->value[n->out[k].id] = &n->out[k];
	}
	return true;
}

int quantize_apply(const struct placement *p, const struct quant_range *range,
    struct weight_levels *levels, struct graph **out, struct err *err)
{
	struct graph *g = graph_clone(p->graph);
	struct apply a = {.p = p, .range = range, .levels = levels, .err = err};
	if (g)
		g->nvalues = p->graph->nvalues;
	int status = g && allocate(&a, g) ? OK : fail_nomem(err);
	status = status ? status : put_inputs(&a);
	status = status ? status : put_weights(&a);
	free(a.node);
	free(a.value);
	free(a.fq);
	if (status)
		graph_free(g);
	else
		*out = g;
	return status;
}
