/* Files that are read, by device and inode, whatever they are called: no output replaces them. */
#include "base/spared.h"

#include <stdlib.h>

#include "base/file.h"

static struct spared {
	dev_t dev;
	ino_t ino;
} * spared;
static int nspared;

void output_spare(const char *path)
{
	struct stat st;
	struct spared *more = stat(path, &st) || !S_ISREG(st.st_mode)
				  ? NULL
				  : reallocarray(spared, (size_t)nspared + 1, sizeof *more);
	if (!more)
		return;
	spared = more;
	spared[nspared++] = (struct spared){st.st_dev, st.st_ino};
}

static bool is_same(const struct spared *s, const struct stat *st)
{
	return s->dev == st->st_dev && s->ino == st->st_ino;
}

bool output_is_spared(const struct stat *st)
{
	bool found = false;
	for (int i = 0; i < nspared && !found; i++)
		found = is_same(&spared[i], st);
	return found;
}

void output_unspare(const char *path)
{
	struct stat st;
	int n = 0;
	if (stat(path, &st))
		return;
	for (int i = 0; i < nspared; i++)
		if (!is_same(&spared[i], &st))
			spared[n++] = spared[i];
	nspared = n;
}
