/* What the parts of mo-run share: reading a model, setting up its execution. */
#include "cli/run.h"
#include "cli/feed.h"
#include "formats/model.h"

int run_load(struct run *r, const char *path, struct graph **out, struct err *err)
{
	struct onnx_options o = {.log = tool_log(r->p), .lenient = r->lenient};
	return model_read(input_path(path), &o, out, NULL, err);
}

struct exec_options run_exec(const struct run *r)
{
	return (struct exec_options){.pool = r->pool, .eval_only = r->eval, .log = tool_log(r->p)};
}
