import { assert, assertEquals } from "@std/assert";
import { errorCode, TestGateway } from "../../../support/gateway.ts";
import { ecKey, inAnHour, keyToken, part } from "../../../support/jose/tokens.ts";

/** Most batches of forged tokens that are sent: checking those of a few takes more time than it may. */
const MAX_BATCHES = 100;

Deno.test("tokens that strangers forge, each of them new, do not keep out whose token is known", async () => {
  const key = ecKey("P-521");
  const jwt = { secret: key.pem, algorithm: "ES512" };
  await using gateway = await TestGateway.start({ webhooks: { a: { module: "log", jwt } } });
  const send = (token: string) => gateway.post("/webhook/a", "{}", { authorization: `Bearer ${token}` });
  const token = keyToken(key, "ES512", { exp: inAnHour() });
  assertEquals((await send(token)).status, 200);
  const [head, , signature] = token.split(".");
  const statuses = new Set<number>();
  for (let batch = 0; batch < MAX_BATCHES && !statuses.has(503); batch++) {
    const sending = Array.from({ length: 50 }, (_, index) => {
      return send(`${head}.${part({ exp: inAnHour(), jti: `${batch} ${index}` })}.${signature}`);
    });
    for (const answer of await Promise.all(sending)) {
      statuses.add(answer.status);
      if (answer.status !== 503) continue;
      // So many that checking them would take too much of the time: the rest is not even checked.
      assertEquals([errorCode(answer), answer.headers.get("retry-after")], [
        "authentication_unavailable",
        "1",
      ]);
    }
    assertEquals((await send(token)).status, 200);
  }
  assert(statuses.has(401) && statuses.has(503) && statuses.size === 2, [...statuses].join());
});
