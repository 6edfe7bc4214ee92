/* Where mo-calibrate's time goes: seconds by stage, for --json and -v. */
#include "cli/calibrate_stages.h"

#include "base/clock.h"
#include "base/text.h"

static const char *const names[NSTAGES] = {
    "read", "prune", "collect", "weights", "search", "write", "table"};

void stages_start(struct stages *s)
{
	s->since = clock_seconds();
}

void stages_end(struct stages *s, enum stage which)
{
	double now = clock_seconds();
	s->seconds[which] += now - s->since;
	s->since = now;
}

void stages_move(struct stages *s, enum stage from, enum stage to, double seconds)
{
	s->seconds[from] -= seconds;
	s->seconds[to] += seconds;
}

cJSON *stages_json(const struct stages *s)
{
	cJSON *j = cJSON_CreateObject();
	for (int k = 0; k < NSTAGES; k++)
		cJSON_AddNumberToObject(j, names[k], s->seconds[k]);
	return j;
}

void stages_say(const struct stages *s, const struct log *log)
{
	struct text t = {0};
	for (int k = 0; k < NSTAGES; k++)
		if (s->seconds[k] > 0)
			text_printf(&t, "%s%s %.2f", t.len ? ", " : "", names[k], s->seconds[k]);
	if (!t.failed && t.len)
		log_say(log, LOG_INFO, "seconds: %s", t.data);
	text_free(&t);
}
