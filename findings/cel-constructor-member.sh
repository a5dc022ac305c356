#!/usr/bin/env bash
# Two libraries of CEL fail on every object that has a member called constructor, and one drops it from maps.
#
# Input: expressions over a document {"constructor":1,"a":2}, as anybody may send one.
# Expected (CEL, "Field selection" and "Maps"): body.a is 2, body.constructor is 1, and a map that an expression
# writes has the keys that stand there.
# Seen with @marcbachmann/cel-js 8.0.0 and @bufbuild/cel 0.6.1: both have no value for body.a, and a map
# of the first has no key constructor. Who sends such a member switches off what is asked about the document.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . deno@2.9.6 @marcbachmann/cel-js@8.0.0 @bufbuild/cel@0.6.1 \
  @bufbuild/protobuf@2.17.0 >/dev/null

cat > ask.mjs <<'PROGRAM'
import { evaluate } from "@marcbachmann/cel-js";
import { isCelError, run } from "@bufbuild/cel";
const body = JSON.parse('{"constructor":1,"a":2}');
const asked = (question) => {
  try {
    const value = question();
    return isCelError(value) ? "an error" : String(value);
  } catch {
    return "an error";
  }
};
console.log("cel-js, body.a:", asked(() => evaluate("body.a", { body })));
console.log("cel-js, keys of a map:", Object.keys(evaluate('{"constructor": 1, "a": 2}')).join(" "));
console.log("bufbuild, body.a:", asked(() => run("body.a", { body })));
PROGRAM

seen=$(./node_modules/.bin/deno run --quiet --allow-all ask.mjs)
printf '%s\n' "$seen"
expected='cel-js, body.a: an error
cel-js, keys of a map: a
bufbuild, body.a: an error'
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen"
  exit 1
fi
echo "AS SEEN"
