/* Reads a model of whatever format its content shows, and names the formats that are not ours. */
#include "formats/model.h"

#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "formats/ir.h"

/* Bytes at a place of files that people try. */
static const struct {
	size_t at;
	const char *bytes;
	const char *what;
} known[] = {
    {0, "\x89HDF\r\n\x1a\n", "an HDF5 file (Keras?)"},
    {4, "TFL3", "a TensorFlow Lite model"},
    {0, "PK\3\4", "a ZIP archive (PyTorch, Keras or NumPy?)"},
    {0, "\x80\2", "a Python pickle (PyTorch?)"},
    {0, "\x80\4", "a Python pickle (PyTorch?)"},
    {0, "\x93NUMPY", "a NumPy array"},
    {0, "GGUF", "a GGUF model"},
    {0, "7767517", "an ncnn model"},
    {0, "\x89PNG", "a PNG picture"},
    {0, "\xff\xd8\xff", "a JPEG picture"},
    {0,
	"\x7f"
	"ELF",
	"a program"},
    {0, "\x1f\x8b", "a gzip archive"},
    {0, "(\xb5/\xfd", "a Zstandard archive"},
    {0, "version https://git-lfs", "a Git LFS pointer, not the file itself"},
    {0, "\x93mo-blob", "a compiled network of mo-compile, for mo-run and mo-bench"},
    {0, "<", "another XML or HTML file"},
    {0, "{", "a JSON file"},
};

static const char *other_format(const struct file *f)
{
	if (!f->size)
		return "an empty file";
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		size_t n = strlen(known[i].bytes);
		if (f->size >= known[i].at + n && !memcmp(f->data + known[i].at, known[i].bytes, n))
			return known[i].what;
	}
	return NULL;
}

static bool is_folder(const char *path)
{
	struct stat st;
	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int refuse(const char *path, const struct file *f, struct err *err)
{
	const char *what = other_format(f);

	if (!what && text_ends_with(path, ".bin"))
		what = "the constants of an IR? Name its .xml";
	return fail(err, E_FORMAT, "'%s' is neither ONNX nor OpenVINO IR%s%s%s", path,
	    what ? " (" : "", what ? what : "", what ? ")" : "");
}

static int read_content(const char *path, struct file *f, const struct onnx_options *o,
    struct graph **out, enum model_format *format, struct err *err)
{
	static const struct onnx_options none;
	const char *slash = strrchr(path, '/');
	char dir[4096];

	o = o ? o : &none;
	if (ir_sniff(f->data, f->size)) {
		struct ir_read_options ir = {.log = o->log, .lenient = o->lenient};
		*format = MODEL_IR;
		return ir_read(path, NULL, &ir, out, err);
	}
	if (!onnx_sniff(f->data, f->size))
		return refuse(path, f, err);
	*format = MODEL_ONNX;
	if (slash && slash - path + 2 > (long)sizeof dir)
		return fail(err, E_LIMIT, "'%s': the path is too long", path);
	memcpy(dir, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
	dir[slash ? slash - path + 1 : 1] = 0;
	return onnx_read_file(f, path, dir, o, out, err);
}

int model_read(const char *path, const struct onnx_options *o, struct graph **out,
    enum model_format *format, struct err *err)
{
	enum model_format unused;
	struct file *f;
	int rc;

	if (is_folder(path))
		return fail(err, E_FORMAT,
		    "'%s' is a folder, expected a file: ONNX or OpenVINO IR (a TensorFlow "
		    "SavedModel is "
		    "not read)",
		    path);
	rc = file_map(path, &f, err);
	if (rc != OK)
		return rc;
	rc = read_content(path, f, o, out, format ? format : &unused, err);
	file_unref(f);
	return rc;
}
