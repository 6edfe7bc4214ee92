#!/bin/bash
# The list of passes; a pass left out; the model as text after one.
set -e
mo --list-passes | grep -c '^[a-z0-9-]* *[a-z]' | awk '$1 >= 5 { print "passes listed" }'
mo --list-passes | grep -q '^fuse-bn '
mo -q "$GLYPHS/glyphs.onnx" -n with --dump-after fuse-bn >dump
head -n 1 dump
awk '/^# after/ && NR > 1 { exit } /Convolution-1\(/ { n++ } END { print n }' dump
mo -q "$GLYPHS/glyphs.onnx" -n without --disable-pass fuse-bn --disable_pass=fuse-linear
[ "$(grep -c '<layer ' without.xml)" -gt "$(grep -c '<layer ' with.xml)" ]
mo-run -q without.xml --compare with.xml --random 1 | tail -n 1
