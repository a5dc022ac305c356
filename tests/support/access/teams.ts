/** A gateway with real etcd that two teams share, and a token for each role of each. */

import { hash } from "node:crypto";
import { assertEquals } from "@std/assert";
import type { Role } from "../../../src/access/caller.ts";
import { EtcdServer } from "../etcd/server.ts";
import { eventually } from "../eventually.ts";
import { type Answer, TestGateway } from "../gateway.ts";
import { HttpTarget } from "../http/target.ts";
import { TempDir } from "../temp_dir.ts";

export const ADMIN_TOKEN = "an-admin-token-of-the-tests";

/** An entry of a token file. */
export interface TokenRow {
  readonly name: string;
  readonly role: Role;
  readonly namespaces?: readonly string[];
  readonly expires?: string;
}

/** The token of a name. */
export const tokenOf = (name: string): string => `token-of-${name}-0123456789`;

/** The text of a file of tokens. */
export function tokenFile(rows: readonly TokenRow[]): string {
  return JSON.stringify(rows.map((row) => ({ sha256: hash("sha256", tokenOf(row.name)), ...row })));
}

export const ROWS: readonly TokenRow[] = [
  { name: "viewer-a", role: "viewer", namespaces: ["team-a"] },
  { name: "operator-a", role: "operator", namespaces: ["team-a"] },
  { name: "viewer-b", role: "viewer", namespaces: ["team-b"] },
  { name: "viewer-all", role: "viewer", namespaces: ["*"] },
  { name: "boss", role: "admin" },
];

/** Two teams on one gateway. */
export class Teams implements AsyncDisposable {
  private constructor(
    readonly gateway: TestGateway,
    readonly etcd: EtcdServer,
    readonly target: HttpTarget,
    readonly directory: TempDir,
    readonly resources: AsyncDisposableStack,
  ) {}

  /** Each team has a webhook `orders`, whose events are refused for good, one with a connection, and a broken one. */
  static async start(environment: Readonly<Record<string, string>> = {}): Promise<Teams> {
    await using resources = new AsyncDisposableStack();
    const etcd = resources.use(await EtcdServer.start());
    const target = resources.use(await HttpTarget.start());
    const directory = resources.use(await TempDir.create());
    target.answer({ status: 400 });
    for (const team of ["team-a", "team-b"]) {
      await put(etcd, `global/connections/rabbit-of-${team}`, {
        type: "rabbitmq",
        host: "127.0.0.1",
        port: 1,
        user: "guest",
        pass: "guest",
      });
      await put(etcd, `${team}/webhooks/orders`, {
        module: "http_webhook",
        "module-config": { url: target.url, allowed_hosts: ["127.0.0.1"] },
        accept: "durable",
        retry: { max_attempts: 1 },
      });
      await put(etcd, `${team}/webhooks/jobs`, {
        module: "rabbitmq",
        connection: `rabbit-of-${team}`,
        "module-config": { queue_name: `jobs-of-${team}` },
      });
      await put(etcd, `${team}/webhooks/broken`, { module: `no-module-of-${team}` });
    }
    await directory.writeText("tokens.json", tokenFile(ROWS));
    const gateway = resources.use(
      await TestGateway.start({
        environment: {
          ADMIN_TOKEN,
          ADMIN_TOKENS_FILE: `${directory.path}/tokens.json`,
          CONFIG_BACKEND: "etcd",
          ETCD_HOST: "127.0.0.1",
          ETCD_PORT: String(etcd.port),
          ...environment,
        },
      }),
    );
    await eventually(async () => assertEquals((await gateway.request("/readyz")).status, 200));
    return new Teams(gateway, etcd, target, directory, resources.move());
  }

  /** @param who the name of a token */
  async ask(who: string, path: string, init: RequestInit = {}): Promise<Answer> {
    const headers = { ...init.headers, authorization: `Bearer ${tokenOf(who)}` };
    return await this.gateway.request(path, { ...init, headers });
  }

  /** What the answer says, which must be a good one. */
  async get<Shape>(who: string, path: string, method = "GET"): Promise<Shape> {
    const { status, text } = await this.ask(who, path, { method });
    assertEquals(status, 200, `${who} ${path}: ${text}`);
    return JSON.parse(text) as Shape;
  }

  /** Sends an event to each team that becomes a dead letter. */
  async bury(): Promise<Readonly<Record<"team-a" | "team-b", string>>> {
    const ids = { "team-a": "", "team-b": "" };
    for (const team of ["team-a", "team-b"] as const) {
      const { text } = await this.gateway.post(`/webhook/${team}/orders`, `{"of":"${team}"}`);
      ids[team] = (JSON.parse(text) as { event_id: string }).event_id;
    }
    for (const id of Object.values(ids)) {
      await eventually(async () =>
        assertEquals((await this.ask("boss", `/admin/dead-letters/show?id=${id}`)).status, 200)
      );
    }
    return ids;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.disposeAsync();
  }
}

async function put(etcd: EtcdServer, key: string, value: unknown): Promise<void> {
  await etcd.ctl("put", `/cwm/${key}`, JSON.stringify(value));
}
