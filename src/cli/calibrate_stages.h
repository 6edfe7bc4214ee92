/* Where mo-calibrate's time goes. */
#ifndef CLI_CALIBRATE_STAGES_H
#define CLI_CALIBRATE_STAGES_H

#include "base/status.h"
#include "cli/json.h"

enum stage {
	STAGE_READ,    /* the network, its passes, opening the samples */
	STAGE_PRUNE,   /* --to pruned, with its own search */
	STAGE_COLLECT, /* samples through the network */
	STAGE_WEIGHTS, /* ranges, rounding, biases; without a search also the quantized clone */
	STAGE_SEARCH,  /* what is measured and judged to hold the drop */
	STAGE_WRITE,
	STAGE_TABLE, /* --table */
	NSTAGES
};
/* Zero-initialise. A stage may end several times: its seconds add up. */
struct stages {
	double since;
	double seconds[NSTAGES];
};
void stages_start(struct stages *s);
/* What passed since the start or since another stage ended goes to this one. */
void stages_end(struct stages *s, enum stage which);
/* Seconds that were counted to one stage and belong to another. */
void stages_move(struct stages *s, enum stage from, enum stage to, double seconds);
/* All of them by name, those that did not run with 0. */
cJSON *stages_json(const struct stages *s);
/* Those that ran, as a line for -v. */
void stages_say(const struct stages *s, const struct log *log);

#endif
