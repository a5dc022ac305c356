/**
 * A target of the relay as a program of its own, so that it can be killed: it prints one line a request before
 * it answers.
 *
 *     deno run relay_target_program.ts PORT
 */

const encoder = new TextEncoder();

function print(line: unknown): void {
  Deno.stdout.writeSync(encoder.encode(JSON.stringify(line) + "\n"));
}

const server = Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.args[0] ?? 0),
  onListen: ({ port }) => print({ listening: port }),
}, async (request) => {
  const { n } = await request.json() as { readonly n: number };
  print({ webhook: request.headers.get("cwm-webhook"), n });
  return new Response(null, { status: 204 });
});
await server.finished;
