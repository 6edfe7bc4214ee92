/* Requests of mo.h: runs of a model, here or in a thread of the request's own. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "graph/op.h"

enum state {
	IDLE,    /* nothing was started */
	STARTED, /* the request's thread has to run, or runs */
	DONE,    /* status and words are there to be fetched */
};

struct mo_request {
	struct mo_model *model;
	struct pool *pool;
	struct exec *exec;
	struct tensor *in, *out;
	/* what was started */
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	pthread_t thread;
	bool has_thread, stop, told; /* told: the callback runs */
	enum state state;
	int status;
	struct err err;
	mo_done *done;
	void *user;
};

/* The first request packs nothing yet: what is shared is made when its first run makes a plan. */
static int new_exec(struct mo_request *r, struct err *err)
{
	struct mo_model *m = r->model;
	int s = OK;
	pthread_mutex_lock(&m->lock);
	if (!m->exec)
		s = exec_new(m->g, &m->o, &m->exec, err);
	pthread_mutex_unlock(&m->lock);
	return s ? s : exec_share(m->exec, r->pool, &r->exec, err);
}

int mo_request_new(struct mo_model *m, int threads, struct mo_request **out)
{
	struct err err = {0};
	struct mo_request *r = calloc(1, sizeof *r);
	*out = NULL;
	if (!r)
		return api_failed(fail_nomem(&err), &err);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	r->model = m;
	r->in = calloc((size_t)m->g->ninputs + 1, sizeof *r->in);
	r->out = calloc((size_t)m->g->noutputs + 1, sizeof *r->out);
	int s = r->in && r->out ? OK : fail_nomem(&err);
	if (!s && (threads < 0 || threads > LIMIT_THREADS))
		s = fail(&err, E_USAGE, "%d threads are out of range", threads);
	s = s ? s : pool_new(threads, &r->pool, &err);
	s = s ? s : new_exec(r, &err);
	if (s) {
		mo_request_free(r);
		return api_failed(s, &err);
	}
	*out = r;
	return OK;
}

void mo_request_free(struct mo_request *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	if (r->has_thread)
		pthread_join(r->thread, NULL);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	err_clear(&r->err);
	exec_free(r->exec);
	pool_free(r->pool);
	free(r->in);
	free(r->out);
	free(r);
}

/* ---- tensors ---- */

/* The caller's tensor as ours; E_USAGE when it is none. */
static int take(const struct mo_tensor *t, int k, struct tensor *out, struct err *err)
{
	int64_t n = 1;
	if (t->type <= MO_NONE || t->type > MO_NF4 || t->rank < 0 || t->rank > MO_MAX_RANK)
		return fail(err, E_USAGE, "input %d: no type, or a rank out of range", k);
	*out = (struct tensor){.type = (enum dtype)t->type, .rank = t->rank, .data = t->data};
	for (int i = 0; i < t->rank; i++) {
		if (t->dim[i] < 0 || __builtin_mul_overflow(n, t->dim[i], &n))
			return fail(err, E_USAGE, "input %d: sizes out of range", k);
		out->dim[i] = t->dim[i];
	}
	if (dtype_bytes(out->type, n) < 0)
		return fail(err, E_LIMIT, "input %d: sizes out of range", k);
	return t->data || !n ? OK : fail(err, E_USAGE, "input %d: no data", k);
}

void api_give(const struct tensor *t, struct mo_tensor *out)
{
	memset(out, 0, sizeof *out);
	out->type = (enum mo_type)t->type;
	out->rank = t->rank;
	memcpy(out->dim, t->dim, (size_t)t->rank * sizeof *t->dim);
	out->data = t->data;
}

static int take_all(struct mo_request *r, const struct mo_tensor *in, struct err *err)
{
	int s = OK;
	for (int k = 0; k < r->model->g->ninputs && !s; k++)
		s = take(&in[k], k, &r->in[k], err);
	return s;
}

static void give_all(const struct mo_request *r, struct mo_tensor *out)
{
	for (int k = 0; k < r->model->g->noutputs; k++)
		api_give(&r->out[k], &out[k]);
}

/* ---- running ---- */

static bool in_own_thread(const struct mo_request *r)
{
	return r->has_thread && pthread_equal(r->thread, pthread_self());
}

/* Another run is under way, or its callback; the callback itself may start the next. */
static bool busy(const struct mo_request *r)
{
	return r->state == STARTED || (r->told && !in_own_thread(r));
}

static int check_free(const struct mo_request *r, struct err *err)
{
	return busy(r) ? fail(err, E_USAGE, "the request runs already") : OK;
}

int mo_request_run(struct mo_request *r, const struct mo_tensor *in, struct mo_tensor *out)
{
	struct err err = {0};
	pthread_mutex_lock(&r->lock);
	int s = check_free(r, &err);
	pthread_mutex_unlock(&r->lock);
	s = s ? s : take_all(r, in, &err);
	s = s ? s : exec_run(r->exec, r->in, r->out, &err);
	if (!s)
		give_all(r, out);
	return api_failed(s, &err);
}

struct caller {
	mo_call *call;
	void *user;
};

static void timed(void *caller, const struct exec_timing *t)
{
	const struct caller *c = caller;
	c->call(c->user, t->node->name, t->node->op->type, t->kernel, t->seconds);
}

int mo_request_profile(struct mo_request *r, const struct mo_tensor *in, struct mo_tensor *out,
    mo_call *call, void *user)
{
	struct err err = {0};
	struct caller c = {call, user};
	pthread_mutex_lock(&r->lock);
	int s = check_free(r, &err);
	pthread_mutex_unlock(&r->lock);
	if (s)
		return api_failed(s, &err);
	exec_set_timed(r->exec, timed, &c);
	s = mo_request_run(r, in, out);
	exec_set_timed(r->exec, NULL, NULL);
	return s;
}

const char *mo_request_precision(const struct mo_request *r)
{
	struct exec_products n = exec_products(r->exec);
	return n.int8 ? "i8" : n.bf16 ? "bf16" : "f32";
}

/* Runs what was started; the lock is held, and given up meanwhile. */
static void serve(struct mo_request *r)
{
	struct err err = {0};
	mo_done *done = r->done;
	void *user = r->user;
	pthread_mutex_unlock(&r->lock);
	int s = exec_run(r->exec, r->in, r->out, &err);
	pthread_mutex_lock(&r->lock);
	err_clear(&r->err);
	r->err = err;
	r->status = s;
	r->state = DONE;
	if (done) {
		r->told = true;
		pthread_mutex_unlock(&r->lock);
		done(user, r, s);
		pthread_mutex_lock(&r->lock);
		r->told = false;
	}
	pthread_cond_broadcast(&r->changed);
}

static void *request_main(void *arg)
{
	struct mo_request *r = arg;
	pthread_mutex_lock(&r->lock);
	while (r->state == STARTED || !r->stop)
		if (r->state == STARTED)
			serve(r);
		else
			pthread_cond_wait(&r->changed, &r->lock);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static int need_thread(struct mo_request *r, struct err *err)
{
	if (!r->has_thread && thread_start(&r->thread, request_main, r))
		return fail(err, E_NOMEM, "cannot start a thread");
	r->has_thread = true;
	return OK;
}

int mo_request_start(struct mo_request *r, const struct mo_tensor *in, mo_done *done, void *user)
{
	struct err err = {0};
	pthread_mutex_lock(&r->lock);
	int s = check_free(r, &err);
	s = s ? s : take_all(r, in, &err);
	s = s ? s : need_thread(r, &err);
	if (!s) {
		r->done = done;
		r->user = user;
		r->state = STARTED;
		pthread_cond_broadcast(&r->changed);
	}
	pthread_mutex_unlock(&r->lock);
	return api_failed(s, &err);
}

int mo_request_wait(struct mo_request *r, struct mo_tensor *out)
{
	struct err err = {0};
	pthread_mutex_lock(&r->lock);
	while (busy(r) && !in_own_thread(r))
		pthread_cond_wait(&r->changed, &r->lock);
	int s = r->state == DONE ? r->status : fail(&err, E_USAGE, "the request was not started");
	if (!s)
		give_all(r, out);
	else if (r->state == DONE)
		fail(&err, s, "%s", r->err.text);
	pthread_mutex_unlock(&r->lock);
	return api_failed(s, &err);
}

void mo_request_reset(struct mo_request *r)
{
	exec_reset_state(r->exec);
}
