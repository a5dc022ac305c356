// deno-lint-ignore-file no-console -- says when it serves
// Usage: fauxqs_program.ts PORT [DIRECTORY]
import { Server } from "node:net";
import { startFauxqs } from "fauxqs";

const [port, dataDir] = Deno.args;
// Only this way of starting it keeps data, and it would serve all networks.
const { listen } = Server.prototype;
Server.prototype.listen = function (this: Server, options: object, ...rest: unknown[]): Server {
  return Reflect.apply(listen, this, [{ ...options, host: "127.0.0.1" }, ...rest]);
} as typeof listen;
await startFauxqs({
  port: Number(port),
  logger: false,
  host: "localhost",
  ...(dataDir === undefined ? {} : { dataDir }),
});
console.log("serves");
