/**
 * Proves that the mount is what the settings say, before "not there" is believed: a mount of the other version,
 * or none at all, answers much the same.
 *
 * @module
 */

import type { VaultSettings } from "../../../settings/vault.ts";
import { bodyOf, cannotBeAsked, errorsOf, isObject, refusesToken, type VaultBody } from "../answer.ts";
import type { Clock } from "../clock.ts";
import { VaultFailure } from "../failure.ts";
import type { HttpAnswer } from "../http_exchange.ts";
import type { VaultClient } from "../vault_client.ts";

/** How long a proof counts, in milliseconds: a mount may be made again as another version. */
const PROOF_MS = 60_000;

/** Asks about the mount when a read wants to know, and remembers a good answer for a minute. */
export class MountProof {
  readonly #client: VaultClient;
  readonly #settings: Pick<VaultSettings, "mount" | "kvVersion">;
  readonly #clock: Clock;
  #provenAt = -Infinity;

  constructor(client: VaultClient, settings: Pick<VaultSettings, "mount" | "kvVersion">, clock: Clock) {
    this.#client = client;
    this.#settings = settings;
    this.#clock = clock;
  }

  /**
   * Returns when the mount is a KV engine of the right version.
   *
   * @param path that was read, with the mount
   * @throws {VaultFailure} when it is not, or nobody can say
   */
  async require(path: string, token: string | undefined, signal: AbortSignal): Promise<void> {
    if (this.#clock.now() - this.#provenAt < PROOF_MS) return;
    const place = this.#client.systemPath(`internal/ui/mounts/${path}`);
    const answer = await this.#client.ask({ method: "GET", path: place, token }, signal);
    const data = bodyOf(answer)?.["data"];
    if (answer.status !== 200 || !isObject(data)) throw this.#unproven(answer);
    const mistake = this.#mistakeOf(data);
    if (mistake !== undefined) throw new VaultFailure("misconfigured", mistake);
    this.#provenAt = this.#clock.now();
  }

  #unproven(answer: HttpAnswer): VaultFailure {
    const { mount } = this.#settings;
    const errors = errorsOf(answer);
    if (cannotBeAsked(answer) || errors === undefined || (answer.status === 403 && refusesToken(errors))) {
      return this.#client.failure("unavailable", `The mount '${mount}' cannot be looked at`, answer);
    }
    const what =
      `There is no mount '${mount}' (VAULT_MOUNT_POINT), or the token has no right to anything in it`;
    return this.#client.failure("misconfigured", what, answer);
  }

  #mistakeOf({ path, type, options }: VaultBody): string | undefined {
    const { mount, kvVersion } = this.#settings;
    if (type !== "kv" && type !== "generic") {
      return `The mount '${mount}' (VAULT_MOUNT_POINT) is no KV secrets engine`;
    }
    if (path !== `${mount}/`) {
      const name = this.#client.secrets.clean(String(path).replace(/\/$/, ""));
      return `The mount of the path is '${name}', not '${mount}': set VAULT_MOUNT_POINT to it`;
    }
    const version = isObject(options) && options["version"] === "2" ? 2 : 1;
    if (version === kvVersion) return undefined;
    return `The mount '${mount}' is of KV version ${version}: set VAULT_KV_VERSION to ${version}`;
  }
}
