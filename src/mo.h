/* libmo: load a network (ONNX, OpenVINO IR, or a blob of mo-compile) and run it. Link with
 * pkg-config --libs mo.
 *
 * Handles are opaque. Functions return 0 or a negative enum mo_status; mo_error gives the words for
 * the last failure in this thread. A model may be used from several threads when each has its own
 * request: what runs at once are its requests, each with threads and a workspace of its own, and
 * all on one copy of the weights.
 */
#ifndef MO_H
#define MO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

enum mo_status {
	MO_OK = 0,
	MO_E_IO = -1,
	MO_E_FORMAT = -2,
	MO_E_LIMIT = -3,
	MO_E_UNSUPPORTED = -4,
	MO_E_NOMEM = -5,
	MO_E_USAGE = -6
};

#define MO_MAX_RANK 16

enum mo_type {
	MO_NONE,
	MO_F32,
	MO_F16,
	MO_BF16,
	MO_F64,
	MO_F8E4M3,
	MO_F8E5M2,
	MO_BOOL,
	MO_I8,
	MO_I16,
	MO_I32,
	MO_I64,
	MO_U8,
	MO_U16,
	MO_U32,
	MO_U64,
	MO_I4,
	MO_U4,
	MO_U1,
	MO_NF4
};

/* A dense row-major array. */
struct mo_tensor {
	enum mo_type type;
	int rank;
	int64_t dim[MO_MAX_RANK];
	void *data;
};

struct mo_model;
struct mo_request;

/* "0.4.0" of the library that runs. */
const char *mo_version(void);
/* The last failure in this thread, "" when there was none. Valid until the next call that fails. */
const char *mo_error(void);

/* Reads an ONNX file, an IR's .xml or a compiled blob. The caller frees it with mo_model_free,
 * after its requests. */
int mo_model_load(const char *path, struct mo_model **out);

/* How a model is loaded; zeros are the defaults. */
struct mo_options {
	size_t size;           /* sizeof(struct mo_options) of the caller */
	int bf16;              /* products may be computed in BF16 where that is faster */
	int exact;             /* no algorithm that trades exactness for speed (Winograd) */
	int no_mmap;           /* blobs are read into memory instead of mapped */
	const char *cache_dir; /* keep compiled networks here, and take them from here */
	int64_t cache_bytes;   /* the folder's limit; 0: 4 GiB */
};
/* As mo_model_load. With a cache the model is compiled here, and ONNX goes through the passes of mo
 * first; a cache that cannot be used is no failure. options may be NULL. */
int mo_model_load_with(const char *path, const struct mo_options *options, struct mo_model **out);
/* From bytes that stay where they are until mo_model_free: ONNX without external data or a blob,
 * whose weights are used in place where they lie at a multiple of 64, else copied. */
int mo_model_load_memory(
    const void *data, size_t size, const struct mo_options *options, struct mo_model **out);
/* The same from the start of an open file, which is mapped and may be closed then. */
int mo_model_load_fd(int fd, const struct mo_options *options, struct mo_model **out);

enum mo_cache { MO_CACHE_OFF, MO_CACHE_MISS, MO_CACHE_HIT };
/* Whether the model came out of the cache. */
enum mo_cache mo_model_cache(const struct mo_model *m);

void mo_model_free(struct mo_model *m);
int mo_model_inputs(const struct mo_model *m);
int mo_model_outputs(const struct mo_model *m);
const char *mo_input_name(const struct mo_model *m, int k);
const char *mo_output_name(const struct mo_model *m, int k);
/* Type, rank and dims; dims that are not fixed are -1, a rank that is not known is -1; data NULL.
 */
int mo_input_info(const struct mo_model *m, int k, struct mo_tensor *out);
int mo_output_info(const struct mo_model *m, int k, struct mo_tensor *out);

/* A request runs the model with n threads (0: all that the process may use). */
int mo_request_new(struct mo_model *m, int threads, struct mo_request **out);
void mo_request_free(struct mo_request *r);
/* in: one tensor per input, data borrowed during the call. out: set to tensors owned by the
 * request, valid until its next run or free. */
int mo_request_run(struct mo_request *r, const struct mo_tensor *in, struct mo_tensor *out);
/* A network with state (ReadValue, Assign) keeps it from run to run: the next one starts anew. */
void mo_request_reset(struct mo_request *r);

/* Called when a run that was started has ended, in a thread of the request. It may call
 * mo_request_wait for the outputs and start the request again, but not free it. */
typedef void mo_done(void *user, struct mo_request *r, int status);
/* Starts a run and returns. The data of in are borrowed until it has ended; done may be NULL.
 * MO_E_USAGE while a run is under way. */
int mo_request_start(struct mo_request *r, const struct mo_tensor *in, mo_done *done, void *user);
/* Waits until no run is under way and its callback has returned; the status of the last one that
 * was started, and its outputs. */
int mo_request_wait(struct mo_request *r, struct mo_tensor *out);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
