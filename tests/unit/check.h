/* cmocka with what it needs, without its fail(), whose name is ours. */
#ifndef UNIT_CHECK_H
#define UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#undef fail

/* Fails, showing both, when text does not hold part. */
#define assert_holds(text, part)                                              \
	do {                                                                  \
		if (!strstr(text, part)) {                                    \
			print_error("'%s' does not hold '%s'\n", text, part); \
			assert_true(!"holds");                                \
		}                                                             \
	} while (0)

#endif
