#!/usr/bin/env bash
# Work that gives way by setImmediate() keeps a server of Deno 2.9.6 from reading its connections.
#
# Input: a server of Deno.serve, and in the same program a chain of 100 slices of 8 ms, each begun by setImmediate()
# of the one before, as long work is cut up so that others have their turn. A second program asks the server once,
# 100 ms after the chain has begun.
# Expected (Node.js, "The event loop": the poll phase comes before each check phase): the answer comes within a few
# slices; Node.js 20 with the same program over node:http answers while the chain goes on.
# Seen with deno 2.9.6: the answer comes after the chain has ended. With setTimeout(slice, 0) in the place of
# setImmediate(slice) it comes while the chain goes on.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . deno@2.9.6 >/dev/null

cat > serve.mjs <<'PROGRAM'
import { setImmediate } from "node:timers";
const next = Deno.args[0] === "timer" ? (work) => setTimeout(work, 0) : setImmediate;
let left = 0;
let answeredWith;
const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: ask }, () => {
  answeredWith = left;
  return new Response("here");
});
function ask({ port }) {
  const client = new Worker(
    "data:application/javascript," + encodeURIComponent(`
      setTimeout(async () => {
        await (await fetch("http://127.0.0.1:${port}/")).text();
        postMessage("done");
      }, 600);
      postMessage("ready");
    `),
    { type: "module" },
  );
  client.onmessage = async ({ data }) => {
    if (data === "ready") return setTimeout(begin, 500);
    client.terminate();
    console.log(`${Deno.args[0]}: ${answeredWith > 0 ? "answered while the chain went on" : "answered after it"}`);
    await server.shutdown();
  };
}
function begin() {
  left = 100;
  next(function slice() {
    const end = performance.now() + 8;
    while (performance.now() < end);
    if (--left > 0) next(slice);
  });
}
PROGRAM

deno=./node_modules/.bin/deno
seen=$($deno run --allow-net --allow-read serve.mjs immediate; $deno run --allow-net --allow-read serve.mjs timer)
printf '%s\n%s\n' "$($deno --version | tr '\n' ' ')" "$seen"
expected='immediate: answered after it
timer: answered while the chain went on'
if [ "$seen" != "$expected" ]; then
  echo "CHANGED: this is not what was seen with deno 2.9.6"
  exit 1
fi
echo "AS SEEN"
