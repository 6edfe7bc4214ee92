/* libmo: load a network (ONNX, OpenVINO IR, or a blob of mo-compile) and run it. Link with
 * pkg-config --libs mo. mo-tutorial(7) has a walk through it, share/mo/examples the programs.
 *
 * Handles are opaque. Functions return MO_OK or a negative enum mo_status, and what they make only
 * with MO_OK (a handle is NULL otherwise); mo_error gives the words for the last failure in this
 * thread. Strings are UTF-8, paths are bytes; strings that are returned belong to the library.
 * NULL is taken where it says so.
 *
 * Threads: a model may be used from several at once when each has its own request. What runs at
 * once are requests, each with threads and a workspace of its own, and all on one copy of the
 * weights. A request is for one thread at a time.
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
	MO_E_IO = -1,          /* the system said no: no such file, no right to read it */
	MO_E_FORMAT = -2,      /* a file breaks its format */
	MO_E_LIMIT = -3,       /* a file or a size asks for more than the library allows */
	MO_E_UNSUPPORTED = -4, /* well formed, but nothing that the library runs */
	MO_E_NOMEM = -5,
	MO_E_USAGE = -6 /* the arguments are off: type, shape, number, or the moment */
};

#define MO_MAX_RANK 16

/* Element types, each stored as the processor has it (little-endian); F16, BF16 and the F8s as
 * their bits, BOOL as a byte of 0 or 1. I4, U4 and NF4 are packed two to a byte, the first one in
 * the low half; U1 eight to a byte, the first one in the highest bit. */
enum mo_type {
	MO_NONE, /* not known */
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

/* A dense array, the last dim varying fastest: for pictures [batch, channels, height, width] in
 * most networks, as the network's own shape says. data has no gaps and may lie at any address that
 * suits its type; 64-byte alignment is the fastest. Rank 0 is one element. */
struct mo_tensor {
	enum mo_type type;
	int rank;
	int64_t dim[MO_MAX_RANK];
	void *data;
};

struct mo_model;
struct mo_request;

/* "0.9.0" of the library that runs. */
const char *mo_version(void);
/* The last failure in this thread, one line without its end that names file, layer and cause; ""
 * when there was none. Valid until this thread's next call that fails. */
const char *mo_error(void);
/* "f32", "i64", …; "undefined" for what is none. */
const char *mo_type_name(enum mo_type type);
/* Bytes that the data of a tensor take; -1 when a dim or the rank is not fixed, or the type is
 * none. */
int64_t mo_tensor_bytes(const struct mo_tensor *t);

/* ---- loading ---- */

/* Reads an ONNX file, an IR's .xml (with the .bin of its name beside it) or a compiled blob, which
 * is told by the content. Weights stay mapped: the files must not change while the model is there.
 * The caller frees it with mo_model_free, after its requests. MO_E_IO, MO_E_FORMAT, MO_E_LIMIT,
 * MO_E_UNSUPPORTED (the words name the layers), MO_E_NOMEM. */
int mo_model_load(const char *path, struct mo_model **out);

/* How a model is loaded; zeros are the defaults. */
struct mo_options {
	size_t size;           /* sizeof(struct mo_options) of the caller: must be set */
	int bf16;              /* products may be computed in BF16 where that is faster */
	int exact;             /* no algorithm that trades exactness for speed (Winograd) */
	int no_mmap;           /* blobs are read into memory instead of mapped */
	const char *cache_dir; /* keep compiled networks here, and take them from here */
	int64_t cache_bytes;   /* the folder's limit; 0: 4 GiB */
	/* "ids[1,16],mask[1,16];ids[1,128],mask[1,128]": sizes of the inputs for which a network of
	 * open sizes is made ready here, and kept in the cache, all in one file. NULL: none */
	const char *shapes;
};
/* As mo_model_load. With a cache the model is compiled here, and ONNX goes through the passes of mo
 * first; a cache that cannot be used is no failure. options may be NULL; its strings are not kept.
 */
int mo_model_load_with(const char *path, const struct mo_options *options, struct mo_model **out);
/* From bytes that stay where they are until mo_model_free: ONNX without external data or a blob,
 * whose weights are used in place where they lie at a multiple of 64, else copied. No cache is
 * used. The same failures. */
int mo_model_load_memory(
    const void *data, size_t size, const struct mo_options *options, struct mo_model **out);
/* The same from the start of an open file, which is mapped and may be closed then. */
int mo_model_load_fd(int fd, const struct mo_options *options, struct mo_model **out);
/* An IR from the bytes of its two files, under the same conditions. bin may be NULL with size 0
 * when the network has no constants. */
int mo_model_load_ir(const void *xml, size_t xml_size, const void *bin, size_t bin_size,
    const struct mo_options *options, struct mo_model **out);
int mo_model_load_ir_fd(int xml, int bin, const struct mo_options *options, struct mo_model **out);

enum mo_cache { MO_CACHE_OFF, MO_CACHE_MISS, MO_CACHE_HIT };
/* Whether the model came out of the cache. */
enum mo_cache mo_model_cache(const struct mo_model *m);

/* NULL is legal. */
void mo_model_free(struct mo_model *m);

/* ---- inputs and outputs ---- */

/* How many there are; they count from 0, in the model's order. */
int mo_model_inputs(const struct mo_model *m);
int mo_model_outputs(const struct mo_model *m);
/* The tensor's name; NULL when there is no such input or output. Valid as long as the model. */
const char *mo_input_name(const struct mo_model *m, int k);
const char *mo_output_name(const struct mo_model *m, int k);
/* Type, rank and dims; dims that are not fixed are -1, a rank that is not known is -1; data NULL.
 * MO_E_USAGE when there is no such input or output. */
int mo_input_info(const struct mo_model *m, int k, struct mo_tensor *out);
int mo_output_info(const struct mo_model *m, int k, struct mo_tensor *out);

/* ---- running ---- */

/* A request runs the model with n threads, this one included (0: all that the process may use by
 * its affinity and its container's quota). The plan is made by the first run for the shapes it
 * gets, or was loaded with a blob; runs of other shapes make another. A blob that was compiled for
 * some shapes only refuses others with MO_E_USAGE, and the words name what there is. The caller
 * frees it with mo_request_free, before the model. MO_E_USAGE for a number of threads below 0 or
 * above 256, MO_E_NOMEM, and what the network cannot be made ready for. */
int mo_request_new(struct mo_model *m, int threads, struct mo_request **out);
/* Waits for a run under way. NULL is legal. */
void mo_request_free(struct mo_request *r);
/* Runs the network. in: one tensor per input, in the order and of the type that mo_input_info
 * gives, all dims fixed, data borrowed during the call. out: an element per output, set to tensors
 * owned by the request, valid until its next run or free. MO_E_USAGE, with the input's name, for a
 * type or shape that does not fit, and while a run is under way; MO_E_NOMEM; MO_E_FORMAT for data
 * that a layer cannot take, such as an index outside of what it picks from. After a failure the
 * request may be used again. Nothing is
 * allocated when the shapes are those of the last run, unless sizes depend on the data. */
int mo_request_run(struct mo_request *r, const struct mo_tensor *in, struct mo_tensor *out);
/* A network with state (ReadValue, Assign) keeps it from run to run: the next one starts anew. Not
 * while a run is under way. */
void mo_request_reset(struct mo_request *r);
/* What the last run's products with weights were computed in: "i8" where any was in 8 bits, "bf16"
 * where any was, else "f32", also before the first run. */
const char *mo_request_precision(const struct mo_request *r);

/* Called when a run that was started has ended, in a thread of the request. It may call
 * mo_request_wait for the outputs and start the request again, but not free it. */
typedef void mo_done(void *user, struct mo_request *r, int status);
/* Starts a run and returns. The data of in are borrowed until it has ended; done may be NULL.
 * MO_E_USAGE while a run is under way, and as in mo_request_run; what fails later is told to done
 * and by mo_request_wait. */
int mo_request_start(struct mo_request *r, const struct mo_tensor *in, mo_done *done, void *user);
/* Waits until no run is under way and its callback has returned; the status of the last one that
 * was started, and its outputs. MO_E_USAGE when none was. */
int mo_request_wait(struct mo_request *r, struct mo_tensor *out);

/* Told of each call of a run, in order: the layer (the first of those that are done together), its
 * type ("Convolution"), what carried it out ("conv u8"), and the seconds it took. The strings are
 * valid during the call. */
typedef void mo_call(
    void *user, const char *layer, const char *type, const char *kernel, double seconds);
/* As mo_request_run, with a clock around every call: some calls take longer so, by tens of
 * nanoseconds. */
int mo_request_profile(struct mo_request *r, const struct mo_tensor *in, struct mo_tensor *out,
    mo_call *call, void *user);

/* ---- pictures ---- */

/* Makes an input of a PNG or JPEG file: resized, cropped, scaled and laid out as preprocess says,
 * in the words of --preprocess of mo-run(1) and mo-calibrate(1), such as
 * "resize=256,crop=224,mean=127.5,scale=127.5", so that a program and the samples that a network
 * was calibrated with agree to the last bit. NULL: values 0 to 255, channels R, G, B first. input
 * is what mo_input_info gave; dims of it that are not fixed follow from the picture, the first one
 * is 1. The data are the caller's, to be freed with mo_tensor_free. MO_E_IO, MO_E_FORMAT and
 * MO_E_UNSUPPORTED for the file, MO_E_LIMIT for too many pixels, MO_E_USAGE for preprocess and
 * input, MO_E_NOMEM. May be called from several threads at once. */
int mo_picture_load(
    const char *path, const char *preprocess, const struct mo_tensor *input, struct mo_tensor *out);
/* The same from pixels in memory: rows from top to bottom without gaps, three bytes R, G, B each.
 */
int mo_picture_prepare(const void *rgb, int width, int height, const char *preprocess,
    const struct mo_tensor *input, struct mo_tensor *out);
/* Frees the data of a tensor that mo_picture_load or mo_picture_prepare made, and clears it; a
 * cleared one is legal. */
void mo_tensor_free(struct mo_tensor *t);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
