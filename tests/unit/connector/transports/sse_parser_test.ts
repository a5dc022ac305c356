import { assertEquals } from "@std/assert";
import { dataOfEvents } from "../../../../src/connector/transports/sse_parser.ts";

async function parse(...chunks: readonly (string | Uint8Array<ArrayBuffer>)[]): Promise<string[]> {
  const encoder = new TextEncoder();
  const bytes = chunks.map((chunk) => typeof chunk === "string" ? encoder.encode(chunk) : chunk);
  return await Array.fromAsync(dataOfEvents(ReadableStream.from(bytes)));
}

Deno.test("event stream parser joins the pieces of lines and the lines of data, wherever they are cut", async () => {
  const text =
    'event: webhook\nid: c.1\ndata: {"a":"ü"}\n\n: a remark\r\ndata:x\r\ndata: y\r\n\r\ndata: never ended';
  assertEquals(await parse(text), ['{"a":"ü"}', "x\ny"]);
  assertEquals(
    await parse(...Array.from(new TextEncoder().encode(text), (byte) => new Uint8Array([byte]))),
    ['{"a":"ü"}', "x\ny"],
  );
});

Deno.test("event stream parser gives nothing for events without data", async () => {
  assertEquals(await parse("event: heartbeat\n\n\n\n", "retry: 1\n\n"), []);
});
