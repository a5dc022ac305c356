// The least program that does the same visible work as the gateway with its `log` output: reads and parses
// the body, iterates the headers, writes one buffered line with both to standard output, answers JSON with
// a content type and a request id.
const encoder = new TextEncoder();
const FLUSH_CHARACTERS = 65536;
let buffer = "";
let count = 0;

function writeLine(line: string): void {
  buffer += line + "\n";
  if (buffer.length < FLUSH_CHARACTERS) return;
  let bytes = encoder.encode(buffer);
  while (bytes.byteLength > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
  buffer = "";
}

Deno.serve({ port: Number(Deno.args[0]), onListen: () => {} }, async (request) => {
  const payload = JSON.parse(await request.text());
  const headers: Record<string, string> = {};
  for (const [name, value] of request.headers) headers[name] = value;
  const id = `event-${count++}`;
  writeLine(JSON.stringify({ event_id: id, received_at: Date.now(), headers, payload }));
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
