/* Runs a network on dealt samples, several at a time, and takes its answers. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "exec/exec.h"
#include "quant/choice.h"
#include "quant/evaluate.h"

int64_t answers_seen(const struct answer *a, int64_t n)
{
	int64_t seen = 0;
	for (int64_t i = 0; i < n; i++)
		seen += a[i].seen;
	return seen;
}

int64_t answers_hit(const struct answer *a, int64_t n, int among)
{
	int64_t hit = 0;
	for (int64_t i = 0; i < n; i++)
		hit += a[i].seen && a[i].rank >= 0 && a[i].rank < among;
	return hit;
}

/* What one thread works with. */
struct hand {
	struct exec *e;
	struct tensor *in, *one, *out; /* a run's inputs, those of a sample, the outputs */
	struct err err;
};

/* All of one evaluation; what follows the lock changes under it. */
struct job {
	const struct evaluation *v;
	const struct graph *g;
	struct answer *answer;
	struct hand *hand;
	int nhands;
	pthread_mutex_t lock;
	bool stop;
	int status; /* of the first run that failed */
	struct err *err;
	int64_t next;      /* run */
	int64_t done;      /* samples */
	int64_t hit, left; /* towards the bound */
	int64_t kept_bytes;
};

static bool passing(int status)
{
	return status == E_IO || status == E_FORMAT || status == E_LIMIT || status == E_UNSUPPORTED;
}

static void free_all(struct tensor *t, int n)
{
	for (int i = 0; t && i < n; i++)
		tensor_free(&t[i]);
}

/* Reads sample s of the deal into h->one; an unreadable one is marked and left out. */
static int read_sample(struct job *j, struct hand *h, int64_t s)
{
	struct deal *d = j->v->deal;
	if (d->unreadable[s])
		return OK;
	int r = d->samples->get(d->samples->user, d->index[s], h->one, &d->label[s], &h->err);
	if (passing(r)) {
		log_say(&j->v->log, LOG_WARN, "%s", h->err.text);
		err_clear(&h->err);
		d->unreadable[s] = true;
		free_all(h->one, j->g->ninputs);
		r = OK;
	}
	return r;
}

static bool same_sample(const struct tensor *a, const struct tensor *b, int64_t batch)
{
	if (a->type != b->type || a->rank != b->rank)
		return false;
	for (int i = 0; i < a->rank; i++)
		if (a->dim[i] != (i ? b->dim[i] : b->dim[i] * batch))
			return false;
	return true;
}

/* Puts a sample's tensors at their place in the run's; a batch of one takes them as they are. */
static int place(struct job *j, struct hand *h, int64_t slot)
{
	int64_t batch = j->v->deal->batch;
	for (int k = 0; k < j->g->ninputs; k++) {
		struct tensor *to = &h->in[k], *from = &h->one[k];
		int64_t dim[MAX_RANK];
		if (batch == 1) {
			tensor_free(to);
			*to = *from;
			*from = (struct tensor){0};
			continue;
		}
		if (!same_sample(to, from, batch)) {
			tensor_free(to);
			memcpy(dim, from->dim, sizeof dim);
			dim[0] *= batch;
			int r = tensor_alloc(to, from->type, from->rank, dim, &h->err);
			if (r)
				return r;
		}
		size_t bytes = tensor_bytes(from);
		memcpy((char *)to->data + (size_t)slot * bytes, from->data, bytes);
		tensor_free(from);
	}
	return OK;
}

/* Fills h->in for a run; *any is false when none of its samples could be read. */
static int fill_run(struct job *j, struct hand *h, int64_t run, bool *any)
{
	struct deal *d = j->v->deal;
	const struct kept *in = j->v->in;
	*any = false;
	if (in) {
		*any = in->t[run * in->width].type != DT_NONE;
		memcpy(h->in, &in->t[run * in->width], (size_t)in->width * sizeof *h->in);
		return OK;
	}
	for (int64_t slot = 0; slot < d->batch && run * d->batch + slot < d->n; slot++) {
		int64_t s = run * d->batch + slot;
		int r = read_sample(j, h, s);
		if (!r && !d->unreadable[s]) {
			*any = true;
			r = place(j, h, slot);
		}
		if (r)
			return err_in(&h->err, "sample %lld", (long long)d->index[s]);
	}
	return OK;
}

static int keep_run(struct job *j, struct hand *h, int64_t run)
{
	struct kept *k = j->v->keep;
	int64_t bytes = 0, limit = j->v->keep_bytes;
	for (int i = 0; i < k->width; i++)
		bytes += (int64_t)tensor_bytes(&h->out[i]);
	bytes = __atomic_add_fetch(&j->kept_bytes, bytes, __ATOMIC_RELAXED);
	if (limit && bytes > limit)
		return fail(&h->err, E_LIMIT,
		    "what the network gives for %lld samples takes more than %lld MB",
		    (long long)j->v->deal->n, (long long)(limit >> 20));
	for (int i = 0; i < k->width; i++) {
		int r = tensor_clone(&k->t[run * k->width + i], &h->out[i], &h->err);
		if (r)
			return r;
	}
	return OK;
}

/* Counts an answer towards the bound, under the lock. */
static void count(struct job *j, const struct answer *a)
{
	j->hit += a->rank >= 0 && a->rank < j->v->bound.among;
	j->left--;
}

static void decide(struct job *j)
{
	const struct bound *b = &j->v->bound;
	if (b->among && (j->hit >= b->need || j->hit + j->left < b->need))
		__atomic_store_n(&j->stop, true, __ATOMIC_RELAXED);
}

static void tell(struct job *j)
{
	const struct evaluate_progress *p = &j->v->progress;
	int64_t of = j->v->deal->n;
	if (p->at)
		p->at(p->user, "judging", j->done < of ? j->done : of, of);
}

static int answer_run(struct job *j, struct hand *h, int64_t run)
{
	const struct deal *d = j->v->deal;
	const struct kept *w = j->v->want;
	int64_t from = run * d->batch, to = from + d->batch < d->n ? from + d->batch : d->n;
	for (int64_t s = from; s < to; s++) {
		struct sample_view got = {h->out, j->g->noutputs, s - from, d->batch};
		struct sample_view want = {
		    w ? &w->t[run * w->width] : NULL, w ? w->width : 0, s - from, d->batch};
		if (d->unreadable[s])
			continue;
		int r = answer_take(&got, w ? &want : NULL, d->label[s], &j->answer[s], &h->err);
		if (r)
			return r;
	}
	pthread_mutex_lock(&j->lock);
	for (int64_t s = from; s < to; s++)
		if (!d->unreadable[s])
			count(j, &j->answer[s]);
	decide(j);
	pthread_mutex_unlock(&j->lock);
	return OK;
}

/* Runs are taken in order, in which their samples are expected. */
static void work(void *user, int task, int worker)
{
	struct job *j = user;
	int64_t run = __atomic_fetch_add(&j->next, 1, __ATOMIC_RELAXED);
	(void)task;
	struct hand *h = &j->hand[worker];
	bool any = false;
	if (__atomic_load_n(&j->stop, __ATOMIC_RELAXED))
		return;
	int r = fill_run(j, h, run, &any);
	if (!r && any)
		r = exec_run(h->e, h->in, h->out, &h->err);
	if (!r && any && j->v->keep)
		r = keep_run(j, h, run);
	if (!r && any && j->answer)
		r = answer_run(j, h, run);
	pthread_mutex_lock(&j->lock);
	j->done += j->v->deal->batch;
	tell(j);
	pthread_mutex_unlock(&j->lock);
	if (!r && !(j->v->until > 0 && clock_seconds() > j->v->until))
		return;
	pthread_mutex_lock(&j->lock);
	__atomic_store_n(&j->stop, true, __ATOMIC_RELAXED);
	if (r && !j->status) {
		j->status = r;
		*j->err = h->err;
		h->err = (struct err){0};
	}
	pthread_mutex_unlock(&j->lock);
}

static int hand_new(struct job *j, struct graph *g, int i, struct err *err)
{
	struct exec_options o = {.log = j->v->log};
	struct hand *h = &j->hand[i];
	int r = i ? exec_share(j->hand[0].e, NULL, &h->e, err) : exec_new(g, &o, &h->e, err);
	h->in = calloc((size_t)g->ninputs + 1, sizeof *h->in);
	h->one = calloc((size_t)g->ninputs + 1, sizeof *h->one);
	h->out = calloc((size_t)g->noutputs + 1, sizeof *h->out);
	if (!r && (!h->in || !h->one || !h->out))
		r = fail_nomem(err);
	return r;
}

static int hands_new(struct job *j, struct graph *g, struct err *err)
{
	int r = OK;
	j->nhands = pool_size(j->v->pool);
	j->hand = calloc((size_t)j->nhands, sizeof *j->hand);
	if (!j->hand)
		return fail_nomem(err);
	for (int i = 0; i < j->nhands && !r; i++)
		r = hand_new(j, g, i, err);
	return r;
}

static void hands_free(struct job *j)
{
	for (int i = 0; j->hand && i < j->nhands; i++) {
		struct hand *h = &j->hand[i];
		exec_free(h->e);
		if (!j->v->in)
			free_all(h->in, j->g->ninputs);
		free_all(h->one, j->g->ninputs);
		free(h->in);
		free(h->one);
		free(h->out);
		err_clear(&h->err);
	}
	free(j->hand);
}

static int keep_new(const struct evaluation *v, const struct graph *g, struct err *err)
{
	if (!v->keep)
		return OK;
	*v->keep = (struct kept){.runs = deal_runs(v->deal), .width = g->noutputs};
	v->keep->t = calloc((size_t)(v->keep->runs * g->noutputs) + 1, sizeof *v->keep->t);
	return v->keep->t ? OK : fail_nomem(err);
}

static int evaluate_all(
    struct graph *g, const struct evaluation *v, struct answer *answer, struct err *err)
{
	struct err own = {0};
	struct job j = {.v = v, .g = g, .answer = answer, .err = err ? err : &own};
	if (answer)
		memset(answer, 0, (size_t)v->deal->n * sizeof *answer);
	for (int64_t i = 0; i < v->deal->n; i++)
		j.left += !v->deal->unreadable[i];
	pthread_mutex_init(&j.lock, NULL);
	decide(&j);
	int r = keep_new(v, g, j.err);
	r = r ? r : hands_new(&j, g, j.err);
	const struct samples *samples = v->deal->samples;
	if (!r && !v->in && samples->expect)
		r = samples->expect(samples->user, v->deal->index, v->deal->n, j.err);
	if (!r) {
		tell(&j);
		pool_run(v->pool, (int)deal_runs(v->deal), work, &j);
		r = j.status ? j.status : j.stop ? EVALUATE_STOPPED : OK;
	}
	hands_free(&j);
	pthread_mutex_destroy(&j.lock);
	err_clear(&own);
	return r;
}

int evaluate(struct graph *g, const struct evaluation *v, struct answer *answer, struct err *err)
{
	struct graph *compared = NULL;
	int r = v->compare ? choice_before(g, &compared, err) : OK;
	r = r ? r : evaluate_all(compared ? compared : g, v, answer, err);
	graph_free(compared);
	return r;
}
