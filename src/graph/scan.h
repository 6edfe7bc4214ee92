/* What reading graphs from text is made of: words, and constants. */
#ifndef GRAPH_SCAN_H
#define GRAPH_SCAN_H

#include "base/map.h"
#include "graph/op.h"

struct scan {
	const char *p;
	struct graph *g;
	struct arena *a;            /* dies with the scan */
	struct map named, numbered; /* labels given; "name.k" where none was */
	const struct op *(*find)(const char *type, int opset);
	int (*infer)(struct node *n, struct err *err);
	struct err *err;
};

/* The error's status. */
#define STATUS(s) ((s)->err->status)

/* White space within a line, and where lines may end. */
#define IN_LINE " \t\r"
#define ANYWHERE " \t\r\n"

/* Over white space and, where lines may end, comments. */
void scan_skip(struct scan *s, const char *space);
/* Over white space, and then c, if it is there. */
bool scan_take(struct scan *s, char c, const char *space);
/* Fails with what should stand here. */
int scan_expected(struct scan *s, const char *what);
/* A copy of the next n characters, in s->a; NULL with the error set. */
char *scan_run(struct scan *s, size_t n);
/* A name, or "..." with \" \\ \n \xHH, which scan_quoted starts on; NULL with the error set. */
char *scan_word(struct scan *s, const char *what);
char *scan_quoted(struct scan *s);

/* "f32[1,3]". */
int scan_type(struct scan *s, struct info *out);
/* "f32[2] 1 2.5", "i8[4,4] fill(0)" or random(SEED), behind Const: type and content of n. */
int scan_const(struct scan *s, struct node *n);

#endif
