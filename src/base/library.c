/* Shared libraries that are loaded when they are first needed: a program that does not need them
 * starts sooner. */
#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

int library_load(const char *soname, const struct library_function *f, struct err *err)
{
	void *handle = dlopen(soname, RTLD_LAZY | RTLD_LOCAL);
	if (!handle)
		return fail(err, E_IO, "cannot load the library '%s': %s", soname, dlerror());
	for (; f->name; f++) {
		void *p = dlsym(handle, f->name);
		if (!p)
			return fail(err, E_IO, "the library '%s' has no '%s'", soname, f->name);
		memcpy(f->at, &p, sizeof p); /* ISO C has no cast from void * to a function */
	}
	return OK;
}
