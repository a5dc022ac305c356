import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { dirname } from "@std/path";
import { check } from "../../src/cli/check.ts";
import { StartupError } from "../../src/errors.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { spawnProgram } from "../support/process/gateway_process.ts";
import { TestGateway } from "../support/gateway.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

/** The pair that a gateway serves, in files that can be replaced, and what has been issued for `localhost`. */
class Pair implements AsyncDisposable {
  private constructor(
    readonly certificates: TestCertificates,
    readonly environment: Readonly<Record<string, string>>,
  ) {}

  static async create(): Promise<Pair> {
    const certificates = await TestCertificates.create();
    await certificates.issue("first", "DNS:localhost");
    const environment = { TLS_CERT: certificates.certificateOf("tls"), TLS_KEY: certificates.keyOf("tls") };
    const pair = new Pair(certificates, { ...environment, ADMIN_TOKEN });
    await pair.replaceBy("first");
    return pair;
  }

  /** Replaces both files one after the other, as renewals do. @param key whose key, where it is another one's */
  async replaceBy(name: string, key = name): Promise<void> {
    const { TLS_CERT, TLS_KEY } = this.environment;
    for (
      const [from, to] of [[this.certificates.certificateOf(name), TLS_CERT!], [
        this.certificates.keyOf(key),
        TLS_KEY!,
      ]] as const
    ) {
      await Deno.copyFile(from, `${to}.new`);
      await Deno.rename(`${to}.new`, to);
    }
  }

  async issue(name: string): Promise<void> {
    await this.certificates.issue(name, "DNS:localhost");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.certificates[Symbol.asyncDispose]();
  }
}

async function run(program: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args], stdin: "null" })
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, output: text(stdout) + text(stderr) };
}

/** Asks by curl, which trusts the authority of the tests alone. */
function curl(gateway: TestGateway, { certificates }: Pair, path: string, ...args: string[]) {
  const url = `https://localhost:${gateway.port}${path}`;
  return run("curl", ["--silent", "--show-error", "--ipv4", "--cacert", certificates.ca, ...args, url]);
}

/** The subject of the certificate that a new connection is shown, and the protocol that was agreed on. */
async function shown(
  gateway: TestGateway,
  ...args: string[]
): Promise<{ subject: string; protocol: string }> {
  const connect = ["s_client", "-connect", `127.0.0.1:${gateway.port}`, "-servername", "localhost", ...args];
  const { output } = await run("openssl", connect);
  return {
    subject: /^subject=CN = (\S+)$/m.exec(output)?.[1] ?? output,
    protocol: /^ALPN protocol: (\S+)$/m.exec(output)?.[1] ?? "",
  };
}

interface Problem {
  readonly key: string;
  readonly code: string;
  readonly message: string;
  readonly serving: string;
}

async function problemsOf(gateway: TestGateway, pair: Pair): Promise<Problem[]> {
  const { output } = await curl(
    gateway,
    pair,
    "/admin/config",
    "--header",
    `authorization: Bearer ${ADMIN_TOKEN}`,
  );
  return (JSON.parse(output) as { problems: Problem[] }).problems
    .map(({ key, code, message, serving }) => ({ key, code, message, serving }));
}

const webhooks = { orders: { module: "log" } };

Deno.test("a gateway with a certificate serves HTTPS and HTTP/2 by ALPN, with HSTS in its answers", async () => {
  await using pair = await Pair.create();
  await using gateway = await TestGateway.start({ webhooks, environment: pair.environment });
  const post = ["--data", "{}", "--include"];
  const first = await curl(gateway, pair, "/webhook/orders", "--http1.1", ...post);
  assertMatch(first.output, /^HTTP\/1\.1 200 OK\r\n/);
  assertMatch(first.output, /^strict-transport-security: max-age=31536000\r$/m);
  const second = await curl(gateway, pair, "/webhook/orders", "--http2", ...post);
  assertMatch(second.output, /^HTTP\/2 200 \r\n/);
  assertMatch(second.output, /^strict-transport-security: max-age=31536000\r$/m);
  const slow = ["--data", "x".repeat(100_000), "--include", "--limit-rate", "100k"];
  for (const body of [post, slow]) {
    const refused = await curl(gateway, pair, "/webhook/none", ...body);
    assertMatch(refused.output, /^HTTP\/2 404 [^]*^strict-transport-security: /m);
  }

  assertEquals(await shown(gateway, "-alpn", "h2,http/1.1"), { subject: "first", protocol: "h2" });
  assertEquals(await shown(gateway, "-alpn", "http/1.1"), { subject: "first", protocol: "http/1.1" });
  assertEquals((await shown(gateway, "-tls1_2")).subject, "first");
  assertStringIncludes(
    (await run("openssl", [
      ...["s_client", "-connect", `127.0.0.1:${gateway.port}`, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"],
    ])).output,
    "Protocol  : TLSv1.1",
  );
});

Deno.test("HSTS says what the settings say, and nothing with an age of 0", async () => {
  await using pair = await Pair.create();
  const headers = async (environment: Readonly<Record<string, string>>) => {
    await using gateway = await TestGateway.start({
      webhooks,
      environment: { ...pair.environment, ...environment },
    });
    const { output } = await curl(gateway, pair, "/livez", "--include");
    return /^strict-transport-security: (.*)\r$/m.exec(output)?.[1];
  };
  const all = { HSTS_MAX_AGE: "600", HSTS_INCLUDE_SUBDOMAINS: "true", HSTS_PRELOAD: "true" };
  assertEquals(await headers(all), "max-age=600; includeSubDomains; preload");
  assertEquals(await headers({ HSTS_MAX_AGE: "0" }), undefined);
});

Deno.test("a changed pair is served, and no request of a steady sender is refused meanwhile", async () => {
  await using pair = await Pair.create();
  await pair.issue("second");
  await using gateway = await TestGateway.start({ webhooks, environment: pair.environment });
  const caCerts = [await Deno.readTextFile(pair.certificates.ca)];
  const url = `https://localhost:${gateway.port}/webhook/orders`;
  const statuses: number[] = [];
  let isDone = false;
  /** Sends one request after the other: with a connection for each, or over one that it keeps. */
  const send = async (keepsConnection: boolean) => {
    using kept = Deno.createHttpClient({ caCerts });
    while (!isDone) {
      using fresh = Deno.createHttpClient({ caCerts, poolMaxIdlePerHost: 0 });
      const client = keepsConnection ? kept : fresh;
      const response = await fetch(url, { method: "POST", body: "{}", client });
      await response.body?.cancel();
      statuses.push(response.status);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const sending = Promise.all([send(true), send(false), send(false)]);
  await eventually(() => assert(statuses.length > 10));
  await pair.replaceBy("second");
  // The former server takes connections, too, for some seconds; then it is gone.
  await eventually(async () => {
    for (let looks = 0; looks < 8; looks++) assertEquals((await shown(gateway)).subject, "second");
  }, { timeoutMs: 60_000 });
  isDone = true;
  await sending;
  assertEquals(statuses.filter((status) => status !== 200), []);
  assertEquals(await problemsOf(gateway, pair), []);
});

Deno.test("a broken pair leaves the former one served, and is a problem until it is mended", async () => {
  await using pair = await Pair.create();
  await pair.issue("second");
  await using gateway = await TestGateway.start({ webhooks, environment: pair.environment });
  const { TLS_CERT = "", TLS_KEY = "" } = pair.environment;
  const assertProblem = async (message: RegExp) => {
    await eventually(async () => {
      const [problem] = await problemsOf(gateway, pair);
      assertEquals([problem?.key, problem?.code, problem?.serving], [
        "TLS_CERT",
        "certificate_invalid",
        "last_good",
      ]);
      assertMatch(problem?.message ?? "", message);
      assert(!problem?.message.includes(TLS_KEY), "The path of the key is shown");
    });
    assertEquals((await shown(gateway)).subject, "first");
  };
  await pair.replaceBy("second", "first");
  await assertProblem(/^TLS_KEY: The key is not that of the certificate/);
  await Deno.writeTextFile(TLS_CERT, "nothing in PEM");
  await assertProblem(/^TLS_CERT: The file holds no certificate in PEM$/);
  await Deno.remove(TLS_KEY);
  await Deno.copyFile(pair.certificates.certificateOf("second"), TLS_CERT);
  await assertProblem(/^TLS_KEY: Cannot read the file/);

  await pair.replaceBy("second");
  await eventually(async () => assertEquals((await shown(gateway)).subject, "second"));
  await eventually(async () => assertEquals(await problemsOf(gateway, pair), []));
});

Deno.test("a gateway whose pair cannot be used does not start, and says why without the key", async () => {
  await using pair = await Pair.create();
  await pair.issue("second");
  await pair.replaceBy("first", "second");
  const error = await assertRejects(
    () => TestGateway.start({ webhooks, environment: pair.environment }),
    StartupError,
  );
  assertEquals(error.code, "settings_invalid");
  assertStringIncludes(error.message, "TLS_KEY: The key is not that of the certificate");
});

Deno.test("a second gateway at the address of one with HTTPS does not start", async () => {
  await using pair = await Pair.create();
  await using gateway = await TestGateway.start({ webhooks, environment: pair.environment });
  const second = () =>
    TestGateway.start({ webhooks, environment: { ...pair.environment, PORT: String(gateway.port) } });
  assertEquals((await assertRejects(second, StartupError)).code, "address_in_use");
});

Deno.test("a metric says when the certificate ends", async () => {
  await using pair = await Pair.create();
  await using gateway = await TestGateway.start({ webhooks, environment: pair.environment });
  const { output } = await curl(gateway, pair, "/metrics");
  const [, ends = ""] = /^cwm_tls_certificate_expires_timestamp_seconds (\d+)$/m.exec(output) ?? [];
  const dates = await run("openssl", [
    "x509",
    "-in",
    pair.environment["TLS_CERT"]!,
    "-noout",
    "-enddate",
  ]);
  assertEquals(Number(ends) * 1000, Date.parse(dates.output.replace("notAfter=", "")));
});

Deno.test("cwm check says what is wrong with the certificate, and cwm healthcheck asks by HTTPS", async () => {
  await using pair = await Pair.create();
  const { environment } = pair;
  const checked = async () => {
    const lines: string[] = [];
    const settings = loadSettings({ CONFIG_DIR: "/nowhere", ...environment }, { logIsTerminal: false });
    const status = await check(settings, environment, { probe: false, print: (line) => lines.push(line) });
    return [status, lines.find((line) => line.startsWith("TLS_CERT"))];
  };
  assertEquals((await checked())[1], undefined);
  await Deno.writeTextFile(environment["TLS_KEY"]!, "no key");
  assertEquals(await checked(), [
    1,
    "TLS_CERT: TLS_KEY: The file holds no private key in PEM, or one with a passphrase (certificate_invalid)",
  ]);
  await pair.replaceBy("first");
  await using gateway = await TestGateway.start({ webhooks, environment });
  const env = { ...environment, HOST: "0.0.0.0", PORT: String(gateway.port) };
  await using program = spawnProgram({ args: ["healthcheck"], env, cwd: dirname(environment["TLS_CERT"]!) });
  assertEquals([(await program.exited).code, program.output.includes("ready")], [0, true]);
});
