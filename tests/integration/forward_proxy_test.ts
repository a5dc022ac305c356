/** `http_webhook` with servers that are not of this project: tinyproxy on the way, nginx that wants a certificate behind it. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { errorCode, TestGateway } from "../support/gateway.ts";
import { ForwardProxy } from "../support/http/forward_proxy.ts";
import { HttpTarget } from "../support/http/target.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { ChildProcess } from "../support/process/child_process.ts";
import { findProgram } from "../support/process/test_servers.ts";
import { freePort } from "../support/redis/server.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Starts a program that listens on a port, and waits until it does. */
async function startServer(program: string, args: readonly string[], port: number): Promise<ChildProcess> {
  const server = ChildProcess.spawn(await findProgram(program) ?? program, { args });
  await eventually(async () => (await Deno.connect({ hostname: "127.0.0.1", port })).close());
  return server;
}

async function startTinyproxy(
  directory: TempDir,
): Promise<{ readonly port: number; readonly process: ChildProcess }> {
  const port = freePort();
  const file = await directory.writeText(
    "tinyproxy.conf",
    `Port ${port}\nListen 127.0.0.1\nTimeout 60\nLogLevel Connect\nBasicAuth gateway pa55word\n`,
  );
  return { port, process: await startServer("tinyproxy", ["-d", "-c", file], port) };
}

/** An nginx that answers 200 to whoever has a certificate of the authority, and 400 to others. */
async function startNginx(directory: TempDir, certificates: TestCertificates) {
  const port = freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"]
    .map((name) => `${name}_temp_path ${directory.file(name)};`);
  const file = await directory.writeText(
    "nginx.conf",
    `daemon off; master_process off; pid ${directory.file("pid")}; error_log stderr notice;
    events { worker_connections 64; }
    http {
      access_log off; ${temporary.join(" ")}
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${certificates.certificateOf("server")};
        ssl_certificate_key ${certificates.keyOf("server")};
        ssl_client_certificate ${certificates.ca};
        ssl_verify_client on;
        location / { return 200; }
      }
    }\n`,
  );
  return {
    port,
    process: await startServer("nginx", ["-e", "stderr", "-p", directory.path, "-c", file], port),
  };
}

Deno.test("a destination gets the certificate that it wants, through tinyproxy as well", async () => {
  await using resources = new AsyncDisposableStack();
  const directory = resources.use(await TempDir.create());
  const certificates = resources.use(await TestCertificates.create());
  await certificates.issue("server", "DNS:localhost");
  await certificates.issue("gateway", "DNS:gateway");
  await certificates.issue("other", "DNS:other");
  const tinyproxy = await startTinyproxy(directory);
  resources.use(tinyproxy.process);
  const nginx = await startNginx(directory, certificates);
  resources.use(nginx.process);

  const files = { cert: certificates.certificateOf("gateway"), key: certificates.keyOf("gateway") };
  const proxy = `http://gateway:{$PROXY_PASSWORD}@127.0.0.1:${tinyproxy.port}`;
  const out = (config: Readonly<Record<string, unknown>>) => ({
    module: "http_webhook",
    accept: "delivered",
    retry: { enabled: false },
    "module-config": {
      url: `https://localhost:${nginx.port}/`,
      ca: certificates.ca,
      allowed_hosts: ["localhost", "127.0.0.1"],
      ...config,
    },
  });
  const gateway = resources.use(
    await TestGateway.start({
      webhooks: {
        direct: out({ auth: { client_certificate: files } }),
        through: out({
          auth: { client_certificate: { cert: "{$CERT}", key: "{$KEY}" }, bearer: "t" },
          ca: "{$CA}",
          proxy,
        }),
        without: out({ proxy }),
        mixed: out({ auth: { client_certificate: { ...files, key: certificates.keyOf("other") } } }),
        missing: out({ auth: { client_certificate: { ...files, cert: "/no/such/file" } } }),
        distrusting: out({ ca: undefined, auth: { client_certificate: files } }),
        refused: out({ proxy: `http://gateway:other@127.0.0.1:${tinyproxy.port}` }),
      },
      environment: {
        PROXY_PASSWORD: "pa55word",
        CERT: await Deno.readTextFile(files.cert),
        KEY: await Deno.readTextFile(files.key),
        CA: await Deno.readTextFile(certificates.ca),
      },
    }),
  );
  const send = (webhook: string) => gateway.post(`/webhook/${webhook}`, "{}");
  for (const webhook of ["direct", "through"]) assertEquals((await send(webhook)).status, 200, webhook);
  assertStringIncludes(tinyproxy.process.output, `CONNECT localhost:${nginx.port}`);
  assertEquals(errorCode(await send("without")), "output_rejected");
  for (const webhook of ["mixed", "missing", "distrusting", "refused"]) {
    assertEquals(errorCode(await send(webhook)), "output_unavailable", webhook);
  }
});

Deno.test("the program sends by the proxies of its environment, unless a webhook wants none", async () => {
  await using target = await HttpTarget.start();
  await using proxy = await ForwardProxy.start({ login: `Basic ${btoa("gateway:pass word")}` });
  await using directory = await TempDir.create();
  const config = { url: `http://orders.test:${target.port}/hooks` };
  const out = { module: "http_webhook", accept: "delivered", retry: { enabled: false } };
  await directory.writeJson("webhooks.json", {
    through: { ...out, "module-config": config },
    direct: { ...out, "module-config": { ...config, proxy: "none" } },
  });
  const HTTP_PROXY = `http://gateway:pass%20word@127.0.0.1:${proxy.port}`;
  await using gateway = await GatewayProcess.start({ env: { CONFIG_DIR: directory.path, HTTP_PROXY } });
  await gateway.waitUntilReady();
  const statuses: number[] = [];
  for (const webhook of ["through", "direct"]) {
    const answer = await fetch(`${gateway.url}/webhook/${webhook}`, { method: "POST", body: "{}" });
    await answer.body?.cancel();
    statuses.push(answer.status);
  }
  assertEquals(statuses, [200, 503]);
  assertEquals(proxy.asked, [`POST http://orders.test:${target.port}/hooks`]);
});
