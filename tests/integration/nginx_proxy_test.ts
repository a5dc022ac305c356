import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { clientCertificateContract } from "../support/proxies/client_certificate_contract.ts";
import { proxyContract } from "../support/proxies/proxy_contract.ts";
import { nginx, verifyingNginx } from "../support/proxies/proxy_programs.ts";
import { ReverseProxy } from "../support/proxies/reverse_proxy.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { RelayWorld } from "../support/relay/world.ts";

// It does not ask gateways whether they are ready: it sends to one until that no longer listens.
proxyContract(nginx, { graceMs: 200 });
clientCertificateContract(verifyingNginx);

/** As nginx is without the lines for WebSockets. */
function withoutUpgrade(configuration: string): string {
  return configuration.replace(/^ *proxy_set_header (Upgrade|Connection) \$.*$/gm, "");
}

/** A proxy that hands answers on when they are whole, as those that look for viruses do. */
function startStoringProxy(port: number): AsyncDisposable & { readonly url: string } {
  const onError = () => new Response(null, { status: 502 });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError },
    async (request) => {
      const { method, signal } = request;
      const headers = new Headers(request.headers);
      for (const name of ["upgrade", "connection"]) headers.delete(name);
      const { pathname, search } = new URL(request.url);
      const body = method === "POST" ? await request.arrayBuffer() : null;
      const answer = await fetch(`http://127.0.0.1:${port}${pathname}${search}`, {
        method,
        headers,
        body,
        signal,
      });
      return new Response(await answer.arrayBuffer(), answer);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("a connector that a proxy lets no WebSocket through says what the proxy lacks", async () => {
  await using log = RecordedLog.start("info");
  await using world = await RelayWorld.start();
  const { port } = world.gateway;
  await using proxy = await ReverseProxy.start(nginx, [port, port], withoutUpgrade);
  await using _connector = await world.connector({ cloud_url: proxy.url });
  await eventually(async () => {
    const refused = (await log.records()).findLast(({ message }) =>
      String(message).startsWith("Cannot connect")
    );
    const reason = String(refused?.["reason"]);
    assertStringIncludes(reason, "a proxy in between does not pass on the headers 'Upgrade'");
    assertStringIncludes(reason, "set `protocol` to `auto`");
  });
});

for (const kind of ["Server-Sent Events", "long poll"] as const) {
  Deno.test(`a connector with the protocol auto goes on with ${kind} where nothing better comes through`, async () => {
    await using log = RecordedLog.start("info");
    await using world = await RelayWorld.start({ channel: { heartbeat_interval_seconds: 10 } });
    const { port } = world.gateway;
    await using proxy = kind === "long poll"
      ? startStoringProxy(port)
      : await ReverseProxy.start(nginx, [port, port], withoutUpgrade);
    await using _connector = await world.connector({ cloud_url: proxy.url, protocol: "auto" });
    await world.send(3);
    await eventually(() => assertEquals(world.received(), [0, 1, 2]));
    // A machine that is slow may cost connections, which are warnings too.
    const notes = (await log.records()).filter(({ category, level, kind }) =>
      category === "cwm.connector" && level === "warning" && kind !== undefined
    );
    assertEquals(new Set(notes.map((note) => note["kind"])), new Set([kind]));
    assertMatch(String(notes[0]?.["reason"]), /^WebSocket: .* a proxy in between does not pass on/);
  });
}

Deno.test("a connector with the protocol auto uses WebSocket where it comes through, and obeys a no", async () => {
  await using log = RecordedLog.start("info");
  await using world = await RelayWorld.start({ channel: { max_connections: 1 } });
  await using first = await world.connector({ protocol: "auto", connector_id: "one" });
  await first.connected();
  await using _second = await world.connector({ protocol: "auto", connector_id: "two" });
  await eventually(async () => {
    const [note] = (await log.records()).filter(({ level, reason }) =>
      level === "warning" && reason !== undefined
    );
    assertMatch(String(note?.["reason"]), /\(too_many_connections\)$/);
  });
});

Deno.test("an ip_whitelist behind nginx without the line for X-Forwarded-For refuses everybody", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { a: { module: "log", ip_whitelist: ["127.0.0.1"], trusted_proxies: ["127.0.0.1"] } },
  });
  const post = async (configure: (text: string) => string, headers: Record<string, string> = {}) => {
    await using proxy = await ReverseProxy.start(nginx, [gateway.port, gateway.port], configure);
    const answer = await fetch(`${proxy.url}/webhook/a`, { method: "POST", body: "{}", headers });
    await answer.body?.cancel();
    return answer.status;
  };
  const withoutLine = (text: string) => text.replace(/^ *proxy_set_header X-Forwarded-For .*$/gm, "");
  assertEquals(await post(withoutLine), 403);
  assertEquals(await post(withoutLine, { "X-Real-IP": "127.0.0.1", Forwarded: "for=127.0.0.1" }), 403);
  assertEquals(await post((text) => text), 200);
});
