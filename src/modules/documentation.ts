/**
 * What a module says of itself for the documentation. It is loaded when a page is made, never by a gateway.
 *
 * @module
 */

/** The parts of a module's page. Texts are lines of Markdown. */
export interface ModuleDocumentation {
  /** What the module does, and what "delivered" means of its events. */
  readonly description: readonly string[];
  /** A configuration that `cwm check` takes. */
  readonly example: {
    readonly webhooks: Readonly<Record<string, unknown>>;
    readonly connections?: Readonly<Record<string, unknown>>;
  };
  /** Further remarks, behind the settings. */
  readonly notes?: readonly string[];
  /** What to know of its connections, before their keys; left out where another module's page has them. */
  readonly connection?: readonly string[];
  /** What to know of its connections, behind their keys. */
  readonly connectionNotes?: readonly string[];
  /** What to know of a connection in the webhook itself, before its keys. */
  readonly ownConnection?: readonly string[];
}
