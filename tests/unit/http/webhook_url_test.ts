import { assertEquals } from "@std/assert";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { formatRequest, RawHttpConnection } from "../../support/http/raw_http.ts";

async function start(probe = new ProbeModule()): Promise<TestGateway> {
  return await TestGateway.start({
    webhooks: {
      orders: { module: "probe" },
      "team-a": { module: "probe" },
      guarded: { module: "probe", authorization: "Bearer a-token-of-the-tests" },
    },
    modules: [probe.module],
    environment: { ETCD_NAMESPACE: "shop" },
  });
}

Deno.test("a slash at the end of the URL names the same webhook, with and without the namespace", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe);
  const paths = ["/webhook/orders/", "/webhook/shop/orders/", "/webhook/orders/?a=1", "/webhook/orders"];
  for (const path of [...paths, ...paths]) {
    assertEquals((await gateway.post(path, "{}")).status, 200, path);
  }
  assertEquals(new Set(probe.events.map(({ namespace, webhook }) => `${namespace}/${webhook}`)).size, 1);
});

Deno.test("a webhook is guarded under the URL with a slash as well", async () => {
  await using gateway = await start();
  assertEquals((await gateway.post("/webhook/guarded/", "{}")).status, 401);
});

Deno.test("one slash at the end is left out, and no other", async (t) => {
  await using gateway = await start();
  const cases: readonly [path: string, status: number, code: string][] = [
    ["/webhook/orders//", 400, "invalid_webhook_id"],
    ["/webhook/shop/orders//", 404, "not_found"],
    ["/webhook/shop/orders/more/", 404, "not_found"],
    ["/webhook//orders/", 400, "invalid_namespace"],
    ["/webhook//", 400, "invalid_webhook_id"],
    ["/webhook/", 400, "invalid_webhook_id"],
    ["/webhook/orders%2F", 400, "invalid_webhook_id"],
    ["/webhook/nobody/", 404, "webhook_not_found"],
    ["/webhook/shop/nobody/", 404, "webhook_not_found"],
  ];
  for (const [path, status, code] of cases) {
    await t.step(`${path} gets ${status} ${code}`, async () => {
      // Byte by byte: a client would tidy the path up.
      await using connection = await RawHttpConnection.open(gateway.port);
      await connection.write(formatRequest("POST", path, { body: "{}" }));
      const answer = await connection.readResponse();
      assertEquals([answer.status, errorCode(answer)], [status, code]);
    });
  }
});

Deno.test("the name of a namespace with a slash behind it is a webhook's name", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe);
  assertEquals((await gateway.post("/webhook/team-a/", "{}")).status, 200);
  assertEquals(probe.events.map(({ namespace, webhook }) => `${namespace}/${webhook}`), ["shop/team-a"]);
});

Deno.test("a URL with a slash leads nowhere once its webhook is gone", async () => {
  await using gateway = await start();
  assertEquals((await gateway.post("/webhook/orders/", "{}")).status, 200);
  await gateway.writeWebhooks({ other: { module: "log" } });
  await gateway.reload();
  assertEquals((await gateway.post("/webhook/orders/", "{}")).status, 404);
});
