/**
 * What an operator asks and tells a cluster.
 *
 * @module
 */

import { EtcdGateway, type EtcdValue } from "../../../support/etcd/gateway.ts";
import type { EtcdServer } from "../../../support/etcd/server.ts";
import { eventually } from "../../../support/eventually.ts";
import type { Door, LedgerWriter } from "./ledger.ts";

interface EndpointStatus {
  readonly Status: { readonly header: { readonly member_id: string }; readonly leader: string };
}

/** Whether a member leads its cluster. */
export async function isLeader(member: EtcdServer): Promise<boolean> {
  const { id, leader } = await idsOf(member);
  return id === leader;
}

/** Makes a member the leader, and waits until it is. */
export async function takesTheLead(member: EtcdServer, members: readonly EtcdServer[]): Promise<void> {
  await eventually(async () => {
    if (await isLeader(member)) return;
    const { id } = await idsOf(member);
    for (const other of members) {
      if (await isLeader(other)) await other.ctl("move-leader", id);
    }
    throw new Error("Another member leads the cluster");
  }, { timeoutMs: 30_000 });
}

/** Gives a learner a vote, as soon as it has everything that the leader has. */
export async function promote(voter: EtcdServer, learner: EtcdServer): Promise<void> {
  const { id } = await idsOf(learner);
  await eventually(() => voter.ctl("member", "promote", id), { timeoutMs: 30_000 });
}

/** Both in hexadecimal, as `etcdctl` takes them. */
async function idsOf(member: EtcdServer): Promise<{ readonly id: string; readonly leader: string }> {
  const text = await member.ctl("endpoint", "status", "-w", "json");
  // Ids have 64 bits, more than a number holds.
  const exact = lineOf(text, "[").replace(/"(member_id|leader)":(\d+)/g, `"$1":"$2"`);
  const [{ Status }] = JSON.parse(exact) as [EndpointStatus];
  const hex = (decimal: string) => BigInt(decimal).toString(16);
  return { id: hex(Status.header.member_id), leader: hex(Status.leader) };
}

/** Lets the writer log in as `root` wherever etcd asks it to. */
export function writeAsRoot(
  { ledger, members }: { readonly ledger: LedgerWriter; readonly members: readonly EtcdServer[] },
): void {
  const root = { name: "root", password: "root" };
  ledger.doors = members.map(({ endpoint }) => new EtcdGateway(endpoint, root));
}

/** Gives a user another password, as `root`. */
export async function changePassword(member: EtcdServer, name: string, password: string): Promise<void> {
  const post = async (path: string, body: unknown, headers = {}): Promise<{ readonly token?: string }> => {
    const answer = await fetch(`${member.endpoint}/v3/auth/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers,
      signal: AbortSignal.timeout(10_000),
    });
    if (!answer.ok) throw new Error(`etcd refused ${path}: ${await answer.text()}`);
    return await answer.json() as { readonly token?: string };
  };
  const { token = "" } = await post("authenticate", { name: "root", password: "root" });
  await post("user/changepw", { name, password }, { authorization: token });
}

/** Reads and writes with `etcdctl`, over TLS too. */
export class CtlDoor implements Door {
  constructor(private readonly member: EtcdServer) {}

  async putJson(key: string, value: unknown): Promise<number> {
    const answer = await this.#json("put", key, JSON.stringify(value));
    return answer.header.revision;
  }

  async read(prefix: string): Promise<Map<string, EtcdValue>> {
    const { kvs = [] } = await this.#json("get", "--prefix", prefix);
    return new Map(kvs.map(({ key, value, mod_revision }) => [
      atob(key),
      { revision: mod_revision, value: atob(value) },
    ]));
  }

  async #json(...args: readonly string[]): Promise<CtlAnswer> {
    const text = await this.member.ctl("-w", "json", ...args);
    return JSON.parse(lineOf(text, "{")) as CtlAnswer;
  }
}

interface CtlAnswer {
  readonly header: { readonly revision: number };
  readonly kvs?: readonly {
    readonly key: string;
    readonly value: string;
    readonly mod_revision: number;
  }[];
}

/** The line of JSON among what `etcdctl` prints besides it. */
function lineOf(text: string, start: "[" | "{"): string {
  return text.split("\n").find((line) => line.startsWith(start)) ?? "";
}
