/* What a search has measured so far, in a file beside its output: a run that was interrupted takes
 * up where it ended, and ends with the same bytes. */
#ifndef QUANT_MEMO_H
#define QUANT_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

#define MEMO_MOST 4 /* numbers for a key */

struct memo;

/* identity says what the numbers are of: a file of another identity, or none, is begun anew.
 * path NULL: nothing is kept. */
int memo_open(const char *path, const char *identity, struct memo **out, struct err *err);
/* How many numbers were found in the file. */
int64_t memo_found(const struct memo *m);
/* True and the n numbers for the key when they are known. m NULL is legal. */
bool memo_get(const struct memo *m, const char *key, double *v, int n);
/* Written to the file at once. */
int memo_put(struct memo *m, const char *key, const double *v, int n, struct err *err);
/* done: the file goes. NULL is legal. */
void memo_close(struct memo *m, bool done);

#endif
