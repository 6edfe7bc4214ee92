/* Shared libraries that are loaded when they are first needed: a program that does not need them
 * starts sooner. */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include "base/status.h"

/* A function of the library, and the pointer that takes it. */
struct library_function {
	const char *name;
	void *at; /* of the pointer */
};
/* Loads soname and sets the pointers; the list ends with a name NULL. The library stays. E_IO that
 * names what is not there. Loading again does no harm. */
int library_load(const char *soname, const struct library_function *f, struct err *err);

#endif
