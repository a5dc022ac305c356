import { assert, assertEquals } from "@std/assert";
import type { Event } from "../../../src/event/event.ts";
import {
  eventHeadersJson,
  forEachEventHeader,
  namingHeaders,
  setNamingHeaders,
  TimeText,
} from "../../../src/event/event_headers.ts";
import { recordedHeaders } from "../../../src/event/recorded_headers.ts";
import { verifiedEvent } from "../../support/verified_event.ts";

const event = verifiedEvent({
  id: "e-1",
  namespace: "default",
  webhook: "orders",
  receivedAt: Date.UTC(2026, 0, 31, 12),
  headers: { "content-type": "text/plain", authorization: "Bearer hidden" },
});

const NAMING = {
  "cwm-event-id": "e-1",
  "cwm-namespace": "default",
  "cwm-webhook": "orders",
  "cwm-received-at": "2026-01-31T12:00:00.000Z",
};

Deno.test("the headers that say which event it is are the same in every form", () => {
  assertNaming(event, NAMING);
  assertNaming({ ...event, type: 'a "type"' }, { ...NAMING, "cwm-event-type": 'a "type"' });
});

Deno.test("a sender writes no header that says which event it is", () => {
  const names = ["cwm-event-type", "cwm_event_type", "CWM.Event.Type", "cwm-event-id"];
  const headers = Object.fromEntries(names.map((name) => [name, "forged"]));
  const untyped = verifiedEvent({ headers });
  assert(!eventHeadersJson(untyped).includes("forged"));
  assertEquals(
    recordedHeaders(untyped.headers),
    '{"cwm-event-id":"forged"}',
    "received, and no header of its own",
  );
  assertEquals(recordedHeaders(new Headers(), "push"), '{"cwm-event-type":"push"}');
});

function assertNaming(event: Event, expected: Readonly<Record<string, string>>): void {
  const flat = namingHeaders(event);
  const pairs = Array.from({ length: flat.length / 2 }, (_, index) => flat.slice(2 * index, 2 * index + 2));
  assertEquals(Object.fromEntries(pairs), expected);

  const set: Record<string, unknown> = { "cwm-event-id": "a sender's", "x-other": "kept" };
  setNamingHeaders(set, event);
  assertEquals(set, { "x-other": "kept", ...expected });

  const visited: Record<string, string> = {};
  forEachEventHeader(event, (name, value) => visited[name] = value);
  assertEquals(visited, { ...expected, "content-type": "text/plain" });
  assertEquals(JSON.parse(eventHeadersJson(event)), visited);
}

Deno.test("the text of a time is that of the time asked for, however often it changes", () => {
  const text = new TimeText();
  assertEquals([0, 0, 1, 0].map((time) => text.of(time).slice(-4)), ["000Z", "000Z", "001Z", "000Z"]);
});
