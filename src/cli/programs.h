/* The programs: all of them are in one file, and the name it is called by tells which one runs. */
#ifndef CLI_PROGRAMS_H
#define CLI_PROGRAMS_H

int mo_main(int argc, char **argv);
int mo_bench_main(int argc, char **argv);
int mo_calibrate_main(int argc, char **argv);
int mo_compile_main(int argc, char **argv);
int mo_info_main(int argc, char **argv);
int mo_run_main(int argc, char **argv);

#endif
