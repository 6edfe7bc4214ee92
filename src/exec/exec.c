/* Runs a network by the plan for its input shapes. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "exec/pack.h"
#include "exec/segment.h"
#include "exec/variables.h"

/* Takes the reference over. */
static int attach(
    struct network *net, const struct exec_options *o, struct exec **out, struct err *err)
{
	struct exec *e = calloc(1, sizeof *e);
	struct arena *scratch = arena_new();
	if (!e || !scratch) {
		network_unref(net);
		arena_free(scratch);
		free(e);
		return fail_nomem(err);
	}
	*e = (struct exec){.net = net,
	    .o = *o,
	    .noutputs = o->no_results ? 0 : net->graph->noutputs,
	    .graph = net->graph,
	    .step = net->step,
	    .nsteps = net->nsteps,
	    .max_in = net->max_in,
	    .maker = net->maker,
	    .uses = net->uses,
	    .quant = net->quant,
	    .c = &net->c,
	    .scratch = scratch};
	int status = variables_new(e, err);
	if (status == OK && net->graph->compiled)
		status = compiled_open(e, err);
	if (status < 0)
		exec_free(e);
	else
		*out = e;
	return status;
}

int exec_new(struct graph *g, const struct exec_options *o, struct exec **out, struct err *err)
{
	struct exec_options none = {0};
	struct network *net;
	*out = NULL;
	o = o ? o : &none;
	int status = network_new(g, o, &net, err);
	return status == OK ? attach(net, o, out, err) : status;
}

int exec_share(const struct exec *e, struct pool *pool, struct exec **out, struct err *err)
{
	struct exec_options o = e->o;
	o.pool = pool;
	*out = NULL;
	return attach(network_ref(e->net), &o, out, err);
}

void exec_free(struct exec *e)
{
	if (!e)
		return;
	exec_free(e->behind);
	for (int i = 0; i < PLAN_CACHE; i++)
		plan_free(e, e->plan[i]);
	segments_free(e);
	network_unref(e->net);
	arena_free(e->scratch);
	variables_free(e);
	free(e);
}

void exec_set_user(struct exec *e, void *user)
{
	e->o.user = user;
}

void exec_set_timed(
    struct exec *e, void (*timed)(void *user, const struct exec_timing *t), void *user)
{
	e->o.timed = timed;
	e->o.timed_user = user;
}

bool exec_in_8_bits(const struct exec *e, const struct node *n)
{
	struct quant_weights w;
	return quant_layer(e->net, n, &w);
}

static int input_misfit(const struct value *v, const struct tensor *t, struct err *err)
{
	struct text want = {0}, got = {0};
	struct shape s = tensor_shape(t);
	shape_text(&want, &v->info.shape);
	shape_text(&got, &s);
	int status = want.failed || got.failed
			 ? fail_nomem(err)
			 : fail(err, E_USAGE, "input '%s': shape [%s] does not fit the %s [%s]",
			       value_name(v), got.data ? got.data : "",
			       v->node->graph->compiled ? "compiled network's" : "network's",
			       want.data ? want.data : "");
	text_free(&want);
	text_free(&got);
	return status;
}

static int check_inputs(struct exec *e, const struct tensor *in, struct err *err)
{
	for (int k = 0; k < e->graph->ninputs; k++) {
		const struct value *v = &e->graph->inputs[k]->out[0];
		if (in[k].type == DT_NONE)
			return fail(err, E_USAGE, "input '%s': no data given", value_name(v));
		if (in[k].type != v->info.type)
			return fail(err, E_USAGE, "input '%s': type %s given, expected %s",
			    value_name(v), dtype_name(in[k].type), dtype_name(v->info.type));
		if (!shape_fits(&v->info.shape, in[k].rank, in[k].dim))
			return input_misfit(v, &in[k], err);
	}
	return OK;
}

static int choose(struct exec *e, const struct tensor *in, struct err *err)
{
	int status = check_inputs(e, in, err);
	return status == OK ? compiled_choose(e, in, err) : status;
}

int exec_prepare(struct exec *e, const struct tensor *in, struct err *err)
{
	struct plan *p;
	int status = choose(e, in, err);
	if (status == OK && e->is_behind)
		return exec_prepare(e->behind, in, err);
	return status == OK ? plan_get(e, in, &p, err) : status;
}

int exec_prepare_with(struct exec *e, const struct tensor *in, struct pool *packer, struct err *err)
{
	e->packer = packer;
	int status = exec_prepare(e, in, err);
	e->packer = NULL;
	return status;
}

int exec_run(struct exec *e, const struct tensor *in, struct tensor *out, struct err *err)
{
	struct plan *p = NULL;
	int status = choose(e, in, err);
	if (status == OK && e->is_behind) {
		exec_set_timed(e->behind, e->o.timed, e->o.timed_user);
		return exec_run(e->behind, in, out, err);
	}
	if (status == OK)
		status = plan_get(e, in, &p, err);
	if (status < 0)
		return status;
	return plan_run(e, p, in, out, err);
}

/* Whose plan was used last. */
static const struct exec *runner(const struct exec *e)
{
	return e->is_behind ? e->behind : e;
}

size_t exec_workspace(const struct exec *e)
{
	const struct plan *p = runner(e)->plan[0];
	return p ? p->bytes : 0;
}

/* Those in a mapping are no memory of ours. */
static size_t packed(struct network *net)
{
	size_t sum = 0;
	pthread_mutex_lock(&net->lock);
	for (int i = 0; i < net->npacks; i++)
		sum += net->pack[i].lent ? 0 : net->pack[i].bytes;
	pthread_mutex_unlock(&net->lock);
	return sum;
}

size_t exec_packed(const struct exec *e)
{
	return packed(e->net) + (e->behind ? packed(e->behind->net) : 0);
}

struct exec_products exec_products(const struct exec *e)
{
	const struct plan *p = runner(e)->plan[0];
	struct exec_products sum = {0};
	for (int i = 0; p && i < p->ncalls; i++) {
		struct exec_products inner = {0};
		if (p->call[i].kind == CALL_SEGMENT)
			inner = exec_products(segment_exec(p->call[i].segment.s));
		else if (p->call[i].kind == CALL_CONV)
			inner = (struct exec_products){
			    1, p->call[i].conv.way == CONV_IGEMM_BF16, 0};
		else if (p->call[i].kind == CALL_LINEAR_CW)
			inner.all = 1;
		else if (p->call[i].kind == CALL_BLOCK)
			inner.all = p->call[i].block.k.n;
		else if (p->call[i].kind == CALL_CONV_U8)
			inner = (struct exec_products){1, 0, 1};
		sum.all += inner.all;
		sum.bf16 += inner.bf16;
		sum.int8 += inner.int8;
	}
	return sum;
}
