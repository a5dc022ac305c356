import { assert } from "@std/assert";
import { accepts } from "../../../../support/signatures/cases.ts";

/** Whether notifications with these states pass where the secret is `state-1`. */
function takes(...states: readonly unknown[]): Promise<boolean> {
  const value = states.map((clientState, index) => ({
    subscriptionId: `s${index}`,
    changeType: "updated",
    clientState,
  }));
  const body = new TextEncoder().encode(JSON.stringify({ value }));
  const request = {
    method: "POST",
    url: "https://hooks.example.com/in",
    headers: {},
    bodyBase64: body.toBase64(),
  };
  const given = { preset: "msgraph", config: { secret: "state-1" }, now: 0, request, valid: true, why: "" };
  return accepts(given, request, 0);
}

Deno.test("notifications of Microsoft Graph pass when each of them has the webhook's clientState", async () => {
  assert(await takes("state-1"));
  assert(await takes("state-1", "state-1"));
  assert(!await takes("state-1", "state-2"));
  assert(!await takes("state-1", undefined));
  assert(!await takes(null));
  assert(!await takes(["state-1"]));
  assert(!await takes());
});
