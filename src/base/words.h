/* The little language of mo's options: lists of "name[values]", "name(values)", "name->value". */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include "base/arena.h"
#include "base/status.h"

struct word {
	const char *name;  /* "" when there is none */
	const char *value; /* between the brackets or after "->"; NULL when there is none */
};
/* Splits text at the commas outside of brackets. Memory is the arena's. */
int words_split(struct arena *a, const char *text, struct word **out, int *n, struct err *err);
/* Numbers between commas or spaces, "true" and "false" among them. */
int words_numbers(struct arena *a, const char *text, double **out, int *n, struct err *err);

#endif
