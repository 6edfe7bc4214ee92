/* Compiled networks as files: their sections go to the executor, and what they were made from and
 * for goes along. */
#ifndef STORE_NETWORK_H
#define STORE_NETWORK_H

#include "base/file.h"
#include "exec/compiled.h"
#include "formats/blob.h"

/* What a network was compiled from and for. */
struct made {
	char *source; /* path of the model, "" when not known */
	char isa[16];
	char plan[24]; /* of the sources that make plans; what is written has ours */
	bool exact, bf16;
};
void made_free(struct made *m);

/* Maps a blob, or reads it into memory, as which one that is compressed comes in any case. */
int network_file(const char *path, bool no_mmap, struct file **out, struct err *err);
/* Bytes that are compressed as what they were; else a reference to f. */
int network_plain(struct file *f, struct file **out, struct err *err);
/* Head and section "made" of a blob. out->source is set even when the version is another, which is
 * an error that says so. */
int network_made(struct file *f, struct blob_head *head, struct made *out, struct err *err);
/* The field in which a blob does not serve here, as an error that names it. */
int made_check(const struct made *m, bool exact, bool bf16, struct err *err);
/* The network in a file with this head; verify: the checksum of the weights is compared, too. */
int network_load(
    struct file *f, const struct blob_head *head, bool verify, struct graph **out, struct err *err);
/* Head, sections and weights against their checksums. */
int network_verify(const char *path, struct err *err);
/* A blob, compressed or not? */
bool network_holds_blob(const struct file *f);
bool network_is_blob(const char *path);

/* Writes plans of e as exec_save makes them, from a model whose content has this hash. */
int network_write(struct exec *e, const struct exec_shapes *s, uint64_t hash, const struct made *m,
    const char *path, struct err *err);

#endif
