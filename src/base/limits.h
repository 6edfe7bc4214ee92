/* Every limit on what a file, a network or an option may ask of us, in one place. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define MAX_RANK 16                           /* dimensions of one tensor */
#define LIMIT_FILE_BYTES (INT64_C(1) << 40)   /* any one file we map */
#define LIMIT_STREAM_BYTES (INT64_C(1) << 31) /* a pipe or device read into memory */
#define LIMIT_TENSOR_BYTES (INT64_C(1) << 38) /* one tensor, constant or computed */
#define LIMIT_NODES 1000000                   /* layers of one graph, bodies included */
#define LIMIT_PORTS 65536                     /* inputs, or outputs, of one node */
#define LIMIT_NAME 65536                      /* bytes of one name */
#define LIMIT_ATTR_VALUES (1 << 20)           /* numbers in one list attribute */
#define LIMIT_DEPTH 32                        /* nested messages, bodies, functions, XML elements */
#define LIMIT_BODIES 8 /* bodies in bodies: inference of loops repeats at each level */
#define LIMIT_XML_BYTES (INT64_C(1) << 30)    /* the .xml of an IR */
#define LIMIT_XML_ATTRS 256                   /* of one element, which readers look up by name */
#define LIMIT_XML_DEPTH 256                   /* elements in elements, those left out as well */
#define LIMIT_PROTO_BYTES (INT64_C(1) << 30)  /* heap that parsing one ONNX skeleton may take */
#define LIMIT_ELEMS 64                        /* integers whose partial content inference follows */
#define LIMIT_IMAGE_PIXELS (INT64_C(1) << 28) /* one decoded picture */
#define LIMIT_SAMPLES 10000000                /* samples of one data set */
#define LIMIT_WORKSPACE_BYTES ((size_t)1 << 36) /* values of one plan of the executor */
#define LIMIT_THREADS 256                       /* threads of one pool */
#define LIMIT_FOLD_BYTES \
	(INT64_C(128) << 20) /* bytes by which folding may grow a model, unless asked */

#endif
