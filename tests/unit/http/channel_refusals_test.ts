import { assertEquals } from "@std/assert";
import { TestGateway } from "../../support/gateway.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

const QUEUED = {
  module: "webhook_connect",
  "module-config": { channel: "inbox", channel_token: "inbox-token-0123456789" },
};

Deno.test("a connector that is not let in is in the log with its channel, the reason and its address", async () => {
  await using log = RecordedLog.start("info");
  await using gateway = await TestGateway.start({ webhooks: { queued: QUEUED } });
  const headers = { authorization: "Bearer another-token-0123456789" };
  const refused = await gateway.request("/connect/stream/inbox/poll", { headers });
  const unknown = await gateway.request("/connect/stream/inbx/poll", { headers });
  assertEquals([refused.status, unknown.status], [401, 404]);
  // More of one kind within ten seconds have no line of their own.
  await gateway.request("/connect/stream/inbox/poll", { headers });
  const records = (await log.records()).filter(({ message }) => String(message).includes("was refused"));
  assertEquals(
    records.map(({ level, message, channel, code, client, request_id }) => ({
      level,
      message,
      channel,
      code,
      client,
      request_id,
    })),
    [{
      level: "warning",
      message: "A request to channel inbox was refused: The channel token is not valid",
      channel: "inbox",
      code: "unauthorized",
      client: "127.0.0.1",
      request_id: refused.headers.get("x-request-id"),
    }, {
      level: "warning",
      message: "A request to channel inbx was refused: This channel does not exist",
      channel: "inbx",
      code: "channel_not_found",
      client: "127.0.0.1",
      request_id: unknown.headers.get("x-request-id"),
    }],
  );
  assertEquals((await log.text()).includes("another-token"), false);
});
