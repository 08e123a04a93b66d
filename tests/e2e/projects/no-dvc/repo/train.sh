#!/bin/sh
# Any program will do: this one is awk, and writes its numbers as JSON, YAML and TOML.
set -eu
degree=$(awk '$1 == "degree" { print $3 }' params.toml)
mkdir -p results
awk -v degree="$degree" 'BEGIN {
  printf "{\"accuracy\": %.2f}\n", 0.8 + degree / 100
  printf "speed:\n  rows_per_second: %d\n", 1000 / degree > "results/speed.yaml"
  printf "[cost]\neuros = %.2f\n", degree / 10 > "results/cost.toml"
}' > metrics.json
