/** Certificates, and authorities that issue them, which change while the gateway runs. */

import { assertEquals } from "@std/assert";
import { TestCertificates } from "../../../support/etcd/certificates.ts";
import { EtcdServer } from "../../../support/etcd/server.ts";
import { eventually } from "../../../support/eventually.ts";
import { CtlDoor } from "./cluster.ts";
import { lasts, type Situation, situations, type World } from "./situation.ts";

/** A member that asks for certificates. */
interface Secured {
  readonly etcd: EtcdServer;
  /** Those of etcd and of whoever writes. */
  readonly certificates: TestCertificates;
  /** Those of the gateway. */
  readonly ofGateway: TestCertificates;
  /** The file of the authorities whose clients etcd trusts. */
  readonly trusted: string;
}

/** A situation of a member that asks for certificates, in the place of the world's own. */
function overTls(name: string, act: (world: World, secured: Secured) => Promise<void>): Situation {
  let secured: Secured;
  return {
    name,
    members: 1,
    prepare: async (world) => {
      secured = await secure(world);
      const { certificates, ofGateway } = secured;
      return {
        ETCD_TLS_CA: certificates.ca,
        ETCD_TLS_CERT: ofGateway.certificateOf("gateway"),
        ETCD_TLS_KEY: ofGateway.keyOf("gateway"),
      };
    },
    act: (world) => act(world, secured),
  };
}

async function secure(world: World): Promise<Secured> {
  const certificates = world.resources.use(await TestCertificates.create());
  await certificates.issue("etcd", "IP:127.0.0.1");
  await certificates.issue("client", "DNS:client");
  const ofGateway = world.resources.use(await TestCertificates.create());
  await ofGateway.issue("gateway", "DNS:gateway");
  const trusted = await trust(world, certificates, ofGateway);
  const etcd = world.resources.use(
    await EtcdServer.start({
      tls: { certificates, name: "etcd" },
      args: ["--client-cert-auth", "--trusted-ca-file", trusted],
    }),
  );
  world.members.splice(0, world.members.length, etcd);
  world.ledger.doors = [new CtlDoor(etcd)];
  world.ledger.forget();
  await world.ledger.round();
  return { etcd, certificates, ofGateway, trusted };
}

/** Writes the file of those whose clients etcd trusts from its next start on. */
async function trust({ directory }: World, ...authorities: readonly TestCertificates[]): Promise<string> {
  const texts = await Promise.all(authorities.map(({ ca }) => Deno.readTextFile(ca)));
  return await directory.writeText("trusted.pem", texts.join(""));
}

situations([
  overTls(
    "the certificates of etcd and of the gateway are renewed in place: new connections take them up",
    async (world, { etcd, certificates, ofGateway }) => {
      await certificates.issue("etcd", "IP:127.0.0.1");
      await ofGateway.issue("gateway", "DNS:gateway");
      await world.inStep();
      await etcd.restart();
      await world.inStep();
    },
  ),
  overTls(
    "etcd and the gateway go over to new authorities, bundles first: followed without a restart of the gateway",
    async (world, { etcd, certificates, ofGateway }) => {
      const both = [certificates, ofGateway] as const;
      for (const authority of both) await authority.changeAuthority();
      await trust(world, ...both);
      await etcd.restart();
      await world.inStep();
      await certificates.issue("etcd", "IP:127.0.0.1");
      await certificates.issue("client", "DNS:client");
      await ofGateway.issue("gateway", "DNS:gateway");
      await etcd.restart();
      await world.inStep();
      for (const authority of both) await authority.dropFormerAuthority();
      await trust(world, ...both);
      await etcd.restart();
      await world.inStep();
    },
  ),
  overTls(
    "etcd trusts the authority of the gateway no more: it serves on, and a new certificate brings it back",
    async (world, { etcd, certificates, ofGateway }) => {
      await trust(world, certificates);
      await etcd.restart();
      await eventually(async () => {
        const { outage } = await world.gateway.json("/health") as { outage?: { readonly reason: string } };
        assertEquals(outage?.reason, "unreachable");
      }, { timeoutMs: 60_000 });
      await lasts(6_000);
      assertEquals(await world.gateway.send("w0", "no-token"), 401);
      await certificates.issue("gateway", "DNS:gateway");
      await Deno.copyFile(certificates.keyOf("gateway"), ofGateway.keyOf("gateway"));
      await Deno.copyFile(certificates.certificateOf("gateway"), ofGateway.certificateOf("gateway"));
      await world.inStep();
    },
  ),
]);
