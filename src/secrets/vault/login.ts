/**
 * The ways to a token: one that the operator gives, AppRole, and the service account of a Kubernetes pod.
 *
 * @module
 */

import type { VaultLogin } from "../../settings/vault.ts";
import { bodyOf, cannotBeAsked, isObject, type VaultBody } from "./answer.ts";
import type { Clock } from "./clock.ts";
import { readCredential, Unwrapper } from "./credential.ts";
import { LoginRefused } from "./failure.ts";
import type { VaultClient } from "./vault_client.ts";

/** A token and its life, in milliseconds by the clock. */
export interface VaultToken {
  readonly value: string;
  /** How long it lives after it was made or renewed; Infinity when it never ends, or nobody can say. */
  readonly leaseMs: number;
  readonly expiresAt: number;
  /** Batch tokens never are. */
  readonly isRenewable: boolean;
}

/** A way to log in. */
export interface LoginMethod {
  /** What messages call it, for example `AppRole`. */
  readonly name: string;
  /** Whether another token can be had with the same credential. */
  readonly makesTokens: boolean;
  /** Whether the token comes from a file that somebody else replaces in time, such as a Vault Agent. */
  readonly isKeptByOthers?: boolean;
  /**
   * The credential as it stands now; equal texts are the same credential.
   *
   * @throws {VaultFailure} when its file cannot be read
   */
  credential(signal: AbortSignal): Promise<string>;
  /**
   * Makes a token of the credential.
   *
   * @throws {LoginRefused} when Vault refuses this credential
   * @throws {VaultFailure} when Vault cannot be asked
   */
  exchange(credential: string, signal: AbortSignal): Promise<VaultToken>;
}

/** The method of the settings; `undefined` where requests have no token of their own. */
export function loginMethod(login: VaultLogin, client: VaultClient, clock: Clock): LoginMethod | undefined {
  switch (login.method) {
    case "none":
      return undefined;
    case "token":
      return givenToken(login, client, clock);
    case "approle":
      return appRole(login, client, clock);
    case "kubernetes":
      return kubernetes(login, client, clock);
  }
}

function givenToken(
  { token }: Extract<VaultLogin, { method: "token" }>,
  client: VaultClient,
  clock: Clock,
): LoginMethod {
  const name = "file" in token ? "VAULT_TOKEN_FILE" : "VAULT_TOKEN";
  const unwrapper = new Unwrapper(client);
  return {
    name,
    makesTokens: false,
    isKeptByOthers: "file" in token,
    credential: (signal) => readCredential(token, name, signal),
    async exchange(credential, signal) {
      const value = await unwrapper.unwrap(credential, "token", signal);
      return await lookUp(value, client, clock, signal);
    },
  };
}

/**
 * Asks for the life of a token. A refusal proves nothing, since a token without the default policy may not ask,
 * nor one of a parent namespace: reads tell whether it is good, and then nobody knows when it ends.
 */
async function lookUp(
  value: string,
  client: VaultClient,
  clock: Clock,
  signal: AbortSignal,
): Promise<VaultToken> {
  const path = "auth/token/lookup-self";
  const answer = await client.ask({ method: "GET", path, token: value, inNamespace: true }, signal);
  const data = bodyOf(answer)?.["data"];
  if (cannotBeAsked(answer)) throw client.failure("unavailable", "The token cannot be looked at", answer);
  const { ttl, renewable, type }: VaultBody = answer.status === 200 && isObject(data) ? data : {};
  return tokenOf(value, ttl, renewable === true && type !== "batch", clock);
}

function appRole(
  { mount, roleId, secretId }: Extract<VaultLogin, { method: "approle" }>,
  client: VaultClient,
  clock: Clock,
): LoginMethod {
  const name = secretId !== undefined && "file" in secretId ? "VAULT_SECRET_ID_FILE" : "VAULT_SECRET_ID";
  const unwrapper = new Unwrapper(client);
  client.secrets.add(roleId);
  return {
    name: "AppRole",
    makesTokens: true,
    credential: async (signal) => secretId === undefined ? "" : await readCredential(secretId, name, signal),
    async exchange(credential, signal) {
      const body = credential === ""
        ? { role_id: roleId }
        : { role_id: roleId, secret_id: await unwrapper.unwrap(credential, "secret_id", signal) };
      return await logIn(mount, body, client, clock, signal);
    },
  };
}

function kubernetes(
  { mount, role, jwtFile }: Extract<VaultLogin, { method: "kubernetes" }>,
  client: VaultClient,
  clock: Clock,
): LoginMethod {
  return {
    name: "Kubernetes",
    makesTokens: true,
    credential: (signal) => readCredential({ file: jwtFile }, "VAULT_JWT_FILE", signal),
    async exchange(jwt, signal) {
      client.secrets.add(jwt);
      return await logIn(mount, { role, jwt }, client, clock, signal);
    },
  };
}

/** A login may be the only one that the secret id is good for, so it is not sent twice. */
async function logIn(
  mount: string,
  body: Readonly<Record<string, string>>,
  client: VaultClient,
  clock: Clock,
  signal: AbortSignal,
): Promise<VaultToken> {
  const path = `auth/${mount}/login`;
  const answer = await client.ask(
    { method: "POST", path, body, inNamespace: true, repeatable: false },
    signal,
  );
  const auth = bodyOf(answer)?.["auth"];
  if (cannotBeAsked(answer) || bodyOf(answer) === undefined) {
    throw client.failure("unavailable", `The login at auth/${mount} failed`, answer);
  }
  if (answer.status === 200 && isObject(auth) && typeof auth["client_token"] === "string") {
    const isRenewable = auth["renewable"] === true && auth["token_type"] !== "batch";
    return tokenOf(auth["client_token"], auth["lease_duration"], isRenewable, clock);
  }
  // The Kubernetes method says 403 as well to accounts that the role is not for.
  const hint = answer.status === 403
    ? " (is the method enabled there, in this namespace, for this account?)"
    : "";
  throw new LoginRefused(`The login at auth/${mount} is refused${hint}: ${client.describe(answer)}`);
}

/** @param seconds 0: the token never ends; no number: nobody knows */
function tokenOf(value: string, seconds: unknown, isRenewable: boolean, clock: Clock): VaultToken {
  const leaseMs = typeof seconds === "number" && seconds > 0 ? seconds * 1000 : Infinity;
  return { value, leaseMs, expiresAt: clock.now() + leaseMs, isRenewable };
}
