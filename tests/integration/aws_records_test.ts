import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { DeliveryError } from "../../src/errors.ts";
import { eventbridgeModule } from "../../src/modules/aws/eventbridge/eventbridge.ts";
import { kinesisModule } from "../../src/modules/aws/kinesis/kinesis.ts";
import type { OutputModule } from "../../src/modules/module.ts";
import { makeStream } from "../support/aws/record_desks.ts";
import { motoConnection, sharedMoto } from "../support/aws/moto.ts";
import { type FrontRequest, refusalOf, ServiceFront } from "../support/aws/service_front.ts";
import { codesOf, eventsOf, KEYS } from "../support/aws/sqs_world.ts";
import { OpenOutput } from "../support/open_output.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** A service whose records are those of a list, which has an id for each that was stored. */
interface Kind {
  readonly module: OutputModule;
  readonly config: Readonly<Record<string, unknown>>;
  readonly list: string;
  readonly id: string;
}

const KINDS: readonly Kind[] = [
  { module: kinesisModule as OutputModule, config: { stream: "s" }, list: "Records", id: "SequenceNumber" },
  { module: eventbridgeModule as OutputModule, config: { event_bus: "b" }, list: "Entries", id: "EventId" },
];

/** Answers as the service does, with these codes of errors for the records at their places. */
function answerTo({ body }: FrontRequest, { list, id }: Kind, codes: readonly (string | undefined)[] = []) {
  const { length } = JSON.parse(body.toString())[list] as readonly unknown[];
  const results = Array.from({ length }, (_, index) => {
    const code = codes[index];
    if (code === "nothing") return {};
    return code === undefined ? { [id]: `${index}` } : { ErrorCode: code, ErrorMessage: "a text" };
  });
  return { status: 200, body: JSON.stringify({ [list]: results }) };
}

Deno.test("what a service says of each record is the result of its event", async () => {
  for (const kind of KINDS) {
    // Nothing listens behind it: all requests are answered here.
    await using front = await ServiceFront.start(1);
    await using output = await OpenOutput.open(kind.module, { endpoint_url: front.url, ...KEYS });
    const codes = [
      undefined,
      "InternalFailure",
      "ThrottlingException",
      "InvalidArgument",
      "SomethingNew",
      "nothing",
    ];
    front.answer = (request) => answerTo(request, kind, codes);
    assertEquals(codesOf(await output.deliver(eventsOf(7), kind.config)), [
      "delivered",
      "output_failed",
      "output_throttled",
      "output_rejected",
      "output_failed",
      "output_failed",
      "delivered",
    ]);
    front.answer = () => ({ status: 200, body: "<html>Please log in</html>" });
    assertEquals(codesOf(await output.deliver(eventsOf(1), kind.config)), ["output_failed"]);
  }
});

Deno.test("a batch of records that is refused as a whole is sent in parts before one is rejected", async () => {
  for (const kind of KINDS) {
    await using front = await ServiceFront.start(1);
    await using output = await OpenOutput.open(kind.module, { endpoint_url: front.url, ...KEYS });
    let stored = 0;
    front.answer = (request) => {
      if (request.body.length > 2_000_000) return refusalOf("ValidationException");
      stored += JSON.parse(request.body.toString())[kind.list].length;
      return answerTo(request, kind);
    };
    const all = eventsOf(10, (index) => index === 3 ? `"${"x".repeat(900_000)}"` : `"${"y".repeat(10)}"`);
    const isKinesis = kind.list === "Records";
    const large = isKinesis ? eventsOf(1, () => `"${"x".repeat(3_000_000)}"`) : [];
    const results = await output.deliver([...all, ...large], kind.config);
    const expected = [...all.map(() => "delivered"), ...large.map(() => "output_rejected")];
    assertEquals(codesOf(results), expected);
    assertEquals(stored, 10);
    const [over] = await output.deliver(eventsOf(1, () => `"${"x".repeat(11_000_000)}"`), kind.config);
    assertStringIncludes((over as DeliveryError).message, "at most");
  }
});

Deno.test("a place that is missing, or a right, keeps events for later and is named", async () => {
  for (const kind of KINDS) {
    await using front = await ServiceFront.start(1);
    await using output = await OpenOutput.open(kind.module, { endpoint_url: front.url, ...KEYS });
    for (const code of ["ResourceNotFoundException", "AccessDeniedException"]) {
      front.answer = () => refusalOf(code);
      const results = await output.deliver(eventsOf(2), kind.config);
      assertEquals(codesOf(results), ["output_unavailable", "output_unavailable"]);
      assertMatch((results[0] as DeliveryError).message, /(stream 's'|event bus 'b')/);
    }
    assertMatch(front.requests[0]!.headers["content-type"]!, /^application\/x-amz-json-1\.1$/);
  }
});

Deno.test("records of a stream have the event around their body, and a key out of the payload", async () => {
  const place = await sharedMoto();
  using desk = await makeStream(place);
  await using output = await OpenOutput.open(kinesisModule as OutputModule, motoConnection(place));
  const event = verifiedEvent({ body: '{"customer":"a b"}' });
  const config = { stream: desk.name, partition_key: "c-{/customer}" };
  assertEquals(codesOf(await output.deliver([event], config, { dataType: "blob" })), ["delivered"]);
  const [record] = await desk.read();
  assertEquals([record!.id, record!.body], [event.id, event.body.bytes]);
  assertEquals(record!.around["PartitionKey"], "c-a%20b");
});
