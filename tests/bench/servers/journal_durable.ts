// A server around the journal alone: the floor's work, through the journal. Usage:
// journal_durable.ts PORT DIRECTORY claim|wait|settle
//   claim: as an event that is delivered right away; wait: it is left in its lane; settle: it is settled, too
import { getLogger } from "@logtape/logtape";
import type { VerifiedEvent } from "../../../src/auth/verified_event.ts";
import { openSqliteJournal } from "../../../src/delivery/sqlite/sqlite_journal.ts";
import { type Event, EventBody, EventIds } from "../../../src/event.ts";

const [port = "", directory = "", mode = "claim"] = Deno.args;
const journal = await openSqliteJournal({ directory, logger: getLogger(["cwm"]) });
const ids = new EventIds();
const options = { claim: mode !== "wait" };

Deno.serve({ hostname: "127.0.0.1", port: Number(port), onListen: () => {} }, async (request) => {
  const text = await request.text();
  JSON.parse(text);
  const id = ids.next();
  const event: Event = {
    id,
    namespace: "default",
    webhook: "orders",
    receivedAt: Date.now(),
    headers: request.headers,
    body: EventBody.fromText(text),
  };
  const appended = await journal.append(event as VerifiedEvent, options);
  if (mode === "settle" && "sequence" in appended) {
    void journal.settle({ sequence: appended.sequence, state: "delivered" });
  }
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
