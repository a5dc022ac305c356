import { assertEquals } from "@std/assert";
import { websocketModule } from "../../../../src/modules/websocket/websocket.ts";

function problemsOf(keys: object): string[] {
  const { error } = websocketModule.configSchema.safeParse({ url: "wss://example.com", ...keys });
  return error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

Deno.test("websocket says before the handshake what would make every one of them fail", () => {
  assertEquals(problemsOf({ subprotocol: ["events.v1", "Events.v1"] }), []);
  assertEquals(problemsOf({ subprotocol: ["events.v1", "events.v2", "events.v1"] }), [
    "subprotocol: A subprotocol is named twice",
  ]);
  assertEquals(problemsOf({ headers: { "Sec-WebSocket-Protocol": "events.v1" } }), [
    "headers.Sec-WebSocket-Protocol: This header is set by subprotocol",
  ]);
  for (const name of ["Sec-WebSocket-Key", "sec-websocket-version", "Sec_WebSocket_Extensions"]) {
    assertEquals(problemsOf({ headers: { [name]: "x" } }), [
      `headers.${name}: This header is set by the gateway, for each handshake`,
    ]);
  }
});
