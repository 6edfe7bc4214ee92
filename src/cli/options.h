/* One table of options makes the parser, the help text and the check of the man page; and what
 * every tool does in the same way: messages, signals, the end of stdout. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

enum option_kind {
	OPT_FLAG,   /* bool: given or not; --flag=false takes it back */
	OPT_COUNT,  /* int: how often it was given */
	OPT_STRING, /* const char *; the last one counts */
	OPT_OUTPUT, /* the same, a file that is written: no two are one; "-" may be */
	OPT_INT,    /* int64_t */
	OPT_FLOAT,  /* double, finite */
	OPT_ABOVE,  /* the same, more than 0 */
	OPT_LIST,   /* struct list: every one counts */
	OPT_HELP,
	OPT_VERSION,
	OPT_SECTION, /* only a heading in the help */
};

/* Words in the order they were given; the array is heap, freed by tool_finish. */
struct list {
	const char **v;
	int n;
};

/* A table ends with a row whose name is NULL and whose kind is not OPT_SECTION. */
struct option_row {
	enum option_kind kind;
	const char *name;  /* "output-dir": --output-dir X, --output-dir=X and --output_dir */
	char letter;       /* 'o' or 0 */
	const char *value; /* "DIR" in the help */
	const char *about; /* NULL: accepted, but not shown */
	size_t at;         /* where the value goes: offset in program.values */
	const char *alias; /* further spellings, "input-model|m": not shown; one letter is short */
	int64_t min, max;  /* of numbers; both 0: any. OPT_ABOVE: max alone counts */
};

/* The option means something beside one of these only: "sweep|suite". */
struct option_need {
	const char *option, *one_of;
};

/* The model of programs that take one, in T's model; and in lenient whether unknown attributes are
 * let pass. */
#define MODEL_ROW(T)                                                                        \
	{                                                                                   \
		OPT_STRING, "input", 'i', "FILE", "the model, if not given as an argument", \
		    offsetof(T, model), "model|m|input-model", 0, 0                         \
	}
#define LENIENT_ROW(T)                                                                       \
	{                                                                                    \
		OPT_FLAG, "lenient", 0, NULL, "unknown attributes are warnings, not errors", \
		    offsetof(T, lenient), NULL, 0, 0                                         \
	}

/* Rows of the programs that run networks; T has cache_dir, cache_size (MB) and no_mmap. */
#define CACHE_ROWS(T)                                                                             \
	{OPT_STRING, "cache-dir", 0, "DIR",                                                       \
	    "keep compiled networks here, and take them from here", offsetof(T, cache_dir), NULL, \
	    0, 0},                                                                                \
	    {OPT_INT, "cache-size", 0, "MB",                                                      \
		"the cache's limit: what was not used for longest goes; 4096 by default",         \
		offsetof(T, cache_size), NULL, 1, 1 << 24},                                       \
	{                                                                                         \
		OPT_FLAG, "no-mmap", 0, NULL,                                                     \
		    "read compiled networks into memory, don't map them", offsetof(T, no_mmap),   \
		    NULL, 0, 0                                                                    \
	}

struct program {
	const char *name, *about;
	const char *usage; /* "[options] FILE" */
	const struct option_row *rows;
	void *values;          /* the tool's options, a struct that rows give offsets in */
	struct list *operands; /* where words without a dash go; NULL: none allowed */
	int max_operands;
	const struct option_need *needs; /* ends with a NULL; may be NULL */
	/* Set by options_parse: -q, -v, --cpu. */
	bool quiet;
	int verbose;
	const char *cpu;
	uint64_t given[2]; /* a bit for each row */
};

/* Handles help and version (stdout, exit 0) and misuse (one line on stderr with the nearest match,
 * exit 2). Also sets up the signals and --cpu. */
void options_parse(struct program *p, int argc, char **argv);
/* Was the option of this row of p->rows on the command line? */
bool option_given(const struct program *p, const struct option_row *r);
/* Is a number one that the row's option takes? */
bool option_takes(const struct option_row *r, double x);
/* The spelling among n words that is closest to word, or NULL when none is close. */
const char *nearest_word(const char *word, const char *const *words, int n);

/* The model of a program that takes one: what --input gave or the operand; E_USAGE for none or two.
 */
int tool_model(const struct list *operands, const char **model, struct err *err);
/* What files made of it are called: "net" of "dir/net.onnx", "model" of stdin; NULL without memory.
 */
const char *tool_model_name(struct arena *a, const char *path);
/* Before the work, not behind it: whether options have what they need beside them, and the files
 * that they name can be written. No output replaces what operands and options name to read, or the
 * weights beside an IR. */
int tool_check(const struct program *p, struct err *err);
/* The same of one file more that is written: it is not what an option writes. */
int tool_check_output(const struct program *p, const char *path, struct err *err);
/* For readers that tell of each file more that they read: no output replaces it. */
void tool_depends(void *unused, const char *path);
/* "mo: error: …" on stderr, with the details below; frees err and returns the exit code: 2 for
 * E_USAGE, else 1. */
int tool_error(const struct program *p, struct err *err);
/* One line on stderr, unless -q. */
void tool_say(const struct program *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Warnings unless -q, progress with -v, the rest with -vv; all on stderr. */
struct log tool_log(const struct program *p);
/* Frees the lists, closes stdout and returns code, or 1 (said on stderr) when stdout failed. */
int tool_finish(const struct program *p, int code);

#endif
