# Fails on an #include against an arrow: room of the file, then the rooms that it may include.
BEGIN {
	may["base"] = "base"
	may["kernels"] = "base kernels"
	may["graph"] = "base graph"
	may["ops"] = "base graph ops"
	may["formats"] = "base graph ops formats version.h"
	may["passes"] = "base graph ops passes"
	may["exec"] = "base graph ops kernels exec"
	may["store"] = "base graph ops formats exec store version.h plan.h"
	may["report"] = "base graph ops formats passes exec report version.h"
	may["quant"] = "base graph ops formats passes exec quant report"
	may["cli"] = "base graph ops formats passes exec store report quant cli version.h mo.h"
	may["share"] = "mo.h"
	may["api"] = "base graph ops formats passes exec store api.h version.h mo.h"
}
FNR == 1 {
	room = FILENAME
	sub(/^src\//, "", room)
	sub(/\/.*/, "", room)
	if (FILENAME ~ /^src\/api[a-z_]*\.[ch]$/ || FILENAME == "src/mo.h" || FILENAME == "src/version.h") room = "api"
	if (!(room in may)) { print FILENAME ": stands in no room that this check knows"; bad++ }
}
/^[ \t]*#[ \t]*include "/ {
	split($0, part, "\"")
	to = part[2]
	if (to ~ /\.pb-c\.h$/) to = "formats/"
	sub(/\/.*/, "", to)
	if ((" " may[room] " ") !~ (" " to " ")) {
		printf "%s:%d: %s must not include \"%s\"\n", FILENAME, FNR, room, part[2]
		bad++
	}
}
END { exit bad > 0 }
