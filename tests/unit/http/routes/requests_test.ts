import { assert, assertEquals } from "@std/assert";
import type { ListedRequest } from "../../../../src/http/routes/events/requests.ts";
import { AnsweredRequests } from "../../../../src/http/tail/answered_requests.ts";
import { DeliveryError } from "../../../../src/errors.ts";
import { ProbeModule } from "../../../support/probe_module.ts";
import { logModule } from "../../../../src/modules/log/log.ts";
import { errorCode, TestGateway } from "../../../support/gateway.ts";

const ADMIN_TOKEN = "a-token-for-this-test";

interface Page {
  readonly since: string;
  readonly requests: readonly ListedRequest[];
  readonly others: number;
}

async function list(gateway: TestGateway, query = ""): Promise<Page> {
  const { status, text } = await gateway.request(`/admin/requests${query}`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  assertEquals(status, 200, text);
  return JSON.parse(text);
}

const outcomes = ({ requests }: Page) => requests.map(({ webhook, outcome }) => `${webhook} ${outcome}`);

Deno.test("the last requests of a webhook are listed, whatever became of them, and why", async () => {
  const probe = new ProbeModule();
  probe.behaviour = () => new DeliveryError("output_rejected", "It does not want this one");
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: { module: "log", filter: "body.wanted" },
      guarded: { module: "log", authorization: "Bearer the-secret-of-the-sender" },
      dead: { module: "probe", accept: "delivered" },
    },
    modules: [logModule, probe.module],
    environment: { ADMIN_TOKEN },
  });
  const before = await list(gateway);
  assertEquals(before.requests, []);
  assert(Date.parse(before.since) <= Date.now());
  await gateway.post("/webhook/orders", '{"wanted":true}');
  await gateway.post("/webhook/orders", '{"wanted":false}');
  await gateway.post("/webhook/orders", "{");
  await gateway.post("/webhook/guarded", "{}", { authorization: "Bearer another" });
  await gateway.post("/webhook/dead", "{}");
  await gateway.post("/webhook/nothing", "{}");
  const page = await list(gateway);
  assertEquals(outcomes(page).toSorted(), [
    "dead output_rejected",
    "guarded unauthorized",
    "orders accepted",
    "orders filtered",
    "orders invalid_json",
  ]);
  const [accepted] = (await list(gateway, "?outcome=accepted")).requests;
  assertEquals(
    [accepted?.status, accepted?.bytes, accepted?.client, accepted?.reason],
    [200, '{"wanted":true}'.length, null, null],
  );
  assert(accepted !== undefined && accepted.ms !== null && accepted.ms >= 0 && accepted.id !== "");
  const [failed] = (await list(gateway, "?webhook=default/dead")).requests;
  assert(failed !== undefined && failed.status >= 500 && failed.reason === "It does not want this one");
  const refused = await list(gateway, "?refused=true&webhook=default/guarded");
  assertEquals(refused.requests.map(({ client, status, ms }) => [client, status, ms]), [[
    "127.0.0.1",
    401,
    null,
  ]]);
  assertEquals((await list(gateway, "?namespace=other")).requests, []);
  const short = await list(gateway, "?limit=2");
  assertEquals([short.requests.length, short.others], [2, 3]);
});

Deno.test("a request is asked for by names that are known, or not at all", async () => {
  await using gateway = await TestGateway.start({ webhooks: {}, environment: { ADMIN_TOKEN } });
  for (const query of ["?webhook=orders", "?refused=no", "?limit=0", "?color=red", "?outcome=a&outcome=b"]) {
    const answer = await gateway.request(`/admin/requests${query}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    assertEquals([answer.status, errorCode(answer)], [400, "invalid_query"], query);
  }
});

Deno.test("of each webhook the last 20 are kept, of the 1,000 that were asked last", () => {
  const kept = new AnsweredRequests();
  const note = (path: string, id: number) =>
    kept.note(path, "accepted", { id: `${id}`, at: id, ms: 1, status: 200, bytes: 2 }, undefined);
  for (let id = 1; id <= 45; id++) note("a/one", id);
  const ids = kept.list(({ path }) => path === "a/one").map(({ id }) => Number(id));
  assertEquals(ids, Array.from({ length: 20 }, (_, index) => 45 - index));
  for (let id = 0; id < 3_000; id++) {
    note(`a/other-${id}`, id);
    note("a/one", 100 + id);
  }
  assertEquals(
    kept.list(({ path }) => path === "a/one").length,
    20,
    "one that is asked again and again stays",
  );
  assertEquals(new Set(kept.list(() => true).map(({ path }) => path)).size, 1_000);
  kept.forget("a/one");
  assertEquals(kept.list(({ path }) => path === "a/one"), []);
});
