// The least program that makes confirmed messages out of requests with the same client. It checks the signature of a
// request and parses its body, as the gateway does.
// Usage: floor_rabbitmq.ts PORT RABBITMQ_PORT QUEUE SECRET
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { connect } from "amqplib";
import { floorProperties } from "../rabbitmq_floor.ts";

const [port, rabbitmqPort, queue = "", secret = ""] = Deno.args;
const decoder = new TextDecoder();
const model = await connect({ hostname: "127.0.0.1", port: Number(rabbitmqPort) }, { noDelay: true });
const channel = await model.createConfirmChannel();
let count = 0;

Deno.serve({ port: Number(port), onListen: () => {} }, async (request) => {
  const bytes = new Uint8Array(await request.arrayBuffer());
  const signature = Buffer.from(request.headers.get("x-signature") ?? "", "hex");
  const expected = createHmac("sha256", secret).update(bytes).digest();
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
    return new Response(null, { status: 401 });
  }
  JSON.parse(decoder.decode(bytes));
  const id = `event-of-the-floor-${count++}`;
  await new Promise<void>((resolve, reject) => {
    channel.publish("", queue, Buffer.from(bytes.buffer), floorProperties(id), (error: unknown) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
