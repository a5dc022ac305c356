import { assertEquals } from "@std/assert";
import { readRefusal } from "../../../../src/modules/aws/refusal.ts";

function codeOf(headers: Record<string, string>, body: string): string | undefined {
  return readRefusal({ status: 400, headers, body: new TextEncoder().encode(body) }).code;
}

const XML = '<?xml version="1.0"?><Error><Code>NoSuchBucket</Code><Message>The bucket</Message></Error>';

Deno.test("the code of an error is found wherever a protocol of AWS has it", () => {
  assertEquals(
    codeOf({}, '{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}'),
    "QueueDoesNotExist",
  );
  assertEquals(codeOf({}, '{"__type":"ResourceNotFoundException"}'), "ResourceNotFoundException");
  assertEquals(
    codeOf({ "x-amzn-errortype": "AccessDeniedException:http://x/" }, "{}"),
    "AccessDeniedException",
  );
  assertEquals(codeOf({ "x-amzn-query-error": "InvalidParameterValue;Sender" }, ""), "InvalidParameterValue");
  assertEquals(codeOf({}, XML), "NoSuchBucket");
  assertEquals(
    codeOf({}, "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code></Error></ErrorResponse>"),
    "Throttling",
  );
});

Deno.test("what is no code of an error is none, whoever answers", () => {
  const answers = ["", "{", "[]", "null", '{"__type":7}', "<html><h1>502</h1></html>", "<Code></Code>"];
  for (const answer of answers) assertEquals(codeOf({}, answer), undefined, answer);
  assertEquals(codeOf({}, `<Code>${"x".repeat(200)}</Code>`), undefined);
  assertEquals(codeOf({}, '<Code>"quoted"</Code>'), undefined);
});

Deno.test("the difference between the clocks is read from the date of the answer", () => {
  const nowMs = Date.UTC(2026, 10, 30, 12, 0, 0);
  const answer = { status: 403, headers: { date: "Mon, 30 Nov 2026 11:40:00 GMT" }, body: new Uint8Array() };
  assertEquals(readRefusal(answer, nowMs).aheadSeconds, 1200);
  assertEquals(readRefusal({ ...answer, headers: {} }, nowMs).aheadSeconds, undefined);
});
