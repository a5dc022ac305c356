/**
 * Proves that the server knows namespaces, before anything is read in one. A Vault without them ignores the
 * header and answers with the secrets of the root: somebody else's.
 *
 * @module
 */

import { bodyOf } from "../answer.ts";
import { VaultFailure } from "../failure.ts";
import type { HttpAnswer } from "../http_exchange.ts";
import type { VaultClient } from "../vault_client.ts";

/**
 * Whether a server with this answer to `sys/health` can be asked: it is active, or a standby that passes requests
 * on or answers itself. Sealed (503), not initialized (501) and without a leader (474) it cannot.
 */
export function isAskable({ status }: Pick<HttpAnswer, "status">): boolean {
  return status === 200 || status === 429 || status === 472 || status === 473;
}

/** Asks the health of the server, once. */
export class NamespaceProof {
  readonly #client: VaultClient;
  #proven: boolean;

  /** @param namespace of the settings; without one there is nothing to prove */
  constructor(client: VaultClient, namespace: string | undefined) {
    this.#client = client;
    this.#proven = namespace === undefined;
  }

  /**
   * Returns when the server can have namespaces.
   *
   * @throws {VaultFailure} when it cannot, or cannot be asked
   */
  async require(signal: AbortSignal): Promise<void> {
    if (this.#proven) return;
    const answer = await this.#client.ask({ method: "GET", path: "sys/health" }, signal);
    const body = bodyOf(answer);
    if (!isAskable(answer) || body === undefined) {
      throw this.#client.failure("unavailable", "Whether the server has namespaces cannot be asked", answer);
    }
    if (body["enterprise"] === false) {
      throw new VaultFailure(
        "misconfigured",
        "This Vault has no namespaces and would answer with secrets of the root: remove VAULT_NAMESPACE",
      );
    }
    this.#proven = true;
  }
}
