import { assert, assertEquals, assertRejects } from "@std/assert";
import { authorization } from "../../../../src/auth/verifiers/authorization.ts";
import { compileAuthenticator } from "../../../../src/auth/authenticator.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { authenticate } from "../../../contracts/verifier.ts";

const EMPTY = new Uint8Array();

function authenticatorFor(expected: string) {
  return compileAuthenticator([authorization.compile(authorization.configSchema.parse(expected))]);
}

Deno.test("authorization reads no body", () => {
  assertEquals(authenticatorFor("Bearer token").readsBody, false);
});

Deno.test("authorization challenges in the configured scheme for missing and for wrong credentials", async () => {
  const challenges = {
    "Bearer abc": "Bearer",
    "bearer abc": "Bearer",
    "Basic YTpi": 'Basic realm="webhook"',
    "Token abc": undefined,
    "Bearerabc": undefined,
    "abc": undefined,
  };
  for (const [expected, challenge] of Object.entries(challenges)) {
    for (const headers of [[], [["authorization", "wrong"]]] as [string, string][][]) {
      const attempt = () => authenticate(authenticatorFor(expected), headers, EMPTY);
      const error = await assertRejects(attempt, GatewayError);
      assertEquals(error.status, 401);
      assertEquals(error.headers?.["WWW-Authenticate"], challenge, `for '${expected}'`);
    }
  }
});

Deno.test("authorization does not take a value that no request can have, or one without credentials", () => {
  for (const value of ["Bearer ", " Bearer abc", "Bearer abc\n", "Bearer", "basic"]) {
    assert(!authorization.configSchema.safeParse(value).success, `took ${JSON.stringify(value)}`);
  }
});

Deno.test("authorization lets characters outside of ASCII in as a server receives them in UTF-8", async () => {
  const authenticator = authenticatorFor("Bearer p\u00e4ssw\u00f6rd");
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const value = request.headers.get("authorization") ?? "";
    const event = await authenticate(authenticator, [["authorization", value]], EMPTY);
    return new Response(event.id);
  });
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
  const head =
    "GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer p\u00e4ssw\u00f6rd\r\nConnection: close\r\n\r\n";
  await connection.write(new TextEncoder().encode(head));
  const answer = new Uint8Array(12);
  await connection.read(answer);
  assertEquals(new TextDecoder().decode(answer), "HTTP/1.1 200");
});
