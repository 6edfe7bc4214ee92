/* The sections of compiled networks in memory, as a file would hold them. */
#ifndef SECTIONS_H
#define SECTIONS_H

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "exec/compiled.h"

static inline struct blob *joined(const struct exec_bytes *part, size_t n)
{
	size_t size = 0, at = 0;
	for (size_t i = 0; i < n; i++)
		size += (part[i].size + 63) / 64 * 64;
	char *data = aligned_alloc(64, size ? size : 64);
	assert_non_null(data);
	memset(data, 0, size);
	for (size_t i = 0; i < n; at += (part[i++].size + 63) / 64 * 64)
		if (part[i].size)
			memcpy(data + at, part[i].data, part[i].size);
	return blob_heap(data, size);
}

static inline void sections_save(
    struct exec_sections *s, struct exec *e, const struct exec_shapes *shapes)
{
	struct err err = {0};
	struct exec_image i;
	int status = exec_save(e, shapes, &i, &err);
	if (status < 0)
		print_error("%s\n", err.text);
	assert_int_equal(status, OK);
	*s = (struct exec_sections){
	    joined(&i.graph, 1), joined(&i.plan, 1), joined(i.weights, i.nweights), NULL, NULL};
	if (i.network.size) {
		s->network = joined(&i.network, 1);
		s->constants = joined(i.constants, i.nconstants);
	}
	exec_image_free(&i);
}

static inline void sections_free(struct exec_sections *s)
{
	blob_unref(s->graph);
	blob_unref(s->plan);
	blob_unref(s->weights);
	blob_unref(s->network);
	blob_unref(s->constants);
}

/* One of them, by the place of its pointer. */
static inline struct blob **section(struct exec_sections *s, size_t at)
{
	return (struct blob **)((char *)s + at);
}

#endif
