/* Threads that read samples ahead into a bounded window of places. */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "quant/prefetch.h"

#define BYTES ((size_t)256 << 20)
#define MOST_THREADS 4
#define PLACES_EACH 3 /* places in the window for each thread */

enum state { FREE, READING, READY, DROPPED /* being read, but no longer wanted */ };

struct place {
	enum state state;
	int64_t at, index; /* position in the order, and the sample there */
	struct tensor *t;
	size_t bytes;
	int64_t label;
	int status;
	struct err err;
};

struct prefetch {
	struct samples from;
	int ninputs, nplaces, nthreads, started;
	struct place *place;
	int64_t *order;  /* NULL: 0, 1, 2, ... */
	int64_t n, next; /* of the order; the position to be read next */
	size_t bytes, limit;
	bool stop;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	pthread_t thread[MOST_THREADS];
};

static int64_t index_at(const struct prefetch *p, int64_t at)
{
	return p->order ? p->order[at] : at;
}

static void drop_tensors(struct prefetch *p, struct tensor *t)
{
	for (int k = 0; k < p->ninputs; k++)
		tensor_free(&t[k]);
}

static void place_clear(struct prefetch *p, struct place *e)
{
	drop_tensors(p, e->t);
	err_clear(&e->err);
	p->bytes -= e->bytes;
	e->bytes = 0;
	e->state = FREE;
}

/* ---- the threads that read ---- */

static struct place *free_place(struct prefetch *p)
{
	if (p->next >= p->n || (p->bytes && p->bytes >= p->limit))
		return NULL;
	for (int i = 0; i < p->nplaces; i++)
		if (p->place[i].state == FREE)
			return &p->place[i];
	return NULL;
}

static void read_one(struct prefetch *p, struct place *e)
{
	e->state = READING;
	e->at = p->next++;
	e->index = index_at(p, e->at);
	pthread_mutex_unlock(&p->lock);
	e->status = p->from.get(p->from.user, e->index, e->t, &e->label, &e->err);
	pthread_mutex_lock(&p->lock);
	pthread_cond_broadcast(&p->done);
	if (e->state == DROPPED) {
		place_clear(p, e);
		return;
	}
	for (int k = 0; k < p->ninputs; k++)
		if (e->t[k].data)
			e->bytes += tensor_bytes(&e->t[k]);
	p->bytes += e->bytes;
	e->state = READY;
}

static void *reader(void *arg)
{
	struct prefetch *p = arg;
	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		struct place *e = free_place(p);
		if (e)
			read_one(p, e);
		else
			pthread_cond_wait(&p->work, &p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Without a thread, samples are read when they are asked for. */
static void start(struct prefetch *p)
{
	while (p->started < p->nthreads && !thread_start(&p->thread[p->started], reader, p))
		p->started++;
	p->nthreads = p->started;
}

/* ---- those who ask ---- */

static struct place *find_place(struct prefetch *p, int64_t index)
{
	for (int i = 0; i < p->nplaces; i++)
		if ((p->place[i].state == READING || p->place[i].state == READY) &&
		    p->place[i].index == index)
			return &p->place[i];
	return NULL;
}

static void drop_before(struct prefetch *p, int64_t at)
{
	for (int i = 0; i < p->nplaces; i++) {
		struct place *e = &p->place[i];
		if (e->at >= at || e->state == FREE)
			continue;
		if (e->state == READY)
			place_clear(p, e);
		else
			e->state = DROPPED;
	}
}

static int64_t position_of(const struct prefetch *p, int64_t index)
{
	if (!p->order)
		return index;
	for (int64_t i = 0; i < p->n; i++) {
		int64_t at = (p->next + i) % p->n;
		if (p->order[at] == index)
			return at;
	}
	return -1;
}

/* A sample that nobody reads is asked for: unless it is one just passed, reading goes on behind it.
 */
static void jump(struct prefetch *p, int64_t index)
{
	int64_t at = position_of(p, index);
	if (at < 0 || (at < p->next && p->next - at <= p->nplaces))
		return;
	if (at < p->next || at - p->next > p->nplaces)
		drop_before(p, p->n);
	p->next = at + 1;
}

static int take(
    struct prefetch *p, struct place *e, struct tensor *in, int64_t *label, struct err *err)
{
	int64_t at = e->at, index = e->index;
	while (e->state == READING && e->at == at)
		pthread_cond_wait(&p->done, &p->lock);
	if (e->state != READY || e->at != at || e->index != index)
		return 1;
	int r = e->status;
	memcpy(in, e->t, (size_t)p->ninputs * sizeof *in);
	memset(e->t, 0, (size_t)p->ninputs * sizeof *e->t);
	*label = e->label;
	if (r && err) {
		err_clear(err);
		*err = e->err;
		e->err = (struct err){0};
	}
	place_clear(p, e);
	drop_before(p, at - 2 * p->nplaces);
	return r;
}

static int get(void *user, int64_t i, struct tensor *in, int64_t *label, struct err *err)
{
	struct prefetch *p = user;
	int r = 1;
	pthread_mutex_lock(&p->lock);
	if (!p->started && p->nthreads)
		start(p);
	struct place *e = find_place(p, i);
	if (e)
		r = take(p, e, in, label, err);
	else
		jump(p, i);
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	return r <= 0 ? r : p->from.get(p->from.user, i, in, label, err);
}

int prefetch_expect(struct prefetch *p, const int64_t *index, int64_t n, struct err *err)
{
	int64_t *copy = calloc((size_t)n + 1, sizeof *copy);
	if (!copy)
		return fail_nomem(err);
	memcpy(copy, index, (size_t)n * sizeof *copy);
	pthread_mutex_lock(&p->lock);
	drop_before(p, INT64_MAX);
	free(p->order);
	p->order = copy;
	p->n = n;
	p->next = 0;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	return OK;
}

/* ---- all of it ---- */

static int places_new(struct prefetch *p, struct err *err)
{
	p->place = calloc((size_t)p->nplaces, sizeof *p->place);
	if (!p->place)
		return fail_nomem(err);
	for (int i = 0; i < p->nplaces; i++)
		if (!(p->place[i].t = calloc((size_t)p->ninputs + 1, sizeof *p->place[i].t)))
			return fail_nomem(err);
	return OK;
}

int prefetch_new(const struct samples *from, int ninputs, const struct prefetch_options *o,
    struct prefetch **out, struct err *err)
{
	struct prefetch *p = calloc(1, sizeof *p);
	int threads = o->threads > 0 ? o->threads : threads_available();
	if (!p)
		return fail_nomem(err);
	p->from = *from;
	p->n = from->count;
	p->ninputs = ninputs;
	p->nthreads = threads < MOST_THREADS ? threads : MOST_THREADS;
	p->nplaces = p->nthreads * PLACES_EACH;
	p->limit = o->bytes ? o->bytes : BYTES;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->done, NULL);
	int r = places_new(p, err);
	if (r) {
		prefetch_free(p);
		return r;
	}
	*out = p;
	return OK;
}

void prefetch_free(struct prefetch *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->started; i++)
		pthread_join(p->thread[i], NULL);
	for (int i = 0; p->place && i < p->nplaces; i++) {
		if (p->place[i].t)
			place_clear(p, &p->place[i]);
		free(p->place[i].t);
	}
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->done);
	free(p->place);
	free(p->order);
	free(p);
}

struct samples prefetch_samples(struct prefetch *p)
{
	struct samples s = p->from;
	s.get = get;
	s.user = p;
	return s;
}
