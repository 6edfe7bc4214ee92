# Puts the charting library and the page's own scripts (variable scripts: their paths) into the page; without the library,
# takes the place of the data out, so that mo knows.
function put(file,   line, there) {
	while ((getline line < file) > 0) {
		print line
		there = 1
	}
	close(file)
	return there
}
BEGIN {
	there = (getline first < library) > 0
	close(library)
	n = split(scripts, script, " ")
}
/@LIBRARY@/ {
	if (there) {
		sub(/@LIBRARY@.*/, "")
		print
		put(library)
		print "</script>"
	}
	next
}
/@SCRIPTS@/ {
	for (i = 1; i <= n; i++)
		if (!put(script[i])) {
			print "page.awk: cannot read " script[i] > "/dev/stderr"
			exit 1
		}
	next
}
/@DATA@/ && !there { next }
{ print }
