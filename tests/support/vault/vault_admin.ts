/** What an operator of Vault does, by its HTTP interface, with the root token. */

import { eventually } from "../eventually.ts";

const ANY_STATUS = [200, 204];

/** Options of a token, as Vault names them. */
export interface TokenOptions {
  readonly policies?: readonly string[];
  readonly ttl?: string;
  readonly explicit_max_ttl?: string;
  readonly period?: string;
  readonly renewable?: boolean;
  readonly no_default_policy?: boolean;
  readonly no_parent?: boolean;
}

/** How requests of the operator are made. */
interface AdminRequest {
  readonly namespace?: string;
  /** Wraps the answer for this time, such as `60s`. */
  readonly wrapTtl?: string;
}

/** An operator's connection to a server, or to a namespace of it. */
export class VaultAdmin {
  readonly #url: () => string;
  readonly #token: string;
  readonly #namespace: string | undefined;

  constructor(url: () => string, token: string, namespace?: string) {
    this.#url = url;
    this.#token = token;
    this.#namespace = namespace;
  }

  /** The same operator within a namespace. */
  in(namespace: string): VaultAdmin {
    return new VaultAdmin(this.#url, this.#token, namespace);
  }

  /**
   * Sends a request and returns the answer's object; `undefined` for 404.
   *
   * @throws {Error} with the answer, when the server refuses
   */
  async call(
    method: string,
    path: string,
    body?: unknown,
    { wrapTtl }: AdminRequest = {},
  ): Promise<Record<string, Record<string, unknown>>> {
    const response = await fetch(`${this.#url()}/v1/${path}`, {
      method,
      headers: {
        "x-vault-token": this.#token,
        ...(this.#namespace === undefined ? {} : { "x-vault-namespace": this.#namespace }),
        ...(wrapTtl === undefined ? {} : { "x-vault-wrap-ttl": wrapTtl }),
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!ANY_STATUS.includes(response.status)) {
      throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    }
    return text === "" ? {} : JSON.parse(text);
  }

  /** Mounts a KV engine and waits until it can be written to: version 2 needs a moment. */
  async mount(path: string, version: 1 | 2): Promise<void> {
    await this.call("POST", `sys/mounts/${path}`, { type: "kv", options: { version: `${version}` } });
    if (version === 2) await eventually(() => this.write2(path, "made-by-the-test", {}));
  }

  async unmount(path: string): Promise<void> {
    await this.call("DELETE", `sys/mounts/${path}`);
  }

  /** Lets holders of the policy read below these paths (each may end with `*`). */
  async writePolicy(name: string, ...paths: readonly string[]): Promise<void> {
    const rules = Object.fromEntries(paths.map((path) => [path, { capabilities: ["read"] }]));
    await this.call("POST", `sys/policies/acl/${name}`, { policy: JSON.stringify({ path: rules }) });
  }

  async createToken(options: TokenOptions): Promise<string> {
    const { auth } = await this.call("POST", "auth/token/create", { no_parent: true, ...options });
    return String(auth?.["client_token"]);
  }

  /** Returns a wrapping token that holds the new token. */
  async createWrappedToken(options: TokenOptions): Promise<string> {
    const request = { no_parent: true, ...options };
    const { wrap_info } = await this.call("POST", "auth/token/create", request, { wrapTtl: "300s" });
    return String(wrap_info?.["token"]);
  }

  async revoke(token: string): Promise<void> {
    await this.call("POST", "auth/token/revoke", { token });
  }

  async enableAuth(path: string, type: "approle" | "kubernetes"): Promise<void> {
    await this.call("POST", `sys/auth/${path}`, { type });
  }

  /** Makes a role and returns its id. Options as Vault names them. */
  async createRole(
    name: string,
    options: Readonly<Record<string, unknown>>,
    mount = "approle",
  ): Promise<string> {
    await this.call("POST", `auth/${mount}/role/${name}`, options);
    const { data } = await this.call("GET", `auth/${mount}/role/${name}/role-id`);
    return String(data?.["role_id"]);
  }

  async deleteRole(name: string): Promise<void> {
    await this.call("DELETE", `auth/approle/role/${name}`);
  }

  async createSecretId(role: string, mount = "approle"): Promise<string> {
    const { data } = await this.call("POST", `auth/${mount}/role/${role}/secret-id`, {});
    return String(data?.["secret_id"]);
  }

  /** Returns a wrapping token that holds the secret id. */
  async createWrappedSecretId(role: string): Promise<string> {
    const { wrap_info } = await this.call("POST", `auth/approle/role/${role}/secret-id`, {}, {
      wrapTtl: "300s",
    });
    return String(wrap_info?.["token"]);
  }

  /** Ends all tokens that logins at a method have made. */
  async revokeLogins(mount: string): Promise<void> {
    await this.call("POST", `sys/leases/revoke-prefix/auth/${mount}/login`, {});
  }

  async write1(path: string, secret: unknown): Promise<void> {
    await this.call("POST", path, typeof secret === "string" ? secret : JSON.stringify(secret));
  }

  /** @param secret JSON text, where a number's spelling matters */
  async write2(mount: string, path: string, secret: unknown): Promise<void> {
    const text = typeof secret === "string" ? secret : JSON.stringify(secret);
    await this.call("POST", `${mount}/data/${path}`, `{"data":${text}}`);
  }

  async createNamespace(name: string): Promise<void> {
    await this.call("POST", `sys/namespaces/${name}`, {});
  }
}
