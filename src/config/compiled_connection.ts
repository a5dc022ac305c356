/** A connection that a module can open. */
export interface CompiledConnection {
  readonly name: string;
  readonly type: string;
  /** What the module's schema made of the value, or the value itself while no module knows the type. */
  readonly config: unknown;
  /** Equal for equal settings: where it is, an open client can be kept. Holds secrets: never shown. */
  readonly fingerprint: string;
  /** Whether webhooks hold it themselves: it is looked up under no name, and none replaces it. */
  readonly isOwn?: boolean;
}
