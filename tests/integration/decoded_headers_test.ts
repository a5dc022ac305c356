import { assertEquals } from "@std/assert";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { TestGateway } from "../support/gateway.ts";
import { HttpTarget, type RecordedRequest } from "../support/http/target.ts";
import { gatewayWebhooks, RelayWorld } from "../support/relay/world.ts";

/** Headers that describe the bytes of the body that they came with. */
const DIGESTS = {
  "content-digest": "sha-256=:d435Qo+nKZ+gLcUHn7GQtQ72hiBVAgqoLsZnZPiTGPk=:",
  "repr-digest": "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
  "digest": "SHA-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=",
  "content-md5": "2FeVphu7pfXhXVW+XD5clw==",
};

const JSON_TYPE = "application/json; profile=a";

/** How a body is sent, whether that leaves it as it is, and the Content-Type that it arrives with. */
const SENDINGS: readonly [name: string, body: Uint8Array, headers: Record<string, string>, kept: boolean][] =
  [
    ["as it is", bytes(`{"n":1}`), {}, true],
    ["as UTF-8", bytes(`{"n":"é"}`), { "content-type": "application/json; profile=a; charset=UTF-8" }, true],
    ["with the coding identity", bytes(`{"n":2}`), { "content-encoding": "identity" }, true],
    ["with a coding that is none", bytes(`{"n":3}`), { "content-encoding": "UTF-8" }, true],
    ["compressed", gzipSync(`{"n":4}`), { "content-encoding": "gzip" }, false],
    ["compressed twice", brotliCompressSync(gzipSync(`{"n":5}`)), { "content-encoding": "gzip, br" }, false],
    [
      "in another charset",
      Uint8Array.from(`{"n":"\xe9"}`, (character) => character.charCodeAt(0)),
      { "content-type": "application/json; charset=iso-8859-1; profile=a" },
      false,
    ],
  ];

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function sendAll(gateway: TestGateway, path: string): Promise<void> {
  for (const [name, body, headers] of SENDINGS) {
    const answer = await gateway.post(path, body as Uint8Array<ArrayBuffer>, {
      "content-type": JSON_TYPE,
      ...DIGESTS,
      ...headers,
    });
    assertEquals(answer.status, 200, name);
  }
}

function digestsIn(headers: Headers): Record<string, unknown> {
  return Object.fromEntries([...headers].filter(([name]) => name in DIGESTS));
}

function assertArrived(received: readonly { readonly headers: Headers }[]): void {
  for (const [index, [name, , sent, isKept]] of SENDINGS.entries()) {
    const { headers } = received[index]!;
    assertEquals(digestsIn(headers), isKept ? DIGESTS : {}, name);
    const contentType = isKept ? sent["content-type"] ?? JSON_TYPE : JSON_TYPE;
    assertEquals(headers.get("content-type"), contentType, name);
  }
}

/** Ids of one process sort in the order in which events came; requests may overtake each other. */
function inOrderOfEvents(requests: readonly RecordedRequest[]): readonly RecordedRequest[] {
  const idOf = ({ headers }: RecordedRequest) => headers.get("cwm-event-id") ?? "";
  return requests.toSorted((a, b) => idOf(a) < idOf(b) ? -1 : 1);
}

for (const accept of ["delivered", "durable"]) {
  Deno.test(`http_webhook sends digests on with the body that they are of, and no other (${accept})`, async () => {
    await using target = await HttpTarget.start();
    const forward = { url: target.url, forward_headers: true, allowed_hosts: ["127.0.0.1"] };
    await using gateway = await TestGateway.start({
      webhooks: { forward: { module: "http_webhook", accept, "module-config": forward } },
    });
    await sendAll(gateway, "/webhook/forward");
    const inOrder = inOrderOfEvents(await target.waitForRequests(SENDINGS.length));
    assertArrived(inOrder);
    assertEquals(inOrder.map(({ headers }) => headers.get("content-encoding")), SENDINGS.map(() => null));
    assertEquals(inOrder.at(-1)?.text, `{"n":"é"}`);
  });
}

Deno.test("the connector sends digests on with the body that they are of, and with no other", async () => {
  await using world = await RelayWorld.start();
  const { orders } = gatewayWebhooks();
  await world.gateway.writeWebhooks({ orders: { ...orders as Record<string, unknown>, data_type: "json" } });
  await world.gateway.reload();
  await sendAll(world.gateway, "/webhook/orders");
  await using _connector = await world.connector();
  assertArrived(inOrderOfEvents(await world.target.waitForRequests(SENDINGS.length)));
});

Deno.test("headers that are recorded beside a body describe that body", async () => {
  await using gateway = await TestGateway.start({ webhooks: { orders: { module: "log" } } });
  await sendAll(gateway, "/webhook/orders");
  const lines = (await gateway.output()).split("\n").filter((line) => line !== "");
  const recorded = lines.map((line) => JSON.parse(line) as { headers: Record<string, string> });
  assertArrived(recorded.map(({ headers }) => ({ headers: new Headers(headers) })));
  const encodings = recorded.map(({ headers }) => headers["content-encoding"]);
  assertEquals(encodings, [undefined, undefined, "identity", "UTF-8", undefined, undefined, undefined]);
});
