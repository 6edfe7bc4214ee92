# Fails on a C file that does not open with a comment, and on one of more than 800 lines.
FNR == 1 { if ($0 !~ /^\/\*/) { print FILENAME ": does not open with a sentence on what it is for"; bad++ } last = FILENAME }
FNR == 801 { print FILENAME ": has more than 800 lines: look for its second subject"; bad++ }
END { exit bad > 0 }
