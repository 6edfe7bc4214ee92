/* Which program runs: the one whose name the file was called by, mo under any other. */
#include <malloc.h>
#include <string.h>

#include "cli/programs.h"

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
} programs[] = {
    {"mo-bench", mo_bench_main},
    {"mo-calibrate", mo_calibrate_main},
    {"mo-compile", mo_compile_main},
    {"mo-info", mo_info_main},
    {"mo-run", mo_run_main},
};

#define LARGE (1 << 20)
#define SPARE (8 << 20)

int mo_program(int argc, char **argv)
{
#ifdef M_MMAP_THRESHOLD
	/* Copies of weights go back to the system when they are freed, not into holes of the heap.
	 */
	mallopt(M_MMAP_THRESHOLD, LARGE);
	/* What is smaller, such as samples that come and go, does not. */
	mallopt(M_TRIM_THRESHOLD, SPARE);
#endif
	const char *name = argc > 0 ? strrchr(argv[0], '/') : NULL;
	name = name ? name + 1 : argc > 0 ? argv[0] : "";
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		if (!strcmp(name, programs[i].name))
			return programs[i].main(argc, argv);
	return mo_main(argc, argv);
}
