/* Hands the outputs of a network to an outside program and takes the number that it prints. */
#include "quant/command.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "formats/npy_header.h"

#define ANSWER_BYTES (1 << 20) /* what the program may print */

extern char **environ;

struct outputs {
	char *dir, *path; /* path: room for a name in it */
	size_t size;
	int nout;
	int64_t rows;
	struct column {
		FILE *f;
		struct tensor row; /* type and dims of one */
	} * out;
	FILE *list;
};

static const char *file_in(struct outputs *o, int k)
{
	if (k < 0)
		snprintf(o->path, o->size, "%s/samples.csv", o->dir);
	else
		snprintf(o->path, o->size, "%s/%d.npy", o->dir, k);
	return o->path;
}

static int open_files(struct outputs *o, struct err *err)
{
	static const char header[] = "sample,name,label\n";
	o->list = fopen(file_in(o, -1), "w");
	if (!o->list || fwrite(header, 1, sizeof header - 1, o->list) != sizeof header - 1)
		return fail_errno(err, "write", o->path);
	for (int k = 0; k < o->nout; k++)
		if (!(o->out[k].f = fopen(file_in(o, k), "w+")))
			return fail_errno(err, "write", o->path);
	return OK;
}

static int make_folder(struct outputs *o, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	struct text t = {0};
	text_printf(&t, "%s/mo-metric-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (t.failed)
		return fail_nomem(err);
	if (!mkdtemp(t.data)) {
		fail_errno(err, "create folder", t.data);
		text_free(&t);
		return E_IO;
	}
	o->dir = t.data;
	o->size = t.len + 32;
	o->path = malloc(o->size);
	return o->path ? OK : fail_nomem(err);
}

int outputs_new(int nout, struct outputs **out, struct err *err)
{
	struct outputs *o = calloc(1, sizeof *o);
	if (!o)
		return fail_nomem(err);
	o->nout = nout;
	o->out = calloc((size_t)nout + 1, sizeof *o->out);
	int r = o->out ? make_folder(o, err) : fail_nomem(err);
	r = r ? r : open_files(o, err);
	if (r) {
		outputs_free(o);
		return r;
	}
	*out = o;
	return OK;
}

void outputs_free(struct outputs *o)
{
	if (!o)
		return;
	for (int k = o->path ? -1 : o->nout; k < o->nout; k++) {
		FILE *f = k < 0 ? o->list : o->out ? o->out[k].f : NULL;
		if (f)
			fclose(f);
		unlink(file_in(o, k));
	}
	if (o->dir)
		rmdir(o->dir);
	free(o->dir);
	free(o->path);
	free(o->out);
	free(o);
}

/* ---- rows ---- */

/* Type and dims of one sample's part: without the batch dim where that is what parts it. */
static struct tensor row_of(const struct tensor *t, int64_t batch)
{
	struct tensor r = {.type = t->type, .rank = 1, .dim = {tensor_count(t) / batch}};
	if (t->rank < 1 || t->dim[0] % batch)
		return r;
	int from = t->dim[0] == batch;
	r.rank = t->rank - from;
	memcpy(r.dim, t->dim + from, (size_t)r.rank * sizeof *r.dim);
	if (!from)
		r.dim[0] /= batch;
	return r;
}

static bool same_row(const struct tensor *a, const struct tensor *b)
{
	return a->type == b->type && a->rank == b->rank &&
	       !memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim);
}

/* The header of n such rows; as long for every n. */
static int write_header(struct column *c, int64_t n, struct err *err)
{
	struct tensor all = {.type = c->row.type, .rank = c->row.rank + 1, .dim = {n}};
	struct text t = {0};
	if (all.rank > MAX_RANK)
		return fail(err, E_LIMIT, "an output of rank %d is too many", c->row.rank);
	memcpy(all.dim + 1, c->row.dim, (size_t)c->row.rank * sizeof *all.dim);
	int r = npy_header_text(&t, &all, err);
	if (!r && (fseek(c->f, 0, SEEK_SET) || fwrite(t.data, 1, t.len, c->f) != t.len))
		r = fail_errno(err, "write", "output");
	text_free(&t);
	return r;
}

static int add_row(struct outputs *o, int k, const struct sample_view *v, struct err *err)
{
	const struct tensor *t = &v->out[k];
	struct column *c = &o->out[k];
	struct tensor row = row_of(t, v->batch);
	int r = OK;
	if (dtype_bits(t->type) < 8)
		return fail(err, E_UNSUPPORTED, "output %d is of type %s", k, dtype_name(t->type));
	if (!o->rows) {
		c->row = row;
		r = write_header(c, 0, err);
	} else if (!same_row(&c->row, &row)) {
		r = fail(
		    err, E_UNSUPPORTED, "output %d has other sizes than for the first sample", k);
	}
	size_t bytes = tensor_bytes(&row);
	const char *from = (const char *)t->data + (size_t)v->slot * bytes;
	if (!r && bytes && fwrite(from, 1, bytes, c->f) != bytes)
		r = fail_errno(err, "write", file_in(o, k));
	return r;
}

static int add_line(
    struct outputs *o, int64_t sample, const char *name, int64_t label, struct err *err)
{
	struct text t = {0};
	text_printf(&t, "%" PRId64 ",\"", sample);
	for (const char *s = name; s && *s; s++)
		text_addn(&t, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
	text_printf(&t, label < 0 ? "\",\n" : "\",%" PRId64 "\n", label);
	int r = t.failed ? fail_nomem(err) : OK;
	if (!r && fwrite(t.data, 1, t.len, o->list) != t.len)
		r = fail_errno(err, "write", file_in(o, -1));
	text_free(&t);
	return r;
}

int outputs_add(struct outputs *o, const struct sample_view *v, int64_t sample, const char *name,
    int64_t label, struct err *err)
{
	int r = OK;
	for (int k = 0; k < o->nout && !r; k++)
		r = add_row(o, k, v, err);
	r = r ? r : add_line(o, sample, name, label, err);
	o->rows += !r;
	return r;
}

/* ---- the program ---- */

/* Starts the shell; its stdout is *from. */
static int start(const char *command, const char *dir, pid_t *pid, int *from, struct err *err)
{
	posix_spawn_file_actions_t act;
	struct text t = {0};
	int fd[2];
	text_printf(&t, "%s \"$@\"", command);
	if (t.failed)
		return fail_nomem(err);
	char *argv[] = {"sh", "-c", t.data, "sh", (char *)dir, NULL};
	if (pipe(fd)) {
		text_free(&t);
		return fail_errno(err, "start", command);
	}
	posix_spawn_file_actions_init(&act);
	posix_spawn_file_actions_adddup2(&act, fd[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&act, fd[0]);
	if (fd[1] != STDOUT_FILENO)
		posix_spawn_file_actions_addclose(&act, fd[1]);
	errno = posix_spawn(pid, "/bin/sh", &act, NULL, argv, environ);
	int r = errno ? fail_errno(err, "start", command) : OK;
	posix_spawn_file_actions_destroy(&act);
	text_free(&t);
	close(fd[1]);
	*from = fd[0];
	if (r)
		close(fd[0]);
	return r;
}

/* Reads to the end; what is beyond the limit is lost. */
static void read_answer(int from, struct text *t)
{
	char buf[4096];
	for (ssize_t n; (n = read(from, buf, sizeof buf)) > 0 || (n < 0 && errno == EINTR);)
		if (n > 0 && t->len < ANSWER_BYTES)
			text_addn(t, buf, (size_t)n);
}

static int parse_answer(struct text *t, double *value, struct err *err)
{
	char *last = NULL, *save = NULL;
	for (char *w = t->data ? strtok_r(t->data, "\r\n", &save) : NULL; w;
	     w = strtok_r(NULL, "\r\n", &save))
		if (w[strspn(w, " \t")])
			last = w;
	if (!last)
		return fail(err, E_DATA, "it printed nothing");
	if (!parse_f64(last, value) || !isfinite(*value))
		return fail(err, E_DATA, "its last line '%.60s' is no number", last);
	return OK;
}

static int run(const char *command, const char *dir, double *value, struct err *err)
{
	struct text t = {0};
	pid_t pid;
	int from = -1, status = 0, r = start(command, dir, &pid, &from, err);
	if (r)
		return r;
	read_answer(from, &t);
	close(from);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		r = fail(err, E_DATA, "it was ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		r = fail(err, E_DATA, "it ended with status %d", WEXITSTATUS(status));
	else
		r = t.failed ? fail_nomem(err) : parse_answer(&t, value, err);
	text_free(&t);
	return r ? err_in(err, "metric '%.80s'", command) : OK;
}

int outputs_metric(struct outputs *o, const char *command, double *value, struct err *err)
{
	if (!o->rows)
		return fail(err, E_DATA, "there is no output for the metric's program");
	for (int k = 0; k < o->nout; k++) {
		int r = write_header(&o->out[k], o->rows, err);
		if (r)
			return r;
		if (fflush(o->out[k].f) || fseek(o->out[k].f, 0, SEEK_END))
			return fail_errno(err, "write", file_in(o, k));
	}
	if (fflush(o->list))
		return fail_errno(err, "write", file_in(o, -1));
	return run(command, o->dir, value, err);
}

/* ---- a network ---- */

static int add_all(const struct command *c, struct outputs *o, const struct deal *d,
    const struct kept *k, const struct answer *a, struct err *err)
{
	int r = OK;
	for (int64_t i = 0; i < d->n && !r; i++) {
		struct sample_view v = {
		    &k->t[i / d->batch * k->width], k->width, i % d->batch, d->batch};
		int64_t row = c->names->row(c->names->user, d->index[i]);
		const char *name = c->names->sample(c->names->user, d->index[i]);
		if (a[i].seen)
			r = outputs_add(o, &v, row, name, d->label[i], err);
	}
	return r;
}

int command_value(const struct command *c, struct graph *g, double *value, struct err *err)
{
	struct deal d = {0};
	struct kept kept = {0};
	struct outputs *o = NULL;
	int r = deal_new(&d, c->samples, c->from, c->samples->count - c->from, g, err);
	struct answer *a = r ? NULL : calloc((size_t)d.n, sizeof *a);
	struct evaluation v = {.deal = &d, .pool = c->pool, .keep = &kept, .log = c->log};
	if (!r && !a)
		r = fail_nomem(err);
	r = r ? r : evaluate(g, &v, a, err);
	r = r ? r : outputs_new(g->noutputs, &o, err);
	r = r ? r : add_all(c, o, &d, &kept, a, err);
	r = r ? r : outputs_metric(o, c->text, value, err);
	outputs_free(o);
	kept_free(&kept);
	deal_free(&d);
	free(a);
	return r;
}
