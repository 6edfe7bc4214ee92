/* Loads shared libraries. */
#include "base/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static int take_functions(const struct library *l, struct err *err)
{
	void *handle = dlopen(l->soname, RTLD_LAZY | RTLD_LOCAL);
	if (!handle)
		return fail(err, E_IO, "cannot load the library '%s': %s", l->soname, dlerror());
	for (const struct library_function *f = l->function; f->name; f++) {
		void *p = dlsym(handle, f->name);
		if (!p)
			return fail(err, E_IO, "the library '%s' has no '%s'", l->soname, f->name);
		memcpy(f->at, &p, sizeof p); /* ISO C has no cast from void * to a function */
	}
	return OK;
}

int library_load(struct library *l, struct err *err)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
	int status = OK;
	if (__atomic_load_n(&l->loaded, __ATOMIC_ACQUIRE))
		return OK;
	pthread_mutex_lock(&one);
	if (!l->loaded)
		status = take_functions(l, err);
	__atomic_store_n(&l->loaded, status == OK, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&one);
	return status;
}
