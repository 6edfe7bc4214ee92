/* Shared libraries that are loaded when they are first needed: a program that does not need them
 * starts sooner. */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include <stdbool.h>

#include "base/status.h"

/* A library, and what is taken from it: the list ends with a name NULL. */
struct library {
	const char *soname;
	const struct library_function {
		const char *name;
		void *at; /* of the pointer */
	} * function;
	bool loaded; /* the pointers are set */
};

/* Defines `lib`, with a pointer of its name for each function of the list, and its library: the
 * list is a macro that names them as list(F) F(png_read_info) F(png_read_end). */
#define LIBRARY_POINTER(f) __typeof__(f) *f;
#define LIBRARY_FUNCTION(f) {#f, &lib.f},
#define LIBRARY(name, file, list)                                   \
	static struct {                                             \
		list(LIBRARY_POINTER)                               \
	} lib;                                                      \
	static const struct library_function name##_functions[] = { \
	    list(LIBRARY_FUNCTION){NULL, NULL}};                    \
	static struct library name = {file, name##_functions, false}

/* Sets the pointers if they are not set yet, for any thread; the library stays. E_IO that names
 * what is not there. */
int library_load(struct library *l, struct err *err);

#endif
