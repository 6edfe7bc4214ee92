/* The files that a model was read from: which they were, and what was in them. */
#ifndef STORE_SOURCES_H
#define STORE_SOURCES_H

#include <stdint.h>

#include "base/status.h"

/* What changes when a file is another one, or written. */
struct stamp {
	uint64_t dev, ino;
	int64_t size, mtime; /* nanoseconds */
};

struct sources {
	struct source {
		char *path; /* the real one */
		struct stamp stamp;
	} * v;
	int n;
	bool failed; /* a file could not be had, or no memory */
};

bool stamp_read(const char *path, struct stamp *out);
bool stamp_same(const struct stamp *a, const struct stamp *b);
/* Now, in nanoseconds as of files' times. */
int64_t stamp_now(void);

/* Adds a file as it is now. */
void sources_add(struct sources *s, const char *path);
/* Adds the model, and the .bin of an IR where there is one. */
/* Calls with the path of each. */
void sources_each(const struct sources *s, void (*call)(void *user, const char *path), void *user);
void sources_add_model(struct sources *s, const char *model);
/* For onnx_options.depends. */
void sources_depend(void *sources, const char *path);
/* Are all files what they were, and were so for long enough that their times would tell? */
bool sources_hold(const struct sources *s);
bool sources_settled(const struct sources *s);
/* Of the contents. */
int sources_hash(const struct sources *s, uint64_t *hash, struct err *err);
void sources_free(struct sources *s);

#endif
