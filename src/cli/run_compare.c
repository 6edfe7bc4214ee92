/* mo-run --compare: two networks on the same data, layer by layer. */
#include "cli/run.h"

int run_compare(struct run *r, int *verdict, struct err *err)
{
	(void)r;
	(void)verdict;
	return fail(err, E_UNSUPPORTED, "--compare is not there yet");
}
