/**
 * What the tests of Vault play in: a server, the front that clients come by, an operator, and a clock. The server
 * is the stand-in, or the real one in `tests/real/`.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../../src/secrets/vault/clock.ts";
import type { SecretAnswer } from "../../../src/secrets/source.ts";
import { VaultSource } from "../../../src/secrets/vault/vault_source.ts";
import type { VaultLogin, VaultSettings } from "../../../src/settings/vault.ts";
import { ManualClock } from "./manual_clock.ts";
import { VaultAdmin } from "./vault_admin.ts";
import { VaultFront } from "./vault_front.ts";
import { type VaultFlavour, VaultServer } from "./vault_server.ts";

/** A server of one of the two kinds, and the time that its tokens live by. */
export interface VaultBackend extends AsyncDisposable {
  readonly flavour: VaultFlavour;
  readonly port: number;
  readonly rootToken: string;
  readonly unsealKey: string;
  readonly clock: Clock;
  /** The life of a token that a test can wait for, in seconds; half of it is longer than the time between two logins. */
  readonly shortLife: number;
  /** Address of what the server takes for Kubernetes. */
  readonly kubernetesHost: string;
  /** Lets time go by. */
  pass(seconds: number): Promise<void>;
  /** Lets time go by that the client waits for: it sets to work once this resolves. */
  passAwaited(seconds: number): Promise<void>;
}

/** The stand-in, with a clock that the test turns. */
export function standIn(flavour: VaultFlavour): VaultBackend {
  const clock = new ManualClock();
  const server = new VaultServer(flavour, () => clock.now());
  return {
    flavour,
    port: server.port,
    rootToken: VaultServer.rootToken,
    unsealKey: VaultServer.unsealKey,
    clock,
    shortLife: 3600,
    kubernetesHost: "http://kubernetes.test",
    pass(seconds) {
      clock.advance(seconds * 1000);
      return Promise.resolve();
    },
    async passAwaited(seconds) {
      await clock.untilAwaited(seconds * 1000);
      clock.advance(seconds * 1000);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A role of AppRole, as the gateway is given it. */
export interface GivenRole {
  readonly name: string;
  readonly roleId: string;
  readonly secretId: string;
  readonly login: VaultLogin;
}

/** One test's world. Disposal closes the sources, then the rest. */
export class VaultWorld implements AsyncDisposable {
  readonly backend: VaultBackend;
  readonly front: VaultFront;
  readonly admin: VaultAdmin;
  readonly #resources: AsyncDisposableStack;
  readonly #sources: VaultSource[] = [];

  private constructor(backend: VaultBackend, front: VaultFront, resources: AsyncDisposableStack) {
    this.backend = backend;
    this.front = front;
    this.#resources = resources;
    this.admin = new VaultAdmin(() => `http://127.0.0.1:${backend.port}`, backend.rootToken);
  }

  /** A world with two mounts, `kv1` and `kv2`, and the policy `reader` for all in them. */
  static async start(startBackend: () => VaultBackend | Promise<VaultBackend>): Promise<VaultWorld> {
    await using resources = new AsyncDisposableStack();
    const backend = resources.use(await startBackend());
    const front = resources.use(await VaultFront.start(() => backend.port));
    const world = new VaultWorld(backend, front, resources);
    await world.admin.mount("kv1", 1);
    await world.admin.mount("kv2", 2);
    await world.admin.writePolicy("reader", "kv1/*", "kv2/*");
    return new VaultWorld(backend, front, resources.move());
  }

  /** A source that reads `kv2` through the front with a token of the policy `reader`, unless the settings say otherwise. */
  readonly open = async (settings: Partial<VaultSettings> = {}): Promise<VaultSource> => {
    const login = settings.login ?? await this.tokenLogin();
    const source = new VaultSource({
      settings: {
        addresses: [this.front.url],
        mount: "kv2",
        kvVersion: 2,
        tls: { verify: true },
        timeoutMs: 10_000,
        cache: { ttlMs: 300_000, maxEntries: 1000 },
        ...settings,
        login,
      },
      logger: getLogger(["cwm", "test"]),
      clock: this.backend.clock,
    });
    this.#sources.push(source);
    return source;
  };

  /** A token of the policy `reader` that ends in 32 days. */
  readonly tokenLogin = async (): Promise<VaultLogin> => {
    return { method: "token", token: { value: await this.admin.createToken({ policies: ["reader"] }) } };
  };

  /** A role of AppRole with the policy `reader`. Options as Vault names them. */
  async role(options: Readonly<Record<string, unknown>> = {}): Promise<GivenRole> {
    await this.admin.enableAuth("approle", "approle");
    const roleId = await this.admin.createRole("gateway", { token_policies: ["reader"], ...options });
    const secretId = await this.admin.createSecretId("gateway");
    const login = { method: "approle", mount: "approle", roleId, secretId: { value: secretId } } as const;
    return { name: "gateway", roleId, secretId, login };
  }

  async seal(): Promise<void> {
    await this.admin.call("POST", "sys/seal");
  }

  async unseal(): Promise<void> {
    await this.admin.call("POST", "sys/unseal", { key: this.backend.unsealKey });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const source of this.#sources) await source[Symbol.asyncDispose]();
    await this.#resources.disposeAsync();
  }
}

/** Reads with a signal that never aborts. */
export function read(source: VaultSource, path: string): Promise<SecretAnswer> {
  return source.read(path, new AbortController().signal);
}

/** The fields of a secret that has to be there. */
export async function fieldsOf(source: VaultSource, path: string): Promise<Record<string, string>> {
  const answer = await read(source, path);
  if (answer.state !== "found") throw new Error(`${path} is ${answer.state}: ${answer.reason}`);
  return Object.fromEntries(answer.fields);
}

/** The reason of an answer that has to be of this state. */
export async function reasonOf(
  source: VaultSource,
  path: string,
  state: Exclude<SecretAnswer["state"], "found">,
): Promise<string> {
  const answer = await read(source, path);
  if (answer.state !== state) {
    throw new Error(
      `Expected ${path} to be ${state}, it is ${answer.state}: ${"reason" in answer ? answer.reason : ""}`,
    );
  }
  return answer.reason;
}
