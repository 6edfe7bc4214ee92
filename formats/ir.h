/* OpenVINO IR (XML + BIN), versions 10 and 11. */
#ifndef FORMATS_IR_H
#define FORMATS_IR_H

#include "base/file.h"
#include "base/status.h"
#include "graph/graph.h"

struct ir_read_options {
	struct log log;
	bool lenient; /* unknown attributes are warnings */
};
/* bin NULL: ir_bin_path. Constants stay mapped. */
int ir_read(const char *xml, const char *bin, const struct ir_read_options *o, struct graph **out,
    struct err *err);
/* The same for bytes at hand, which the graph's constants refer to; name is for messages. */
int ir_read_mapped(struct file *xml, struct file *bin, const char *name,
    const struct ir_read_options *o, struct graph **out, struct err *err);
/* Where the constants are: "x.bin" for "x.xml" and for "x". Heap, NULL without memory. */
char *ir_bin_path(const char *xml);
bool ir_sniff(const void *data, size_t size);

struct ir_write_options {
	int version; /* 10 or 11 */
	/* Pairs written under rt_info: <conversion_parameters>; no paths, no times. */
	const struct meta *parameters;
	/* Filled in when not NULL. */
	struct ir_written {
		int64_t bin_bytes, xml_bytes;
		int constants, shared; /* constants written, constants that found equal bytes */
	} * written;
};
/* Writes both under temporary names, then renames .bin first, .xml last. Folders are created.
 * The same graph gives the same bytes everywhere. */
int ir_write(struct graph *g, const char *xml, const char *bin, const struct ir_write_options *o,
    struct err *err);

#endif
