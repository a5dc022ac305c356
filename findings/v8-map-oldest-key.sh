#!/usr/bin/env bash
# The oldest key of a Map takes the longer to find the more keys have left it, in Deno 2.9.6 (V8).
#
# Input: a Map as a bounded memory, of 50,000 keys: each new one is added, the oldest is read by keys().next() and
# deleted. The same with the keys in a linked list beside the Map.
# Expected: a Map keeps the order of insertion, and to look for its first key takes as long as for any other.
# Seen: deleted entries stay in V8's table until it is rebuilt, and an iterator that begins walks over all of them. One
# turn takes some 10 to 20 times as long as with the list, though with 500 keys hardly longer than with it. A bounded
# memory that forgets its oldest key so spends most of its time on that.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . deno@2.9.6 >/dev/null

cat > memory.mjs <<'PROGRAM'
const TURNS = 60_000;

function byIterator(bound) {
  const map = new Map();
  return (key) => {
    map.set(key, key);
    if (map.size > bound) map.delete(map.keys().next().value);
  };
}

function byList(bound) {
  const map = new Map();
  let first, last;
  return (key) => {
    const item = { key, next: undefined };
    if (last === undefined) first = item;
    else last.next = item;
    last = item;
    map.set(key, item);
    if (map.size > bound) {
      map.delete(first.key);
      first = first.next;
    }
  };
}

function microseconds(make, bound) {
  const add = make(bound);
  for (let key = 0; key < bound; key++) add(`key-${key}`);
  const begun = performance.now();
  for (let key = 0; key < TURNS; key++) add(`later-${key}`);
  return (performance.now() - begun) * 1000 / TURNS;
}

const median = (make, bound) =>
  [1, 2, 3].map(() => microseconds(make, bound)).sort((a, b) => a - b)[1];

const [iterator, list, small] = [median(byIterator, 50_000), median(byList, 50_000), median(byIterator, 500)];
console.log(`deno ${Deno.version.deno}, V8 ${Deno.version.v8}`);
console.log(`50,000 keys: ${iterator.toFixed(2)} µs a turn by the iterator, ${list.toFixed(2)} µs with a list`);
console.log(`500 keys: ${small.toFixed(2)} µs a turn by the iterator`);
if (iterator < 4 * list || iterator < 4 * small) {
  console.log("CHANGED: the oldest key is found as fast as with a list");
  Deno.exit(1);
}
PROGRAM

./node_modules/.bin/deno run memory.mjs
echo "AS SEEN"
