import { assertEquals } from "@std/assert";
import { EventBody } from "../../../src/event/event.ts";

const MARK = new Uint8Array([0xef, 0xbb, 0xbf]);

Deno.test("a body that begins with a byte order mark keeps it in its bytes, and has none in its text", () => {
  const bytes = new Uint8Array([...MARK, 0x31]);
  for (const body of [EventBody.fromBytes(bytes), EventBody.fromText("\ufeff1")]) {
    assertEquals([body.text, body.isJson(), body.stored], ["1", true, bytes]);
    assertEquals([body.asText().text, body.asText().stored], ["1", "1"]);
  }
});

Deno.test("bytes that are not UTF-8 are no JSON, although their text would be", () => {
  const body = EventBody.fromBytes(new Uint8Array([0x22, 0xe9, 0x22]));
  assertEquals([body.text, body.isUtf8, body.isJson()], ['"\ufffd"', false, false]);
  const meant = EventBody.fromBytes(new TextEncoder().encode('"\ufffd"'));
  assertEquals([meant.text, meant.isUtf8, meant.isJson()], ['"\ufffd"', true, true]);
});

Deno.test("a JSON body is all in US-ASCII when it has as many bytes as characters", () => {
  const bodyOf = (text: string) => EventBody.fromBytes(new TextEncoder().encode(text));
  for (const text of ["1", '"\u007f"']) assertEquals(bodyOf(text).isAscii, true, text);
  for (const text of ['"\u0080"', '"é"', '"😀"', "\ufeff1", '"\ufffd"']) {
    assertEquals(bodyOf(text).isAscii, false, text);
  }
});

Deno.test("a body counts for what it takes in memory: two bytes a character of text that is not ASCII", () => {
  const body = (text: string) => EventBody.fromBytes(new TextEncoder().encode(text));
  assertEquals(body("aé").memory, 3);
  assertEquals(body("ab").asText().memory, 2);
  assertEquals(body("aé").asText().memory, 4);
  assertEquals(EventBody.fromText("ab").memory, 4);
});

Deno.test("a body that is not small is held as bytes or as text, and gives them back", () => {
  const text = "x".repeat(20_000);
  const body = EventBody.fromText(text);
  assertEquals(body.bytes.byteLength, 20_000);
  assertEquals(body.stored, text);
  const bytes = new TextEncoder().encode(text);
  const read = EventBody.fromBytes(bytes);
  assertEquals(read.text, text);
  read.discard();
  assertEquals(bytes.byteLength, 0);
});

Deno.test("a body is given back where its reader is done with it, and not before", () => {
  const bytes = new Uint8Array(20_000);
  const body = EventBody.fromBytes(bytes);
  assertEquals([body.discardRead(), bytes.byteLength], [false, 20_000]);
  body.doneReading();
  assertEquals([body.discardRead(), bytes.byteLength], [true, 0]);
});

Deno.test("a document is the same, whether read at once or judged before", () => {
  const bounds = { maxDepth: 4, maxValues: 20 };
  const texts = [
    "null",
    " 1\n",
    "\ufeff[1]",
    "\ufeff\ufeff1",
    "",
    "{",
    "[1,]",
    "01",
    '"\t"',
    "\u00a01",
    "1 2",
  ];
  texts.push('"\\ud800"', '{"a":1,"a":2}', "[[[[1]]]]", "[[[[[1]]]]]", `[${"1,".repeat(19)}1]`);
  const documents = texts.map((text) => new TextEncoder().encode(text));
  documents.push(new Uint8Array([0x22, 0xe9, 0x22]), new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]));
  for (const bytes of documents) {
    const [judged, read] = [EventBody.fromBytes(bytes), EventBody.fromBytes(bytes)];
    const verdict = judged.judgeJson(bounds);
    assertEquals(read.judgeByValue(bounds), verdict, judged.text);
    if (verdict !== "json") continue;
    const values = [judged, read, read.asText()].map((body) => body.value);
    assertEquals(values, [values[0], values[0], values[0]]);
  }
});

Deno.test("the text of a large body is made in pieces, as it is when it is made at once", () => {
  const long = new TextEncoder().encode("a€😀".repeat(50_000));
  const malformed = long.with(70_000, 0xff);
  for (
    const bytes of [long, malformed, long.subarray(1), new Uint8Array([...MARK, ...long]), long.subarray(2)]
  ) {
    const steps = EventBody.fromBytes(new Uint8Array(bytes)).textInPieces();
    let pieces = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) pieces++;
    assertEquals(step.value === new TextDecoder().decode(bytes), true);
    assertEquals(pieces, Math.ceil(bytes.length / 65_536));
  }
});
