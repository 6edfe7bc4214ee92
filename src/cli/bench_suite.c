/* Reads a suite and makes its cases: models × precisions × batches × … × backends. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/bench.h"
#include "cli/child.h"
#include "cli/suite.h"

#define MAX_SUITE (16 << 20)
#define MAX_WORDS 64

static const char *const keys[] = {"name", "models", "precisions", "batch", "threads", "streams",
    "modes", "backends", "time", "rounds", "timeout", NULL};
static const char *const backend_keys[] = {
    "name", "command", "version", "latency", "minimum", "fps", "precisions", "modes", NULL};

static void suite_free(struct suite *s)
{
	cases_free(&s->cases);
	free(s->v);
	cJSON_Delete(s->json);
	cJSON_Delete(s->backends);
}

static int known(const cJSON *o, const char *const *names, const char *what, struct err *err)
{
	const cJSON *k;
	cJSON_ArrayForEach(k, o)
	{
		int i = 0;
		while (names[i] && strcmp(names[i], k->string))
			i++;
		if (!names[i])
			return fail(err, E_FORMAT, "%s has no '%s'", what, k->string);
	}
	return OK;
}

static int number(
    const cJSON *o, const char *key, double least, double most, double *v, struct err *err)
{
	const cJSON *j = cJSON_GetObjectItem(o, key);
	if (j && (!cJSON_IsNumber(j) || !(j->valuedouble >= least && j->valuedouble <= most)))
		return fail(err, E_FORMAT, "'%s' is no number from %g to %g", key, least, most);
	*v = j ? j->valuedouble : *v;
	return OK;
}

/* A list of words that may be left out: then just the default. */
static int words(
    const cJSON *o, const char *key, const char *standard, const char **v, int *n, struct err *err)
{
	const cJSON *list = cJSON_GetObjectItem(o, key), *w;
	*n = 0;
	if (!list) {
		v[(*n)++] = standard;
		return OK;
	}
	cJSON_ArrayForEach(w, list)
	{
		if (!cJSON_IsString(w) || *n == MAX_WORDS)
			return fail(
			    err, E_FORMAT, "'%s' is no list of at most %d words", key, MAX_WORDS);
		v[(*n)++] = w->valuestring;
	}
	return *n ? OK : fail(err, E_FORMAT, "'%s' is empty", key);
}

static int numbers(const cJSON *o, const char *key, int64_t *v, int *n, struct err *err)
{
	const cJSON *list = cJSON_GetObjectItem(o, key), *w;
	*n = 0;
	if (!list) {
		v[(*n)++] = 1;
		return OK;
	}
	cJSON_ArrayForEach(w, list)
	{
		if (!cJSON_IsNumber(w) || w->valuedouble < 1 || w->valuedouble > 1e6 ||
		    *n == MAX_WORDS)
			return fail(
			    err, E_FORMAT, "'%s' is no list of at most %d sizes", key, MAX_WORDS);
		v[(*n)++] = (int64_t)w->valuedouble;
	}
	return *n ? OK : fail(err, E_FORMAT, "'%s' is empty", key);
}

/* ---- one case ---- */

/* The file of a model in a precision: bf16 computes with the fp32 one. NULL: none is given. */
static const char *model_file(const cJSON *model, const char *precision)
{
	if (cJSON_IsString(model))
		return strcmp(precision, "fp32") && strcmp(precision, "bf16") ? NULL
									      : model->valuestring;
	const cJSON *f = cJSON_GetObjectItem(model, precision);
	if (!f && !strcmp(precision, "bf16"))
		f = cJSON_GetObjectItem(model, "fp32");
	return cJSON_IsString(f) ? f->valuestring : NULL;
}

static const char *model_name(const cJSON *model)
{
	const cJSON *n = cJSON_GetObjectItem(model, "name");
	return cJSON_IsString(model) ? model->valuestring
	       : cJSON_IsString(n)   ? n->valuestring
				     : NULL;
}

struct values {
	const char *model, *precision, *mode, *batch, *threads, *streams, *time;
};

/* Replaces {model}, {threads} and the others in a word of a command. */
static int expand(struct text *t, const char *word, const struct values *v, struct err *err)
{
	const struct {
		const char *name, *value;
	} names[] = {{"{model}", v->model}, {"{precision}", v->precision}, {"{mode}", v->mode},
	    {"{batch}", v->batch}, {"{threads}", v->threads}, {"{streams}", v->streams},
	    {"{time}", v->time}};
	while (*word) {
		size_t i = 0, n = sizeof names / sizeof *names;
		while (i < n && strncmp(word, names[i].name, strlen(names[i].name)))
			i++;
		if (i < n) {
			text_add(t, names[i].value);
			word += strlen(names[i].name);
		} else {
			text_addn(t, word++, 1);
		}
	}
	text_addn(t, "", 0);
	return t->failed ? fail_nomem(err) : OK;
}

static int foreign(struct suite *s, const char *name, const cJSON *command, const struct values *v,
    struct err *err)
{
	struct text t[MAX_WORDS] = {{0}};
	char *argv[MAX_WORDS + 1] = {NULL};
	const cJSON *w;
	int n = 0, r = OK;
	cJSON_ArrayForEach(w, command)
	{
		if (r || !cJSON_IsString(w) || n == MAX_WORDS)
			break;
		r = expand(&t[n], w->valuestring, v, err);
		argv[n] = t[n].data ? t[n].data : "";
		n++;
	}
	if (!r && (w || !n))
		r = fail(err, E_FORMAT, "'command' is no list of at most %d words", MAX_WORDS);
	/* cases_add copies the words, so the file it starts is the copy. */
	r = r ? r : cases_add(&s->cases, name, NULL, argv, err);
	if (!r)
		s->cases.v[s->cases.n - 1].file = s->cases.v[s->cases.n - 1].argv[0];
	for (int i = 0; i < n; i++)
		text_free(&t[i]);
	return r;
}

static int ours(struct suite *s, const char *name, const struct values *v, struct err *err)
{
	char *argv[20];
	int n = 0;
	argv[n++] = "mo-bench";
	argv[n++] = "-q";
	argv[n++] = "--json=-";
	argv[n++] = "--threads";
	argv[n++] = (char *)v->threads;
	argv[n++] = "--streams";
	argv[n++] = (char *)v->streams;
	argv[n++] = "--time";
	argv[n++] = (char *)v->time;
	if (strcmp(v->batch, "1")) {
		argv[n++] = "--batch";
		argv[n++] = (char *)v->batch;
	}
	if (!strcmp(v->precision, "bf16"))
		argv[n++] = "--infer-precision=bf16";
	if (!strcmp(v->mode, "async"))
		argv[n++] = "--async";
	argv[n++] = "--input";
	argv[n++] = (char *)v->model;
	argv[n] = NULL;
	return cases_add(&s->cases, name, CHILD_SELF, argv, err);
}

static const char *path_of(const cJSON *backend, const char *key, const char *standard)
{
	const cJSON *j = cJSON_GetObjectItem(backend, key);
	return cJSON_IsString(j) ? j->valuestring : standard;
}

static int add(
    struct suite *s, const cJSON *backend, struct suite_case c, const char *file, struct err *err)
{
	const cJSON *command = cJSON_GetObjectItem(backend, "command");
	const char *latency = path_of(backend, "latency", NULL);
	const char *fps = path_of(backend, "fps", NULL);
	char batch[32], threads[32], streams[32], seconds[40];
	struct suite_case *v = realloc(s->v, ((size_t)s->cases.n + 1) * sizeof *v);
	struct text name = {0};
	if (!v)
		return fail_nomem(err);
	s->v = v;
	if (command && !latency)
		return fail(err, E_FORMAT,
		    "backend '%s': 'latency' must name where its JSON has the milliseconds",
		    c.backend);
	c.ours = !command;
	c.minimum = path_of(backend, "minimum", command ? NULL : "latency_ms.min");
	v[s->cases.n] = c;
	snprintf(batch, sizeof batch, "%" PRId64, c.batch);
	snprintf(threads, sizeof threads, "%" PRId64, c.threads);
	snprintf(streams, sizeof streams, "%" PRId64, c.streams);
	snprintf(seconds, sizeof seconds, "%g", s->seconds);
	const struct values values = {file, c.precision, c.mode, batch, threads, streams, seconds};
	text_printf(&name, "%s %s batch %s threads %s streams %s %s %s", c.model, c.precision,
	    batch, threads, streams, c.mode, c.backend);
	int r = name.failed ? fail_nomem(err)
		: command   ? foreign(s, name.data, command, &values, err)
			    : ours(s, name.data, &values, err);
	if (!r && command) {
		s->cases.v[s->cases.n - 1].latency = latency;
		s->cases.v[s->cases.n - 1].fps = fps;
	}
	text_free(&name);
	return r;
}

/* ---- all of them ---- */

struct axes {
	const char *precision[MAX_WORDS], *mode[MAX_WORDS];
	int64_t batch[MAX_WORDS], threads[MAX_WORDS], streams[MAX_WORDS];
	int nprecision, nmode, nbatch, nthreads, nstreams;
	int turn; /* of all cases, those of other shards too */
};

/* A backend may name the precisions and modes that it knows. */
static bool allows(const cJSON *backend, const char *key, const char *word)
{
	const cJSON *list = cJSON_GetObjectItem(backend, key), *w;
	cJSON_ArrayForEach(w, list)
	{
		if (cJSON_IsString(w) && !strcmp(w->valuestring, word))
			return true;
	}
	return !list;
}

static int add_backends(
    struct suite *s, struct axes *a, const struct suite_case *c, const char *file, struct err *err)
{
	static const cJSON none;
	const cJSON *list = cJSON_GetObjectItem(s->json, "backends"),
		    *b = list ? list->child : &none;
	for (int r; b; b = list ? b->next : NULL) {
		struct suite_case one = *c;
		one.backend = path_of(b, "name", list ? NULL : "mo");
		if (!one.backend)
			return fail(err, E_FORMAT, "a backend has no 'name'");
		if ((r = known(b, backend_keys, "a backend", err)))
			return r;
		if (!allows(b, "precisions", c->precision) || !allows(b, "modes", c->mode))
			continue;
		if (a->turn++ % s->shard.n == s->shard.i && (r = add(s, b, one, file, err)))
			return r;
	}
	return OK;
}

static int add_model(struct suite *s, struct axes *a, const cJSON *model, struct err *err)
{
	struct suite_case c = {.model = model_name(model)};
	int r = OK;
	if (!c.model)
		return fail(err, E_FORMAT,
		    "'models' holds paths, or objects of a name and a file for each precision");
	for (int p = 0; p < a->nprecision; p++) {
		const char *file = model_file(model, a->precision[p]);
		for (int i = 0; file && i < a->nbatch * a->nthreads * a->nstreams * a->nmode && !r;
		     i++) {
			int k = i;
			c.mode = a->mode[k % a->nmode];
			c.streams = a->streams[(k /= a->nmode) % a->nstreams];
			c.threads = a->threads[(k /= a->nstreams) % a->nthreads];
			c.batch = a->batch[k / a->nthreads];
			c.precision = a->precision[p];
			if (c.streams <= c.threads)
				r = add_backends(s, a, &c, file, err);
		}
	}
	return r;
}

static int add_cases(struct suite *s, struct err *err)
{
	struct axes a = {.turn = 0};
	const cJSON *models = cJSON_GetObjectItem(s->json, "models"), *m;
	double rounds = 3;
	s->seconds = 1;
	s->cases.timeout = 300;
	int r = known(s->json, keys, "a suite", err);
	r = r ? r : words(s->json, "precisions", "fp32", a.precision, &a.nprecision, err);
	r = r ? r : words(s->json, "modes", "sync", a.mode, &a.nmode, err);
	r = r ? r : numbers(s->json, "batch", a.batch, &a.nbatch, err);
	r = r ? r : numbers(s->json, "threads", a.threads, &a.nthreads, err);
	r = r ? r : numbers(s->json, "streams", a.streams, &a.nstreams, err);
	r = r ? r : number(s->json, "time", 0.001, 3600, &s->seconds, err);
	r = r ? r : number(s->json, "rounds", 1, CASES_MAX_ROUNDS, &rounds, err);
	r = r ? r : number(s->json, "timeout", 1, 1e6, &s->cases.timeout, err);
	s->cases.rounds = (int)rounds;
	s->cases.each = s->seconds + 1;
	cJSON_ArrayForEach(m, models) r = r ? r : add_model(s, &a, m, err);
	return r                ? r
	       : s->cases.n > 0 ? OK
	       : a.turn         ? fail(err, E_USAGE, "this shard has no case")
				: fail(err, E_FORMAT,
				      "no case: 'models' is empty, or has no file "
					      "in these precisions");
}

/* Every key that is not known is an error. */
static int suite_read(struct suite *s, const char *path, struct err *err)
{
	char *text = NULL;
	size_t size;
	int r = file_slurp(path, MAX_SUITE, &text, &size, err);
	if (r)
		return r;
	const char *end = NULL;
	s->json = cJSON_ParseWithOpts(text, &end, true);
	if (!cJSON_IsObject(s->json)) {
		int line = 1;
		for (const char *p = text; p < end; p++)
			line += *p == '\n';
		r = fail(err, E_FORMAT, "no JSON object: line %d is wrong", line);
	}
	s->name = r ? NULL : path_of(s->json, "name", path);
	r = r ? r : add_cases(s, err);
	free(text);
	return r ? err_in(err, "'%s'", path) : OK;
}

/* Everything that the cases read may change between two runs of mo-bench. */
static void identify(const struct suite *s, struct text *t)
{
	const cJSON *models = cJSON_GetObjectItem(s->json, "models"), *m, *f;
	cJSON_ArrayForEach(m, models)
	{
		if (cJSON_IsString(m))
			cases_identity(t, m->valuestring);
		cJSON_ArrayForEach(f, m)
		{
			if (cJSON_IsString(f) && strcmp(f->string, "name"))
				cases_identity(t, f->valuestring);
		}
	}
	text_addn(t, "", 0);
}

int bench_suite(struct bench *b, struct err *err)
{
	struct suite s = {.cases = {.p = b->p, .resume = b->resume}};
	struct text identity = {0};
	int r = shard_read(b->shard, &s.shard, err);
	r = r ? r : suite_read(&s, b->suite, err);
	r = r ? r : suite_backends(&s, err);
	if (!r) {
		identify(&s, &identity);
		s.cases.identity = identity.data;
		r = identity.failed ? fail_nomem(err) : cases_run(&s.cases, err);
	}
	if (!r && (!b->json || strcmp(b->json, "-")))
		suite_print(&s);
	if (!r && b->csv)
		r = suite_csv(&s, b->csv, err);
	if (!r && b->db)
		r = suite_database(&s, b->db, err);
	if (!r && b->html)
		r = html_write(b->html, suite_json(&s), err);
	if (!r && b->json)
		r = json_write(b->json, suite_json(&s), err);
	suite_free(&s);
	text_free(&identity);
	return r;
}
