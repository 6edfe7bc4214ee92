/* ONNX messages written by hand, field by field, into a buffer that the test owns. */
#ifndef UNIT_ONNX_PB_H
#define UNIT_ONNX_PB_H

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

struct pb {
	size_t n;
	uint8_t at[8192];
};

static inline void pb_raw(struct pb *m, const void *p, size_t n)
{
	assert(m->n + n <= sizeof m->at);
	memcpy(m->at + m->n, p, n);
	m->n += n;
}

static inline void pb_varint(struct pb *m, uint64_t v)
{
	do {
		uint8_t b = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		pb_raw(m, &b, 1);
		v >>= 7;
	} while (v);
}

static inline void pb_int(struct pb *m, int field, int64_t v)
{
	pb_varint(m, (uint64_t)field << 3);
	pb_varint(m, (uint64_t)v);
}

static inline void pb_float(struct pb *m, int field, float v)
{
	pb_varint(m, (uint64_t)field << 3 | 5);
	pb_raw(m, &v, 4);
}

static inline void pb_bytes(struct pb *m, int field, const void *p, size_t n)
{
	pb_varint(m, (uint64_t)field << 3 | 2);
	pb_varint(m, n);
	pb_raw(m, p, n);
}

static inline void pb_str(struct pb *m, int field, const char *s)
{
	pb_bytes(m, field, s, strlen(s));
}

static inline void pb_msg(struct pb *m, int field, const struct pb *sub)
{
	pb_bytes(m, field, sub->at, sub->n);
}

/* ---- the messages of ONNX ---- */

static inline struct pb pb_opset(const char *domain, int64_t version)
{
	struct pb m = {0};
	pb_str(&m, 1, domain);
	pb_int(&m, 2, version);
	return m;
}

/* A graph input or output: a tensor of float; a dim of -1 is the symbol "n", of -2 "?". */
static inline struct pb pb_value(const char *name, int rank, const int64_t *dims)
{
	struct pb m = {0}, type = {0}, tensor = {0}, shape = {0};
	for (int i = 0; i < rank; i++) {
		struct pb dim = {0};
		if (dims[i] >= 0)
			pb_int(&dim, 1, dims[i]);
		else
			pb_str(&dim, 2, dims[i] == -2 ? "?" : "n");
		pb_msg(&shape, 1, &dim);
	}
	pb_int(&tensor, 1, 1);
	pb_msg(&tensor, 2, &shape);
	pb_msg(&type, 1, &tensor);
	pb_str(&m, 1, name);
	pb_msg(&m, 2, &type);
	return m;
}

/* Without data: those fields are the caller's to add. */
static inline struct pb pb_tensor(const char *name, int type, int rank, const int64_t *dims)
{
	struct pb m = {0};
	for (int i = 0; i < rank; i++)
		pb_int(&m, 1, dims[i]);
	pb_int(&m, 2, type);
	pb_str(&m, 8, name);
	return m;
}

/* inputs and outputs are separated by spaces. */
static inline void pb_words(struct pb *m, int field, const char *words)
{
	while (*words) {
		size_t n = strcspn(words, " ");
		pb_bytes(m, field, words, strcmp(words, "-") ? n : 0);
		words += n + (words[n] == ' ');
	}
}

static inline struct pb pb_node(const char *op, const char *name, const char *in, const char *out)
{
	struct pb m = {0};
	pb_words(&m, 1, in);
	pb_words(&m, 2, out);
	pb_str(&m, 3, name);
	pb_str(&m, 4, op);
	return m;
}

static inline void pb_attr_int(struct pb *node, const char *name, int64_t v)
{
	struct pb a = {0};
	pb_str(&a, 1, name);
	pb_int(&a, 3, v);
	pb_int(&a, 20, 2);
	pb_msg(node, 5, &a);
}

static inline void pb_attr_msg(
    struct pb *node, const char *name, int field, int type, const struct pb *v)
{
	struct pb a = {0};
	pb_str(&a, 1, name);
	pb_msg(&a, field, v);
	pb_int(&a, 20, type);
	pb_msg(node, 5, &a);
}

/* The graph comes last, so that no cut-off file is whole. */
static inline struct pb pb_model(int64_t opset, const struct pb *graph)
{
	struct pb m = {0}, o = pb_opset("", opset);
	pb_int(&m, 1, 8);
	pb_msg(&m, 8, &o);
	if (graph)
		pb_msg(&m, 7, graph);
	return m;
}

/* A file object over a heap copy of exactly these bytes, so that reading past them shows. */
static inline struct file *pb_file(const struct pb *m, size_t n)
{
	struct file *f = calloc(1, sizeof *f);
	uint8_t *p = malloc(n ? n : 1);
	assert(f && p);
	memcpy(p, m->at, n);
	f->data = p;
	f->size = n;
	f->refs = 1000; /* ours: file_unref never gets to it */
	f->base = p;
	return f;
}

static inline void pb_file_free(struct file *f)
{
	free(f->base);
	free(f);
}

#endif
