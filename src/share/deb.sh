#!/bin/sh
# make deb: a Debian package of what `make install` installs, in BUILD.
# usage: deb.sh BUILD VERSION
set -eu
build=$1 version=$2 root=$1/deb
arch=$(dpkg --print-architecture)
rm -rf "$root"
make --no-print-directory -s BUILD="$build" DESTDIR="$root" PREFIX=/usr install
# What the library is linked against or loads when it first needs it, as packages with the versions built with as the least.
linked=$(readelf -d "$root/usr/lib/libmo.so" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p'; strings "$root/usr/lib/libmo.so" | grep '^lib[a-z0-9]*\.so\.[0-9]*$' | grep -v libmo)
needs=$(for lib in $linked; do
	lib=$(/sbin/ldconfig -p | awk -v name="$lib" '$1 == name && /64/ { print $NF; exit }')
	[ -z "$lib" ] || dpkg -S "$(realpath "$lib")" "$lib" 2>/dev/null || true
done | cut -d: -f1 | sort -u | while read -r package; do
	dpkg-query -W -f '${Package} (>= ${Version}), ' "$package" | sed 's/-[^-]*), $/), /'
done | sed 's/, $//')
mkdir -p "$root/DEBIAN" "$root/usr/share/doc/mo"
cp LICENSE "$root/usr/share/doc/mo/copyright"
cat >"$root/DEBIAN/control" <<END
Package: mo
Version: $version
Architecture: $arch
Maintainer: $(git config user.name 2>/dev/null || echo mo) <$(git config user.email 2>/dev/null || echo root@localhost)>
Depends: $needs
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Section: science
Priority: optional
Description: optimize and run neural networks on a CPU
 Reads ONNX, writes OpenVINO IR in FP32, FP16 and INT8, runs and times it;
 a library for C programs.
END
dpkg-deb --root-owner-group -b "$root" "$build/mo_${version}_$arch.deb" >/dev/null
echo "$build/mo_${version}_$arch.deb"
