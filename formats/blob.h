/* The file of a compiled network: named sections of bytes, each with its checksum, placed so that
 * they can be used where they are mapped. What is in them is their owner's affair. */
#ifndef FORMATS_BLOB_H
#define FORMATS_BLOB_H

#include "base/file.h"

#define BLOB_SECTIONS 8
#define BLOB_ALIGN 64 /* of every part in its section; sections start at pages */

struct blob_part {
	const void *data;
	size_t size;
};

struct blob_section {
	const char *name; /* at most 15 bytes */
	const struct blob_part *part;
	size_t nparts;
};

/* Writes the sections; source is the hash of what was compiled. */
int blob_file_write(
    struct output *o, uint64_t source, const struct blob_section *s, int n, struct err *err);

struct blob_entry {
	char name[16];
	uint64_t offset, size, hash;
};

/* What the head of a file says, checked. */
struct blob_head {
	uint64_t source;
	int n;
	struct blob_entry entry[BLOB_SECTIONS];
};

bool blob_file_sniff(const void *data, size_t size);
/* E_FORMAT for a head that is damaged or of another version of mo; names the field that differs.
 * When it is the version only, out is set all the same, else it has no sections. */
int blob_file_open(const struct file *f, struct blob_head *out, struct err *err);
bool blob_file_has(const struct blob_head *h, const char *name);
/* Where a section lies; its checksum is compared when verify is set. */
int blob_file_section(struct file *f, const struct blob_head *h, const char *name, bool verify,
    const struct blob_entry **out, struct err *err);

/* ---- for transport (blob_zstd.c): one zstd frame with the size of its content ---- */

bool blob_zstd_sniff(const void *data, size_t size);
/* Does a blob begin in there? */
bool blob_zstd_holds(const void *data, size_t size);
int blob_zstd_write(const struct file *f, const char *path, struct err *err);
/* The blob in memory, aligned to pages. */
int blob_zstd_read(const struct file *f, struct file **out, struct err *err);

#endif
