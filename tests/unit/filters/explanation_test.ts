/** What operators are shown of an event, by the gateway and by `cwm filter`. */

import { assert, assertEquals } from "@std/assert";
import { TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";

const ADMIN_TOKEN = "a-token-for-this-test";
const AUTHORIZATION = { authorization: `Bearer ${ADMIN_TOKEN}` };
const ON_MAIN = "headers['x-github-event'] == 'push' && body.ref == 'refs/heads/main'";

const WEBHOOKS = {
  code: {
    filter: ON_MAIN,
    chain: [
      { module: "probe", when: "body.n > 1", payload: { build: { n: "body.n" } } },
      { module: "probe", otherwise: true, payload: { drop: ["/email"] } },
    ],
  },
  broken: { module: "probe", filter: "body.n.size() == 1" },
};

async function ask(gateway: TestGateway, question: unknown) {
  const answer = await gateway.request("/admin/filter", {
    method: "POST",
    headers: AUTHORIZATION,
    body: typeof question === "string" ? question : JSON.stringify(question),
  });
  return { status: answer.status, said: JSON.parse(answer.text) };
}

Deno.test("an operator sees each clause, what is absent, the steps that would run and what they get", async () => {
  const probe = new ProbeModule();
  await using gateway = await TestGateway.start({
    webhooks: WEBHOOKS,
    modules: [probe.module],
    environment: { ADMIN_TOKEN },
  });
  const headers = { "X-GitHub-Event": "push" };
  const { said: missing } = await ask(gateway, {
    webhook: "default/code",
    headers,
    body: { zen: "secret words", hook_id: 7 },
  });
  assertEquals(missing.outcome, "filtered");
  assertEquals(missing.filter.result, "missing_field");
  assertEquals(
    missing.filter.clauses.map(({ text, value }: { text: string; value: unknown }) => [text, value])[0],
    [
      "headers['x-github-event'] == 'push'",
      true,
    ],
  );
  const [absent] = missing.filter.clauses[1].absent;
  assertEquals([absent.path, absent.members], ["body.ref", ["zen", "hook_id"]]);
  assert(!JSON.stringify(missing).includes("secret words"));
  assert(missing.filter.steps > 0 && missing.filter.budget === 100_000);

  const { said: passing } = await ask(
    gateway,
    `{"webhook":"default/code","headers":{"X-GitHub-Event":"push"},"body":{"ref":"refs/heads/main","n":12345678901234567890}}`,
  );
  assertEquals(passing.outcome, "passes");
  assertEquals(
    passing.steps.map(({ name, runs, payload }: Record<string, unknown>) => [name, runs, payload]),
    [
      ["0 probe", true, '{"n":12345678901234567890}'],
      ["1 probe", false, undefined],
    ],
  );

  const { said: other } = await ask(gateway, {
    webhook: "default/code",
    headers,
    body: { ref: "refs/heads/main", n: 1, email: "a@b" },
  });
  assertEquals(other.steps[1].payload, '{"ref":"refs/heads/main","n":1}');
  const { said: broken } = await ask(gateway, { webhook: "default/broken", body: { n: 1 } });
  assertEquals([broken.outcome, broken.filter.result], ["error", "error"]);
  assertEquals(probe.events, []);
  const { text: metrics } = await gateway.request("/metrics");
  assert(!metrics.includes("cwm_filter_results_total{"), "questions are counted");
  assertEquals((await ask(gateway, { webhook: "default/nobody", body: {} })).status, 404);
  assertEquals((await ask(gateway, "{")).status, 400);
  assertEquals((await ask(gateway, { webhook: "default/code", body_base64: btoa("{") })).status, 400);
  assertEquals((await gateway.request("/admin/filter", { method: "POST", body: "{}" })).status, 401);
});
