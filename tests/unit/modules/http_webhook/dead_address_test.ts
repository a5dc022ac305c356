import { assertEquals } from "@std/assert";
import { HttpWebhookClient } from "../../../../src/io/http_client.ts";
import { httpWebhookModuleWith } from "../../../../src/modules/http_webhook/http_webhook.ts";
import { BlackHole } from "../../../support/http/black_hole.ts";
import { TEST_CA, TEST_CERTIFICATE } from "../../../support/http/test_certificate.ts";
import { OpenOutput } from "../../../support/open_output.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

for (const protocol of ["http", "https"] as const) {
  Deno.test(`http_webhook delivers by ${protocol} to a name whose first address never answers`, async () => {
    const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
    const connections = new Set<number>();
    await using server = Deno.serve(
      protocol === "https" ? { ...options, ...TEST_CERTIFICATE } : options,
      (_request, { remoteAddr }) => {
        connections.add(remoteAddr.port);
        return new Response();
      },
    );
    const { port } = server.addr;
    using _hole = await BlackHole.open({ hostname: "127.0.0.2", port });
    const client = () =>
      new HttpWebhookClient({
        ca: TEST_CA,
        resolve: (_name, _options, callback) =>
          callback(null, ["127.0.0.2", "127.0.0.1"].map((address) => ({ address, family: 4 }))),
      });
    await using output = await OpenOutput.open(httpWebhookModuleWith(client), undefined);
    const config = { url: `${protocol}://orders.test:${port}`, allowed_hosts: ["127.0.0.0/8"] };
    for (let sent = 0; sent < 2; sent++) {
      assertEquals(await output.attempt(verifiedEvent(), config), "delivered");
    }
    assertEquals(connections.size, 1);
  });
}
