import { assertEquals } from "@std/assert";
import { TestGateway } from "../support/gateway.ts";
import { HttpTarget } from "../support/http/target.ts";
import { installPythonPackage } from "../support/python_package.ts";
import { runPython } from "../support/python.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEXT_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const THIRD_SECRET = "whsec_" + new Uint8Array(64).fill(7).toBase64();

const LIBRARY = {
  name: "standardwebhooks",
  version: "1.1.0",
  sha256: "9a88d48a1f198be61517fc7ad328cf58ba02b73f0fbd8941d4213e9c0b6c2a61",
};

const BODIES = [
  '{"order":1}',
  '{"name":"Zoë 🎉 \u2028"}',
  " ",
  "no JSON",
  JSON.stringify({ text: "x".repeat(100_000) }),
];

Deno.test("the Python library of Standard Webhooks takes signed deliveries and no changed ones", async () => {
  await using target = await HttpTarget.start();
  const config = { url: target.url, allowed_hosts: ["127.0.0.1"], sign: { secret: [SECRET, NEXT_SECRET] } };
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: { module: "http_webhook", accept: "delivered", data_type: "blob", "module-config": config },
    },
  });
  for (const body of BODIES) assertEquals((await gateway.post("/webhook/orders", body)).status, 200);
  const deliveries = target.requests.flatMap(({ headers, text }) => {
    const delivery = { headers: Object.fromEntries(headers), body: text };
    return [
      { ...delivery, secret: SECRET },
      { ...delivery, secret: NEXT_SECRET },
      { ...delivery, secret: THIRD_SECRET },
      { ...delivery, secret: SECRET, body: text + " " },
      { ...delivery, secret: SECRET, headers: { ...delivery.headers, "webhook-id": "another" } },
    ];
  });
  const path = await installPythonPackage(LIBRARY);
  const verdicts = JSON.parse(
    await runPython("python_standard_webhooks.py", JSON.stringify({ path, deliveries })),
  );
  const refused = "WebhookVerificationError";
  assertEquals(verdicts, BODIES.flatMap(() => ["", "", refused, refused, refused]));
});
