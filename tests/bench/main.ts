/** `deno task bench NAME [--seconds 5] [--rounds 3] [--connections 32]` */

import { parseArgs } from "@std/cli/parse-args";
import { benchAccept } from "./accept.ts";

const options = parseArgs(Deno.args, { string: ["seconds", "rounds", "connections"] });
const load = {
  seconds: Number(options["seconds"] ?? 5),
  rounds: Number(options["rounds"] ?? 3),
  connections: Number(options["connections"] ?? 32),
};

switch (options._[0]) {
  case "accept":
    await benchAccept(load);
    break;
  default:
    Deno.stderr.writeSync(
      new TextEncoder().encode("Usage: deno task bench accept [--seconds N] [--rounds N]\n"),
    );
    Deno.exit(2);
}
