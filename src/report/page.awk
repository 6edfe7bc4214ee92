# Puts the charting library into the page; without it, takes the place of the data out, so that mo knows.
BEGIN { there = (getline first < library) > 0 }
/@LIBRARY@/ {
	if (there) {
		sub(/@LIBRARY@.*/, "")
		print $0 first
		while ((getline line < library) > 0)
			print line
		print "</script>"
	}
	next
}
/@DATA@/ && !there { next }
{ print }
