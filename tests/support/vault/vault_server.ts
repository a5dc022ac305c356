/**
 * A stand-in for HashiCorp Vault and OpenBao that answers as the real ones were measured to: KV engines, mounts,
 * tokens and policies, AppRole and Kubernetes logins, response wrapping, namespaces, seal. The same tests run
 * against the real server by `deno task test:real`, which holds this one to the truth.
 *
 * @module
 */

import { type EngineAnswer, KvEngine } from "./kv_engine.ts";
import { authOf, type NewToken, secondsOf, type Token, VaultTokens } from "./vault_tokens.ts";

/** Which of the two it is like, where they differ. */
export type VaultFlavour = "vault" | "openbao";

interface Role {
  readonly id: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly secretIds: Map<string, number>;
}

interface Request {
  readonly method: string;
  /** Below the namespace. */
  readonly path: string;
  readonly namespace: string;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly token: string | undefined;
  readonly wrapTtl: string | undefined;
}

const OK: EngineAnswer = { status: 204 };
const POLICY_REFUSAL = "1 error occurred:\n\t* permission denied\n\n";

/** Paths that nobody needs a token for. */
const PUBLIC = /^(?:sys\/(?:health|seal-status|unseal|wrapping\/lookup)|auth\/[^?]+\/login)$/;

/** One server on a free port of 127.0.0.1, initialized and unsealed. */
export class VaultServer implements AsyncDisposable {
  static readonly rootToken = "root";
  static readonly unsealKey = "unseal";
  readonly #flavour: VaultFlavour;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #tokens: VaultTokens;
  readonly #mounts = new Map<string, KvEngine>();
  readonly #auths = new Set<string>();
  readonly #namespaces = new Set([""]);
  readonly #policies = new Map<string, readonly string[]>();
  readonly #roles = new Map<string, Role>();
  #isSealed = false;

  /**
   * @param now milliseconds, for the lives of tokens
   * @param tls certificate and key in PEM, to be served over HTTPS
   */
  constructor(flavour: VaultFlavour, now: () => number, tls: { cert?: string; key?: string } = {}) {
    this.#flavour = flavour;
    this.#tokens = new VaultTokens(now, VaultServer.rootToken);
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...tls },
      async (request) => toResponse(await this.#serve(request)),
    );
  }

  get port(): number {
    return this.#server.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #serve(request: globalThis.Request): Promise<EngineAnswer> {
    const text = await request.text();
    const { pathname } = new URL(request.url);
    const full = pathname.replace(/^\/v1\//, "");
    const header = request.headers.get("x-vault-namespace")?.replace(/^\/+|\/+$/g, "") ?? "";
    if (this.#flavour === "openbao" && header !== "" && /^sys\/(?:health|seal|unseal)/.test(full)) {
      return refusal(400, "operation unavailable in namespaces");
    }
    const { namespace, path } = this.#locate(header, full);
    if (namespace === undefined) return refusal(404, "namespace not found");
    return this.#answer({
      method: request.method === "PUT" ? "POST" : request.method,
      path,
      namespace,
      text,
      body: /^\s*\{/.test(text) ? JSON.parse(text) : {},
      token: request.headers.get("x-vault-token") ?? undefined,
      wrapTtl: request.headers.get("x-vault-wrap-ttl") ?? undefined,
    });
  }

  /** Vault's community edition ignores the header; OpenBao takes it, or the namespace in the path. */
  #locate(header: string, path: string): { namespace: string | undefined; path: string } {
    if (this.#flavour === "vault") return { namespace: "", path };
    if (header !== "") return { namespace: this.#namespaces.has(header) ? header : undefined, path };
    const prefix = [...this.#namespaces].find((name) => name !== "" && path.startsWith(`${name}/`)) ?? "";
    return { namespace: prefix, path: prefix === "" ? path : path.slice(prefix.length + 1) };
  }

  #answer(request: Request): EngineAnswer {
    if (request.path === "sys/health") return this.#health();
    if (request.path === "sys/unseal") {
      this.#isSealed &&= request.body["key"] !== VaultServer.unsealKey;
      return { status: 200, body: { sealed: this.#isSealed } };
    }
    if (this.#isSealed) return refusal(503, "Vault is sealed");
    if (PUBLIC.test(request.path)) return this.#public(request);
    const token = this.#tokens.find(request.token);
    if (token === undefined) return this.#wrongToken(request.token);
    this.#tokens.use(token);
    if (request.path === "sys/wrapping/unwrap") return this.#unwrap(token, request);
    if (!this.#allows(token, request)) return refusal(403, POLICY_REFUSAL);
    return this.#wrapped(this.#route(request, token), request);
  }

  #health(): EngineAnswer {
    const body = { initialized: true, sealed: this.#isSealed, standby: false, version: "1.21.4" };
    const enterprise = this.#flavour === "vault" ? { enterprise: false } : {};
    return { status: this.#isSealed ? 503 : 200, body: { ...body, ...enterprise } };
  }

  #wrongToken(token: string | undefined): EngineAnswer {
    const isKnownToBeWrong = this.#flavour === "vault" && token !== undefined;
    const text = "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n";
    return refusal(403, isKnownToBeWrong ? text : "permission denied");
  }

  #allows({ policies }: Token, { path, namespace }: Request): boolean {
    if (policies.includes("root") || path === "sys/internal/ui/mounts") return true;
    if (/^sys\/internal\/ui\/mounts\//.test(path)) return true; // Looked at by the route itself.
    if (/^auth\/token\/(?:lookup|renew)-self$/.test(path)) return policies.includes("default");
    return this.#rules(policies, namespace).some((rule) =>
      rule.endsWith("*") ? path.startsWith(rule.slice(0, -1)) : path === rule
    );
  }

  #rules(policies: readonly string[], namespace: string): string[] {
    return policies.flatMap((name) => this.#policies.get(`${namespace}|${name}`) ?? []);
  }

  #public({ path, namespace, body }: Request): EngineAnswer {
    if (path === "sys/wrapping/lookup") {
      const isWrapping = this.#tokens.find(String(body["token"]))?.wrapped !== undefined;
      if (!isWrapping) return refusal(400, "wrapping token is not valid or does not exist");
      return { status: 200, body: { data: { creation_path: "auth/token/create", creation_ttl: 300 } } };
    }
    const [, mount = ""] = /^auth\/(.+)\/login$/.exec(path) ?? [];
    if (!this.#auths.has(`${namespace}|${mount}`)) return refusal(403, "permission denied");
    const role = this.#findRole(namespace, mount, body);
    if (role !== undefined) return this.#logIn(role, path);
    return "jwt" in body
      ? refusal(403, "service account name not authorized")
      : refusal(400, "invalid role or secret ID");
  }

  /** The role of a login that is right. */
  #findRole(namespace: string, mount: string, body: Readonly<Record<string, unknown>>): Role | undefined {
    const prefix = `${namespace}|${mount}/`;
    for (const [name, role] of this.#roles) {
      if (!name.startsWith(prefix)) continue;
      if ("jwt" in body) {
        if (name === `${prefix}${body["role"]}` && isAccountOf(role, String(body["jwt"]))) return role;
      } else if (role.id === body["role_id"]) {
        if (role.options["bind_secret_id"] === false) return role;
        const secretId = String(body["secret_id"]);
        const left = role.secretIds.get(secretId);
        if (left === undefined) continue;
        if (left === 1) role.secretIds.delete(secretId);
        else role.secretIds.set(secretId, left - 1);
        return role;
      }
    }
    return undefined;
  }

  #logIn({ options }: Role, path: string): EngineAnswer {
    const policies = (options["token_policies"] ?? []) as string[];
    const token = this.#tokens.create({
      policies: options["token_no_default_policy"] === true ? policies : ["default", ...policies],
      ttl: secondsOf(options["token_ttl"]),
      maxTtl: secondsOf(options["token_max_ttl"]),
      period: secondsOf(options["token_period"]),
      type: options["token_type"] === "batch" ? "batch" : "service",
      uses: Number(options["token_num_uses"] ?? 0),
      path,
    });
    return { status: 200, body: { auth: authOf(token) } };
  }

  #unwrap(token: Token, { body }: Request): EngineAnswer {
    const wrapping = body["token"] === undefined ? token : this.#tokens.find(String(body["token"]));
    if (wrapping?.wrapped === undefined) return refusal(400, "wrapping token is not valid or does not exist");
    this.#tokens.revoke(wrapping.value);
    return { status: 200, body: wrapping.wrapped };
  }

  #wrapped(answer: EngineAnswer, { wrapTtl }: Request): EngineAnswer {
    if (wrapTtl === undefined || answer.status !== 200) return answer;
    const wrapped = answer.body as Record<string, unknown>;
    const { value } = this.#tokens.create({
      policies: ["response-wrapping"],
      ttl: secondsOf(wrapTtl),
      uses: 1,
      wrapped,
    });
    return { status: 200, body: { wrap_info: { token: value, ttl: secondsOf(wrapTtl) } } };
  }

  #route(request: Request, token: Token): EngineAnswer {
    const [first = ""] = request.path.split("/", 1);
    if (first === "sys") return this.#system(request, token);
    if (first === "auth") return this.#auth(request, token);
    for (const [mount, engine] of this.#mountsOf(request.namespace)) {
      if (request.path.startsWith(mount)) {
        return engine.handle(request.method, request.path.slice(mount.length), request.text);
      }
    }
    return refusal(404, `no handler for route "${request.path}". route entry not found.`);
  }

  #mountsOf(namespace: string): [path: string, engine: KvEngine][] {
    const prefix = `${namespace}|`;
    return [...this.#mounts].filter(([path]) => path.startsWith(prefix)).map((
      [path, engine],
    ) => [path.slice(prefix.length), engine]);
  }

  #system({ method, path, namespace, body }: Request, token: Token): EngineAnswer {
    const [, kind = "", name = ""] =
      /^sys\/(mounts|auth|policies\/acl|internal\/ui\/mounts|namespaces|leases\/revoke-prefix|seal)\/?(.*)$/
        .exec(path) ??
        [];
    switch (kind) {
      case "mounts": {
        const key = `${namespace}|${name}/`;
        if (method === "DELETE") this.#mounts.delete(key);
        else {
          const { version } = (body["options"] ?? {}) as Record<string, unknown>;
          this.#mounts.set(key, new KvEngine(version === "2" ? 2 : 1));
        }
        return OK;
      }
      case "auth":
        this.#auths.add(`${namespace}|${name}`);
        return OK;
      case "policies/acl": {
        const { path: rules } = JSON.parse(String(body["policy"]));
        this.#policies.set(`${namespace}|${name}`, Object.keys(rules));
        return OK;
      }
      case "internal/ui/mounts":
        return this.#mountInformation(name, namespace, token);
      case "namespaces":
        if (this.#flavour === "vault") {
          return refusal(404, `no handler for route "${path}". route entry not found.`);
        }
        this.#namespaces.add(name);
        return OK;
      case "leases/revoke-prefix":
        this.#tokens.revokeLogins(name);
        return OK;
      case "seal":
        this.#isSealed = true;
        return OK;
      default:
        return refusal(404, `unsupported path: ${path}`);
    }
  }

  #mountInformation(name: string, namespace: string, { policies }: Token): EngineAnswer {
    const found = this.#mountsOf(namespace).find(([path]) => `${name}/`.startsWith(path));
    const isVisible = found !== undefined && (policies.includes("root") ||
      this.#rules(policies, namespace).some((rule) => rule.startsWith(found[0])));
    if (!isVisible) {
      const text =
        `preflight capability check returned 403, please ensure client's policies grant access to path "${name}/"`;
      return refusal(403, text);
    }
    const [path, { version }] = found;
    return {
      status: 200,
      body: { data: { path, type: "kv", options: version === 1 ? null : { version: "2" } } },
    };
  }

  #auth(request: Request, token: Token): EngineAnswer {
    const { path, body } = request;
    switch (path) {
      case "auth/token/create":
        return { status: 200, body: { auth: authOf(this.#tokens.create(newToken(body))) } };
      case "auth/token/revoke":
        this.#tokens.revoke(String(body["token"]));
        return OK;
      case "auth/token/lookup-self": {
        const { policies, renewable, type } = token;
        const isRenewable = token.endsAt !== Infinity && renewable !== false && type !== "batch";
        const data = {
          policies,
          ttl: this.#tokens.ttlOf(token),
          renewable: isRenewable,
          type: type ?? "service",
        };
        return { status: 200, body: { data } };
      }
      case "auth/token/renew-self": {
        if (token.renewable === false || token.type === "batch") {
          return refusal(400, "lease is not renewable");
        }
        const lease_duration = this.#tokens.renew(token);
        return { status: 200, body: { auth: { ...authOf(token), lease_duration } } };
      }
      default:
        return this.#role(request);
    }
  }

  #role({ method, path, namespace, body }: Request): EngineAnswer {
    const [, mount = "", name = "", what] = /^auth\/(.+)\/role\/([^/]+)(?:\/([\w-]+))?$/.exec(path) ?? [];
    const key = `${namespace}|${mount}/${name}`;
    if (/^auth\/.+\/config$/.test(path)) return OK;
    if (what === undefined && method === "DELETE") {
      this.#roles.delete(key);
      return OK;
    }
    if (what === undefined) {
      const id = this.#roles.get(key)?.id ?? crypto.randomUUID();
      this.#roles.set(key, { id, options: body, secretIds: new Map() });
      return OK;
    }
    const role = this.#roles.get(key);
    if (role === undefined) return { status: 404, body: { errors: [] } };
    if (what === "role-id") return { status: 200, body: { data: { role_id: role.id } } };
    const secret_id = crypto.randomUUID();
    role.secretIds.set(secret_id, Number(role.options["secret_id_num_uses"] ?? 0) || Infinity);
    return { status: 200, body: { data: { secret_id } } };
  }
}

/** Whether a service account's token (a JWT) is one that the role is for. */
function isAccountOf({ options }: Role, jwt: string): boolean {
  const [, payload = ""] = jwt.split(".");
  const claims = JSON.parse(
    new TextDecoder().decode(Uint8Array.fromBase64(payload, { alphabet: "base64url" })),
  );
  const account = claims["kubernetes.io"]?.serviceaccount?.name;
  return (options["bound_service_account_names"] as string[]).includes(account);
}

function newToken(body: Readonly<Record<string, unknown>>): NewToken {
  const policies = (body["policies"] ?? []) as string[];
  return {
    policies: body["no_default_policy"] === true ? policies : ["default", ...policies],
    ttl: secondsOf(body["ttl"]),
    maxTtl: secondsOf(body["explicit_max_ttl"]),
    period: secondsOf(body["period"]),
    renewable: body["renewable"] !== false,
  };
}

function refusal(status: number, error: string): EngineAnswer {
  return { status, body: { errors: [error] } };
}

function toResponse({ status, body, text }: EngineAnswer): Response {
  const content = text ?? (body === undefined ? null : JSON.stringify(body));
  return new Response(content, { status, headers: { "content-type": "application/json" } });
}
