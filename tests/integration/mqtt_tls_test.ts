import { assertEquals, assertStringIncludes } from "@std/assert";
import { check } from "../../src/cli/check.ts";
import { mqttModule } from "../../src/modules/mqtt/mqtt.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { MosquittoServer } from "../support/mqtt/server.ts";
import { OpenOutput } from "../support/open_output.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const CONFIG = { topic: "orders" };

Deno.test("mqtt reaches a broker over TLS with files of its own, in keys of either kind", async () => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "IP:127.0.0.1,DNS:mqtt.test");
  await certificates.issue("client", "DNS:client");
  await using broker = await MosquittoServer.start({
    tls: { certificates, name: "server", clientAuth: true },
  });
  const { ca } = certificates;
  const [cert, key] = [certificates.certificateOf("client"), certificates.keyOf("client")];
  const own = { tls: true, tls_ca_cert_file: ca, tls_cert_file: cert, tls_key_file: key };
  const attempts: readonly [settings: object, outcome: string][] = [
    [{ host: "127.0.0.1", tls: { ca, cert, key } }, "delivered"],
    [{ host: "localhost", tls: { ca, cert, key, servername: "mqtt.test" } }, "delivered"],
    [{ host: "127.0.0.1", ...own }, "delivered"],
    [{ host: "127.0.0.1", ...own, tls_ca_cert_file: "", tls_insecure: "true" }, "delivered"],
    [{ host: "127.0.0.1", tls: { ca } }, "output_unavailable"],
    [{ host: "127.0.0.1", tls: { cert, key } }, "output_unavailable"],
    [{ host: "localhost", tls: { ca, cert, key } }, "output_unavailable"],
    [{ host: "127.0.0.1" }, "output_unavailable"],
    [{ host: "127.0.0.1", tls: { ca: "/nowhere/ca.crt" } }, "output_unavailable"],
  ];
  for (const [more, outcome] of attempts) {
    await using output = await OpenOutput.open(mqttModule, { port: broker.port, ...more });
    assertEquals(await output.attempt(verifiedEvent(), CONFIG), outcome, JSON.stringify(more));
  }
});

/** What `cwm check --probe` finds with one webhook, in its last lines. */
async function probe(connection: object, config: object): Promise<readonly string[]> {
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", {
    hook: { module: "mqtt", connection: "main", "module-config": config },
  });
  await directory.writeJson("connections.json", {
    main: { type: "mqtt", host: "127.0.0.1", ...connection },
  });
  const lines: string[] = [];
  const settings = loadSettings({ CONFIG_DIR: directory.path }, { logIsTerminal: false });
  await check(settings, {}, { probe: true, print: (line) => lines.push(line) });
  return lines.slice(lines.findIndex((line) => line.startsWith("0 problems in ")) + 1);
}

Deno.test("cwm check --probe logs in to an MQTT broker and names what it does not do for a webhook", async () => {
  await using broker = await MosquittoServer.start({
    users: { gateway: "s3cret" },
    lines: ["retain_available false", "max_qos 1"],
  });
  const connection = { port: broker.port, username: "gateway", password: "s3cret" };
  assertEquals(await probe(connection, CONFIG), [
    "connection main: mqtt can take events",
    "0 connections of 1 cannot take events",
  ]);
  const cases: readonly [connection: object, config: object, text: string][] = [
    [connection, { ...CONFIG, retained: true }, "keeps no retained messages"],
    [connection, { ...CONFIG, qos: 2 }, "takes a qos of at most 1"],
    [{ ...connection, password: "wr0ng" }, CONFIG, "does not let this user in (135)"],
    [{ ...connection, password: "wr0ng", mqtt_version: "3.1.1" }, CONFIG, "does not let this user in (5)"],
  ];
  for (const [settings, config, text] of cases) {
    const [line] = await probe(settings, config);
    assertStringIncludes(line!, text);
    assertEquals(line!.includes("wr0ng"), false);
  }
});
