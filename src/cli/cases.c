/* A list of measurements, each in a process of its own, in interleaved rounds, that can be resumed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sorted.h"
#include "cli/cases.h"
#include "formats/ir.h"
#include "cli/child.h"

#define MAX_RESUME (256 << 20)

void cases_free(struct cases *c)
{
	for (int i = 0; i < c->n; i++) {
		struct bench_case *k = &c->v[i];
		free(k->name);
		free(k->reason);
		for (char **w = k->argv; w && *w; w++)
			free(*w);
		free(k->argv);
		for (int r = 0; r < c->rounds; r++)
			cJSON_Delete(k->result[r]);
	}
	free(c->v);
	c->v = NULL;
	c->n = 0;
}

int cases_add(
    struct cases *c, const char *name, const char *file, char *const *argv, struct err *err)
{
	size_t words = 0;
	if (c->n == CASES_MAX)
		return fail(err, E_LIMIT, "more than %d measurements", CASES_MAX);
	struct bench_case *v = realloc(c->v, ((size_t)c->n + 1) * sizeof *v);
	if (!v)
		return fail_nomem(err);
	c->v = v;
	while (argv[words])
		words++;
	struct bench_case *k = &v[c->n++];
	*k = (struct bench_case){.name = strdup(name),
	    .file = file,
	    .latency = "latency_ms.median",
	    .fps = "throughput_fps"};
	k->argv = calloc(words + 1, sizeof *k->argv);
	for (size_t i = 0; k->argv && i < words; i++)
		if (!(k->argv[i] = strdup(argv[i])))
			return fail_nomem(err);
	return k->argv && k->name ? OK : fail_nomem(err);
}

static void one_identity(struct text *t, const char *path)
{
	struct stat s;
	if (!stat(path, &s))
		text_printf(t, "%s %lld %lld.%09ld;", path, (long long)s.st_size,
		    (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
}

void cases_identity(struct text *t, const char *model)
{
	char *bin = ir_bin_path(model);
	one_identity(t, model);
	if (bin && !access(bin, F_OK))
		one_identity(t, bin);
	t->failed |= !bin;
	free(bin);
}

/* ---- the file of finished runs ---- */

static char *command_line(const struct bench_case *k)
{
	struct text t = {0};
	for (char **w = k->argv; *w; w++)
		text_printf(&t, "%s%s", w == k->argv ? "" : " ", *w);
	return t.data;
}

static bool text_is(const cJSON *o, const char *name, const char *want)
{
	const cJSON *v = cJSON_GetObjectItem(o, name);
	return cJSON_IsString(v) && want && !strcmp(v->valuestring, want);
}

/* Takes one line's run, if it is one of ours. */
static void take(struct cases *c, char *line, char *const *commands)
{
	cJSON *o = cJSON_Parse(line);
	const cJSON *round = cJSON_GetObjectItem(o, "round");
	const cJSON *reason = cJSON_GetObjectItem(o, "reason");
	int r = cJSON_IsNumber(round) ? round->valueint : -1;
	for (int i = 0; i < c->n && r >= 0 && r < c->rounds; i++) {
		struct bench_case *k = &c->v[i];
		if (!text_is(o, "case", k->name) || !text_is(o, "command", commands[i]) ||
		    !text_is(o, "of", c->identity))
			continue;
		if (cJSON_IsString(reason) && !k->reason)
			k->reason = strdup(reason->valuestring);
		else if (!k->result[r])
			k->result[r] = cJSON_DetachItemFromObject(o, "result");
	}
	cJSON_Delete(o);
}

static int read_finished(struct cases *c, struct err *err)
{
	char *text = NULL, **commands = calloc((size_t)c->n + 1, sizeof *commands);
	size_t size;
	int s = commands ? OK : fail_nomem(err);
	if (!s && !access(c->resume, F_OK))
		s = file_slurp(c->resume, MAX_RESUME, &text, &size, err);
	if (!s && text && *text && *text != '{')
		s = fail(err, E_FORMAT, "'%s' holds no finished runs: it is left alone", c->resume);
	for (int i = 0; i < c->n && !s; i++)
		commands[i] = command_line(&c->v[i]);
	/* A line that a killed run left unfinished does not parse, and is no run. */
	for (char *line = text, *next; line && *line && !s; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		take(c, line, commands);
	}
	for (int i = 0; commands && i < c->n; i++)
		free(commands[i]);
	free(commands);
	free(text);
	return s;
}

/* One write of one line at the end: what another process or a kill does leaves whole lines. */
static int append(const struct cases *c, const struct bench_case *k, int r, struct err *err)
{
	cJSON *o = cJSON_CreateObject();
	char *command = command_line(k);
	cJSON_AddStringToObject(o, "case", k->name);
	cJSON_AddStringToObject(o, "command", command ? command : "");
	cJSON_AddStringToObject(o, "of", c->identity);
	cJSON_AddNumberToObject(o, "round", r);
	if (k->result[r])
		cJSON_AddItemReferenceToObject(o, "result", k->result[r]);
	else
		cJSON_AddStringToObject(o, "reason", k->reason ? k->reason : "");
	char *text = cJSON_PrintUnformatted(o);
	struct text line = {0};
	text_printf(&line, "%s\n", text ? text : "");
	int fd = open(c->resume, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
	int s = OK;
	if (fd < 0 || line.failed || write(fd, line.data, line.len) != (ssize_t)line.len)
		s = fail_errno(err, "add to", c->resume);
	if (fd >= 0)
		close(fd);
	text_free(&line);
	cJSON_free(text);
	cJSON_Delete(o);
	free(command);
	return s;
}

/* A kill may have left half a line: what is added begins on a new one. */
static int end_line(const char *path, struct err *err)
{
	char last = '\n';
	int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? OK : fail_errno(err, "open", path);
	off_t size = lseek(fd, 0, SEEK_END);
	bool ok = size <= 0 ||
		  (pread(fd, &last, 1, size - 1) == 1 && (last == '\n' || write(fd, "\n", 1) == 1));
	int s = ok ? OK : fail_errno(err, "add to", path);
	close(fd);
	return s;
}

/* ---- running ---- */

/* The last JSON object that text ends with: programs may have said more before. */
static cJSON *last_object(const char *text)
{
	cJSON *o = text ? cJSON_Parse(text) : NULL;
	const char *line = text;
	while (!cJSON_IsObject(o) && line && (line = strchr(line, '{'))) {
		const char *end = NULL;
		cJSON_Delete(o);
		o = cJSON_ParseWithOpts(line++, &end, false);
		if (cJSON_IsObject(o) && strchr(end, '{')) { /* not the last one */
			line = end;
			cJSON_Delete(o);
			o = NULL;
		}
	}
	return o;
}

static int run_one(struct cases *c, struct bench_case *k, int r, struct err *err)
{
	struct child child;
	int s = child_run(k->file, k->argv, c->timeout, &child, err);
	if (s == E_IO) { /* a program that is not there is that case's failure */
		k->reason = strdup(err->text);
		err_clear(err);
		s = OK;
	} else if (!s && !child.code && !child.timed_out) {
		k->result[r] = last_object(child.out.data);
		if (!k->result[r])
			k->reason = strdup("it printed no JSON object");
	} else if (!s) {
		k->reason = strdup(child_reason(&child));
	}
	child_free(&child);
	return s ? s : c->resume ? append(c, k, r, err) : OK;
}

static void tell(const struct cases *c, const struct bench_case *k, int r, int left)
{
	struct text t = {0};
	text_printf(&t, "%s: ", k->name);
	if (k->result[r]) {
		struct bench_case one = {.result = {k->result[r]}};
		text_printf(&t, "%.3f ms", cases_median(&one, 1, k->latency));
		if (k->fps)
			text_printf(&t, ", %.4g a second", cases_median(&one, 1, k->fps));
	} else {
		text_add(&t, k->reason ? k->reason : "failed");
	}
	if (left)
		text_printf(&t, "; about %.0f s left", left * c->each);
	tool_say(c->p, "%s", t.data ? t.data : "");
	text_free(&t);
}

int cases_run(struct cases *c, struct err *err)
{
	int s = c->resume ? read_finished(c, err) : OK, left = 0;
	s = s || !c->resume ? s : end_line(c->resume, err);
	for (int i = 0; i < c->n; i++)
		for (int r = 0; r < c->rounds; r++)
			left += !c->v[i].result[r] && !c->v[i].reason;
	if (!s)
		tool_say(c->p, "%d measurements in %d round%s, %d to do: about %.0f s", c->n,
		    c->rounds, c->rounds == 1 ? "" : "s", left, left * c->each);
	for (int r = 0; r < c->rounds && !s; r++)
		for (int i = 0; i < c->n && !s; i++) {
			struct bench_case *k = &c->v[r % 2 ? c->n - 1 - i : i];
			if (k->result[r] || k->reason)
				continue;
			s = run_one(c, k, r, err);
			left -= k->reason ? c->rounds - r : 1;
			if (!s)
				tell(c, k, r, left);
		}
	return s;
}

/* ---- results ---- */

static const cJSON *find(const cJSON *o, const char *path)
{
	const char *dot = strchr(path, '.');
	char first[64];
	if (!dot)
		return cJSON_GetObjectItem(o, path);
	snprintf(first, sizeof first, "%.*s", (int)(dot - path), path);
	return find(cJSON_GetObjectItem(o, first), dot + 1);
}

static int numbers(
    const struct bench_case *c, int rounds, const char *path, double v[CASES_MAX_ROUNDS])
{
	int n = 0;
	for (int r = 0; r < rounds; r++) {
		const cJSON *j = find(c->result[r], path);
		if (cJSON_IsNumber(j))
			v[n++] = j->valuedouble;
	}
	return n;
}

double cases_median(const struct bench_case *c, int rounds, const char *path)
{
	double v[CASES_MAX_ROUNDS];
	return median_f64(v, numbers(c, rounds, path, v));
}

double cases_sum(const struct bench_case *c, int rounds, const char *path)
{
	double v[CASES_MAX_ROUNDS], sum = 0;
	for (int i = numbers(c, rounds, path, v) - 1; i >= 0; i--)
		sum += v[i];
	return sum;
}

void cases_add_runs(cJSON *o, const struct bench_case *c, int rounds)
{
	cJSON *each = cJSON_AddArrayToObject(o, "latencies_ms");
	cJSON *runs = cJSON_AddArrayToObject(o, "runs");
	for (int r = 0; r < rounds; r++) {
		struct bench_case one = {.result = {c->result[r]}};
		if (!c->result[r])
			continue;
		cJSON_AddItemToArray(each, cJSON_CreateNumber(cases_median(&one, 1, c->latency)));
		cJSON_AddItemToArray(runs, cJSON_Duplicate(c->result[r], true));
	}
}
