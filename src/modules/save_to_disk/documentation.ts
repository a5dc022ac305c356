import type { ModuleDocumentation } from "../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Writes one file an event, complete and on disk before the sender gets its 200. Events that come while others",
    "are being written are written together, with one flush of their directory. A disk that hangs keeps its own",
    "events waiting, not those of other disks.",
    "",
    "Whoever configures webhooks chooses the directory, so the operator's `SAVE_TO_DISK_ROOTS` is the boundary:",
    "with it, nothing is written elsewhere, and no link leads out. Without it, directories of the operating system",
    "are refused, which is a second line and no boundary.",
  ],
  example: {
    webhooks: {
      orders: { module: "save_to_disk", "module-config": { base_dir: "/data/events", path: "orders" } },
    },
  },
};
