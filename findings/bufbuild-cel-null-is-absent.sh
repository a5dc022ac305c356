#!/usr/bin/env bash
# @bufbuild/cel says that a member with the value null is absent, and reads numbers out of texts that hold none.
#
# Input: expressions over a document {"a":null}, and conversions of texts.
# Expected (CEL, "Macros": has(e.f) of a map is whether the key is there, and "Standard definitions": a text that is no
# number is an error): true, true, and errors.
# Seen with @bufbuild/cel 0.6.1: false, false, 0 and NaN. A condition on has() of such a member takes the other way.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . deno@2.9.6 @bufbuild/cel@0.6.1 @bufbuild/protobuf@2.17.0 \
  >/dev/null

cat > ask.mjs <<'PROGRAM'
import { isCelError, run } from "@bufbuild/cel";
const body = JSON.parse('{"a":null}');
for (const text of ["has(body.a)", "'a' in body", "double('')", "double('abc')"]) {
  const value = run(text, { body });
  console.log(`${text}:`, isCelError(value) ? "an error" : String(value));
}
PROGRAM

seen=$(./node_modules/.bin/deno run --quiet --allow-all ask.mjs)
printf '%s\n' "$seen"
expected="has(body.a): false
'a' in body: false
double(''): 0
double('abc'): NaN"
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen"
  exit 1
fi
echo "AS SEEN"
