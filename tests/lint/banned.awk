# Fails on calls that the project does not make: unbounded or locale-dependent ones everywhere, printing and
# exiting outside src/cli, float variants of the C library in the operators' truth.
function report(why) { printf "%s:%d: %s\n", FILENAME, FNR, why; bad++ }
FNR == 1 { comment = 0 }
{
	line = $0
	gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
	if (comment) { if (line !~ /\*\//) next; sub(/.*\*\//, "", line); comment = 0 }
	gsub(/\/\*[^*]*\*\//, "", line)
	if (line ~ /\/\*/) { sub(/\/\*.*/, "", line); comment = 1 }
	if (match(line, /(^|[^a-zA-Z0-9_>.])(gets|strcpy|strcat|sprintf|vsprintf|strtok|alloca|atoi|atol|atof|strtod|strtof|setlocale|rand|srand|system|popen|tmpnam|mktemp)[ \t]*\(/))
		if (FILENAME != "src/base/text.c" || line !~ /strto[df][ \t]*\(/) # numbers, inside the "C" locale
			report("banned call: " substr(line, RSTART, RLENGTH))
	cli = FILENAME ~ /^src\/cli\// || FILENAME ~ /^src\/share\//
	if (!cli && match(line, /(^|[^a-zA-Z0-9_>.])(printf|puts|putchar|fprintf|fputs|perror|exit|abort|_exit)[ \t]*\(/))
		report("only src/cli prints or exits: " substr(line, RSTART, RLENGTH))
	if (FILENAME ~ /^src\/ops\// && match(line, /(^|[^a-zA-Z0-9_>.])(exp|exp2|expm1|log|log1p|log2|log10|pow|sqrt|sin|cos|tan|asin|acos|atan|atan2|sinh|cosh|tanh|asinh|acosh|atanh|erf|erfc|fma|hypot|cbrt)f[ \t]*\(/))
		report("float variant of the C library in eval: " substr(line, RSTART, RLENGTH))
}
END { exit bad > 0 }
