/**
 * Proves that the mount is what the settings say, before "not there" is believed: a mount of the other version,
 * or none at all, answers much the same.
 *
 * @module
 */

import type { VaultSettings } from "../../vault_settings.ts";
import { bodyOf, cannotBeAsked, errorsOf, isObject, refusesToken, type VaultBody } from "./answer.ts";
import type { Clock } from "./clock.ts";
import { VaultFailure } from "./failure.ts";
import type { HttpAnswer } from "./http_exchange.ts";
import type { VaultClient } from "./vault_client.ts";

/** How long a proof counts, in milliseconds: a mount may be made again as another version. */
const PROOF_MS = 60_000;

/** Asks about the mount, once for all reads that want to know. */
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
   * @throws {VaultFailure} when it is not, or nobody can say
   */
  async require(token: string | undefined, signal: AbortSignal): Promise<void> {
    if (this.#clock.now() - this.#provenAt < PROOF_MS) return;
    const path = this.#client.systemPath(`internal/ui/mounts/${this.#settings.mount}`);
    const answer = await this.#client.ask({ method: "GET", path, token }, signal);
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
      return `VAULT_MOUNT_POINT '${mount}' is a path within a mount: name the mount alone`;
    }
    const version = isObject(options) && options["version"] === "2" ? 2 : 1;
    if (version === kvVersion) return undefined;
    return `The mount '${mount}' is of KV version ${version}: set VAULT_KV_VERSION to ${version}`;
  }
}
