/* Fuzzes the IR reader, and the passes with what it gives. The first four bytes are the length of
 * the XML (little-endian), the bytes after it the .bin. */
#include "fuzz.h"

#include "base/cursor.h"
#include "formats/ir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct graph *g = NULL;
	char xml[32], bin[32];
	struct cursor c = cursor_of(data, size);
	size_t length = cursor_u32le(&c);
	if (c.err || length > cursor_left(&c))
		return 0;
	int xml_fd = fuzz_file(c.p, length, xml);
	int bin_fd = fuzz_file(c.p + length, cursor_left(&c) - length, bin);
	ir_sniff(c.p, length);
	int rc = ir_read(xml, bin, &(struct ir_read_options){.lenient = length & 1}, &g, &e);
	if (rc)
		fuzz_check_error(rc, &e);
	else
		fuzz_graph(g);
	close(xml_fd);
	close(bin_fd);
	return 0;
}
