/* Growing text, and numbers as text that no locale changes. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise; failed is sticky, so test it once at the end. data is always NUL-terminated when
 * not NULL. */
struct text {
	char *data;
	size_t len, cap;
	bool failed;
};
void text_add(struct text *t, const char *s);
void text_addn(struct text *t, const char *s, size_t n);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *t);
/* "net.xml" ends with ".xml". */
bool text_ends_with(const char *s, const char *end);
/* Takes away the byte order mark that some programs put before UTF-8. */
void text_drop_mark(char *s);
/* Bytes of the UTF-8 sequence at s when it is one that XML 1.0 allows, else 0. */
int utf8_length(const char *s);

#define NUMBER_MAX 40 /* bytes that a formatted number can take, NUL included */
/* The shortest decimal text that reads back as the same float (double): "0.1", "1e-05", "inf",
 * "nan". */
char *number_f32(char buf[NUMBER_MAX], float x);
char *number_f64(char buf[NUMBER_MAX], double x);
/* Whole-string parse, spaces around allowed; false when it is no number or out of range. */
bool parse_i64(const char *s, int64_t *out);
bool parse_f64(const char *s, double *out); /* inf, nan, hex floats too; locale "C" always */

#endif
