/**
 * What a {@linkcode FileWatcher} and its worker say to each other.
 *
 * @module
 */

/** To the worker. The first message opens it. */
export type ToWatchWorker =
  | { readonly type: "open"; readonly debounceMs: number }
  /** Watches the way to these paths, and nothing else any more. */
  | { readonly type: "follow"; readonly order: number; readonly paths: readonly string[] };

/** From the worker. */
export type FromWatchWorker =
  | { readonly type: "followed"; readonly order: number }
  | { readonly type: "changed" }
  /** Changes of the files in this directory are not noticed. */
  | { readonly type: "unwatchable"; readonly directory: string; readonly reason: string };
