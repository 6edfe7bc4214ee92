/* mo-calibrate's samples: those to calibrate with and those to judge by. */
#include <inttypes.h>
#include <string.h>

#include "cli/calibrate.h"

#define JUDGE_LEAST 100 /* fewer samples left: all are judged by */

static int get_sample(void *user, int64_t i, struct tensor *in, int64_t *label, struct err *err)
{
	return dataset_sample(user, i, &in[0], label, err);
}

static int open_one(struct calibrate *c, const char *data, const char *labels, struct dataset **d,
    struct samples *s, struct err *err)
{
	const struct info *in = &c->g->inputs[0]->out[0].info;
	struct dataset_options o = {.data = data,
	    .labels = labels,
	    .label_offset = (int)c->label_offset,
	    .preprocess = &c->spec,
	    .input = {in->shape, in->type},
	    .log = tool_log(c->p)};
	int status = dataset_open(&o, d, err);
	if (status)
		return status;
	*s = (struct samples){.count = dataset_count(*d),
	    .labelled = dataset_labelled(*d),
	    .get = get_sample,
	    .user = *d};
	return s->count ? OK : fail(err, E_USAGE, "'%s' holds no samples", data);
}

/* Without --test-data: the samples that calibration leaves over, or all when these are few. */
static void judge_by_rest(struct calibrate *c)
{
	c->judge_by = c->s;
	c->judge_from = c->samples < c->s.count ? c->samples : c->s.count;
	c->few_left = c->s.count - c->judge_from < JUDGE_LEAST;
	if (!c->few_left)
		return;
	if (calibrate_judges(c)) {
		struct log log = tool_log(c->p);
		log_say(&log, LOG_WARN,
		    "%" PRId64 " samples are left to judge by: all of them are, also those "
		    "calibrated with",
		    c->s.count - c->judge_from);
	}
	c->judge_from = 0;
}

bool calibrate_judges(const struct calibrate *c)
{
	return c->max_drop || c->test_data || c->max_group_drop || c->table ||
	       !strcmp(c->to, "fp16");
}

int calibrate_samples(struct calibrate *c, struct err *err)
{
	if (c->g->ninputs != 1)
		return fail(err, E_USAGE, "samples need a network of one input, this one has %d",
		    c->g->ninputs);
	int status = c->preprocess ? preprocess_parse(c->preprocess, &c->spec, err) : OK;
	status = status ? status : open_one(c, c->data, c->labels, &c->d, &c->s, err);
	if (status)
		return status;
	if (!c->test_data)
		judge_by_rest(c);
	else
		status = open_one(c, c->test_data, c->test_labels, &c->test, &c->judge_by, err);
	return status;
}
