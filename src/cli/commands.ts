/**
 * The commands of `cwm`, with the words that may follow each.
 *
 * @module
 */

/** A command as `cwm --help` and the completion of a shell show it. */
export interface Command {
  readonly name: string;
  /** In one line. */
  readonly description: string;
  /** Actions and options that may follow the name. */
  readonly words: readonly string[];
}

/** What completion is printed for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** Every command, in the order in which they are listed. */
export const COMMANDS: readonly Command[] = [
  { name: "serve", description: "Start the gateway (default)", words: [] },
  {
    name: "check",
    description: "Validate the configured webhooks and connections; exit status 1 if there are problems",
    words: ["--probe"],
  },
  {
    name: "migrate",
    description: "Carry webhooks and connections from files to etcd or back: see cwm migrate --help",
    words: ["--from", "--to", "--namespace", "--dry-run", "--prune", "--help"],
  },
  {
    name: "dead-letters",
    description: "List, show, replay and drop undeliverable events: see cwm dead-letters --help",
    words: ["list", "show", "replay", "drop", "--all", "--json", "--limit", "--help"],
  },
  {
    name: "journal",
    description: "Copy the journal, and take events over from a file: see cwm journal --help",
    words: ["backup", "salvage", "--help"],
  },
  {
    name: "healthcheck",
    description: "Ask the gateway on this machine whether it is ready; exit status 0 if it is",
    words: [],
  },
  {
    name: "connector",
    description: "Take events from a gateway into a private network: see cwm connector --help",
    words: ["--config", "--help"],
  },
  {
    name: "completion",
    description: "Print the completion script of a shell: cwm completion bash, zsh or fish",
    words: SHELLS,
  },
];
