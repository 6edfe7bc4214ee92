/* How every tool speaks and ends: errors, progress, stdout. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/options.h"
#include "cli/progress.h"

/* Names come from files: what would steer a terminal, or break the line, is shown as '?'. */
static void plain(char *text, bool lines)
{
	for (; text && *text; text++)
		if (((unsigned char)*text < 32 && !(lines && *text == '\n')) || *text == 127)
			*text = '?';
}

int tool_error(const struct program *p, struct err *err)
{
	int code = err->status == E_USAGE ? 2 : 1;
	fflush(stdout);
	progress_clear();
	plain(err->text, false);
	plain(err->details, true);
	fprintf(stderr, "%s: error: %s\n", p->name, err->text);
	if (err->details)
		fputs(err->details, stderr);
	err_clear(err);
	return code;
}

int tool_model(const struct list *operands, const char **model, struct err *err)
{
	if (operands->n && *model)
		return fail(
		    err, E_USAGE, "two models given: '%s' and '%s'", *model, operands->v[0]);
	*model = operands->n ? operands->v[0] : *model;
	return *model ? OK : fail(err, E_USAGE, "no model given");
}

const char *tool_model_name(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	const char *dot = strrchr(base, '.');
	if (!strcmp(path, "-"))
		return "model";
	return arena_strn(a, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

/* A whole line, whichever thread says it. */
void tool_say(const struct program *p, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;
	if (p->quiet)
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	plain(text, true);
	flockfile(stderr);
	progress_clear();
	fprintf(stderr, "%s: %s\n", p->name, text ? text : fmt);
	funlockfile(stderr);
	free(text);
}

static void say(void *user, enum log_level level, const char *text)
{
	const struct program *p = user;
	if (level == LOG_WARN)
		tool_say(p, "warning: %s", text);
	else if (p->verbose >= (level == LOG_INFO ? 1 : 2))
		tool_say(p, "%s", text);
}

struct log tool_log(const struct program *p)
{
	return (struct log){say, (void *)p};
}

static void free_list(struct list *l)
{
	free(l->v);
	*l = (struct list){0};
}

int tool_finish(const struct program *p, int code)
{
	for (const struct option_row *r = p->rows; r->name || r->kind == OPT_SECTION; r++)
		if (r->kind == OPT_LIST)
			free_list((struct list *)((char *)p->values + r->at));
	if (p->operands)
		free_list(p->operands);
	if (ferror(stdout) | (fclose(stdout) != 0)) {
		fprintf(stderr, "%s: error: cannot write to stdout: %s\n", p->name,
		    strerror(errno ? errno : EIO));
		return 1;
	}
	return code;
}
