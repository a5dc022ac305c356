// The least program that saves the body of each request as a file of its own, which is complete and on the disk before
// the answer. Usage: floor_disk.ts PORT DIRECTORY
const [port, directory] = Deno.args;
await Deno.mkdir(directory!, { recursive: true });

Deno.serve({ port: Number(port), onListen: () => {} }, async (request) => {
  const body = new Uint8Array(await request.arrayBuffer());
  const id = crypto.randomUUID();
  const temporary = `${directory}/.tmp-${id}`;
  {
    using file = await Deno.open(temporary, { write: true, createNew: true });
    await file.write(body);
    await file.sync();
  }
  await Deno.rename(temporary, `${directory}/${id}.json`);
  using names = await Deno.open(directory!, { read: true });
  await names.sync();
  return Response.json({ message: "Event accepted", event_id: id });
});
