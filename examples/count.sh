#!/bin/sh
# A payload in the shell: how many numbers are in the file, and how many of them are high.
set -e
entries=$(grep -c . "$P3S_INPUT_PATH")
high=$(awk '$1 > 80' "$P3S_INPUT_PATH" | wc -l)
echo "run $P3S_RUN: $entries entries, $high above 80"
p3s-publish --category "Counts" \
    --number "entries=$entries" --good 900, --warn 500, \
    --number "high=$high" --good 0,50
