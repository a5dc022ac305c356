// The least HTTP server that takes everything; it prints where it listens.
Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => Deno.stdout.writeSync(new TextEncoder().encode(`Listening on ${port}\n`)),
}, () => new Response());
