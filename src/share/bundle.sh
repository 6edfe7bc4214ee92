#!/bin/sh
# make bundle MODEL=net.xml: one tar with mo-run, all libraries that it needs and their licences, the network and its blob;
# `./run ARGUMENTS` in it runs mo-run on the network on any Debian of this architecture.
# usage: bundle.sh BUILD MODEL
set -eu
build=$1 model=$2
[ -f "$model" ] || { echo "bundle: give the network: make bundle MODEL=net.xml" >&2; exit 2; }
name=$(basename "$model" .xml)
top=$build/bundle/mo-$name
rm -rf "$build/bundle"
mkdir -p "$top/bin" "$top/lib" "$top/licenses"
cp "$build/bin/mo-run" "$top/bin/"
cp -L "$build"/libmo.so.[0-9]* "$top/lib/"
strip "$top/bin/mo-run" "$top"/lib/libmo.so.*
cp "$model" "${model%.xml}.bin" "$top/"
"$build/bin/mo-compile" -q "$top/$name.xml" -o "$top/$name.blob" # beside its source, which another processor takes
cp LICENSE "$top/licenses/mo"
sh src/share/libraries.sh "$top/bin/mo-run" "$top/lib" "$top/licenses"
cat >"$top/run" <<END
#!/bin/sh
here=\$(dirname "\$0")
exec "\$here"/lib/ld-linux* --library-path "\$here/lib" "\$here/bin/mo-run" "\$here/$name.blob" "\$@"
END
chmod +x "$top/run"
tar -C "$build/bundle" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$build/mo-$name.tar" "mo-$name"
echo "$build/mo-$name.tar"
