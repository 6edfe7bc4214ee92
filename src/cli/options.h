/* One table of options makes the parser, the help text and the check of the man page. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum option_kind {
	OPT_FLAG,   /* bool: given or not */
	OPT_STRING, /* const char *; the last one counts */
	OPT_INT,    /* int64_t */
	OPT_FLOAT,  /* double */
	OPT_LIST,   /* struct list: every one counts */
	OPT_HELP,
	OPT_VERSION,
	OPT_SECTION, /* only a heading in the help */
};

struct list {
	const char **v;
	int n;
};

struct option_row {
	enum option_kind kind;
	const char *name;  /* "output-dir": --output-dir X, --output-dir=X and --output_dir */
	char letter;       /* 'o' or 0 */
	const char *value; /* "DIR" in the help */
	const char *about;
	void *to;
	const char *alias; /* further spellings, "input_model|model": not shown in the help */
	int64_t min, max;  /* OPT_INT; both 0: any */
};

struct program {
	const char *name, *about;
	const char *usage;             /* "[options] FILE" */
	const struct option_row *rows; /* ends with name NULL and kind not OPT_SECTION */
	struct list *operands;         /* where words without a dash go; NULL: none allowed */
	int max_operands;
};

/* Prints help or version and exits 0 when asked; on misuse one line on stderr with the nearest
 * match, exit 2. */
void options_parse(const struct program *p, int argc, char **argv);
/* Common to every tool: -q, -v, -h, --version, --cpu. */
extern bool opt_quiet;
extern int opt_verbose;

/* "mo: error: …" on stderr, with the details below; returns the exit code for err->status (2 for
 * E_USAGE, else 1). */
int report_error(const struct program *p, const struct err *err);
/* A struct log that prints on stderr as -q and -v ask. */
struct log cli_log(const struct program *p);
/* Removes unfinished outputs on SIGINT and SIGTERM and dies by the signal. */
void handle_signals(void);

#endif
