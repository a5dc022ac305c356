#!/usr/bin/env bash
# The Brotli decoder of Deno 2.9.6 loses memory for ever with some damaged data, and writes about it to standard output.
#
# Input: 74 bytes that are damaged Brotli, decoded by brotliDecompressSync of node:zlib 3,000 times.
# Expected (Node.js): an error each time, and no more memory afterwards.
# Seen with deno 2.9.6: nothing is thrown, the result is empty, six lines "leaking memory block of length ..." stand on
# standard output for each, and resident memory has grown by more than 20 MiB, with every further 3,000 again.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . deno@2.9.6 >/dev/null

cat > decode.mjs <<'PROGRAM'
import { brotliDecompressSync } from "node:zlib";
const damaged = Uint8Array.fromBase64(
  "C+8YAICqqqrq/3TnMx9vAnIQAT4JiNxEQOAALlylXdgUfTgAzoQwKGv7RxdgjJgCAB8L710YAICqqqrq/3TnMx9vAnIQAT4JiNw=",
);
const growth = [];
for (let round = 0; round < 3; round++) {
  const before = Deno.memoryUsage().rss;
  for (let count = 0; count < 3_000; count++) {
    const { length } = brotliDecompressSync(damaged);
    if (length > 0) throw new Error("It was decoded");
  }
  growth.push(Deno.memoryUsage().rss - before);
}
const grows = growth.every((bytes) => bytes > 20 * 1024 * 1024);
console.error(grows ? "each 3,000 take more than 20 MiB for ever" : `grew by ${growth.join(", ")} bytes`);
PROGRAM

deno=./node_modules/.bin/deno
seen=$($deno run --allow-sys decode.mjs 2>&1 >lines)
lines=$(grep -c '^leaking memory block' lines || true)
printf '%s\n%s, %s lines on standard output\n' "$($deno --version | tr '\n' ' ')" "$seen" "$lines"
if [ "$seen" != "each 3,000 take more than 20 MiB for ever" ] || [ "$lines" != 54000 ]; then
  echo "CHANGED: this is not what was seen with deno 2.9.6"
  exit 1
fi
echo "AS SEEN"
