import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { compileAuthenticator } from "../../../../src/auth/authenticator.ts";
import { basicAuth } from "../../../../src/auth/verifiers/basic_auth.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { authenticate } from "../../../contracts/verifier.ts";
import { findingsOf } from "../../../support/findings.ts";
import { TestGateway } from "../../../support/gateway.ts";

const EMPTY = new Uint8Array();

function passes(config: unknown, authorization: string): Promise<boolean> {
  const authenticator = compileAuthenticator([basicAuth.compile(basicAuth.configSchema.parse(config))]);
  return authenticate(authenticator, [["authorization", authorization]], EMPTY).then(() => true, (error) => {
    assert(error instanceof GatewayError);
    return false;
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

Deno.test("basic_auth takes the examples of RFC 7617", async () => {
  const aladdin = { username: "Aladdin", password: "open sesame" };
  assert(await passes(aladdin, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
  assert(await passes({ username: "test", password: "123£" }, "Basic dGVzdDoxMjPCow=="));
});

Deno.test("basic_auth takes the scheme in any case and with several spaces behind it", async () => {
  const config = { username: "a", password: "b" };
  for (const scheme of ["Basic ", "basic ", "BASIC ", "bAsIc   "]) {
    assert(await passes(config, scheme + base64("a:b")), scheme);
  }
  for (const scheme of ["Basic", "Basic\t", "Bearer ", "Basic, ", "xBasic ", ""]) {
    assert(!await passes(config, scheme + base64("a:b")), `let '${scheme}' in`);
  }
});

Deno.test("basic_auth splits at no colon but the first: a password may have more", async () => {
  const config = { username: "a", password: "b:c" };
  assert(await passes(config, `Basic ${base64("a:b:c")}`));
  for (const text of ["a:b", "a:bc", "ab:c", "a::b:c", ":a:b:c"]) {
    assert(!await passes(config, `Basic ${base64(text)}`));
  }
});

Deno.test("basic_auth refuses every change of a single bit of the header", async () => {
  const config = { username: "shop", password: "pass word 1" };
  const right = `Basic ${base64("shop:pass word 1")}`;
  for (let index = 0; index < right.length; index++) {
    for (let bit = 0; bit < 7; bit++) {
      const changed = String.fromCharCode(right.charCodeAt(index) ^ (1 << bit));
      // The scheme is not case-sensitive; of control characters no header is made.
      if (changed < " " || (index < 5 && bit === 5) || changed === "\x7f") continue;
      const header = right.slice(0, index) + changed + right.slice(index + 1);
      assert(!await passes(config, header), header);
    }
  }
});

Deno.test("basic_auth takes one spelling of the credentials alone", async () => {
  const config = { username: "shop", password: "pass?>word" };
  const right = base64("shop:pass?>word");
  const nearly = [
    right.replaceAll("+", "-").replaceAll("/", "_"),
    right.replace(/=+$/, ""),
    `${right.slice(0, 4)} ${right.slice(4)}`,
    `${right}=`,
    `${right},`,
    `"${right}"`,
    Buffer.from("shop:pass?>word\0").toString("base64"),
    Buffer.from("\ufeffshop:pass?>word").toString("base64"),
  ].filter((text) => text !== right);
  for (const text of nearly) assert(!await passes(config, `Basic ${text}`), text);
});

Deno.test("basic_auth refuses Latin-1, and says in its challenge that it takes UTF-8", async () => {
  const config = { username: "shop", password: "gr\u00fcn" };
  assert(await passes(config, `Basic ${base64("shop:gr\u00fcn")}`));
  assert(!await passes(config, `Basic ${Buffer.from("shop:gr\u00fcn", "latin1").toString("base64")}`));
  const authenticator = compileAuthenticator([basicAuth.compile(basicAuth.configSchema.parse(config))]);
  for (const headers of [[], [["authorization", "Basic"]], [["authorization", "Bearer a"]]]) {
    const attempt = () => authenticate(authenticator, headers as [string, string][], EMPTY);
    const error = await assertRejects(attempt, GatewayError);
    assertEquals([error.status, error.headers?.["WWW-Authenticate"]], [
      401,
      'Basic realm="webhook", charset="UTF-8"',
    ]);
  }
});

Deno.test("basic_auth without a name or a password, or with one that cannot be sent, is a problem", async () => {
  const right = { username: "a", password: "b" };
  const wrong: Record<string, unknown> = {
    empty_name: { ...right, username: "" },
    blank_password: { ...right, password: " " },
    no_password: { username: "a" },
    colon: { ...right, username: "a:b" },
    control: { ...right, password: "a\u0007b" },
    unset: { ...right, password: "{$NOT_SET_ANYWHERE}" },
    unknown: { ...right, realm: "a" },
    nothing: null,
  };
  const webhooks = Object.fromEntries(
    Object.entries(wrong).map(([id, value]) => [id, { module: "log", basic_auth: value }]),
  );
  const { problems } = await findingsOf({ webhooks });
  assertEquals(Object.keys(problems).sort(), Object.keys(wrong).map((id) => `webhook default/${id}`).sort());
  assertEquals(problems["webhook default/colon"], [
    "basic_auth.username: Must not hold ':' or control characters (RFC 7617, section 2) (schema)",
  ]);
});

Deno.test("basic_auth lets curl in with --basic and --anyauth, and not with another password", async () => {
  const username = "zürich";
  await using gateway = await TestGateway.start({
    webhooks: { a: { module: "log", basic_auth: { username, password: "ge:heim" } } },
  });
  const statusOf = async (...options: string[]) => {
    const { stdout } = await new Deno.Command("curl", {
      args: ["--silent", "--max-time", "30", "--output", "/dev/null", "--write-out", "%{http_code}"]
        .concat(options, ["--json", "{}", gateway.url("/webhook/a")]),
    }).output();
    return new TextDecoder().decode(stdout);
  };
  assertEquals(await statusOf("--basic", "--user", `${username}:ge:heim`), "200");
  assertEquals(await statusOf("--anyauth", "--user", `${username}:ge:heim`), "200");
  assertEquals(await statusOf("--basic", "--user", `${username}:geheim`), "401");
  assertEquals(await statusOf(), "401");
});
