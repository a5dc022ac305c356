/** Users, passwords and rights that change while the gateway runs. */

import { assertEquals } from "@std/assert";
import { eventually } from "../../../support/eventually.ts";
import type { TempDir } from "../../../support/temp_dir.ts";
import { changePassword, writeAsRoot } from "./cluster.ts";
import { PREFIX } from "./ledger.ts";
import { lasts, type Situation, situations, withArguments, type World } from "./situation.ts";

const AS_ROOT = ["--user", "root:root"] as const;
const READER = { ETCD_USERNAME: "reader", ETCD_PASSWORD: "reader" } as const;

/** How long the operator's mistake lasts, in milliseconds. */
const LOCKED_OUT_MS = 14_000;

/** Switches authentication on before the gateway starts. */
async function protect(world: World): Promise<void> {
  await world.members[0]!.enableAuth(PREFIX);
  writeAsRoot(world);
}

/** Lets the gateway be locked out for a while; it serves on, and says why it does not follow. */
async function lockedOut(world: World): Promise<void> {
  await eventually(async () => {
    const { outage } = await world.gateway.json("/health") as { outage?: { readonly reason: string } };
    assertEquals(outage?.reason, "denied");
  }, { timeoutMs: 60_000 });
  await lasts(LOCKED_OUT_MS);
  assertEquals(await world.gateway.send("w0", "no-token"), 401);
}

/** A situation of a gateway whose user is configured before etcd asks for one. */
function switchedOn(kind: string, etcd: NonNullable<Situation["etcd"]>): Situation {
  return {
    name: `authentication is switched on, ${kind} live for 5 s: the gateway logs in and loses nothing`,
    etcd,
    prepare: async (world) => {
      await world.members[0]!.addUsers(PREFIX);
      return READER;
    },
    act: async (world) => {
      await world.members[0]!.setAuth(true);
      writeAsRoot(world);
      await lasts(12_000);
      await world.inStep();
      assertEquals(await world.gateway.metric("cwm_etcd_relists_total"), 1);
    },
  };
}

/** Makes a pair of keys, and the argument that names it. */
async function jwtOf(directory: TempDir): Promise<string> {
  const [key, publicKey] = [directory.file("jwt.key"), directory.file("jwt.pub")];
  await openssl("genrsa", "-out", key, "2048");
  await openssl("rsa", "-in", key, "-pubout", "-out", publicKey);
  return `jwt,pub-key=${publicKey},priv-key=${key},sign-method=RS256,ttl=5s`;
}

async function openssl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args }).output();
  if (!success) throw new Error(`openssl ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
}

const TABLE: readonly Situation[] = [
  switchedOn("simple tokens", withArguments("--auth-token-ttl", "5")),
  switchedOn("JWTs", async (directory) => ({ args: ["--auth-token", await jwtOf(directory)] })),
  {
    name: "rights, users and passwords of others are changed: the gateway notices nothing",
    members: 1,
    prepare: async (world) => {
      await protect(world);
      return READER;
    },
    act: async (world) => {
      const [etcd] = world.members;
      await etcd!.ctl(
        ...AS_ROOT,
        "role",
        "grant-permission",
        "--prefix=true",
        "reader",
        "read",
        "/elsewhere",
      );
      await etcd!.ctl(...AS_ROOT, "user", "add", "another:another");
      await changePassword(etcd!, "another", "changed");
      await lasts(6_000);
      await world.inStep();
      assertEquals(await world.gateway.metric("cwm_etcd_disconnects_total"), 0);
    },
  },
  {
    name: "authentication is switched off: the gateway goes on",
    members: 1,
    prepare: async (world) => {
      await protect(world);
      return READER;
    },
    act: async (world) => {
      await world.members[0]!.setAuth(false);
      await lasts(6_000);
      await world.inStep();
      assertEquals(await world.gateway.metric("cwm_etcd_relists_total"), 1);
    },
  },
  {
    name: "the gateway's password is changed, its file 14 s later: it is back without a restart",
    members: 1,
    prepare: async (world) => {
      await protect(world);
      const file = await world.directory.writeText("password", "reader\n");
      return { ETCD_USERNAME: "reader", ETCD_PASSWORD_FILE: file };
    },
    act: async (world) => {
      await changePassword(world.members[0]!, "reader", "another");
      await lockedOut(world);
      await world.directory.writeText("password", "another\n");
      await world.inStep();
    },
  },
  {
    name: "the right to read is revoked for 14 s: the gateway serves on and is back",
    members: 1,
    prepare: async (world) => {
      await protect(world);
      return READER;
    },
    act: async (world) => {
      const [etcd] = world.members;
      await etcd!.ctl(...AS_ROOT, "role", "revoke-permission", "--prefix=true", "reader", PREFIX);
      await lockedOut(world);
      await etcd!.ctl(...AS_ROOT, "role", "grant-permission", "--prefix=true", "reader", "read", PREFIX);
      await world.inStep();
    },
  },
  {
    name: "the gateway's user is deleted for 14 s: it serves on and is back",
    members: 1,
    prepare: async (world) => {
      await protect(world);
      return READER;
    },
    act: async (world) => {
      const [etcd] = world.members;
      await etcd!.ctl(...AS_ROOT, "user", "delete", "reader");
      await lockedOut(world);
      await etcd!.ctl(...AS_ROOT, "user", "add", "reader:reader");
      await etcd!.ctl(...AS_ROOT, "user", "grant-role", "reader", "reader");
      await world.inStep();
    },
  },
  {
    name: "the gateway's password is changed for 14 s and changed back: it serves on and is back",
    members: 1,
    prepare: async (world) => {
      await protect(world);
      return READER;
    },
    act: async (world) => {
      await changePassword(world.members[0]!, "reader", "another");
      await lockedOut(world);
      await changePassword(world.members[0]!, "reader", READER.ETCD_PASSWORD);
      await world.inStep();
    },
  },
];

situations(TABLE);
