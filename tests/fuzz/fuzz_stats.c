/* Fuzzes the reader of calibration statistics: what it reads is written and merged again. The
 * checksum is put right, so that what lies behind it is reached. */
#include "fuzz.h"

#include <xxhash.h>

#include "formats/stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct stats *s = NULL, *again = NULL;
	uint8_t *copy = malloc(size + 1);
	EXPECT(copy);
	memcpy(copy, data, size);
	for (int fixed = 0; fixed < 2; fixed++) {
		int rc = stats_parse(copy, size, &s, &e);
		if (rc)
			fuzz_check_error(rc, &e);
		else
			break;
		uint64_t hash = size >= 8 ? XXH3_64bits(copy, size - 8) : 0;
		for (int i = 0; i < 8 && size >= 8; i++)
			copy[size - 8 + i] = (uint8_t)(hash >> 8 * i);
	}
	if (s) {
		EXPECT(!stats_parse(copy, size, &again, &e) && !stats_merge(s, again, &e));
		EXPECT(s->samples == 2 * again->samples);
		stats_free(again);
		stats_free(s);
	}
	free(copy);
	return 0;
}
