/* Status codes and the text of an error, gathered place by place on the way up. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

/* Functions that can fail return OK or one of the negative codes. */
enum status {
	OK = 0,
	E_IO = -1,          /* the operating system said no */
	E_FORMAT = -2,      /* the input breaks its format */
	E_LIMIT = -3,       /* the input asks for more than limits.h allows */
	E_UNSUPPORTED = -4, /* well formed, but nothing we can convert or run */
	E_NOMEM = -5,
	E_USAGE = -6, /* the caller's or the user's arguments are off */
	E_DATA = -7,  /* the samples as a whole will not do, though each file can be read */
};

/* The caller owns it, zero-initialised; err_clear frees. */
struct err {
	int status;
	char text[1024]; /* "'m.onnx': node 'conv1': attribute 'pads' has 3 values, expected 4" */
	char *details;   /* heap: further lines, each ended by \n, or NULL */
};

/* Sets the cause (an earlier one is overwritten, details kept) and returns status. err may be NULL.
 */
int fail(struct err *err, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* fail(E_NOMEM) with the usual words. */
int fail_nomem(struct err *err);
/* fail(E_IO) with strerror(errno): "cannot open 'x': No such file or directory" for what = "open".
 */
int fail_errno(struct err *err, const char *what, const char *path);
/* Prepends a place: err_in(err, "node '%s'", name) makes "node 'conv1': …". Returns err->status. */
int err_in(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends one line to the details. */
void err_detail(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void err_clear(struct err *err);

/* Where warnings and progress go: the library never prints. A NULL log, or a NULL say, is silence.
 */
enum log_level { LOG_WARN, LOG_INFO, LOG_DEBUG };
struct log {
	void (*say)(void *user, enum log_level level, const char *text);
	void *user;
};
void log_say(const struct log *log, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
