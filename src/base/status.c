/* Status codes with words: the cause first, then the places it was met at, outermost in front. */
#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names from hostile files may neither break a line nor steer a terminal. */
static void tame(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

int fail(struct err *err, int status, const char *fmt, ...)
{
	if (!err)
		return status;
	char text[sizeof err->text]; /* the arguments may point into the old text */
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	tame(text);
	memcpy(err->text, text, sizeof text);
	err->status = status;
	return status;
}

int fail_nomem(struct err *err)
{
	return fail(err, E_NOMEM, "out of memory");
}

int fail_errno(struct err *err, const char *what, const char *path)
{
	int e = errno;
	if (e == ENOMEM)
		return fail(err, E_NOMEM, "cannot %s '%s': out of memory", what, path);
	char buf[128];
	return fail(err, E_IO, "cannot %s '%s': %s", what, path, strerror_r(e, buf, sizeof buf));
}

int err_in(struct err *err, const char *fmt, ...)
{
	if (!err)
		return E_FORMAT;
	char text[2 * sizeof err->text];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof err->text, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof err->text)
		n = sizeof err->text - 1;
	snprintf(text + n, sizeof text - n, ": %s", err->text);
	tame(text);
	memcpy(err->text, text, sizeof err->text - 1);
	err->text[sizeof err->text - 1] = 0;
	return err->status;
}

void err_detail(struct err *err, const char *fmt, ...)
{
	if (!err)
		return;
	char *line;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n < 0)
		return; /* details are a courtesy: without memory they are dropped */
	tame(line);
	size_t old = err->details ? strlen(err->details) : 0;
	char *all = realloc(err->details, old + (size_t)n + 2);
	if (all) {
		memcpy(all + old, line, (size_t)n);
		memcpy(all + old + n, "\n", 2);
		err->details = all;
	}
	free(line);
}

void err_clear(struct err *err)
{
	free(err->details);
	*err = (struct err){0};
}

void log_say(const struct log *log, enum log_level level, const char *fmt, ...)
{
	if (!log || !log->say)
		return;
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	tame(text);
	log->say(log->user, level, text);
}
