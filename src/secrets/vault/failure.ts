/**
 * Why Vault gave no answer that can be used. Its message is a sentence for the operator and holds no secret.
 *
 * @module
 */

/** A question to Vault that failed. */
export class VaultFailure extends Error {
  override readonly name = "VaultFailure";

  /**
   * @param state `misconfigured`: asking again gives the same answer until somebody changes a setting;
   *   `unavailable`: Vault cannot be asked at the moment, or refuses the token
   */
  constructor(readonly state: "misconfigured" | "unavailable", reason: string, options?: ErrorOptions) {
    super(reason, options);
  }
}

/** Vault refused a login. It would refuse the same credential again, so it is not repeated in a loop. */
export class LoginRefused extends VaultFailure {
  constructor(reason: string) {
    super("unavailable", reason);
  }
}
