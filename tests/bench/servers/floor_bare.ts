// The least program that accepts JSON, which has to be UTF-8, and answers JSON. `request.json()` takes a sixth
// less of the processor, but replaces malformed bytes instead of refusing them.
import { isUtf8 } from "node:buffer";

const decoder = new TextDecoder();
let count = 0;
Deno.serve({ port: Number(Deno.args[0]), onListen: () => {} }, async (request) => {
  const bytes = await request.bytes();
  const text = decoder.decode(bytes);
  if (text.includes("\ufffd") && !isUtf8(bytes)) return new Response(null, { status: 400 });
  JSON.parse(text);
  return Response.json({ message: "Event accepted", event_id: `event-${count++}` });
});
