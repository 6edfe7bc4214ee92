/* Cold starts: each run is a process of its own, which reads, compiles and runs once. */
#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/bench.h"

#define MAX_TEXT 65536
#define MAX_ARGS 32

extern char **environ;

static const char *const names[] = {"read_ms", "compile_ms", "first_ms", "process_ms"};

/* What the process gets: what decides about its work, and one inference. */
struct command {
	char *argv[MAX_ARGS + 1];
	char number[4][32];
	int n;
};

static void word(struct command *c, const char *w)
{
	c->argv[c->n++] = (char *)w;
}

static void number(struct command *c, int k, const char *option, int64_t value)
{
	snprintf(c->number[k], sizeof c->number[k], "%" PRId64, value);
	word(c, option);
	word(c, c->number[k]);
}

static void command(struct command *c, const struct job *j)
{
	const struct bench *b = j->b;
	*c = (struct command){0};
	word(c, "mo-bench");
	word(c, "-q");
	word(c, "--iterations=1");
	word(c, "--warmup=0");
	word(c, "--inputs=1");
	word(c, "--json=-");
	number(c, 0, "--threads", b->nthreads);
	number(c, 1, "--random", b->seed);
	if (b->batch)
		number(c, 2, "--batch", b->batch);
	if (b->exact)
		word(c, "--exact");
	if (b->bf16)
		word(c, "--infer-precision=bf16");
	if (b->lenient)
		word(c, "--lenient");
	if (b->random_weights)
		word(c, "--random-weights");
	if (b->no_mmap)
		word(c, "--no-mmap");
	if (b->cache_dir) {
		word(c, "--cache-dir");
		word(c, b->cache_dir);
	}
	if (b->cache_size)
		number(c, 3, "--cache-size", b->cache_size);
	if (b->p->cpu) {
		word(c, "--cpu");
		word(c, b->p->cpu);
	}
	word(c, "--input");
	word(c, j->model);
}

/* Reads to the end; what is beyond the buffer is dropped. */
static void read_text(int fd, char *text)
{
	char rest[512];
	size_t n = 0;
	ssize_t got;
	while ((got = n + 1 < MAX_TEXT ? read(fd, text + n, MAX_TEXT - 1 - n)
				       : read(fd, rest, sizeof rest)) != 0) {
		if (got < 0 && errno != EINTR)
			break;
		if (got > 0 && n + 1 < MAX_TEXT)
			n += (size_t)got;
	}
	text[n] = 0;
}

/* Runs it and hands its stdout over. */
static int run_process(struct command *c, const char *model, char *text, struct err *err)
{
	posix_spawn_file_actions_t to;
	int fd[2], status = 0;
	pid_t pid;
	if (pipe(fd))
		return fail_errno(err, "open a pipe for", model);
	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_adddup2(&to, fd[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&to, fd[0]);
	posix_spawn_file_actions_addclose(&to, fd[1]);
	int e = posix_spawn(&pid, "/proc/self/exe", &to, NULL, c->argv, environ);
	posix_spawn_file_actions_destroy(&to);
	close(fd[1]);
	if (!e)
		read_text(fd[0], text);
	close(fd[0]);
	if (e)
		return fail(err, E_IO, "cannot start a process: %s", strerror(e));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status ? fail(err, E_IO, "'%s': the cold process failed", model) : OK;
}

static int cold_run(struct job *j, struct err *err)
{
	static char text[MAX_TEXT];
	struct command c;
	command(&c, j);
	double start = now_ms();
	int s = run_process(&c, j->model, text, err);
	double ms = now_ms() - start;
	cJSON *json = s ? NULL : cJSON_Parse(text);
	for (int i = 0; i < COLD_TIMES && !s; i++) {
		const cJSON *v = cJSON_GetObjectItem(json, names[i]);
		if (i != COLD_PROCESS && !cJSON_IsNumber(v))
			s = fail(
			    err, E_IO, "'%s': the cold process told no %s", j->model, names[i]);
		else
			j->cold[i].ms[j->cold[i].n++] = i == COLD_PROCESS ? ms : v->valuedouble;
	}
	cJSON_Delete(json);
	return s;
}

int bench_cold(struct bench *b, struct err *err)
{
	int s = OK;
	for (int k = 0; k < b->njobs; k++)
		for (int i = 0; i < COLD_TIMES && !s; i++)
			s = times_new(&b->job[k].cold[i], err);
	for (int64_t n = 0; n < b->cold; n++) /* in turn */
		for (int k = 0; k < b->njobs && !s; k++)
			s = cold_run(&b->job[k], err);
	for (int k = 0; k < b->njobs; k++)
		for (int i = 0; i < COLD_TIMES; i++)
			times_sort(&b->job[k].cold[i]);
	return s;
}

void cold_print(const struct bench *b)
{
	for (int k = 0; k < b->njobs; k++) {
		const struct times *t = b->job[k].cold;
		printf("%s: %d cold processes, medians: read %.2f ms, compile %.2f ms, first "
		       "inference %.2f ms, the whole process %.2f ms\n",
		    b->job[k].model, t->n, times_at(&t[COLD_READ], 0.5),
		    times_at(&t[COLD_COMPILE], 0.5), times_at(&t[COLD_FIRST], 0.5),
		    times_at(&t[COLD_PROCESS], 0.5));
	}
}

cJSON *cold_json(const struct job *j)
{
	cJSON *o = cJSON_CreateObject();
	cJSON_AddNumberToObject(o, "processes", j->cold->n);
	for (int i = 0; i < COLD_TIMES; i++)
		cJSON_AddNumberToObject(o, names[i], times_at(&j->cold[i], 0.5));
	return o;
}
