// An HTTP server that writes the id of each event into a file before it answers: PORT FILE.
const [port, file = ""] = Deno.args;
const ledger = Deno.openSync(file, { append: true, create: true });
const encoder = new TextEncoder();
Deno.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  onListen: () => Deno.stdout.writeSync(encoder.encode("Listening\n")),
}, async (request) => {
  await request.arrayBuffer();
  ledger.writeSync(encoder.encode(`${request.headers.get("cwm-event-id")}\n`));
  return new Response();
});
