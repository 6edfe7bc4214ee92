/* --infer-precision: what may be computed in BF16, and what was. */
#ifndef CLI_PRECISION_H
#define CLI_PRECISION_H

#include "base/text.h"
#include "cli/options.h"
#include "exec/exec.h"

/* The rows' text for --help. */
#define PRECISION_HELP "what is computed in: f32, or bf16 where that is faster"

/* word: f32, bf16 or NULL. Warns where bf16 is asked of a processor that has no such products. */
int precision_read(const struct program *p, const char *word, bool *bf16, struct err *err);
/* "i8" when the plan multiplies anything in 8 bits, "bf16" when in BF16, else "f32". */
const char *precision_name(struct exec_products n);
/* The name, and how many products are not in f32; false without memory. */
bool precision_text(struct text *t, struct exec_products n);

#endif
