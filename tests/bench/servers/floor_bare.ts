// The least program that accepts JSON and answers JSON.
let count = 0;
Deno.serve({ port: Number(Deno.args[0]), onListen: () => {} }, async (request) => {
  await request.json();
  return Response.json({ message: "Event accepted", event_id: `event-${count++}` });
});
