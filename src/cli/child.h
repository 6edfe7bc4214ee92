/* Programs run as processes of their own, with what they say and how they end. */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include "base/status.h"
#include "base/text.h"

#define CHILD_SELF "/proc/self/exe" /* this very file, as the program that argv[0] names */
#define CHILD_MAX_TEXT (8 << 20)    /* of stdout that is kept, and of stderr */

struct child {
	struct text out, err; /* stdout and stderr, cut at the limit */
	int code;             /* exit code; 128 + n when signal n ended it */
	bool timed_out;       /* it was killed, and what it had started */
	double seconds;
};
/* Runs file (searched in PATH unless it has a slash) with argv, ended by NULL; timeout in seconds,
 * 0 for none: with one it has a process group of its own, all of which can be killed; without, what
 * interrupts us interrupts it. The caller frees with child_free. E_IO when it could
 * not be started; how it ended is no error here. */
int child_run(
    const char *file, char *const *argv, double timeout, struct child *c, struct err *err);
void child_free(struct child *c);
/* Why it failed, in a line: its last line of stderr, or how it ended. Valid as long as c is. */
const char *child_reason(struct child *c);

#endif
