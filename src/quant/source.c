/* One data set for each input of a network, behind threads that read ahead. */
#include "quant/source.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "quant/sequence.h"

struct source {
	int n;
	struct dataset **d; /* one for each input */
	int64_t *order;     /* of the data's rows; NULL: as they lie */
	struct preprocess_spec spec;
	struct prefetch *ahead;
	struct samples ready; /* of ahead */
	pthread_mutex_t lock;
	bool *unreadable; /* by sample */
	int64_t nunreadable, most;
};

/* Where the file begins in NAME=FILE, with the input's index; -1 for a word without the name of an
 * input before a '='. */
static const char *split_word(const struct graph *g, const char *word, int *k)
{
	for (const char *eq = strchr(word, '='); eq; eq = strchr(eq + 1, '=')) {
		char *name = strndup(word, (size_t)(eq - word));
		*k = name ? graph_find_input(g, name) : -1;
		free(name);
		if (*k >= 0)
			return eq + 1;
	}
	*k = -1;
	return word;
}

/* The file of each input: the named ones first, then the others in order. One that stands alone
 * serves all that are left. */
static int deal_files(
    const struct graph *g, const struct source_options *o, const char **file, struct err *err)
{
	const char *last = NULL;
	int next = 0, plain = 0;
	for (int i = 0, k; i < o->ndata; i++) {
		const char *path = split_word(g, o->data[i], &k);
		plain += k < 0;
		if (k >= 0 && file[k])
			return fail(err, E_USAGE, "input '%s' is given twice",
			    value_name(&g->inputs[k]->out[0]));
		if (k >= 0)
			file[k] = path;
	}
	for (int i = 0, k; i < o->ndata; i++) {
		const char *path = split_word(g, o->data[i], &k);
		if (k >= 0)
			continue;
		const char *eq = strchr(path, '=');
		if (eq && access(path, F_OK))
			return fail(err, E_USAGE, "no input named '%.*s'", (int)(eq - path), path);
		while (next < g->ninputs && file[next])
			next++;
		if (next == g->ninputs)
			return fail(err, E_USAGE, "more data than inputs (%d)", g->ninputs);
		file[next] = last = path;
	}
	for (int k = 0; k < g->ninputs; k++) {
		if (!file[k] && plain == 1)
			file[k] = last;
		if (!file[k])
			return fail(err, E_USAGE, "no data for input '%s' (--data NAME=FILE)",
			    value_name(&g->inputs[k]->out[0]));
	}
	return OK;
}

static int open_input(struct source *s, const struct graph *g, const struct source_options *o,
    const char *const *file, int k, struct err *err)
{
	const struct value *v = &g->inputs[k]->out[0];
	const char *own = g->inputs[k]->name;
	bool picture = g->ninputs == 1 || v->info.shape.rank == 4;
	bool shared = false;
	for (int i = 0; i < k; i++)
		shared = shared || file[i] == file[k];
	struct dataset_options d = {.data = file[k],
	    .labels = k ? NULL : o->labels,
	    .label_offset = o->label_offset,
	    .preprocess = picture ? &s->spec : NULL,
	    .input = {v->info.shape, v->info.type},
	    .names = v->nnames ? v->names : &own,
	    .nnames = v->nnames ? v->nnames : 1,
	    .slot = k,
	    .several = g->ninputs > 1,
	    .shared = shared,
	    .log = o->log};
	int r = dataset_open(&d, &s->d[k], err);
	if (r || dataset_count(s->d[k]) == dataset_count(s->d[0]))
		return r;
	return fail(err, E_FORMAT, "'%s' holds %lld samples for input '%s', '%s' has %lld of them",
	    file[k], (long long)dataset_count(s->d[k]), value_name(v),
	    value_name(&g->inputs[0]->out[0]), (long long)dataset_count(s->d[0]));
}

static int get(void *user, int64_t i, struct tensor *in, int64_t *label, struct err *err)
{
	const struct source *s = user;
	int r = OK;
	int64_t other;
	memset(in, 0, (size_t)s->n * sizeof *in);
	for (int k = 0; k < s->n && !r; k++)
		r = dataset_sample(s->d[k], source_row(s, i), &in[k], k ? &other : label, err);
	for (int k = 0; r && k < s->n; k++)
		tensor_free(&in[k]);
	return r;
}

/* Counts a sample that cannot be read, each once. */
static int count_unreadable(struct source *s, int64_t i, int status, struct err *err)
{
	pthread_mutex_lock(&s->lock);
	s->nunreadable += !s->unreadable[i];
	s->unreadable[i] = true;
	bool over = s->nunreadable > s->most;
	pthread_mutex_unlock(&s->lock);
	if (!over)
		return status;
	char last[sizeof err->text];
	memcpy(last, err->text, sizeof last);
	return fail(err, E_DATA, "more than %lld of %lld samples cannot be read, the last: %s",
	    (long long)s->most, (long long)s->ready.count, last);
}

static int get_counted(void *user, int64_t i, struct tensor *in, int64_t *label, struct err *err)
{
	struct source *s = user;
	int r = s->ready.get(s->ready.user, i, in, label, err);
	if (r == E_IO || r == E_FORMAT || r == E_LIMIT || r == E_UNSUPPORTED)
		return count_unreadable(s, i, r, err);
	return r;
}

static int64_t *classes_in_turn(const struct dataset *d)
{
	int64_t n = dataset_count(d);
	int64_t *class = malloc(((size_t)n + 1) * sizeof *class), *order = NULL;
	for (int64_t i = 0; class && i < n; i++)
		class[i] = dataset_folder(d, i);
	if (class)
		order = sequence_by_class(class, n);
	free(class);
	return order;
}

static int choose_order(struct source *s, const struct source_options *o, struct err *err)
{
	if (o->order == SOURCE_AS_THEY_LIE)
		return OK;
	s->order = o->order == SOURCE_SHUFFLED ? sequence_shuffled(dataset_count(s->d[0]), o->seed)
					       : classes_in_turn(s->d[0]);
	return s->order ? OK : fail_nomem(err);
}

static int open_ahead(struct source *s, const struct source_options *o, struct err *err)
{
	struct samples plain = {.count = dataset_count(s->d[0]),
	    .labelled = dataset_labelled(s->d[0]),
	    .get = get,
	    .user = s};
	s->most = o->max_unreadable;
	if (s->most < 0)
		s->most = plain.count / 100 > 10 ? plain.count / 100 : 10;
	s->unreadable = calloc((size_t)plain.count + 1, sizeof *s->unreadable);
	if (!s->unreadable)
		return fail_nomem(err);
	int r = prefetch_new(&plain, s->n, &o->ahead, &s->ahead, err);
	if (!r)
		s->ready = prefetch_samples(s->ahead);
	return r;
}

static int open_all(
    struct source *s, const struct graph *g, const struct source_options *o, struct err *err)
{
	const char **file = calloc((size_t)g->ninputs + 1, sizeof *file);
	s->d = calloc((size_t)g->ninputs + 1, sizeof *s->d);
	if (o->preprocess)
		s->spec = *o->preprocess;
	int r = file && s->d ? deal_files(g, o, file, err) : fail_nomem(err);
	for (int k = 0; k < g->ninputs && !r; k++, s->n++)
		r = open_input(s, g, o, file, k, err);
	free(file);
	r = r ? r : choose_order(s, o, err);
	return r ? r : open_ahead(s, o, err);
}

int source_open(
    const struct graph *g, const struct source_options *o, struct source **out, struct err *err)
{
	if (g->ninputs < 1)
		return fail(err, E_USAGE, "the network has no input for samples");
	struct source *s = calloc(1, sizeof *s);
	if (!s)
		return fail_nomem(err);
	pthread_mutex_init(&s->lock, NULL);
	int r = open_all(s, g, o, err);
	if (r) {
		source_close(s);
		return r;
	}
	*out = s;
	return OK;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	prefetch_free(s->ahead);
	for (int k = 0; s->d && k <= s->n; k++)
		dataset_close(s->d[k]);
	pthread_mutex_destroy(&s->lock);
	free(s->unreadable);
	free(s->order);
	free(s->d);
	free(s);
}

static int expect(void *user, const int64_t *index, int64_t n, struct err *err)
{
	const struct source *s = user;
	return prefetch_expect(s->ahead, index, n, err);
}

struct samples source_samples(struct source *s)
{
	struct samples t = s->ready;
	t.get = get_counted;
	t.user = s;
	t.expect = expect;
	return t;
}

int64_t source_unreadable(const struct source *s)
{
	return s->nunreadable;
}

int64_t source_row(const struct source *s, int64_t i)
{
	return s->order ? s->order[i] : i;
}

const char *source_name(const struct source *s, int64_t i, char buf[DATASET_NAME])
{
	return dataset_name(s->d[0], source_row(s, i), buf);
}

const char *source_class(const struct source *s, int64_t label)
{
	return dataset_class(s->d[0], label);
}
