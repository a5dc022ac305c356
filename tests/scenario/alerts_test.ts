import { assertEquals, assertStringIncludes } from "@std/assert";
import { Alerting } from "../support/grafana/alerting.ts";
import { HttpTarget } from "../support/http/target.ts";
import { TestGateway } from "../support/gateway.ts";

Deno.test("Alertmanager reports an output that fails until it is back, and calls to no webhook", async () => {
  await using target = await HttpTarget.start();
  target.answer({ status: 500 });
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: {
        module: "http_webhook",
        accept: "durable",
        retry: { initial_delay: 0.1, max_delay: 0.2, max_attempts: 1_000 },
        "module-config": { url: `${target.url}?key=secret`, allowed_hosts: ["127.0.0.1"] },
      },
    },
  });
  const place = new URL(gateway.url("/")).host;
  await using alerting = await Alerting.start(place);
  await gateway.post("/webhook/orders", "{}");
  const { labels, annotations } = await alerting.sent("OutputDown", "firing");
  const { origin } = new URL(target.url);
  assertEquals([labels["module"], labels["destination"], labels["instance"]], [
    "http_webhook",
    origin,
    place,
  ]);
  assertStringIncludes(annotations["summary"] ?? "", `${origin} is down`);

  await gateway.post("/webhook/odrers", "{}");
  assertEquals((await alerting.sent("WebhookUnknown", "firing")).labels["instance"], place);

  target.answer({ status: 200 });
  await alerting.sent("OutputDown", "resolved");
  assertEquals(JSON.stringify(alerting.alerts).includes("key=secret"), false);
});
