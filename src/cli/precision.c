/* --infer-precision: what may be computed in BF16, and what was. */
#include <string.h>

#include "base/cpu.h"
#include "cli/precision.h"

int precision_read(const struct program *p, const char *word, bool *bf16, struct err *err)
{
	struct log log = tool_log(p);
	*bf16 = word && !strcmp(word, "bf16");
	if (word && !*bf16 && strcmp(word, "f32") && strcmp(word, "fp32"))
		return fail(err, E_USAGE, "--infer-precision: '%s' is neither f32 nor bf16", word);
	if (*bf16 && !(cpu_features() & CPU_BF16))
		log_say(&log, LOG_WARN,
		    "--infer-precision bf16: no AVX512_BF16 here (%s), computing in f32",
		    cpu_level());
	return OK;
}

const char *precision_name(struct exec_products n)
{
	return n.int8 ? "i8" : n.bf16 ? "bf16" : "f32";
}

bool precision_text(struct text *t, struct exec_products n)
{
	text_add(t, precision_name(n));
	if (n.int8 || n.bf16)
		text_printf(t, " (of %d products with weights %d in i8, %d in bf16)", n.all, n.int8,
		    n.bf16);
	return !t->failed;
}
