/** The verifiers `oauth2` and `jwt`, and outputs that log in, with an issuer that is not of this project: `npm:oidc-provider`. */

import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { errorCode, TestGateway } from "../support/gateway.ts";
import { ChildProcess } from "../support/process/child_process.ts";
import { REPOSITORY } from "../support/repository.ts";

const RESOURCE = "urn:orders";

/** The provider, and what its client does there. */
class OidcProvider implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly url: string;

  private constructor(process: ChildProcess, url: string) {
    this.#process = process;
    this.url = url;
  }

  static async start(): Promise<OidcProvider> {
    const program = join(REPOSITORY, "tests/support/jose/oidc_provider_program.ts");
    const args = ["run", "--frozen", "--no-check", "--allow-all", program, RESOURCE];
    const process = ChildProcess.spawn(Deno.execPath(), { args, cwd: REPOSITORY });
    try {
      const [, url] = await process.waitForLine(/^listening on (.*)/);
      return new OidcProvider(process, url!);
    } catch (error) {
      await process[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** An access token with a scope: opaque, or signed for the resource. */
  async issue(scope: string, resource?: string): Promise<string> {
    const more = resource === undefined ? {} : { resource };
    const { access_token } = await this.#post("/token", { grant_type: "client_credentials", scope, ...more });
    return access_token!;
  }

  async revoke(token: string): Promise<void> {
    await this.#post("/token/revocation", { token });
  }

  async #post(path: string, form: Record<string, string>): Promise<Record<string, string>> {
    const response = await fetch(this.url + path, {
      method: "POST",
      headers: { authorization: `Basic ${btoa("shop:shop-secret")}` },
      body: new URLSearchParams(form),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
    return text === "" ? {} : JSON.parse(text) as Record<string, string>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

Deno.test("a real issuer is asked about its tokens, and publishes the keys of those that it signs", async () => {
  const issuer = await OidcProvider.start();
  await using resources = new AsyncDisposableStack();
  resources.use(issuer);
  const hosts = { allowed_hosts: ["127.0.0.1"] };
  const asking = {
    ...{
      introspection_endpoint: `${issuer.url}/token/introspection`,
      required_scope: "orders:write",
      ...hosts,
    },
    ...{ client_id: "gateway", client_secret: "gateway secret:+", issuer: issuer.url },
  };
  const signed = { jwks_url: `${issuer.url}/jwks`, issuer: issuer.url, audience: RESOURCE, ...hosts };
  const gateway = resources.use(
    await TestGateway.start({
      webhooks: {
        asks: { module: "log", oauth2: { ...asking, cache_ttl: 0 } },
        remembers: { module: "log", oauth2: { ...asking, cache_ttl: 300 } },
        stranger: { module: "log", oauth2: { ...asking, client_secret: "wrong" } },
        signed: { module: "log", jwt: signed },
        scoped: { module: "log", oauth2: { ...signed, required_scope: ["orders:write"] } },
      },
    }),
  );
  const send = (webhook: string, token: string) =>
    gateway.post(`/webhook/${webhook}`, "{}", { authorization: `Bearer ${token}` });
  const statusesOf = async (token: string) => {
    const answers: number[] = [];
    for (const id of ["asks", "remembers", "signed", "scoped"]) answers.push((await send(id, token)).status);
    return answers;
  };

  const opaque = await issuer.issue("orders:write");
  assertEquals(await statusesOf(opaque), [200, 200, 401, 401]);
  assertEquals(await statusesOf(await issuer.issue("orders:read")), [403, 403, 401, 401]);
  assertEquals(await statusesOf(`${opaque}x`), [401, 401, 401, 401]);

  const token = await issuer.issue("orders:write", RESOURCE);
  assertMatch(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  assertEquals((await statusesOf(token)).slice(2), [200, 200]);
  assertEquals((await statusesOf(await issuer.issue("orders:read", RESOURCE))).slice(2), [200, 403]);
  assertEquals((await statusesOf(`${token.slice(0, -4)}AAAA`)).slice(2), [401, 401]);

  const oauth2 = { token_url: `${issuer.url}/token`, client_id: "shop", client_secret: "shop-secret" };
  const config = { url: gateway.url("/webhook/asks"), ...hosts };
  const out = (more: object) => ({
    module: "http_webhook",
    accept: "delivered",
    "module-config": { ...config, auth: { oauth2: { ...oauth2, ...more } } },
  });
  const webhooks = {
    writing: out({ scope: "orders:write" }),
    reading: out({ scope: "orders:read" }),
    unknown: out({ client_secret: "wrong" }),
  };
  const sender = resources.use(
    await TestGateway.start({ webhooks, environment: { DELIVERY_BUDGET_MS: "100" } }),
  );
  assertEquals((await sender.post("/webhook/writing", "{}")).status, 200);
  assertEquals(errorCode(await sender.post("/webhook/reading", "{}")), "output_failed");
  assertEquals(errorCode(await sender.post("/webhook/unknown", "{}")), "output_unavailable");

  const unasked = await send("stranger", opaque);
  assertEquals([unasked.status, errorCode(unasked)], [503, "authentication_unavailable"]);

  await issuer.revoke(opaque);
  assertEquals((await statusesOf(opaque)).slice(0, 2), [401, 200]);

  await issuer[Symbol.asyncDispose]();
  const later = await send("asks", opaque);
  assertEquals([later.status, errorCode(later)], [503, "authentication_unavailable"]);
  assertEquals([(await send("remembers", opaque)).status, (await send("signed", token)).status], [200, 200]);
});
