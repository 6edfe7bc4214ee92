/* What the parts of mo-info share. */
#ifndef CLI_INFO_H
#define CLI_INFO_H

#include "cli/json.h"
#include "cli/options.h"
#include "formats/model.h"
#include "report/products.h"
#include "report/totals.h"

struct info_run {
	struct program *p;
	/* options */
	const char *model, *json, *svg, *html;
	double tolerance;
	bool lenient, all, advice;
	/* state */
	const char *other; /* of diff: the second network */
	struct graph *g;
	enum model_format format;
	struct totals t;
	struct graph *fused;      /* what mo makes of a quantized ONNX file, else NULL */
	struct products products; /* of fused, else of g */
};

int info_read(const struct info_run *r, const char *path, struct graph **out,
    enum model_format *format, struct err *err);
/* Is stdout for text, not for JSON? */
bool info_prints(const struct info_run *r);

/* info_tell.c: the summary. */
void info_print(const struct info_run *r);
cJSON *info_json(const struct info_run *r);
void info_print_edges(const struct graph *g, bool output);
cJSON *info_edges_json(const struct graph *g, bool output);
/* info_blob.c: a compiled network. */
bool info_is_blob(const struct info_run *r);
int info_blob(const struct info_run *r, struct err *err);
/* info_advice.c: what could be better, with its numbers; adds "advice" to j when that is there. */
int info_advice(struct info_run *r, cJSON *j, struct err *err);
/* info_picture.c: --svg and --html. */
int info_picture(struct info_run *r, struct err *err);
/* info_diff.c: mo-info diff A B; *verdict is 3 when they differ. */
int info_diff(struct info_run *r, int *verdict, struct err *err);

#endif
