/* What the parts of mo-run share: reading a model, setting up its execution. */
#include "cli/run.h"
#include "cli/feed.h"
#include "cli/precision.h"

int run_load(struct run *r, const char *path, struct graph **out, struct err *err)
{
	struct onnx_options o = {.log = tool_log(r->p), .lenient = r->lenient};
	return model_read(input_path(path), &o, out, NULL, err);
}

struct exec_options run_exec(const struct run *r)
{
	return (struct exec_options){
	    .pool = r->pool, .eval_only = r->eval, .bf16 = r->bf16, .log = tool_log(r->p)};
}

void run_tell_precision(const struct run *r, const struct exec *e)
{
	struct log log = tool_log(r->p);
	struct text t = {0};
	if (precision_text(&t, exec_products(e)) && r->precision)
		tool_say(r->p, "computed in %s", t.data);
	else if (!t.failed)
		log_say(&log, LOG_INFO, "computed in %s", t.data);
	text_free(&t);
}
