#!/usr/bin/env bash
# JSON.parse of V8 15.0 (Deno 2.9.6) gives an object a wrong key after another object was parsed.
#
# Input: two valid documents, one after the other. The first has the key \ at a place where the second has the
# escaped key \u0062, which is the letter b.
# Expected (RFC 8259, section 7; ECMA-262 JSON.parse): the keys of the second document are a and b.
# Seen with deno 2.9.6 (V8 15.0.245.2): they are a and \. V8 guesses that objects with the same first keys go on
# alike, and takes the backslash of the escape sequence for the whole key that it expects.
# Node.js 20 (V8 11.3) is right, and so is any version in which the first document was never parsed.
# Who parses bodies of strangers and writes them again changes their keys.
# Known upstream as nodejs/node#63785.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . deno@2.9.6 >/dev/null

cat > keys.mjs <<'PROGRAM'
const keys = (text) => JSON.stringify(Object.keys(JSON.parse(text)));
const plain = '{"a":1,"\\u0062":2}';
console.log("alone:", keys(plain));
keys('{"a":1,"\\\\":2}');
console.log("after a document with the key of one backslash:", keys(plain));
PROGRAM

seen=$(./node_modules/.bin/deno run keys.mjs)
printf '%s\n%s\n' "$(./node_modules/.bin/deno --version | tr '\n' ' ')" "$seen"
expected='alone: ["a","b"]
after a document with the key of one backslash: ["a","\\"]'
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen with deno 2.9.6"
  exit 1
fi
echo "AS SEEN"
