/* Programs run as processes of their own, with what they say and how they end. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/child.h"

extern char **environ;

static void keep(struct text *t, const char *data, size_t n)
{
	if (t->len < CHILD_MAX_TEXT)
		text_addn(t, data, n < CHILD_MAX_TEXT - t->len ? n : CHILD_MAX_TEXT - t->len);
}

/* Reads both pipes to their ends, or until the time is up: then false. */
static bool listen_to(struct child *c, int out, int err, double end)
{
	struct pollfd p[2] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
	while (p[0].fd >= 0 || p[1].fd >= 0) {
		double left = end - clock_seconds();
		if (left <= 0)
			return false;
		int ms = left > 60 ? 60000 : (int)(left * 1e3) + 1;
		if (poll(p, 2, ms) < 0 && errno != EINTR)
			return false;
		for (int i = 0; i < 2; i++) {
			char buf[4096];
			if (p[i].fd < 0 || !p[i].revents)
				continue;
			ssize_t n = read(p[i].fd, buf, sizeof buf);
			if (n > 0)
				keep(i ? &c->err : &c->out, buf, (size_t)n);
			else if (n == 0 || errno != EINTR)
				p[i].fd = -1;
			p[i].revents = 0;
		}
	}
	return true;
}

static int start(const char *file, char *const *argv, bool apart, const int out[2],
    const int err_fd[2], pid_t *pid, struct err *err)
{
	posix_spawn_file_actions_t to;
	posix_spawnattr_t how;
	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_adddup2(&to, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&to, err_fd[1], STDERR_FILENO);
	for (int i = 0; i < 2; i++) {
		posix_spawn_file_actions_addclose(&to, out[i]);
		posix_spawn_file_actions_addclose(&to, err_fd[i]);
	}
	posix_spawnattr_init(&how);
	posix_spawnattr_setflags(&how, apart ? POSIX_SPAWN_SETPGROUP : 0);
	posix_spawnattr_setpgroup(&how, 0);
	int e = posix_spawnp(pid, file, &to, &how, argv, environ);
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&to);
	return e ? fail(err, E_IO, "cannot start '%s': %s", argv[0], strerror(e)) : OK;
}

int child_run(const char *file, char *const *argv, double timeout, struct child *c, struct err *err)
{
	int out[2], errs[2], status = 0;
	pid_t pid;
	*c = (struct child){0};
	if (pipe(out))
		return fail_errno(err, "open a pipe for", argv[0]);
	if (pipe(errs)) {
		close(out[0]);
		close(out[1]);
		return fail_errno(err, "open a pipe for", argv[0]);
	}
	double begin = clock_seconds();
	int s = start(file, argv, timeout > 0, out, errs, &pid, err);
	close(out[1]);
	close(errs[1]);
	if (!s && !listen_to(c, out[0], errs[0], timeout > 0 ? begin + timeout : 1e300)) {
		c->timed_out = true;
		kill(-pid, SIGKILL);
	}
	close(out[0]);
	close(errs[0]);
	if (s)
		return s;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	c->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	c->seconds = clock_seconds() - begin;
	return c->out.failed || c->err.failed ? fail_nomem(err) : OK;
}

void child_free(struct child *c)
{
	text_free(&c->out);
	text_free(&c->err);
}

const char *child_reason(struct child *c)
{
	struct text *t = &c->err;
	while (t->len && t->data[t->len - 1] == '\n')
		t->data[--t->len] = 0;
	const char *line = t->len ? strrchr(t->data, '\n') : NULL;
	if (c->timed_out)
		return "it took too long";
	if (t->len) {
		line = line ? line + 1 : t->data;
		const char *cause = strstr(line, "error: ");
		return cause ? cause + strlen("error: ") : line;
	}
	return c->code > 128 ? "a signal ended it" : "it failed without a word";
}
