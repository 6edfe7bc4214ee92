#!/bin/sh
# Copies all libraries that a program needs or loads when it first needs them, the loader too, into one folder, and their
# packages' licences into another; not libmo, which whoever copies the program puts where it finds it.
# usage: libraries.sh PROGRAM LIBRARIES LICENCES
set -eu
program=$1 to=$2 licences=$3
mkdir -p "$to" "$licences"
libmo=$(ldd "$program" | sed -n 's/.*=> \(.*\/libmo\.so[^ ]*\) .*/\1/p')
late=$(strings "$libmo" | grep '^lib[a-z0-9]*\.so\.[0-9]*$' | grep -v libmo | while read -r name; do
	/sbin/ldconfig -p | awk -v name="$name" '$1 == name && /64/ { print $NF; exit }'
done)
# shellcheck disable=SC2086
{ ldd "$libmo" $late | sed -n 's/^[[:space:]].*=> \(\/[^ ]*\).*/\1/p; s/^[[:space:]]\(\/[^ ]*\).*/\1/p'; printf '%s\n' $late; } |
    sort -u | while read -r lib; do
	cp -L "$lib" "$to/"
	package=$(dpkg -S "$(realpath "$lib")" "$lib" 2>/dev/null | head -n 1 | cut -d: -f1)
	[ -z "$package" ] || cp -L "/usr/share/doc/$package/copyright" "$licences/$package"
done
