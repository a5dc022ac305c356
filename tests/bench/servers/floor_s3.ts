// The least program that makes objects of S3 out of requests. It checks the signature of a request and parses its body,
// as the gateway does.
// Usage: floor_s3.ts PORT S3_PORT BUCKET SECRET
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { FloorBucket } from "../s3_floor.ts";

const [port, s3Port, bucketName = "", secret = ""] = Deno.args;
const bucket = new FloorBucket(Number(s3Port), bucketName);
const decoder = new TextDecoder();

Deno.serve({ port: Number(port), onListen: () => {} }, async (request) => {
  const bytes = new Uint8Array(await request.arrayBuffer());
  const signature = Buffer.from(request.headers.get("x-signature") ?? "", "hex");
  const expected = createHmac("sha256", secret).update(bytes).digest();
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
    return new Response(null, { status: 401 });
  }
  JSON.parse(decoder.decode(bytes));
  const id = crypto.randomUUID();
  await bucket.put(id, bytes);
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
