/* The programs, all in the library: the name that they are called by tells which one runs. */
#ifndef CLI_PROGRAMS_H
#define CLI_PROGRAMS_H

int mo_main(int argc, char **argv);
int mo_bench_main(int argc, char **argv);
int mo_calibrate_main(int argc, char **argv);
int mo_compile_main(int argc, char **argv);
int mo_info_main(int argc, char **argv);
int mo_run_main(int argc, char **argv);

/* Runs the program whose name argv[0] ends in, mo under any other; returns its exit code. The one
 * name of the programs that the library shows, to main(), and no part of its interface. */
__attribute__((visibility("default"))) int mo_program(int argc, char **argv);

#endif
