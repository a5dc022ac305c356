import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { RawHttpConnection } from "../../support/http/raw_http.ts";

Deno.test("each request beyond MAX_CONNECTIONS gets 503, and its connection is closed", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { events: { module: "log" } },
    environment: { MAX_CONNECTIONS: "3" },
  });
  const post = () => gateway.post("/webhook/events", "{}");
  assertEquals((await post()).status, 200);
  {
    await using silent = new AsyncDisposableStack();
    for (let count = 0; count < 4; count++) silent.use(await RawHttpConnection.open(gateway.port));
    const refused = await eventually(async () => {
      const answer = await post();
      return answer.status === 503 ? answer : false;
    });
    assert(refused !== false);
    assertEquals(errorCode(refused), "overloaded");
    assertEquals([refused.headers.get("connection"), refused.headers.get("retry-after")], ["close", "1"]);
    assertEquals((await gateway.request("/livez")).status, 200);
  }
  await eventually(async () => assertEquals((await post()).status, 200));
});
